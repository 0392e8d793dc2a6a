"""Text that fits: measuring, wrapping, pushing labels apart, and finding what is cut off or overlaps."""

from itertools import combinations

import numpy as np
from matplotlib import cbook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

Number = int | float


def text_width(figure: Figure, text: str, size: Number, weight: str = "normal") -> float:
    """Width in device pixels of one line of text set in `size` points."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    font = FontProperties(size=size, weight=weight)
    return renderer.get_text_width_height_descent(text, font, cbook.is_math_text(text))[0]


def words(text: str) -> list[str]:
    """Split at spaces, but never inside $...$."""
    parts: list[str] = []
    for index, part in enumerate(text.split("$")):
        inside = index % 2 == 1
        pieces = [f"${part}$"] if inside else part.split(" ")
        if index and parts:  # no space stands between a formula and the text that touches it
            parts[-1] += pieces.pop(0)
        parts.extend(pieces)
    return [part for part in parts if part]


def wrap(figure: Figure, text: str, width: Number, size: Number, weight: str = "normal") -> str:
    """Break text into lines of at most `width` device pixels; a single longer word keeps a line of its own."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in words(paragraph):
            longer = f"{line} {word}".strip()
            if line and text_width(figure, longer, size, weight) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return "\n".join(lines)


def push_apart(centres: np.ndarray, sizes: np.ndarray, rounds: int = 400) -> np.ndarray:
    """Move boxes as little as needed until none overlaps another.

    Args:
        centres: (N, 2) centres in pixels.
        sizes: (N, 2) widths and heights in pixels. Boxes of equal x and infinite width only move up and down.
        rounds: most passes over all pairs.

    Returns:
        The new centres (N, 2).
    """
    centres = np.array(centres, dtype=float)
    for _ in range(rounds):
        moved = False
        for a, b in combinations(range(len(centres)), 2):
            apart = centres[b] - centres[a]
            missing = (sizes[a] + sizes[b]) / 2 - np.abs(apart)
            if (missing > 0.5).all():
                axis = int(np.argmin(missing))
                direction = 1.0 if apart[axis] >= 0 else -1.0
                centres[a, axis] -= direction * missing[axis] / 2
                centres[b, axis] += direction * missing[axis] / 2
                moved = True
        if not moved:
            break
    return centres


def layout_problems(figure: Figure) -> list[str]:
    """Say which texts of a figure are cut off at its edge or lie over another text.

    Args:
        figure: any matplotlib figure; it is laid out, not changed.

    Returns:
        One sentence a problem; empty if every text can be read.
    """
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.bbox.size
    unseen, boxes = _unseen(figure), []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in unseen:
            boxes.append((text.get_text(), text.get_window_extent(renderer)))
    problems = [
        f"{text!r} is cut off at the edge of the figure"
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    for (first, a), (second, b) in combinations(boxes, 2):
        over_x = min(a.x1, b.x1) - max(a.x0, b.x0)
        over_y = min(a.y1, b.y1) - max(a.y0, b.y0)
        if over_x > 2 and over_y > 2:
            problems.append(f"{first!r} lies over {second!r}")
    return problems


def _unseen(figure: Figure) -> set:
    """The labels of axes that are off, and of ticks outside the limits, which matplotlib keeps without drawing."""
    unseen = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        unseen |= {label for tick in [*axis.majorTicks, *axis.minorTicks] for label in (tick.label1, tick.label2)}
        if axis.axes.axison:
            unseen -= {label for tick in axis._update_ticks() for label in (tick.label1, tick.label2)}
        else:
            unseen |= {axis.label, axis.offsetText}
    return unseen
