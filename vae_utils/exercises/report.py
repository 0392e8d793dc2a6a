"""What the learner reads: results, hints, solutions and task cards, as text and as HTML. Nothing is judged here."""

import html
import re
from dataclasses import dataclass

import torch

GREY, AMBER, GREEN, BLUE = "#7a7a7a", "#c77700", "#1a7f37", "#0969da"


@dataclass(frozen=True)
class Note:
    """A heading, a text (`backticks` mark code) and a listing, shown with a coloured bar in notebooks."""

    heading: str
    text: str = ""
    code: str = ""
    colour: str = BLUE

    def __repr__(self) -> str:
        return "\n".join(part for part in (" ".join((self.heading, self.text)).strip(), self.code) if part)

    def _repr_html_(self) -> str:
        # Only a bar is coloured and the words carry the meaning: readable on dark themes and without colour vision.
        body = f"<strong>{_rich(self.heading)}</strong> {_rich(self.text)}"
        if self.code:
            body += f'<pre style="margin: 0.5em 0 0; overflow-x: auto"><code>{html.escape(self.code)}</code></pre>'
        return f'<div style="border-left: 4px solid {self.colour}; padding: 0.3em 0.8em; max-width: 50em">{body}</div>'


@dataclass(frozen=True, repr=False)
class Result(Note):
    """What `check` found: `passed`, `attempted`, and `message`, the same text that is shown."""

    passed: bool = False
    attempted: bool = True

    @property
    def message(self) -> str:
        return f"{self.heading} {self.text}".strip()

    def __bool__(self) -> bool:
        return self.passed


NOT_ATTEMPTED = Result(
    "Not attempted yet.", "Replace the `...`, then run this cell again.", colour=GREY, attempted=False
)


def not_yet(problem: str, printed: str = "") -> Result:
    """The result of a wrong answer: what is wrong, and what the learner's function printed while it was tested."""
    return Result("Not yet.", problem, f"Your function printed:\n{printed}" if printed else "", AMBER)


def correct(shown: str) -> Result:
    """The result of a right answer: one sentence that says what was shown."""
    return Result("Correct.", shown, colour=GREEN, passed=True)


def _rich(text: str) -> str:
    escaped = html.escape(text).replace("\n", "<br>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def brief(value: object) -> str:
    """Any object in at most a line, whatever its own methods do."""
    try:
        return _brief(value)
    except BaseException:  # a learner's own class may not work yet
        return f"an object of type {type(value).__name__}"


def _brief(value: object) -> str:
    if isinstance(value, torch.Tensor):
        if value.numel() > 4 or value.is_complex() or value.device.type == "meta":
            return f"a tensor of shape {tuple(value.shape)}"
        return _nested(value.detach().cpu().tolist())
    if isinstance(value, torch.nn.Module) or callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        return f"the function {name}" if hasattr(value, "__code__") else str(name)
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nested(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_nested, value))}]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends like a sentence already, or is empty."""
    return text if text.endswith((".", "?", "!")) or not text else f"{text}."


def pair(received: float, expected: float) -> tuple[str, str]:
    """Two different numbers with as few digits as show the difference, three at least."""
    for digits in range(3, 12):
        texts = f"{received:.{digits}g}", f"{expected:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
