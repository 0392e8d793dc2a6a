"""The parts of an explorer that show something: they are up to date whenever someone reads them."""

import io
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vae_utils.plots import LessonFigure

FRAME = 214  # light grey of the line around a picture
Picture = Tensor | LessonFigure


def _settled(trait: Any) -> Any:
    """A copy of a widget's `value` trait that first lets the explorer draw what it has put off."""

    def get(self, widget: Any, cls: Any = None) -> Any:
        settle = getattr(widget, "settle", None)
        if settle is not None:
            settle()
        return super(kind, self).get(widget, cls)

    kind = type(f"Settled{type(trait).__name__}", (type(trait),), {"get": get})
    return kind(trait.default_value, help=trait.help).tag(sync=True)


class ShownImage(ipywidgets.Image):
    """A picture on the page, made once; only its bytes change.

    Args:
        settle: draws what was put off.
        width: width in screen pixels.
    """

    # No tooltip=: ipywidgets 8 fails to show an image that has one.
    value = _settled(ipywidgets.Image.value)

    def __init__(self, settle: Callable[[], None], width: int) -> None:
        super().__init__(format="png", layout=ipywidgets.Layout(width=f"{width}px", max_width="100%"))
        self.caption, self.settle = "", settle


class ShownHTML(ipywidgets.HTML):
    """A line of text on the page that follows the controls.

    Args:
        settle: draws what was put off.
    """

    value = _settled(ipywidgets.HTML.value)

    def __init__(self, settle: Callable[[], None]) -> None:
        super().__init__()
        self.settle = settle


def same(picture: Picture, before: Picture | None) -> bool:
    """Whether a picture need not be sent again; a figure is one object whose artists change."""
    return isinstance(picture, Tensor) and isinstance(before, Tensor) and torch.equal(picture, before)


def to_png(picture: Picture, width: int) -> bytes:
    """Encode what `render` returned.

    Args:
        picture: grey pixels in [0, 1], (H, W) or with axes of size 1 before them, or a figure.
        width: width on the page in screen pixels, which an image is enlarged to in whole steps.

    Returns:
        A PNG: dark on light, enlarged without blur.

    Raises:
        TypeError: anything else.
        ValueError: another shape, or pixels that are not finite.
    """
    out = io.BytesIO()
    if isinstance(picture, LessonFigure):
        image = picture.draw_fast()
    elif isinstance(picture, Tensor):
        if picture.ndim < 2 or picture.numel() != picture.shape[-2] * picture.shape[-1] or not picture.numel():
            raise ValueError(f"a picture must be one (H, W) image, received {tuple(picture.shape)}")
        pixels = picture.detach().cpu().float().reshape(picture.shape[-2:]).numpy()
        if not np.isfinite(pixels).all():
            raise ValueError("the picture holds values that are not finite: did training diverge?")
        grey = (255 * (1 - pixels.clip(0, 1))).round().astype(np.uint8)
        scale = max(1, round(width / grey.shape[1]))  # enlarged here, or the browser would blur it
        large = grey.repeat(scale, axis=0).repeat(scale, axis=1)
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            large[edge] = np.minimum(large[edge], FRAME)
        image = Image.fromarray(large)
    else:
        raise TypeError(f"render must return a tensor or a LessonFigure, received {type(picture).__name__}")
    image.save(out, format="PNG", compress_level=1)
    return out.getvalue()
