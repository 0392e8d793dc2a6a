"""The part of an explorer that runs in the browser: it decodes and draws there, with the kernel busy or gone.

A page is a JavaScript module in this folder with `export default { render }` (anywidget's form). What it imports from
its neighbours is put into one text with it: a widget's module has no address from which others could be found.
"""

import html
import io
import re
from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets
from jaxtyping import Float
from PIL import Image, features
from torch import Tensor

from vae_utils.widgets.export import ExportedDecoder

FOLDER = Path(__file__).parent
COMMENT = re.compile(r"^\s*//.*\n", flags=re.MULTILINE)
IMPORT = re.compile(r'^import\s[^;]*?from "\./([\w.]+)";\n', flags=re.MULTILINE)
SHEET_COLUMNS = 50  # pictures in a row of a sheet
FEW_GREYS = 64  # up to so many, WebP is the smaller format
STRIP = 9  # pictures of a strip, as in the pages
NO_DECODER = ExportedDecoder([], b"", "float16")


def bundle(page: str) -> str:
    """A JavaScript module of this folder and all that it imports from it, as the text of one module, without comments.

    Args:
        page: name of the file, such as "latent.js".
    """
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        text = COMMENT.sub("", (FOLDER / name).read_text(encoding="utf-8"))
        for imported in IMPORT.findall(text):
            if imported not in texts:
                add(imported)
        texts.setdefault(name, IMPORT.sub("", text))

    add(page)
    return "\n".join(texts.values())


class BrowserView(anywidget.AnyWidget):
    """A canvas that follows sliders without the kernel; subclasses set `_esm = bundle("their_page.js")`.

    Args:
        exported: the decoder, from `export_decoder`; NO_DECODER where the kernel decodes, or nothing is decoded.
        sliders: the notebook's own controls that the page reads and moves.
        settings: whatever else the page needs to know, ready for JSON.
        codes: (N, K) codes of images.
        images: (N, 1, H, W) the images.
    """

    _css = (FOLDER / "explorer.css").read_text(encoding="utf-8")

    layers = traitlets.List().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    precision = traitlets.Unicode("float16").tag(sync=True)
    sliders = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    settings = traitlets.Dict().tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)
    sheet = traitlets.Bytes().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    # What the kernel decodes for a model that the browser cannot run: bytes of ink, 255 is black.
    decoded = traitlets.Bytes().tag(sync=True)
    strip = traitlets.Bytes().tag(sync=True)  # STRIP pictures, one after the other
    along = traitlets.Int(0).tag(sync=True)  # number of the slider that the strip is along

    def __init__(
        self,
        exported: ExportedDecoder,
        sliders: Sequence[ipywidgets.Widget],
        settings: dict,
        codes: Float[Tensor, "N K"] | None = None,
        images: Float[Tensor, "N 1 H W"] | None = None,
    ) -> None:
        super().__init__(
            layers=exported.layers,
            weights=exported.weights,
            precision=exported.precision,
            sliders=list(sliders),
            settings={**settings, "columns": SHEET_COLUMNS},
            codes=b"" if codes is None else codes.detach().cpu().numpy().astype("<f4").tobytes(),
            sheet=b"" if images is None else picture_sheet(images),
            layout=ipywidgets.Layout(width="100%"),
        )


class SliderNames(anywidget.AnyWidget):
    """Nothing to see: names of the sliders for screen readers, a focus that can be seen, and keys that stay with it."""

    _esm = bundle("names.js")
    _css = BrowserView._css + (FOLDER / "names.css").read_text(encoding="utf-8")


def ink(pictures: Float[Tensor, "*B 1 H W"]) -> bytes:
    """Pixels in [0, 1] as bytes, one picture after the other; raises ValueError if one is not finite."""
    if not pictures.isfinite().all():
        raise ValueError("the picture holds values that are not finite: did training diverge?")
    return (255 * pictures.clamp(0, 1)).round().byte().cpu().numpy().tobytes()


def picture_sheet(images: Float[Tensor, "N 1 H W"]) -> bytes:
    """All images in one, dark on light, 50 a row: a PNG, or a lossless WebP, which takes a third less for few greys.

    Args:
        images: (N, 1, H, W) pixels in [0, 1].
    """
    count, _, height, width = images.shape
    rows = -(-count // SHEET_COLUMNS)
    page = np.full((rows * SHEET_COLUMNS, height, width), 255, np.uint8)
    page[:count] = (255 * (1 - images[:, 0].detach().cpu().clamp(0, 1))).round().byte().numpy()
    page = page.reshape(rows, SHEET_COLUMNS, height, width).swapaxes(1, 2).reshape(rows * height, -1)
    few = np.count_nonzero(np.bincount(page.ravel())) <= FEW_GREYS
    # More effort takes twenty times as long and saves another 3 %; with many greys WebP takes longer than it is worth.
    small = {"format": "WEBP", "lossless": True, "method": 6, "quality": 80}
    out = io.BytesIO()
    Image.fromarray(page).save(out, **(small if few and features.check("webp") else {"format": "PNG"}))
    return out.getvalue()


def kernel_notice(does: str, why: str = "") -> str:
    """What an explorer says (HTML) when the kernel does what the browser does elsewhere.

    Args:
        does: what the kernel does, as HTML.
        why: a sentence with the reason, as HTML.
    """
    style = "border-left:4px solid #d97f00;padding:2px 10px;line-height:1.4;font-size:14px"
    return (
        f'<div role="note" style="{style}">The kernel {does}, so the page follows more slowly; while a cell runs, '
        f"at most in a recent JupyterLab. {why}</div>"
    )


def slow_notice(reason: object) -> str:
    """What an explorer says (HTML) when the kernel must decode for it.

    Args:
        reason: why the browser does not.
    """
    return kernel_notice("decodes these pictures", f"Why: {html.escape(str(reason))}.")
