"""The figure class of the lessons, and `figure`, which makes one with its axes."""

import base64
import html
import io
import sys
import threading
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

from vae_utils.locks import holding
from vae_utils.plots.layout import Number, wrap
from vae_utils.plots.style import (
    CSS_DPI,
    DPI,
    GREYS,
    LABEL_SIZE,
    LIVE_DPI,
    MARGIN,
    SMALL_SIZE,
    STYLE,
    TEXT,
    TITLE_SIZE,
    WIDTH,
)
from vae_utils.signatures import checked

DRAWING = threading.RLock()  # a figure has one canvas and matplotlib one style, and explorers draw beside cells
_alone = holding(DRAWING)
NEUTRAL = 64  # greys in the palette of a coloured figure


class LessonAxes(Axes):
    """Axes whose titles and legends keep the series' style although they are set outside its style context."""

    name = "lesson"

    def set_title(self, label: str, fontdict: dict | None = None, loc: str = "left", **kwargs: Any) -> Text:
        """As in matplotlib; small, and flush with the left edge."""
        kwargs.setdefault("fontsize", LABEL_SIZE)
        kwargs.setdefault("color", TEXT)
        return super().set_title(label, fontdict=fontdict, loc=loc, **kwargs)

    def legend(self, *args: Any, **kwargs: Any) -> Legend:
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

    Attributes:
        moving: the artists that a widget's sliders change; see `draw_fast`.

    Raises:
        ValueError: an empty title or alt text.
    """

    @_alone
    def __init__(
        self, *, title: str | None, alt: str, size: tuple[Number, Number], layout: str | None = "constrained"
    ) -> None:
        if title is not None and not str(title).strip():
            raise ValueError("title is empty: say the message of the figure in a sentence (None for a bare strip)")
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(f"alt is {alt!r}: say what the figure shows and what to conclude from it")
        size = tuple(round(side * CSS_DPI) / CSS_DPI for side in size)  # whole pixels
        with matplotlib.rc_context(STYLE):
            super().__init__(figsize=size, dpi=DPI, layout=layout)
        FigureCanvasAgg(self)
        self.title, self.alt = title, " ".join(alt.split())
        self.moving: Sequence[Artist] = ()
        self._background, self._shown = None, None
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

    @_alone
    def png(self) -> bytes:
        """The figure as a PNG with a small palette, drawn at DPI."""
        self.set_dpi(DPI)
        self._background = None  # it fits one resolution only
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

    @_alone
    def draw_fast(self) -> Image.Image:
        """The figure as a picture for one move of a slider.

        The layout is settled the first time and then kept. If `moving` names the artists that change, all else is
        drawn once: some milliseconds a move, instead of ten times as many.
        """
        if self._background is None or not self.moving:
            self.set_dpi(LIVE_DPI)
            still = [artist for artist in self.moving if not artist.get_animated()]
            try:
                for artist in still:
                    artist.set_animated(True)  # leaves it out of the background
                self.canvas.draw()
            finally:
                for artist in still:
                    artist.set_animated(False)
            self.set_layout_engine("none")
            self._background = self.canvas.copy_from_bbox(self.bbox)
        self.canvas.restore_region(self._background)
        for artist in sorted(self.moving, key=lambda artist: artist.get_zorder()):
            (artist.axes or self).draw_artist(artist)
        return Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3])

    def forget_background(self) -> None:
        """Draw everything anew on the next move: limits, labels or another artist not in `moving` has changed."""
        self._background = None

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
    """The picture in 256 colours, some of them greys: a palette made for all pixels at once would tint those."""
    grey = (pixels == pixels[..., :1]).all(-1)
    coloured = pixels[~grey][None]  # one long row
    row = Image.fromarray(coloured)
    # Few exact colours suit lines and points, an even spread suits a heat map.
    found = row.quantize(256 - NEUTRAL, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    if np.abs(np.asarray(found.convert("RGB"), dtype=np.int16) - coloured).mean() >= 1:
        found = row.quantize(256 - NEUTRAL, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    indices = np.empty(grey.shape, np.uint8)
    indices[grey] = np.round(pixels[grey][:, 0] * ((NEUTRAL - 1) / 255))
    indices[~grey] = NEUTRAL + np.asarray(found)[0]
    image = Image.fromarray(indices)
    greys = np.repeat(np.linspace(0, 255, NEUTRAL).round().astype(int), 3)
    image.putpalette([*greys.tolist(), *found.getpalette()])
    return image


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


@checked(strict=False)
@_alone
def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    title: str | None,
    alt: str,
    size: tuple[Number, Number] | None = None,
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
