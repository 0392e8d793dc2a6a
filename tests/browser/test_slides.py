"""The decks: each slide fits a projector in letters that can be read, and nothing comes from a network."""

import re
import statistics
from pathlib import Path

import pytest
from nbconvert.nbconvertapp import NbConvertApp

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SMALLEST_PROSE, SMALLEST_CODE = 24, 16  # pixels of 720
MOST_LETTERS = 700, 260  # of prose on a slide, and on half of them; formulas and tables do not count
# What lies lowest and furthest right on each slide, the smallest letters, and what its pictures and notes are like.
MEASURE = """() => Reveal.getSlides().map((slide) => {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    const seen = [...slide.querySelectorAll('*')].filter((part) => !part.closest('aside, mjx-assistive-mml'));
    const boxes = seen.map((part) => part.getBoundingClientRect()).filter((box) => box.width);
    const letters = (kind) => Math.min(99, ...[...slide.querySelectorAll(kind)]
        .map((part) => parseFloat(getComputedStyle(part).fontSize) * (part.currentCSSZoom ?? 1)));
    return {
        place: `${h}/${v}`,
        low: Math.max(...boxes.map((box) => box.bottom)), right: Math.max(...boxes.map((box) => box.right)),
        words: [...slide.querySelectorAll('.prose:not(.small) p, .prose:not(.small) li')].map((part) => {
            const text = part.cloneNode(true);
            text.querySelectorAll('mjx-container').forEach((formula) => formula.remove());
            return text.textContent;
        }).join('').length,
        prose: letters('.prose:not(.small) p, .prose:not(.small) li'), code: letters('pre'),
        pictures: [...slide.querySelectorAll('img')].map((picture) => picture.getBoundingClientRect().width),
        alts: [...slide.querySelectorAll('img')].map((picture) => picture.alt),
        notes: slide.querySelector('aside.notes')?.textContent ?? '', text: slide.textContent.trim().length,
    };
})"""

# Commas and full stops that a line may begin with, because nothing holds them to the formula before them.
LOOSE_MARKS = """formulas => formulas.filter((formula) => /^[.,;:!?)]/.test(formula.nextSibling?.data ?? '')
    && formula.parentElement.style.whiteSpace !== 'nowrap').map((formula) => formula.parentElement.textContent)"""


def open_deck(from_disk, name: str):
    """A deck in a window of the size that it is made for, laid out."""
    page = from_disk(f"slides/{name}.slides.html", viewport={"width": 1280, "height": 720})
    page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=120_000)
    return page


@pytest.mark.parametrize("name", LESSONS)
def test_each_slide_fits_and_can_be_read(from_disk, name):
    page = open_deck(from_disk, name)
    slides = page.evaluate(MEASURE)
    assert len(slides) > 20
    assert not page.locator("mjx-merror, [data-mjx-error]").count()
    assert page.locator("mjx-container:not([display])").evaluate_all(LOOSE_MARKS) == []
    for slide in slides:
        where = f"slide {slide['place']}: {slide}"
        assert slide["low"] <= 721 and slide["right"] <= 1281, f"runs over: {where}"
        assert slide["prose"] >= SMALLEST_PROSE and slide["code"] >= SMALLEST_CODE, f"small letters: {where}"
        assert slide["text"] or slide["pictures"], f"empty: {where}"
        assert all(width > 640 for width in slide["pictures"]), f"small figure: {where}"
        assert all(alt[:60] in slide["notes"] for alt in slide["alts"]), f"the notes do not tell the figure: {where}"
    told = [slide["words"] for slide in slides]
    assert max(told) <= MOST_LETTERS[0] and statistics.median(told) <= MOST_LETTERS[1], f"pages of prose: {told}"
    assert sum(bool(slide["notes"]) for slide in slides) >= len(slides) / 2, "few speaker notes"


def test_a_widget_leads_to_the_explorer(website):
    if not (website / "explorer.html").exists():
        pytest.skip("the explorer is not in the site")
    for name in LESSONS:
        deck = (website / "slides" / f"{name}.slides.html").read_text(encoding="utf-8")
        assert 'href="../explorer.html"' in deck, f"{name}: no slide leads to the explorer"


def test_keys_and_the_speakers_view(from_disk):
    page = open_deck(from_disk, LESSONS[2])
    page.keyboard.press("Space")
    assert page.evaluate("Reveal.getIndices().h + Reveal.getIndices().v") == 1
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    speaker = popup.value
    speaker.set_default_timeout(120_000)  # it lays the deck out twice more
    page.evaluate("Reveal.slide(1, 0)")
    speaker.wait_for_function(
        "document.querySelector('.speaker-controls-notes')?.innerText.includes('Let people predict')"
    )


def test_nbconvert_makes_the_same_deck(website, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(ROOT)
    command = NbConvertApp()
    command.initialize(
        [
            *("--config", "docs/jupyter_nbconvert_config.py", "--to", "slides", "--log-level=WARN"),
            *("--output-dir", str(tmp_path), str(ROOT / "notebooks" / f"{LESSONS[2]}.ipynb")),
        ]
    )
    command.start()
    assert not capfd.readouterr().err
    made = (tmp_path / f"{LESSONS[2]}.slides.html").read_text(encoding="utf-8")
    stored = (website / "slides" / f"{LESSONS[2]}.slides.html").read_text(encoding="utf-8")
    assert made == stored.replace('"../explorer.html"', '"explorer.html"')
    beside = {path.name for path in (tmp_path / "offline").iterdir()}
    assert beside == {"mathjax.js", "notes.js", "reveal.css", "reveal.js", "reveal-licence.txt"}
    assert set(re.findall(r'(?:src|href)="offline/([^"]+)"', made)) <= beside
