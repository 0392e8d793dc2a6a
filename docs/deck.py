"""A lesson as a lecture: an nbconvert preprocessor that cuts a notebook into slides that fit a projector.

Cells tagged `slide` start a slide, `subslide` a slide below it; whatever has no room goes on to the next slide below.
Figures are shown without the code that draws them, the rest of the code without assertions. What `skip` hides stays
hidden, except that exercises lose the cell for the answer as well. Alt texts become speaker notes, together with the
notes of docs/notes/NN.md.

What this file is not: exact typesetting. Heights are estimated; static/deck.js shrinks what is a little too high, and
tests/browser/test_slides.py measures every slide of every deck.
"""

import itertools
import math
import re
from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from pygments.formatters import HtmlFormatter
from traitlets import Unicode

import offline
from blocks import GAP, ROOM, RUNNING_HEAD, code_block, lecture_code, output_block
from prose import Chunk, chunks_of, plain

FIGURE_SHRINKS_TO = 0.8  # of the size that it has on a slide of its own; below that it gets one


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

    def add(self, pages: "Pages", cell) -> None:
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

    def add_code(self, pages: "Pages", cell, kind: str) -> None:
        """Code worth showing, then what it printed or drew."""
        shown = [block for output in cell.outputs if (block := output_block(output))]
        kinds = {block["kind"] for block in shown}
        code = lecture_code(cell.source, drawing=bool(kinds & {"figure", "interactive"}))
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


class Page:
    """One slide: what is on it, its notes, and the height that is taken."""

    def __init__(self, head: str, stack: bool, taken: int) -> None:
        self.head, self.starts_stack, self.taken = head, stack, taken
        self.blocks, self.notes = [], []

    def has_text(self) -> bool:
        """Whether there is more on the slide than its heading."""
        return any(block["kind"] not in ("running", "heading") for block in self.blocks)


class Pages:
    """The slides of a deck, filled from top to bottom.

    Args:
        notes: heading -> speaker notes, in Markdown.
    """

    def __init__(self, notes: dict[str, str]) -> None:
        self.pages, self.head, self.given = [], "", notes

    def turn(self, stack: bool = False, head: str = "") -> None:
        """Start a slide: a new column of slides if `stack`, with a heading of its own if `head`."""
        self.head = head or self.head
        letters, line, space = (46, 46, 28) if self.pages else (32, 64, 100)  # the title is larger
        taken = space + line * math.ceil(len(plain(head)) / letters) if head else RUNNING_HEAD
        self.pages.append(Page(head, stack or not self.pages, taken))
        if not head and self.head:
            self.pages[-1].blocks.append({"kind": "running", "text": plain(self.head)})
        if head and plain(head) in self.given:
            self.pages[-1].notes.append(self.given[plain(head)])

    def has_room(self, height: int) -> bool:
        """Whether so many pixels are free on the last slide."""
        return bool(self.pages) and self.pages[-1].taken + height <= ROOM

    def asks(self) -> bool:
        """Whether the last slide asks for a prediction: then the answer may not be seen beside it."""
        return any(block.get("role") == "predict" for block in self.pages[-1].blocks) if self.pages else False

    def note(self, text: str) -> None:
        """Speaker notes for the slide that was filled last."""
        self.pages[-1].notes.append(text)

    def add_prose(self, chunks: list[Chunk], kind: str) -> None:
        """Paragraphs, formulas and lists, cut where a slide is full but never between a heading and its text."""
        starts = kind == "slide" or not self.pages or self.asks()
        whole = {id(chunk): chunk.height for chunk in chunks}
        for place, chunk in enumerate(chunks):
            items = list(itertools.takewhile(lambda later: later.kind == "item", chunks[place + 1 :]))
            if chunk.kind == "text":
                whole[id(chunk)] += sum(item.height for item in items)
        if chunks and chunks[0].kind != "heading":
            whole[id(chunks[0])] = sum(chunk.height for chunk in chunks)
        for chunk in chunks:
            if chunk.kind == "heading":
                self.turn(stack=kind == "slide", head=chunk.text)
                starts = False
            elif chunk.kind == "aside":
                self.note(chunk.text)
                continue
            elif starts or (self.pages[-1].taken + chunk.height > ROOM and self.pages[-1].has_text()):
                self.turn(stack=starts and kind == "slide")
                starts = False
            elif self.pages[-1].taken + whole[id(chunk)] > ROOM and whole[id(chunk)] < ROOM - RUNNING_HEAD:
                self.turn()  # what belongs together is not torn apart: a short cell, a list and the line above it
            page = self.pages[-1]
            page.taken += chunk.height
            kind_of_block = "heading" if chunk.kind == "heading" else "prose"
            page.blocks.append(
                {"kind": kind_of_block, "text": chunk.text, "list": chunk.kind == "item", "role": chunk.role}
            )

    def add(self, block: dict, kind: str) -> None:
        """Code, a figure or printed text."""
        starts = kind == "slide" or self.asks()
        least = block["height"] * (FIGURE_SHRINKS_TO if block["kind"] == "figure" else 1)
        if starts or not self.pages or self.pages[-1].taken + GAP + least > ROOM:
            if not self.pages or self.pages[-1].has_text():
                self.turn(stack=kind == "slide")
        page = self.pages[-1]
        block["height"] = min(block["height"], ROOM - page.taken - GAP)
        page.taken += block["height"] + GAP
        page.blocks.append(block)
        if block.get("alt"):
            page.notes.append(f"**The figure.** {block['alt']}")

    def cells(self) -> list:
        """The blocks as cells, with the places where slides begin and end."""
        cells, pages = [], [page for page in self.pages if any(block["kind"] != "running" for block in page.blocks)]
        for number, page in enumerate(pages):
            blocks = joined(page.blocks)
            for place, block in enumerate(blocks):
                last = place == len(blocks) - 1
                block["page_start"], block["page_end"] = place == 0, last
                block["stack_start"] = place == 0 and (page.starts_stack or number == 0)
                block["stack_end"] = last and (number == len(pages) - 1 or pages[number + 1].starts_stack)
                block["title"] = number == 0
                block["notes"] = "\n\n".join(page.notes) if last else ""
                cells.append(nbformat.v4.new_markdown_cell(block.pop("text", ""), metadata={"deck": block}))
        return cells


def joined(blocks: list[dict]) -> list[dict]:
    """Prose that follows prose as one block, so that the items of a list stay one list."""
    result = []
    for block in blocks:
        before = result[-1] if result else {}
        if block["kind"] == "prose" == before.get("kind") and block["role"] == before["role"]:
            before["text"] += ("\n" if block["list"] and before["list"] else "\n\n") + block["text"]
            before["list"] = block["list"]
        else:
            result.append(dict(block))
    return result


def read_notes(path: Path) -> dict[str, str]:
    """Heading -> notes, from a file in which each `## heading` of the lesson is followed by its notes."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.M)
    return {plain(head): text.strip() for head, text in zip(parts[1::2], parts[2::2], strict=True)}
