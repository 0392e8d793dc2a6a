"""SliceExplorer: move a point over a plane through the latent space; see what it decodes to, and what lies near."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.plots import EXACT, LessonFigure, draw_map, figure, mosaic
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained

NEIGHBOURS = 4
START = (0.35, 0.35)  # near the middle of the triangle


class SliceExplorer(Explorer):
    """Two sliders move a point over the plane through three images' codes; its picture and the nearest images show.

    A place is A + a (B - A) + b (C - A): the code of the first image lies at (0, 0), of the second at (1, 0), of the
    third at (0, 1).

    Args:
        model: a trained model (`encode`, `generate`).
        images: (N, 1, 28, 28) images; the nearest ones to the point are searched among them, in the latent space.
        labels: (N,) their classes.
        corners: the numbers of three of them.
        values: (H, W) a value for each place, drawn as a map; row 0 is the smallest b.
        extent: smallest and largest value of a and of b.
        label: what the values are.
        cell: which cell trains the model, for the message if it has not been run.

    Raises:
        TypeError, ValueError: the model is None, not a model, or looks untrained; corners are not three images.
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
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        if len(set(corners)) != 3 or not all(0 <= corner < len(images) for corner in corners):
            raise ValueError(f"corners must be three different images from 0 to {len(images) - 1}, received {corners}")
        self.device = next(self.model.parameters()).device
        with torch.no_grad():
            found = self.model.encode(images.to(self.device))
        codes = found[0] if isinstance(found, tuple) else found  # of a VAE the means
        self.images, self.labels, self.codes, self.corners = images, labels, codes, codes[list(corners)]
        require_trained(self.model, self.codes[:8], cell)
        self._draw_figure(values, extent, label, [str(labels[corner].item()) for corner in corners])
        self.a, self.b = (
            make.slider(f"towards {text}", start, *extent)
            for text, start in zip((f"the {labels[corners[1]]}", f"the {labels[corners[2]]}"), START, strict=True)
        )
        super().__init__(
            [self.a, self.b],
            alt="Left: a map of a plane through three codes with a marked point. Middle: the picture decoded at that "
            "point. Right: the four images whose codes lie nearest to it.",
            summary="two sliders that move a point over a plane through the latent space, and what it decodes to.",
            width=720,
            beside=False,
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
        between = (self.corners[1] - self.corners[0]).norm().item()
        classes = ", ".join(str(label) for label in self.labels[chosen].tolist())
        self.say(
            f"The four nearest codes belong to {classes}. The nearest is {distance:.1f} away; "
            f"the first two corners are {between:.1f} apart."
        )
        return self._figure

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
