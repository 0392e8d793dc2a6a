"""Controls with one look. All can be reached and moved with the keyboard, and all say what they do."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from vae_utils.plots.layout import Number

# As wide as the column, less the margins. A dict, from which each control makes a Layout of its own: a Layout made here
# would be announced to the page at import, and a page of VS Code that is opened later would never hear of it.
WIDE = {"width": "auto"}


def slider(
    description: str, value: Number, low: Number, high: Number, step: Number = 0.01, *, readout: str = ".2f"
) -> ipywidgets.FloatSlider:
    """A slider over real numbers that reports every move.

    Args:
        description: what it sets, with its unit.
        value, low, high, step: where it stands, and where it can go.
        readout: format of the number beside it.

    Raises:
        ValueError: the value is not between the ends, where ipywidgets would move it without a word.
    """
    _require_between(description, value, low, high)
    return ipywidgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=description, readout_format=readout, layout=WIDE
    )


def steps(description: str, options: Sequence[Any], value: Any) -> ipywidgets.SelectionSlider:
    """A slider over given values, for example 1, 2, 4, 8, ..."""
    return ipywidgets.SelectionSlider(description=description, options=options, value=value, layout=WIDE)


def number(description: str, value: int, low: int, high: int) -> ipywidgets.BoundedIntText:
    """A field for a whole number, for example which test image; raises as `slider` does."""
    _require_between(description, value, low, high)
    return ipywidgets.BoundedIntText(value=value, min=low, max=high, description=description, layout=WIDE)


def choice(description: str, options: Sequence[Any], value: Any) -> ipywidgets.Dropdown:
    """A menu; options are values, or (text, value) pairs."""
    return ipywidgets.Dropdown(description=description, options=options, value=value, layout=WIDE)


def switch(description: str, value: bool = False) -> ipywidgets.Checkbox:
    """A box to tick."""
    return ipywidgets.Checkbox(description=description, value=value, indent=False, layout=WIDE)


def text(shown: str) -> ipywidgets.HTML:
    """A line of HTML, for example a notice."""
    return ipywidgets.HTML(shown)


def button(description: str, pressed: Callable[[], None]) -> ipywidgets.Button:
    """A button; make it with `Explorer.button`, so that what goes wrong in `pressed` is shown."""
    made = ipywidgets.Button(description=description, layout=ipywidgets.Layout(width="auto"))
    made.on_click(lambda _: pressed())
    return made


def _require_between(description: str, value: Number, low: Number, high: Number) -> None:
    if not low <= value <= high:
        raise ValueError(f"{description} must be between {low:g} and {high:g}, received {value}")
