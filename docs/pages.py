"""The slides of a deck, filled from top to bottom: what has no room goes on to the next one.

What this file is not: exact typesetting. Heights are estimated; templates/deck/static/deck.js shrinks what is a little
too high, and tests/browser/test_slides.py measures every slide of every deck.
"""

import itertools
import math

import nbformat

from blocks import GAP, ROOM, RUNNING_HEAD
from brief import for_the_slide
from prose import Chunk, plain

MOST_LETTERS = 560  # of prose on a slide, exercises apart
BESIDE_CODE = 0.85  # of its size that a figure has below code
ROOMY = 0.5  # a slide with less than this share of text gets larger letters


class Page:
    """One slide: what is on it, its notes, and the height that is taken."""

    def __init__(self, head: str, stack: bool, taken: int) -> None:
        self.head, self.starts_stack, self.taken = head, stack, taken
        self.blocks, self.notes, self.read, self.letters = [], [], [], 0

    def has_text(self) -> bool:
        """Whether there is more on the slide than its heading."""
        return any(block["kind"] not in ("running", "heading") for block in self.blocks)

    def has_code(self) -> bool:
        """Whether the slide shows code or what it printed."""
        return any(block["kind"] in ("code", "text", "html") for block in self.blocks)

    def takes(self, chunks: list[Chunk]) -> bool:
        """Whether there is room for these, and no more to read than an audience reads while somebody speaks."""
        exercise = any(block.get("role") == "exercise" for block in self.blocks)
        letters = self.letters + sum(map(letters_of, chunks))
        return (letters <= MOST_LETTERS or exercise) and self.make_room(sum(chunk.height for chunk in chunks))

    def make_room(self, height: int) -> bool:
        """Make the figure that ends the slide smaller, so that words about it fit below; whether that can be done."""
        last, over = self.blocks[-1] if self.blocks else {}, self.taken + height - ROOM
        if over > 0 and last.get("kind") == "figure" and last["height"] - over >= last["least"]:
            last["height"] -= over
            self.taken -= over
        return self.taken + height <= ROOM

    def all_notes(self) -> str:
        """What the speaker sees: what to say and do, and below it what the lesson says at more length."""
        return "\n\n".join([*self.notes, *(["**In full.**", *self.read] if self.read else [])])


class Pages:
    """The slides of a deck.

    Args:
        notes: heading -> speaker notes, in Markdown, and what they quote for the slides.
    """

    def __init__(self, notes: dict[str, tuple[str, list[str]]]) -> None:
        self.pages, self.head, self.given = [], "", notes

    def turn(self, stack: bool = False, head: str = "") -> None:
        """Start a slide: a new column of slides if `stack`, with a heading of its own if `head`."""
        self.head = head or self.head
        letters, line, space = (46, 46, 28) if self.pages else (38, 56, 74)  # the title is larger
        taken = space + line * math.ceil(len(plain(head)) / letters) if head else RUNNING_HEAD
        self.pages.append(Page(head, stack or not self.pages, taken))
        if not head and self.head:
            self.pages[-1].blocks.append({"kind": "running", "text": plain(self.head)})
        if head and plain(head) in self.given:
            self.pages[-1].notes.append(self.given[plain(head)][0])

    def has_room(self, height: int) -> bool:
        """Whether so many pixels are free on the last slide."""
        return bool(self.pages) and self.pages[-1].taken + height <= ROOM

    def asks(self) -> bool:
        """Whether the last slide asks to predict, to try or to work: then the answer may not be seen beside it."""
        blocks = self.pages[-1].blocks if self.pages else []
        asking = ("predict", "exercise")
        return any(block.get("role") in asking or block["kind"] == "interactive" for block in blocks)

    def note(self, text: str) -> None:
        """Speaker notes for the slide that was filled last."""
        self.pages[-1].notes.append(text)

    def add_prose(self, chunks: list[Chunk], kind: str) -> None:
        """What slides show of a text cell, cut where a slide is full but never between a heading and its text."""
        starts = kind == "slide" or not self.pages or self.asks()
        shown, head, exercise = [], self.head, False
        for chunk in chunks:
            if chunk.kind == "heading":
                head, exercise = chunk.text, plain(chunk.text).startswith("Exercise ")
                chunk.role = "exercise" if exercise else ""
            quotes = self.given.get(plain(head), ("", []))[1]
            shown.append(for_the_slide(chunk, quotes, whole=exercise))
        groups = what_belongs_together([chunk for chunk in shown if chunk])
        for chunk, spoken in zip(shown, chunks, strict=True):
            if chunk is None or chunk.kind == "aside":
                self.note(spoken.text)
                continue
            page = self.pages[-1] if self.pages else None
            if chunk.kind == "heading":
                self.turn(stack=kind == "slide", head=chunk.text)
                starts = False
            elif starts:
                self.turn(stack=kind == "slide")
                starts = False
            elif page.has_text():
                together = groups[id(chunk)]  # not to be torn apart, unless it is too much for any slide
                fits_elsewhere = Page("", False, RUNNING_HEAD).takes(together)
                if not page.takes(together if fits_elsewhere else [chunk]):
                    self.turn()
            page = self.pages[-1]
            page.taken += chunk.height
            page.letters += letters_of(chunk)
            kind_of_block = "heading" if chunk.kind == "heading" else "prose"
            page.blocks.append(
                {"kind": kind_of_block, "text": chunk.text, "list": chunk.kind == "item", "role": chunk.role}
            )
            if chunk.text != spoken.text:
                page.read.append(spoken.text)

    def add(self, block: dict, kind: str) -> None:
        """Code, a figure or printed text."""
        starts = kind == "slide" or (self.asks() and block["kind"] != "interactive")
        least = GAP + block.get("least", block["height"])
        if block["kind"] == "figure" and self.pages and self.pages[-1].has_code():
            least = max(least, BESIDE_CODE * block["height"])
        if starts or not self.pages or self.pages[-1].taken + least > ROOM:
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
        cells, pages = [], [page for page in self.pages if page.has_text() or page is self.pages[0]]
        for page, following in itertools.pairwise(self.pages):
            if not page.has_text():  # a heading of headings
                following.starts_stack |= page.starts_stack
        for number, page in enumerate(pages):
            blocks = joined(page.blocks)
            words = all(block["kind"] in ("running", "heading", "prose", "interactive") for block in blocks)
            for place, block in enumerate(blocks):
                last = place == len(blocks) - 1
                block["page_start"], block["page_end"] = place == 0, last
                block["stack_start"] = place == 0 and (page.starts_stack or number == 0)
                block["stack_end"] = last and (number == len(pages) - 1 or pages[number + 1].starts_stack)
                block["look"] = "title" if number == 0 else "roomy" if words and page.taken < ROOMY * ROOM else ""
                block["notes"] = page.all_notes() if last else ""
                source = block.pop("text", "")
                # Not new_markdown_cell, which validates each by itself: a second for a deck.
                named = {"cell_type": "markdown", "id": f"block-{len(cells)}", "metadata": {"deck": block}}
                cells.append(nbformat.from_dict({**named, "source": source}))
        return cells


def letters_of(chunk: Chunk) -> int:
    """Letters of prose: formulas, tables and sources do not count."""
    return len(plain(chunk.text)) if chunk.kind in ("text", "item") and not chunk.role else 0


def what_belongs_together(chunks: list[Chunk]) -> dict[int, list[Chunk]]:
    """id of each chunk -> it and what may not be torn from it: a list, a sentence round a formula, a whole cell."""
    groups = {id(chunk): [chunk] for chunk in chunks}
    for place, chunk in enumerate(chunks):
        rest = chunks[place + 1 :]
        if chunk.kind == "text":
            groups[id(chunk)] += itertools.takewhile(lambda later: later.kind == "item", rest)
        if (
            chunk.kind == "text"
            and [later.kind for later in rest[:2]] == ["math", "text"]
            and rest[1].text[0].islower()
        ):
            groups[id(chunk)] += rest[:2]
    if chunks and chunks[0].kind != "heading":
        groups[id(chunks[0])] = chunks
    return groups


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
