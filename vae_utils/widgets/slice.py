"""SliceExplorer: move a point over a plane through the latent space; see what it decodes to, and what lies near."""

import base64
import io
import math

import matplotlib
import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn

from vae_utils.plots import EXACT, LessonFigure, draw_map, figure, mosaic
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import bundle, slow_notice
from vae_utils.widgets.chart import Axis, Chart, Pictures, dots, image, text
from vae_utils.widgets.chart_view import ChartView
from vae_utils.widgets.export import ExportedDecoder, NotExportable, export_decoder
from vae_utils.widgets.models import TRAINING_CELL, require_images, require_model, require_trained
from vae_utils.widgets.survey import MOST_IMAGES

NEIGHBOURS = 4
START = (0.35, 0.35)  # near the middle of the triangle
ALT = (
    "Left: a map of a plane through three codes with a marked point. Middle: the picture decoded at that point. Right: "
    "the four images whose codes lie nearest to it."
)


class SliceView(ChartView):
    """What `slice.js` draws."""

    _esm = bundle("slice.js")


class SliceExplorer(Explorer):
    """Two sliders move a point over the plane through three images' codes; the browser decodes it and finds its
    nearest images.

    A place is A + a (B - A) + b (C - A): the code of the first image lies at (0, 0), of the second at (1, 0), of the
    third at (0, 1).

    Args:
        model: a trained model (`encode`, `generate`).
        images: (N, 1, 28, 28) images; the nearest ones to the point are searched among the first 2,000, in the latent
            space.
        labels: (N,) their classes.
        corners: the numbers of three of them.
        values: (H, W) a value for each place, drawn as a map; row 0 is the smallest b.
        extent: smallest and largest value of a and of b.
        label: what the values are.
        cell: which cell trains the model, for the message if it has not been run.
        in_browser: False leaves decoding to the kernel.

    Raises:
        TypeError, ValueError: the model is None, not a model, or looks untrained; corners are not three images, or the
            labels are not theirs.
    """

    def __init__(
        self,
        model: nn.Module | None,
        images: Float[Tensor, "N 1 28 28"],
        labels: Int[Tensor, " N"],
        *,
        corners: tuple[int, int, int],
        values: Float[Tensor, "H W"],
        extent: tuple[float, float],
        label: str,
        cell: str = TRAINING_CELL,
        in_browser: bool = True,
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        images = require_images(images)
        if len(labels) != len(images):
            raise ValueError(f"labels must be one for each of the {len(images)} images, received {len(labels)}")
        if len(set(corners)) != 3 or not all(0 <= corner < len(images) for corner in corners):
            raise ValueError(f"corners must be three different images from 0 to {len(images) - 1}, received {corners}")
        self.device = next(self.model.parameters()).device
        with torch.no_grad():
            found = self.model.encode(images.to(self.device))
        codes = found[0] if isinstance(found, tuple) else found  # of a VAE the means
        self.corners, self.codes = codes[list(corners)], codes[:MOST_IMAGES]
        self.images, self.labels = images[:MOST_IMAGES], labels[:MOST_IMAGES]
        require_trained(self.model, self.codes[:8], cell)
        names = [str(labels[corner].item()) for corner in corners]
        self._draw_figure(values, extent, label, names)
        self.a, self.b = (
            make.slider(f"towards {text}", start, *extent)
            for text, start in zip((f"the {labels[corners[1]]}", f"the {labels[corners[2]]}"), START, strict=True)
        )
        above, canvas = [], None
        try:
            if not in_browser:
                raise NotExportable("in_browser=False was asked for")
            exported = export_decoder(self.model, self.codes[:64])
            canvas = self._view(exported, values, extent, label, names)
        except NotExportable as reason:
            above = [make.text(slow_notice(reason))]
        super().__init__(
            [self.a, self.b],
            alt=ALT,
            summary="two sliders that move a point over a plane through the latent space, and what it decodes to.",
            above=above,
            width=720,
            beside=False,
            canvas=canvas,
        )

    @property
    def z(self) -> Float[Tensor, "1 K"]:
        """The code at the point, (1, K)."""
        first, second, third = self.corners
        return (first + self.a.value * (second - first) + self.b.value * (third - first))[None]

    def nearest(self) -> Int[Tensor, " 4"]:
        """Numbers of the images whose codes lie nearest to the point, (4,), the nearest first."""
        return torch.cdist(self.z, self.codes)[0].topk(NEIGHBOURS, largest=False).indices.cpu()

    def render(self) -> LessonFigure:
        """The map with the point, the decoded picture, and the nearest images."""
        chosen = self.nearest()
        self._marker.set_data([self.a.value], [self.b.value])
        self._decoded.set_data(self.model.generate(self.z)[0, 0].cpu().numpy())
        self._near.set_data(mosaic(self.images[chosen], columns=2))
        distance = (self.codes[chosen[0]] - self.z[0]).norm().item()
        between = self._apart()
        classes = ", ".join(str(label) for label in self.labels[chosen].tolist())
        self.say(
            f"The four nearest codes belong to {classes}. The nearest is {distance:.1f} away; "
            f"the first two corners are {between:.1f} apart."
        )
        return self._figure

    def _apart(self) -> float:
        return (self.corners[1] - self.corners[0]).norm().item()

    def _view(
        self, exported: ExportedDecoder, values: Tensor, extent: tuple[float, float], label: str, names: list[str]
    ) -> SliceView:
        low, high = values.min().item(), values.max().item()
        marks = [
            image(map_address(values), extent, extent),
            text([0, 1, 0], [0, 0, 1], names, dy=5, bold=True, boxed=True),
            dots([], [], colour=EXACT, size=9, halo="#fff", name="point"),
        ]
        digits = max(0, 1 - math.floor(math.log10(high - low))) if high > low else 2
        ends = f"{label}: dark {low:.{digits}f}, light {high:.{digits}f}"
        axes = (Axis(f"towards the {name}", *extent) for name in names[1:])
        panels = [
            Chart(*axes, marks, "a map of the plane, with the point", "plane", ends, 400, 380, grid=""),
            Pictures([-1] * NEIGHBOURS, "the nearest images", "near", "nearest images", 2, 4),
        ]
        state = {"labels": self.labels.tolist(), "between": self._apart()}
        return SliceView(
            {"a": self.a, "b": self.b},
            panels,
            alt=ALT,
            title="Move the point, with the sliders or on the map",
            tables={"corners": self.corners},
            state=state,
            images=self.images,
            exported=exported,
            codes=self.codes,
        )

    def _draw_figure(self, values: Tensor, extent: tuple[float, float], label: str, names: list[str]) -> None:
        alt = "A map of a plane through three codes, the picture decoded at the marked point, and the nearest images."
        self._figure, panels = figure(1, 3, title="Move the point", alt=alt, size=(7.5, 3.2))
        plane, decoded, near = panels
        draw_map(plane, values, (*extent, *extent), label=label)
        for name, place in zip(names, ((0, 0), (1, 0), (0, 1)), strict=True):
            box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": EXACT}
            plane.text(*place, name, ha="center", va="center", fontweight="bold", bbox=box)
        plane.set(xlabel=f"towards the {names[1]}", ylabel=f"towards the {names[2]}")
        (marker,) = plane.plot([], [], "P", markersize=14, color=EXACT, markeredgecolor="white", zorder=6)
        for axes, heading in ((decoded, "decoded here"), (near, "nearest images")):
            axes.set_title(heading)
            axes.set_axis_off()
        ink = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
        self._marker, self._decoded = marker, decoded.imshow(np.zeros((28, 28)), **ink)
        self._near = near.imshow(mosaic(self.images[:NEIGHBOURS] * 0, columns=2), **ink)
        self._figure.moving = [self._marker, self._decoded, self._near]


def map_address(values: Float[Tensor, "H W"]) -> str:
    """The colours of `plots.draw_map` as a data address of a small PNG.

    Args:
        values: (H, W) values; row 0 is the lowest.
    """
    grid = values.detach().cpu().double().flipud().numpy()
    shares = (grid - grid.min()) / (np.ptp(grid) or 1.0)
    out = io.BytesIO()
    Image.fromarray(matplotlib.colormaps["cividis"](shares, bytes=True)[..., :3]).save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
