"""What an explorer says of an error."""

import html
import traceback
from pathlib import Path

import torch

# Whose lines a learner can do nothing about.
LIBRARIES = Path(torch.__file__).parent, Path(__file__).parents[1]


def explain(problem: Exception) -> str:
    """A short account of an error as HTML: what, and where in the learner's own files, or else where at all."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if not any(Path(frame.filename).is_relative_to(one) for one in LIBRARIES)]
    where = (own or frames)[-3:]
    lines = [f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in where]
    what = html.escape(f"{type(problem).__name__}: {problem}")
    trace = html.escape("\n".join(lines))
    return (
        '<div role="alert" style="border-left:4px solid #b2182b;padding:4px 10px;background:#fdf1f1;color:#1a1a1a">'
        f"<b>This move failed.</b> {what}<pre style='white-space:pre-wrap;margin:4px 0 0'>{trace}</pre></div>"
    )
