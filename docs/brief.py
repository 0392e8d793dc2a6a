"""What of a lesson's text stays on a slide: the sentences that carry it. The rest is for the speaker's notes.

A paragraph keeps its first sentence, those with words in bold, and one that leads to a formula or a list. Where other
words of it say more, docs/notes/NN.md quotes them: a line that starts with `> ` below the heading of the section.
"""

import re
from dataclasses import replace

from prose import Chunk, plain, text_height

WHOLE = 130  # letters: a paragraph that is not longer stays as it is
ENOUGH = 190  # letters after which no further sentence is taken
TOO_SHORT = 34  # "Which q?" says nothing without what follows
HELP = re.compile(r"\.(hint|solution|check)\(|^\(?Stuck\?")  # how exercises are used in the notebook
CLOSED = re.compile(r"\$[^$]+\$|`[^`]+`|\*\*.+?\*\*|\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]", flags=re.S)
FULL_STOP = r"(?<!et al)(?<!e\.g)(?<!i\.e)(?<!vs)(?<!Dr)(?<![ (][A-Z])\."  # and no abbreviation
ENDS = re.compile(rf"(?:{FULL_STOP}|[?!])[\"”’*)]*\s+(?=[\"“‘*`$(\\]*[A-Z0-9$*`])")


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph; formulas, code, bold words and brackets are never cut."""
    hidden = CLOSED.sub(lambda found: _hidden(found[0]), paragraph)
    cuts = [0, *(found.end() for found in ENDS.finditer(hidden)), len(paragraph)]
    return [paragraph[start:end].strip() for start, end in zip(cuts, cuts[1:], strict=False)]


def _hidden(closed: str) -> str:
    # As long as it was. Bold words may end a sentence, and begin one.
    end = closed[-3] if closed.startswith("**") and closed[-3] in ".?!" else "X"
    return "X" * (len(closed) - 1) + end


def shortened(paragraph: str) -> str:
    """The sentences of a paragraph that a slide shows."""
    if len(plain(paragraph)) <= WHOLE or "$$" in paragraph or paragraph.startswith("**What could fool you"):
        return paragraph
    found = [sentence for sentence in sentences(paragraph) if not sentence.startswith("(")]
    kept, letters = [], 0
    for place, sentence in enumerate(found):
        leads = place == len(found) - 1 and sentence.endswith((":", ","))
        if letters < TOO_SHORT or leads or ("**" in sentence and letters + len(plain(sentence)) <= ENOUGH):
            kept.append(sentence)
            letters += len(plain(sentence))
    return " ".join(kept)


def quoted(paragraph: str, quotes: list[str]) -> str:
    """What the notes quote of a paragraph, as sentences; "" if nothing."""
    flat = " ".join(paragraph.split())
    found = sorted((flat.index(quote), quote) for quote in quotes if quote in flat)
    mark = re.match(r"(?:- |\* |\d+\. )?", flat)[0] if found else ""
    return mark + " ".join(_sentence(quote.removeprefix(mark)) for _, quote in found)


def _sentence(words: str) -> str:
    words = words[0].upper() + words[1:] if words[0].isalpha() else words
    return words if re.search(r"[.?!:,;]\W*$", words) else f"{words.rstrip(',;:')}."


def for_the_slide(chunk: Chunk, quotes: list[str], whole: bool = False) -> Chunk | None:
    """A chunk as the slide shows it; None if nothing of it is shown.

    Args:
        chunk: a piece of the lesson.
        quotes: what the notes quote of this section.
        whole: whether nothing may be missing, as in an exercise on which the class is to work.
    """
    if chunk.kind not in ("text", "item") or chunk.role or chunk.text.startswith("```"):
        return chunk
    text = chunk.text
    if HELP.search(text):
        text = " ".join(sentence for sentence in sentences(text) if not HELP.search(sentence))
    if not whole:
        text = quoted(text, quotes) or shortened(text)
    return replace(chunk, text=text, height=text_height(text)) if text else None
