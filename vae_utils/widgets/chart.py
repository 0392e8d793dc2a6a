"""What a chart is made of, so that `chart.js` can draw it in the browser: axes, and marks with their numbers.

The numbers of a mark are given outright, or by a table of them for all that the notebook's controls can say. The
browser looks up the table's entry at each move, and the kernel has nothing to do:

    amplitude = controls.slider("amplitude", 1, 0, 2, 0.1)
    x = torch.linspace(-3, 3, 100)
    waves = torch.linspace(0, 2, 21)[:, None] * x.sin()  # (21, 100): a row for each place of the slider
    wave = line(x, by(waves, "amplitude"), colour=plots.VAE)
    chart = Chart(Axis("x", -3, 3), Axis("y", -2, 2), [wave], alt="A wave.")
    ipywidgets.VBox([amplitude, ChartView({"amplitude": amplitude}, [chart], alt="A wave, and its slider.")])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_utils.plots.layout import Number
from vae_utils.plots.style import EXACT, TEXT


@dataclass(frozen=True)
class By:
    """A table of numbers or texts: the entry for what the controls say is shown. Made by `by`."""

    values: Any
    controls: tuple[str, ...]


def by(values: Any, *controls: str) -> By:
    """What a mark shows depends on controls.

    Args:
        values: numbers or texts with one axis a control, in their order, as long as the control has places (the
            options of a menu, the steps of a slider, off and on of a box). Numbers may have the axis of the mark's
            points after these.
        controls: names of the controls, as `ChartView` has them.
    """
    return By(values, controls)


@dataclass(frozen=True)
class Axis:
    """One axis of a chart.

    label: what is measured, with its unit.
    low, high: its ends.
    log: logarithmic.
    ticks: (value, text) pairs; () for none; None for round numbers.
    digits: decimals of the ticks; None for as many as needed.
    room: letters of the widest tick, for an upright axis.
    """

    label: str = ""
    low: Number = 0.0
    high: Number = 1.0
    log: bool = False
    ticks: Sequence[tuple[Number, str]] | None = None
    digits: int | None = None
    room: Number = 4


@dataclass(frozen=True)
class Chart:
    """Axes and marks on a light ground.

    x, y: the axes.
    marks: what is drawn, the first at the bottom, from `line`, `area`, `boxes`, `dots`, `rule`, `text` or `image`.
    alt: what it shows, for readers who do not see it.
    name, title: how a page finds it, and what stands over it.
    width, height: screen pixels.
    grid: axes with grid lines.
    right: pixels to the right of the axes, for text.
    span: rows that it takes where the view has a layout.
    limits: axis -> a table of (low, high), for axes that follow the controls.
    labels: axis -> a table of labels; only with limits.
    """

    x: Axis
    y: Axis
    marks: Sequence[dict]
    alt: str
    name: str = "chart"
    title: str = ""
    width: int = 460
    height: int = 280
    grid: str = "xy"
    right: int = 0
    span: int = 1
    limits: Mapping[str, By] | None = None
    labels: Mapping[str, By] | None = None

    def described(self) -> dict:
        """As `chart.js` reads it; tables are still to be replaced."""
        lines = max((1 + text.count("\n") for _, text in self.x.ticks or ()), default=1)
        limits = {axis: {"limits": ends} for axis, ends in (self.limits or {}).items()}
        for axis, label in (self.labels or {}).items():
            limits[axis]["label"] = label
        return {**vars(self), "x": vars(self.x), "y": vars(self.y), "kind": "chart", "lines": lines, "limits": limits}


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, out of those that the view was given.

    numbers: which of them, (C,), or a table of such.
    alt, name, caption: what is shown, how a page finds it, and what stands over it.
    across: pictures a row.
    zoom: screen pixels a pixel of the pictures.
    """

    numbers: Any
    alt: str
    name: str
    caption: str
    across: int = 1
    zoom: Number = 6.0

    def described(self) -> dict:
        """As `board.js` reads it; tables are still to be replaced."""
        numbers = self.numbers if isinstance(self.numbers, By) else By(np.asarray(self.numbers), ())
        count = np.shape(numbers.values)[-1]
        said = {key: getattr(self, key) for key in ("alt", "name", "caption", "across", "zoom")}
        return {**said, "kind": "pictures", "rows": -(-count // self.across), "marks": [{"show": numbers}]}


# ---- marks: each a dictionary that chart.js knows by its type ------------------------------------------------------


def line(
    x: Any, y: Any, *, colour: str | By, width: Number = 2.5, dash: str = "", label: str = "", name: str = ""
) -> dict:
    """A curve through the points (x, y); `dash` as in SVG, for example "6 4"; `label` is for the legend."""
    return {
        "type": "line",
        "x": x,
        "y": y,
        "colour": colour,
        "width": width,
        "dash": dash,
        "label": label,
        "name": name,
    }


def area(x: Any, low: Any, high: Any, *, colour: str, opacity: Number = 0.25, label: str = "", name: str = "") -> dict:
    """The area between two curves over x."""
    given = {"type": "area", "x": x, "low": low, "high": high, "colour": colour, "opacity": opacity}
    return {**given, "label": label, "name": name}


def boxes(
    left: Any,
    right: Any,
    low: Any,
    high: Any,
    *,
    colour: str,
    opacity: Number = 1,
    hatch: bool = False,
    label: str = "",
    name: str = "",
) -> dict:
    """Bars of any kind, also histograms and bands; `hatch` tells them apart without the colour."""
    given = {"type": "boxes", "left": left, "right": right, "low": low, "high": high, "colour": colour}
    return {**given, "opacity": opacity, "hatch": hatch, "label": label, "name": name}


def dots(
    x: Any,
    y: Any,
    *,
    colour: str | By,
    size: Number = 4,
    hollow: bool = False,
    opacity: Number = 1,
    halo: str = "",
    label: str = "",
    name: str = "",
) -> dict:
    """Dots of a radius in pixels, filled or hollow, or with a thin line of the colour `halo` around them."""
    given = {"type": "dots", "x": x, "y": y, "colour": colour, "size": size, "hollow": hollow, "opacity": opacity}
    return {**given, "halo": halo, "label": label, "name": name}


def rule(
    axis: str, at: Any, *, colour: str = EXACT, width: Number = 2, dash: str = "", label: str = "", name: str = ""
) -> dict:
    """A line right across the chart, at a value of the axis "x" or "y"."""
    given = {"type": "rule", "axis": axis, "at": at, "colour": colour, "width": width, "dash": dash}
    return {**given, "label": label, "name": name}


def text(
    x: Any,
    y: Any,
    words: Sequence[str],
    *,
    anchor: str = "middle",
    dx: Number = 0,
    dy: Number = 0,
    colour: str = TEXT,
    bold: bool = False,
    boxed: bool = False,
    name: str = "",
) -> dict:
    """Words at places, moved by dx and dy pixels; `anchor` is their start, middle or end."""
    given = {"type": "text", "x": x, "y": y, "text": words, "anchor": anchor, "dx": dx, "dy": dy, "colour": colour}
    return {**given, "bold": bold, "boxed": boxed, "name": name}


def image(href: str, x: Sequence[Number], y: Sequence[Number]) -> dict:
    """A picture, as a data address, over a rectangle of the axes."""
    return {"type": "image", "href": href, "x": list(x), "y": list(y)}
