"""PlaneExplorer: move a point over a two-dimensional latent space and see what it decodes to, and what lies near."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.plots import EXACT, LessonFigure, draw_codes, draw_map, figure, mosaic
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained

NEIGHBOURS = 4
POINTS = 500  # codes drawn on the map; the neighbours are searched among all


class PlaneExplorer(Explorer):
    """Two sliders move a point over the latent plane; its picture and the images encoded nearest stand beside it.

    Args:
        model: a trained model with two latent dimensions (`encode`, `generate`).
        images: (N, 1, 28, 28) images whose codes are drawn and searched.
        labels: (N,) their classes.
        realism: (H, W) a value for each place of the plane, drawn under the codes; row 0 is the smallest z₂.
        extent: two opposite corners of the plane, (2,) each: the smallest and the largest (z₁, z₂).
        cell: which cell trains the model, for the message if it has not been run.

    Raises:
        TypeError, ValueError: the model is None, not a model, looks untrained or has not two latent dimensions.
    """

    def __init__(
        self,
        model: nn.Module | None,
        images: Float[Tensor, "N 1 28 28"],
        labels: Int[Tensor, " N"],
        realism: Float[Tensor, "H W"],
        extent: tuple[Tensor, Tensor],
        cell: str = TRAINING_CELL,
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        if self.model.latent_dim != 2:
            raise ValueError(f"PlaneExplorer needs a model with latent_dim = 2, received {self.model.latent_dim}")
        require_trained(self.model, torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), cell)
        with torch.no_grad():
            found = self.model.encode(images)
        self.images, self.labels = images, labels
        self.codes = found[0] if isinstance(found, tuple) else found  # of a VAE the means
        self._draw_figure(realism, extent)
        low, high = (corner.tolist() for corner in extent)
        start = self.codes.median(0).values.tolist()
        self.z1, self.z2 = (
            make.slider(name, start[axis], low[axis], high[axis], (high[axis] - low[axis]) / 200)
            for axis, name in enumerate(("z₁", "z₂"))
        )
        super().__init__(
            [self.z1, self.z2],
            alt="Left: the latent plane with the codes of the images and a marked point. Right: the picture decoded at "
            "that point and the images whose codes lie nearest.",
            summary="two sliders that move a point over the latent plane, and what it decodes to.",
            width=720,
            beside=False,
        )

    def nearest(self) -> Int[Tensor, " 4"]:
        """Numbers of the images whose codes lie nearest to the point, (4,), the nearest first."""
        return torch.cdist(self._point(), self.codes)[0].topk(NEIGHBOURS, largest=False).indices

    def render(self) -> LessonFigure:
        """The plane with the point, the decoded picture, and the nearest images."""
        point, chosen = self._point(), self.nearest()
        self._marker.set_data(*point.T.tolist())
        picture = self.model.generate(point.to(next(self.model.parameters()).device)).cpu()
        self._decoded.set_data(picture[0, 0])
        self._near.set_data(mosaic(self.images[chosen], columns=2))
        distance = (self.codes[chosen[0]] - point[0]).norm().item()
        classes = ", ".join(str(label) for label in self.labels[chosen].tolist())
        self.say(f"nearest codes belong to: {classes}; the nearest is {distance:.2f} away")
        return self._figure

    def _point(self) -> Float[Tensor, "1 2"]:
        return torch.tensor([[self.z1.value, self.z2.value]])

    def _draw_figure(self, realism: Tensor, extent: tuple[Tensor, Tensor]) -> None:
        self._figure, panels = figure(
            1,
            3,
            title="Move the point",
            alt="The latent plane, the decoded picture, and the nearest images.",
            size=(7.5, 3.3),
        )
        plane, decoded, near = panels
        (left, bottom), (right, top) = (corner.tolist() for corner in extent)
        draw_map(plane, realism.clamp(max=2), (left, right, bottom, top), label="realism")
        draw_codes(plane, self.codes[:POINTS], self.labels[:POINTS], size=5)
        plane.set(xlim=(left, right), ylim=(bottom, top))
        (marker,) = plane.plot([], [], "P", markersize=15, color=EXACT, markeredgecolor="white", zorder=6)
        blank = self.images[0, 0] * 0
        for axes, heading in ((decoded, "decoded here"), (near, "nearest images")):
            axes.set_title(heading)
            axes.set_axis_off()
        ink = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
        self._marker, self._decoded = marker, decoded.imshow(blank, **ink)
        self._near = near.imshow(mosaic(self.images[:NEIGHBOURS] * 0, columns=2), **ink)
        self._figure.moving = [self._marker, self._decoded, self._near]
