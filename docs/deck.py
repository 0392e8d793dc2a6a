"""A lesson as a lecture: an nbconvert preprocessor that cuts a notebook into slides that fit a projector.

Cells tagged `slide` start a slide, `subslide` a slide below it; whatever has no room goes on to the next slide below.
Of a paragraph the slide keeps what brief.py finds or what docs/notes/NN.md quotes, and the speaker's notes get the
whole of it. Figures are shown without the code that draws them; other code is shown if it defines something or is
short. What `skip` hides stays hidden, and exercises lose the cell for the answer. Alt texts become speaker notes.
"""

import re
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from pygments.formatters import HtmlFormatter
from traitlets import Unicode

import offline
from blocks import GAP, ROOM, RUNNING_HEAD, code_block, output_block, slide_code
from pages import Pages
from prose import chunks_of, plain


class Deck(Preprocessor):
    """Replaces the cells of a lesson by blocks for the template: each has metadata.deck with its kind and place."""

    explorer = Unicode(help="where the explorer lies, as seen from the deck; empty: it is put beside the deck")
    explorer.tag(config=True)

    def preprocess(self, nb, resources):
        """The notebook as blocks, and in `resources` the files to write beside the deck."""
        name = resources.get("metadata", {}).get("name", "")
        files = {f"offline/{key}": value for key, value in offline.contents(offline.FILES).items()}
        self.address = self.explorer if offline.EXPLORER.exists() else ""
        if offline.EXPLORER.exists() and not self.explorer:
            self.address = offline.EXPLORER.name
            files[self.address] = offline.EXPLORER.read_bytes()
        resources.setdefault("outputs", {}).update(files)
        notes = Path(__file__).parent / "notes" / f"{name[:2]}.md"
        pages = Pages(read_notes(notes) if notes.exists() else {})
        for cell in nb.cells:
            self.add(pages, cell)
        nb.cells = pages.cells()
        resources["deck"] = {
            "title": plain(next((page.head for page in pages.pages if page.head), name)),
            "pygments_css": HtmlFormatter(style="default").get_style_defs(".highlight"),
            "settings": offline.MATHJAX_SETTINGS,
            "explorer": self.address,
        }
        return nb, resources

    def add(self, pages: Pages, cell) -> None:
        """One cell of the lesson, spread over slides."""
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if kind == "notes":
            pages.note(cell.source)
        elif kind == "skip" or "remove-cell" in cell.metadata.get("tags", []):
            return
        elif cell.cell_type == "markdown":
            pages.add_prose(chunks_of(cell.source), kind)
        elif cell.cell_type == "code" and not re.search(r"\bexercises\.\w+\.check\(", cell.source):
            self.add_code(pages, cell, kind)

    def add_code(self, pages: Pages, cell, kind: str) -> None:
        """Code worth showing, then what it printed or drew."""
        shown = [block for output in cell.outputs if (block := output_block(output))]
        kinds = {block["kind"] for block in shown}
        code = slide_code(cell.source, drawing=bool(kinds & {"figure", "interactive"}))
        if "interactive" in kinds and not self.address:
            shown = [block for block in shown if block["kind"] != "interactive"]
        printed = sum(block["height"] + GAP for block in shown if block["kind"] in ("text", "html"))
        code = "" if "interactive" in kinds else code
        blocks = ([code_block(code, below=printed)] if code else []) + shown
        together = [block for block in blocks if block["kind"] in ("code", "text", "html")]
        height = sum(block["height"] + GAP for block in together)
        if blocks[:1] == together[:1] and not pages.has_room(height) and height < ROOM - RUNNING_HEAD:
            pages.turn(stack=kind == "slide")  # what code prints stays with the code
            kind = "-"
        for block in blocks:
            pages.add(block, kind)
            kind = "-"


def read_notes(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Heading -> notes, and the words of the lesson that they quote in lines with `> ` for the slide.

    Args:
        path: a file in which each `## heading` of the lesson is followed by its notes.
    """
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.M)
    found = {}
    for head, text in zip(parts[1::2], parts[2::2], strict=True):
        quotes = [" ".join(line.split()) for line in re.findall(r"^> (.+)$", text, flags=re.M)]
        found[plain(head)] = re.sub(r"^> .+\n?", "", text, flags=re.M).strip(), quotes
    return found
