"""The website: built by its one command, it holds together by itself, and works from disk with the network cut off."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

from .contrast import FAINT, disorder

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
# Where an element names a file that the browser fetches by itself.
FETCHED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


@pytest.fixture(scope="session")
def pages(website) -> dict[Path, BeautifulSoup]:
    """Each HTML file of the site, parsed; the explorer, which has tests of its own, is left out."""
    files = [path for path in website.rglob("*.html") if path.name != "explorer.html"]
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in files}


def test_nothing_is_fetched_from_elsewhere(website, pages):
    for path, page in pages.items():
        for element in page.find_all(list(FETCHED)):
            target = element.get(FETCHED[element.name])
            if (
                target
                and not target.startswith("data:")
                and element.get("rel") not in (["next"], ["prev"], ["canonical"])
            ):
                assert not urlsplit(target).netloc, f"{path.name} fetches {target}"
                assert (path.parent / unquote(urlsplit(target).path)).exists(), f"{path.name}: {target} is missing"
    for sheet in website.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_links_lead_somewhere(pages):
    places = {path: {element["id"] for element in page.find_all(id=True)} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc or link["href"] in ("#", "") or "/slides/" in f"/{path.parent.name}/":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name} links to {link['href']}"
            if parts.fragment and target in places:
                assert unquote(parts.fragment) in places[target], f"{path.name} links to {link['href']}"


def test_each_picture_has_alt_text(website, pages):
    for path, page in pages.items():
        for picture in page.find_all("img"):
            assert len(picture.get("alt", "")) > 20, f"{path.name}: {str(picture)[:200]}"
    for name in LESSONS:
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        stored = [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
        shown = [picture["alt"] for picture in pages[website / f"{name}.html"].find_all("img")]
        assert shown == stored, f"{name}: not each figure is on its page, with its own alt text"


def test_the_landing_page_is_the_readme(website, pages):
    index = pages[website / "index.html"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promise = " ".join(readme.split("\n\n")[1].split())
    assert promise[:60] in " ".join(index.get_text().split())
    table = [link["href"] for link in index.select_one("article table").select("a")]
    assert table == [f"{name}.html" for name in LESSONS]
    beside = [link["href"] for link in index.select(".sidebar-tree a")]
    assert beside[: len(LESSONS)] == table and "contributing.html" in beside


def test_the_lessons_follow_each_other(website, pages):
    for name, following in zip(LESSONS[:-1], LESSONS[1:], strict=True):
        assert pages[website / f"{name}.html"].select_one("a.next-page")["href"] == f"{following}.html"
        assert pages[website / f"{following}.html"].select_one("a.prev-page")["href"] == f"{name}.html"


def test_the_site_is_small_and_can_be_searched(website):
    assert "reparameterization_trick" in (website / "searchindex.js").read_text(encoding="utf-8")
    size = sum(path.stat().st_size for path in website.rglob("*") if path.is_file())
    assert size < 25e6, f"{size / 1e6:.1f} MB"


def test_formulas_are_drawn_from_disk(from_disk):
    page = from_disk("04_elbo_and_kl.html")
    page.wait_for_function("MathJax.startup && MathJax.startup.promise")
    page.evaluate("MathJax.startup.promise")
    assert page.locator("mjx-container[display=true] svg use").count() > 50
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert "$$" not in page.inner_text("article")
    assert page.locator("div.cell_input button.copybtn").count() > 10


def test_search_finds_a_lesson_from_disk(from_disk):
    page = from_disk("index.html")
    page.fill("input[name=q]", "reparameterization")
    page.press("input[name=q]", "Enter")
    found = page.locator("#search-results a")
    found.first.wait_for()
    assert any("05_reparameterization_trick.html" in link.get_attribute("href") for link in found.all())


def test_dark_mode_and_the_way_on(from_disk):
    page = from_disk("04_elbo_and_kl.html", viewport={"width": 1280, "height": 900}, color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    assert min(page.evaluate(background)) > 200
    for _ in range(3):  # the button goes through automatic, light and dark
        page.locator(".theme-toggle-header, .theme-toggle-content button").locator("visible=true").first.click()
        if page.evaluate("document.body.dataset.theme") == "dark":
            break
    assert max(page.evaluate(background)) < 60
    # The address is new before the page's scripts have run.
    page.click("a.next-page")
    page.wait_for_url("**/05_reparameterization_trick.html", wait_until="load")
    assert max(page.evaluate(background)) < 60, "the next page forgot the choice"
    page.click("a.prev-page")
    page.wait_for_url("**/04_elbo_and_kl.html", wait_until="load")


def test_no_page_is_wider_than_a_phone(from_disk, website):
    page = from_disk("index.html", viewport={"width": 390, "height": 844})
    for path in sorted(website.glob("*.html")):
        page.goto(path.as_uri(), wait_until="load")
        if path.stem in LESSONS:
            page.evaluate("MathJax.startup.promise")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path.name} is {wide} pixels wide"


def test_a_page_can_be_printed(from_disk):
    page = from_disk("03_latent_variable_models.html")
    page.evaluate("MathJax.startup.promise")
    pdf = page.pdf(format="A4", print_background=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 8 < sheets < 40, f"{sheets} sheets"
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1047})
    assert not page.locator(".sidebar-drawer, .toc-drawer, .copybtn, .skip-to-content").locator("visible=true").count()
    cut = page.locator("div.cell_output pre").evaluate_all(
        "all => all.filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent)"
    )
    assert cut == []
    strokes = page.locator("article mjx-container svg > g").evaluate_all(
        "all => all.map((part) => getComputedStyle(part).stroke)"
    )
    assert set(strokes) == {"none"}, "PDFs would draw hairlines round the letters of formulas"


def test_headings_are_in_order(pages):
    for path, page in pages.items():
        if path.parent.name != "slides":
            levels = [int(heading.name[1]) for heading in page.select("article :is(h1, h2, h3, h4, h5, h6)")]
            assert not disorder(levels or [1]), f"{path.name}: {levels}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_seen(from_disk, scheme):
    page = from_disk("06_build_a_vae.html", color_scheme=scheme, viewport={"width": 1280, "height": 900})
    for name in ("06_build_a_vae", "lecturers", "index"):
        page.goto(re.sub(r"[^/]+$", f"{name}.html", page.url))
        assert page.evaluate(FAINT) == [], name
