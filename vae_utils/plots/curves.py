"""Curves over epochs, and labels that stand beside their lines instead of in a legend."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from vae_utils.plots.figures import LessonFigure, figure
from vae_utils.plots.layout import Number, push_apart
from vae_utils.plots.style import DPI, MUTED, SMALL_SIZE, VAE
from vae_utils.signatures import checked


@checked(strict=False)
def label_lines(axes: Axes, size: Number = SMALL_SIZE) -> None:
    """Write the label of every line at its right end, in its colour; labels that would overlap move apart.

    Call it last: it needs the final limits. Lines without `label=` stay bare.

    Args:
        axes: the axes that hold the lines.
        size: text size in points.
    """
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_") and len(line.get_xdata())]
    if not lines:
        return
    axes.figure.draw_without_rendering()  # the limits and the height of the axes are known after the layout only
    ends = np.array([[0.0, axes.transData.transform(_last(line))[1]] for line in lines])
    height = 1.3 * size / 72 * DPI
    placed = push_apart(ends, np.tile([np.inf, height], (len(lines), 1)))
    bottom, span = axes.bbox.y0, axes.bbox.height
    floor = bottom + height / 2  # below lie the tick labels
    for index in np.argsort(placed[:, 1]):
        placed[index, 1] = max(placed[index, 1], floor)
        floor = placed[index, 1] + height
    beside = blended_transform_factory(axes.transAxes, axes.transAxes)
    for line, (_, y) in zip(lines, placed, strict=True):
        where = (1.015, (y - bottom) / span)
        axes.text(
            *where, line.get_label(), transform=beside, color=line.get_color(), fontsize=size, va="center", ha="left"
        )


def _last(line: Line2D) -> np.ndarray:
    """The last point of a line that is drawn, (2,); the first one if none is."""
    points = line.get_xydata()
    drawn = np.flatnonzero(np.isfinite(points).all(1))
    return points[drawn[-1]] if len(drawn) else np.array([points[0, 0], 0.0])


@checked(strict=False)
def plot_history(
    train: Mapping[str, Sequence[Number]],
    test: Mapping[str, Sequence[Number]] | None = None,
    *,
    title: str,
    alt: str,
    terms: Sequence[str] | None = None,
    unit: str = "nats per image",
) -> LessonFigure:
    """Draw what a training run recorded: one panel a term, training and test together.

    Args:
        train: term -> one number an epoch.
        test: the same for the test images; empty or None if there were none.
        title, alt: the message of the figure and its text alternative.
        terms: which terms, in which order; by default all, the loss first.
        unit: unit of the numbers.

    Returns:
        The figure.

    Raises:
        ValueError: no epochs, or a term that was not recorded.
    """
    test = test or {}
    if not any(len(values) for values in train.values()):
        raise ValueError("train holds no epochs: run fit(...) first")
    names = list(terms) if terms is not None else list(train)
    for name in names:
        if name not in train:
            raise ValueError(f"term {name!r} was not recorded; recorded: {', '.join(train)}")
    shown, panels = figure(1, len(names), title=title, alt=alt, size=None if len(names) > 1 else (7.5, 3.4))
    for axes, name in zip(np.ravel(panels), names, strict=True):
        # What was measured while the weights moved is context; the test curve is the message.
        curves = [("train", train[name], MUTED if test.get(name) else VAE)]
        if test.get(name):
            curves.append(("test", test[name], VAE))
        for label, values, colour in curves:
            epochs = np.arange(1, len(values) + 1)
            marker = "o" if len(values) < 8 else None
            text = f"{label} {values[-1]:.1f}"
            axes.plot(epochs, values, color=colour, linewidth=2, marker=marker, markersize=4, label=text)
        axes.set_title("KL" if name == "kl" else name)
        axes.set_xlabel("epoch")
        if name == "kl":  # small changes of a small number must not look like large ones
            axes.set_ylim(0, 1.15 * max(value for _, values, _ in curves for value in values) or 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    np.ravel(panels)[0].set_ylabel(unit)
    for axes in np.ravel(panels):
        label_lines(axes)
        for text in axes.texts:
            text.set_color("#5f5f5f" if text.get_color() == MUTED else text.get_color())
    return shown
