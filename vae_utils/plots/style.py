"""The look of every figure: colours with a fixed meaning, the figure class, and `figure`, which makes one."""

import base64
import html
import io
import sys
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from vae_utils.plots.layout import wrap

# Digits 0 to 9. Any two differ by at least 24 (CIE 1976 ΔE) in normal sight and in simulated protanopia, deuteranopia
# and tritanopia; the assignment keeps digits whose codes mingle (4/9, 3/5/8, 7/9) farthest apart.
CLASS_COLOURS = (
    "#008b5d",
    "#ffa2b9",
    "#0046a2",
    "#d1c62e",
    "#14e07a",
    "#8bb9ff",
    "#a27417",
    "#74175d",
    "#8b0017",
    "#8b5dff",
)

# One colour a role, the same in all lessons. They differ in lightness too, so that they survive a grey print.
VAE = "#0063b2"
AUTOENCODER = "#e08a00"
PRIOR = "#7a7a7a"
ENCODER = POSTERIOR = "#9b3fa5"  # q(z|x), what the encoder says
LIKELIHOOD = "#00856a"  # p(x|z), what the decoder says
EXACT = "#1a1a1a"  # computed without approximation
WRONG = "#b2182b"
MUTED = "#b4b4b4"  # context that is not the message

TEXT = "#1a1a1a"
GRID = "#e4e4e4"
WIDTH = 7.5  # inches: the width of a lesson's column
CSS_DPI = 96  # a browser shows an inch of figure as 96 pixels
DPI = 2 * CSS_DPI  # twice as many are drawn, so that text is crisp on dense screens
GREYS = 32  # levels of a figure without colour: steps that no eye sees, at half of the bytes
TITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 11.5, 10, 9  # points
MARGIN = 0.06  # inches between the contents and the edge

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8a8a8a",
    "axes.grid": True,
    "axes.labelcolor": TEXT,
    "axes.labelsize": LABEL_SIZE,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": matplotlib.cycler(color=[VAE, AUTOENCODER, LIKELIHOOD, POSTERIOR, WRONG, PRIOR]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": LABEL_SIZE,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": TEXT,
    "xtick.color": "#8a8a8a",
    "xtick.labelcolor": TEXT,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.color": "#8a8a8a",
    "ytick.labelcolor": TEXT,
    "ytick.labelsize": SMALL_SIZE,
}


class LessonAxes(Axes):
    """Axes whose titles and legends keep the series' style although they are set outside its style context."""

    name = "lesson"

    def set_title(self, label, fontdict=None, loc="left", pad=None, **kwargs):
        """As in matplotlib; small, and flush with the left edge."""
        kwargs.setdefault("fontsize", LABEL_SIZE)
        kwargs.setdefault("color", TEXT)
        return super().set_title(label, fontdict=fontdict, loc=loc, pad=pad, **kwargs)

    def legend(self, *args, **kwargs):
        """As in matplotlib; without a frame."""
        kwargs.setdefault("fontsize", SMALL_SIZE)
        kwargs.setdefault("frameon", False)
        return super().legend(*args, **kwargs)


class LessonFigure(Figure):
    """A matplotlib figure that pyplot does not know, that shows itself once, and that carries its alt text.

    Args:
        title: the message of the figure; None for a bare strip of pictures.
        alt: what the figure shows and what to conclude, for readers who do not see it.
        size: width and height in inches; WIDTH fills the column.
        layout: matplotlib's layout engine; None if the axes are placed by hand.

    Raises:
        ValueError: an empty title or alt text.
    """

    def __init__(
        self, *, title: str | None, alt: str, size: tuple[float, float], layout: str | None = "constrained"
    ) -> None:
        if title is not None and not str(title).strip():
            raise ValueError("title is empty: say the message of the figure in a sentence (None for a bare strip)")
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(f"alt is {alt!r}: say what the figure shows and what to conclude from it")
        with matplotlib.rc_context(STYLE):
            super().__init__(figsize=size, dpi=DPI, layout=layout)
        FigureCanvasAgg(self)
        self.title, self.alt = title, " ".join(alt.split())
        self._shown: bytes | None = None
        if layout == "constrained":
            self.get_layout_engine().set(w_pad=MARGIN, h_pad=MARGIN, wspace=0.04, hspace=0.06)
        if title is not None:
            width = size[0] - 2 * MARGIN
            text = wrap(self, title, width * DPI, TITLE_SIZE, "bold")
            style = {"fontsize": TITLE_SIZE, "fontweight": "bold", "color": TEXT, "linespacing": 1.25}
            top = 1 - MARGIN / size[1]
            where = {} if layout else {"y": top}  # the layout engine makes room by itself
            self.suptitle(text, x=MARGIN / size[0], ha="left", va="top", **where, **style)
        _register()

    def png(self) -> bytes:
        """The figure as a PNG with a small palette, drawn at DPI."""
        self.canvas.draw()
        pixels = np.asarray(self.canvas.buffer_rgba())[..., :3]
        if (pixels == pixels[..., :1]).all():
            step = 255 / (GREYS - 1)
            small = Image.fromarray((np.round(pixels[..., 0] / step) * step).round().astype(np.uint8))
        else:
            small = _with_palette(pixels)
        out = io.BytesIO()
        small.save(out, format="PNG", optimize=True)
        return out.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """What a notebook shows and stores: the picture, and its alt text for every front end in the way it reads it.

        JupyterLab and nbconvert take no alt text for image/png, so the picture comes as an <img> too; VS Code and
        terminals read text/plain; nbconvert's classic template reads the metadata.
        """
        png = self._shown = self.png()
        width, height = (round(side * CSS_DPI) for side in self.get_size_inches())
        encoded = base64.b64encode(png).decode("ascii")
        image = f'<img src="data:image/png;base64,{encoded}" width="{width}" alt="{html.escape(self.alt)}">'
        data = {"image/png": encoded, "text/html": image, "text/plain": self.alt}
        return data, {"image/png": {"width": width, "height": height, "alt": self.alt}}

    def __repr__(self) -> str:
        return f"LessonFigure: {self.title or self.alt}"


def _with_palette(pixels: np.ndarray) -> Image.Image:
    """The picture in 256 colours: few exact ones suit lines and points, an even spread suits a heat map."""
    image = Image.fromarray(pixels)
    few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(few.convert("RGB"), dtype=np.int16) - pixels).mean()
    return few if error < 1 else image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _register() -> None:
    """Keep IPython's own formatter for Figure, there once pyplot was imported, from replacing the bundle's PNG."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(LessonFigure, _shown_png)


def _shown_png(figure: LessonFigure) -> str:
    """The PNG that the bundle has just drawn; IPython asks for both."""
    png, figure._shown = figure._shown, None
    return base64.b64encode(png or figure.png()).decode("ascii")


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    title: str | None,
    alt: str,
    size: tuple[float, float] | None = None,
    **subplots: Any,
) -> tuple[LessonFigure, Any]:
    """Make a figure and its axes: `plt.subplots` for a lesson.

    Args:
        rows, columns: how many panels.
        title: the message of the figure in one sentence.
        alt: what the figure shows and what to conclude, for readers who do not see it.
        size: width and height in inches; by default as wide as the column, and as high as the panels need.
        subplots: further arguments of `Figure.subplots`: sharex, sharey, width_ratios, height_ratios, ...

    Returns:
        The figure, and one axes or an array of them, as `plt.subplots` returns them.

    Raises:
        ValueError: an empty title or alt text.
    """
    if size is None:
        panel = {1: 3.3, 2: 2.9, 3: 2.5}.get(columns, 2.1)
        size = (WIDTH, 0.4 + rows * panel)
    made = LessonFigure(title=title, alt=alt, size=size)
    with matplotlib.rc_context(STYLE):
        keywords = {"axes_class": LessonAxes, **subplots.pop("subplot_kw", {})}
        axes = made.subplots(rows, columns, subplot_kw=keywords, **subplots)
    return made, axes
