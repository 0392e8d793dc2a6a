"""Build the website: the stored notebooks, the README and the other pages become HTML that works from disk.

    python docs/website.py                  into docs/build/website; open index.html there
    python docs/website.py --out FOLDER     elsewhere

Needs `pip install -e ".[docs]"`. Runs no notebook and needs no network.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

import offline
import slides
from blocks import lecture_code

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOTEBOOKS = ROOT / "notebooks"
# Pages that are files of the repository: file, name of the page.
PAGES = [("README.md", "index"), ("CONTRIBUTING.md", "contributing"), ("CHANGELOG.md", "changelog")]
PARTS = [("From an autoencoder to a VAE", range(0, 7)), ("How far can you trust it?", range(7, 100))]
WIDGET_NOTE = "Interactive part: it appears here when you run this cell."
EXPLORER_PAGE = """# Explorer

Trained decoders that run in this page. <a href="explorer.html">Open it alone</a>, on a phone or a projector, or take
the file along: it needs no network.

<iframe class="explorer" src="explorer.html" loading="lazy" title="The explorer: an autoencoder and a VAE side by side">
</iframe>
"""


def lesson_titles(readme: str) -> dict[str, str]:
    """Name of each lesson's page -> its short title, from the README's table."""
    return {
        name: title for title, name in re.findall(r"^\| \[([^\]]+)\]\(notebooks/(\w+)\.ipynb\)", readme, flags=re.M)
    }


def with_page_links(text: str, base: Path) -> str:
    """Markdown in which links to files of the repository lead to their pages; a file without a page is only named.

    Args:
        text: Markdown.
        base: the folder that its links are relative to.
    """
    pages = {ROOT / path: name for path, name in PAGES} | {path: path.stem for path in HERE.glob("*.md")}
    pages |= {path: path.stem for path in NOTEBOOKS.glob("*.ipynb")} | {ROOT / "LICENSE": "licence"}

    def replaced(found: re.Match) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        if (base / target).resolve() == offline.EXPLORER and offline.EXPLORER.exists():
            return f'<a href="explorer.html">{label}</a>'
        page = pages.get((base / target).resolve())
        if page:
            return f"[{label}]({page}.{'ipynb' if (NOTEBOOKS / f'{page}.ipynb').exists() else 'md'}{anchor})"
        return label if label.startswith("`") or not (base / target).exists() else f"{label} (`{target}`)"

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)", replaced, text)


def landing_page(readme: str, source: Path) -> str:
    """The README as the first page, with the table of contents that the other pages hang on."""
    text = re.sub(r"<!--.*?-->\n?", "", readme, flags=re.S)
    for picture in re.findall(r'<img src="([^"]+)"', text):
        shutil.copyfile(ROOT / picture, source / Path(picture).name)
        text = text.replace(f'src="{picture}"', f'src="{Path(picture).name}"')
    # MyST reads an <img> that fills one line.
    text = re.sub(r"<img[^>]*>", lambda found: " ".join(found[0].split()), text)
    text = with_page_links(text, ROOT)
    if offline.EXPLORER.exists():
        link = "[Explorer: try an autoencoder and a VAE in the browser](explore.md)"
        text = text.replace("\n", f"\n\n{link}\n", 1)
    titles = lesson_titles(readme)
    for caption, numbers in PARTS:
        entries = [f"{title} <{name}>" for name, title in titles.items() if int(name[:2]) in numbers]
        text += "\n" + toctree(caption, entries)
    more = ["explore"] * offline.EXPLORER.exists() + sorted(path.stem for path in HERE.glob("*.md"))
    more += [name for path, name in PAGES[1:] if (ROOT / path).exists()] + ["licence"]
    return text + "\n" + toctree("More", more)


def toctree(caption: str, entries: list[str]) -> str:
    """A part of the table of contents, shown beside each page."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""])


def lesson_page(path: Path, explorer: bool) -> nbformat.NotebookNode:
    """A stored notebook, made ready to be a page.

    Plumbing (imports, checks of the text, code that only draws) is folded, pictures get their alt text and size, and
    each interactive part says where it can be tried.

    Args:
        path: the notebook.
        explorer: whether the explorer is part of the site.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        draws = any("image/png" in output.get("data", {}) for output in cell.outputs)
        skipped = cell.metadata.get("slideshow", {}).get("slide_type") == "skip"
        exercise = "exercises." in cell.source and "import" not in cell.source
        if not exercise and ((skipped and not cell.outputs) or not lecture_code(cell.source, drawing=draws)):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                about = output.metadata.get("image/png", {})
                image = {"alt": about.get("alt", ""), "width": f"{about['width']}px"}
                cell.metadata["mystnb"] = {"image": image}
            elif data.get("text/plain", "").startswith(WIDGET_NOTE):
                where = ' Or try <a href="explorer.html">the explorer</a>, which needs no kernel.' if explorer else ""
                text = f"<strong>Interactive part.</strong> It appears here when you run the notebook.{where}"
                text += " The figure beside it shows the same."
                output.data = nbformat.from_dict({"text/html": f'<div class="interactive">{text}</div>'})
    links = [f'<a href="slides/{path.stem}.slides.html">Slides of this lesson</a>']
    links += ['<a href="explorer.html">Explorer</a>'] if explorer else []
    bar = nbformat.v4.new_markdown_cell(f'<p class="beside">{" · ".join(links)}</p>')
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0:1] = [nbformat.v4.new_markdown_cell(title), bar, nbformat.v4.new_markdown_cell(rest.strip())]
    return notebook


def prepare(source: Path) -> None:
    """Write the pages as Sphinx reads them into an empty folder."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in lesson_titles(readme):
        page = lesson_page(NOTEBOOKS / f"{name}.ipynb", offline.EXPLORER.exists())
        nbformat.write(page, source / f"{name}.ipynb")
    (source / "index.md").write_text(landing_page(readme, source), encoding="utf-8")
    if offline.EXPLORER.exists():
        (source / "explore.md").write_text(EXPLORER_PAGE, encoding="utf-8")
    for path, name in PAGES[1:]:
        if (ROOT / path).exists():
            text = with_page_links((ROOT / path).read_text(encoding="utf-8"), ROOT)
            (source / f"{name}.md").write_text(text, encoding="utf-8")
    for path in HERE.glob("*.md"):
        (source / path.name).write_text(with_page_links(path.read_text(encoding="utf-8"), HERE), encoding="utf-8")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (source / "licence.md").write_text(f"# Licence\n\n```text\n{licence}\n```\n", encoding="utf-8")


def build(out: Path) -> int:
    """Build the site and put it in the place of a folder; returns Sphinx's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        source, work, site = Path(folder, "source"), Path(folder, "doctrees"), Path(folder, "site")
        source.mkdir()
        slides.build(slides.lessons(), site / "slides", explorer="../explorer.html")
        prepare(source)
        # -W: a warning is an error, such as a link that leads nowhere.
        options = ["-q", "-W", "--keep-going", "-c", str(HERE), "-d", str(work), "-b", "html"]
        status = build_main([*options, str(source), str(site)])
        if offline.EXPLORER.exists():
            shutil.copyfile(offline.EXPLORER, site / "explorer.html")
        shutil.rmtree(site / "_sources", ignore_errors=True)
        for left in (".buildinfo", "objects.inv"):
            (site / left).unlink(missing_ok=True)
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(site, out)
    return status


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Build the website from the stored notebooks.")
    parser.add_argument("--out", type=Path, default=HERE / "build" / "website", help="folder of the site")
    options = parser.parse_args(arguments)
    status = build(options.out.resolve())
    if status == 0:
        size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
        print(f"{options.out}: {size / 1e6:.1f} MB; open index.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
