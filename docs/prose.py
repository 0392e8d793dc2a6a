"""The Markdown of a lesson in pieces that a slide takes whole: paragraphs, items of lists, formulas, tables."""

import itertools
import math
import re
from dataclasses import dataclass

LINE, LETTERS = 38, 84  # pixels of a line of text, and letters that it takes
LIST_LETTERS, TABLE_LETTERS = 80, 120
LISTED = r"(- |\* |\d+\. )"


@dataclass
class Chunk:
    """A piece of text.

    Attributes:
        kind: "heading", "text", "item", "math", "table", or "aside" for what only the speaker needs.
        text: its Markdown.
        height: estimated height in pixels, with the space below it.
        role: "predict" and "small" are set in another way.
    """

    kind: str
    text: str
    height: int
    role: str = ""


def plain(markdown: str) -> str:
    """About the letters that a reader sees: Markdown's marks and most of LaTeX's taken off."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"\\[a-zA-Z]+", "x", text)
    return re.sub(r"^#+ |\*\*|[`$\\{}^_]", "", text).replace("*", "").strip()


def chunks_of(markdown: str) -> list[Chunk]:
    """The pieces of a Markdown cell, in order."""
    found = [chunk for part in paragraphs(markdown) for chunk in chunk_paragraph(part)]
    for before, chunk in itertools.pairwise(found):
        if chunk.kind == "item" and before.role == "small":  # a list of sources
            chunk.role, chunk.height = "small", small_height(chunk.text)
    return found


def paragraphs(markdown: str) -> list[str]:
    """Parts between blank lines; fenced code and displayed formulas stay whole."""
    parts, part, fence = [], [], False
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("```"):
            fence = not fence
        if line.strip() or fence:
            part.append(line)
        elif part:
            parts.append("\n".join(part))
            part = []
    return parts


def chunk_paragraph(text: str) -> list[Chunk]:
    """One part as chunks: a list gives one for each item."""
    if text.startswith("#"):
        head, _, rest = text.partition("\n")
        return [Chunk("heading", head, 0), *(chunk_paragraph(rest) if rest.strip() else [])]
    if re.match(r"Needs:", text):
        return [Chunk("aside", text, 0)]
    if text.lstrip().startswith("|"):
        rows = [plain(row).strip("|").split("|") for row in text.splitlines() if not re.match(r"^[|\s:-]+$", row)]
        lines = [max(math.ceil(len(cell) * len(row) / TABLE_LETTERS) for cell in row) for row in rows]
        return [Chunk("table", text, sum(12 + 33 * high for high in lines) + 20)]
    if text.startswith("```"):
        return [Chunk("text", text, 27 * len(text.splitlines()) + 20)]
    if text.startswith("$$") and text.rstrip(" .,").endswith("$$"):
        return [Chunk("math", text, formula_height(text))]
    # As Markdown has it: a number may begin a list in the middle of a paragraph only if it is 1.
    begins = r"- |\* |\d+\. " if re.match(r"\d+\. ", text) or re.search(r"^1\. ", text, flags=re.M) else r"- |\* "
    items = re.split(rf"\n(?={begins})", text)
    result = []
    for item in items:
        role, height = "predict" if re.match(r"\*\*(Predict first|Look for)", item) else "", text_height(item)
        if item.startswith("**Sources"):
            role, height = "small", small_height(item)
        kind = "item" if re.match(LISTED, item) else "text"
        result.append(Chunk(kind, item, height + (24 if role == "predict" else 0), role))
    return result


def small_height(text: str) -> int:
    """Pixels that sources take, which are set in small letters."""
    return 28 * math.ceil(len(plain(text)) / 112) + 18


def text_height(text: str) -> int:
    """Pixels that a paragraph or an item of a list takes, with the space below it."""
    listed = re.match(LISTED, text)
    letters = len(plain(re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)))
    lines = math.ceil(letters / (LIST_LETTERS if listed else LETTERS))
    return LINE * lines + (8 if listed else 18) + sum(map(formula_height, re.findall(r"\$\$.*?\$\$", text, re.S)))


def formula_height(text: str) -> int:
    """Pixels that a displayed formula takes, roughly."""
    high = 40 * ("underbrace" in text) + 24 * bool(re.search(r"\\d?frac|\\sum|\\int|\\prod", text))
    return 62 + high + 56 * len(re.findall(r"\\\\(?![a-zA-Z])", text))
