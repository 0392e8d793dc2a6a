"""RateDistortionExplorer: move along the rate–distortion curve and see what a nat of rate buys."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.models import VAE
from vae_utils.plots import EXACT, MUTED, WRONG, LessonFigure, figure, mosaic
from vae_utils.plots import VAE as VAE_COLOUR
from vae_utils.rate_distortion import RateDistortion
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import require_images, require_model

SHOWN = 6  # pictures a row


class RateDistortionExplorer(Explorer):
    """A slider over trained models, from small to large β: place on the curve, reconstructions and samples.

    Args:
        models: VAEs trained with different β.
        places: where each stands, in the same order (see `rate_distortion.sweep`).
        images: test images, (N, 1, 28, 28), at least 6.
        cell: which cell makes the models, for the message if it has not been run.

    Raises:
        ValueError, TypeError: no models, other counts of models and places, too few images, or no VAE.
    """

    def __init__(
        self,
        models: Sequence[VAE],
        places: Sequence[RateDistortion],
        images: Float[Tensor, "N 1 28 28"],
        cell: str = "the cell that trains one VAE for each β",
    ) -> None:
        if not models or len(models) != len(places):
            raise ValueError(f"received {len(models)} models and {len(places)} places: run {cell} first")
        if len(require_images(images)) < SHOWN:
            raise ValueError(f"images must hold at least {SHOWN}, received {len(images)}")
        self.models = [require_model(model, "models", ("encode", "generate"), cell) for model in models]
        self.places, self.images, self._rolls = list(places), images, 0
        self._draw_figure()
        options = [(f"{place.beta:g}", index) for index, place in enumerate(self.places)]
        self.model = make.steps("β", options, min(1, len(options) - 1))
        self.first = make.number("first test image", 0, 0, len(images) - SHOWN)
        super().__init__(
            [self.model, self.first],
            above=[self.button("Other samples", self._roll)],
            alt=self._figure.alt,
            summary="a slider over β: the model's place on the rate–distortion curve, reconstructions, samples.",
            width=720,
            beside=False,
        )

    def render(self) -> LessonFigure:
        """The chosen model's place, what it makes of the test images, and draws from its prior."""
        model, place = self.models[self.model.value], self.places[self.model.value]
        weight = next(model.parameters())
        x = self.images[self.first.value : self.first.value + SHOWN].to(weight)
        # The same noise at every β, so that only the model changes when the slider moves.
        generator = torch.Generator().manual_seed(self._rolls)
        epsilon, prior = torch.randn(2, SHOWN, model.latent_dim, generator=generator).to(weight)
        mu, logvar = model.encode(x)
        rows = [x, model.generate(mu + (0.5 * logvar).exp() * epsilon), model.generate(prior)]
        self._pictures.set_data(_sheet(torch.cat(rows).cpu()))
        self._dot.set_data([place.rate], [place.distortion])
        self.say(
            f"β = {place.beta:g}: rate {place.rate:.1f} + distortion {place.distortion:.1f} = "
            f"{place.negative_elbo:.1f} nats per image; {place.active} of {model.latent_dim} latents active"
        )
        return self._figure

    def _roll(self) -> None:
        self._rolls += 1

    def _draw_figure(self) -> None:
        self._figure, (curve, pictures) = figure(
            1,
            2,
            title="What does a nat of rate buy?",
            alt="Left: distortion over rate of models trained with different β, the chosen one marked. Right: three "
            "rows of pictures: test images, their reconstructions by one draw from q(z|x), draws from the prior.",
            size=(7.5, 3.3),
            width_ratios=(1, 1.5),
        )
        rates, distortions = zip(*((place.rate, place.distortion) for place in self.places), strict=True)
        curve.plot(rates, distortions, "o-", color=VAE_COLOUR, linewidth=2, markersize=5)
        lowest = min(place.negative_elbo for place in self.places)
        ends = torch.tensor([0.0, max(rates)])
        curve.plot(ends, lowest - ends, "--", color=MUTED, linewidth=1.5, zorder=1)
        curve.set(xlabel="rate R (nats per image)", ylabel="distortion D (nats per image)")
        curve.set_title(f"dashed: R + D = {lowest:.0f} nats", fontsize=9, color=EXACT)
        (self._dot,) = curve.plot(
            [rates[0]], [distortions[0]], "o", color=WRONG, markersize=11, markerfacecolor="none", markeredgewidth=2.5
        )
        sheet = _sheet(torch.zeros(3 * SHOWN, 1, 28, 28))
        self._pictures = pictures.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="antialiased")
        height = sheet.shape[0]
        pictures.set_yticks([height * (row + 0.5) / 3 for row in range(3)], ["image", "reconstructed", "sampled"])
        pictures.set_xticks([])
        pictures.grid(False)
        pictures.spines[:].set_visible(False)
        pictures.tick_params(length=0)
        self._figure.moving = [self._dot, self._pictures]


def _sheet(pictures: Tensor) -> np.ndarray:
    """Three rows of pictures on one sheet, (H, W)."""
    return mosaic(pictures, SHOWN, scale=3, gap=(6, 12), frame=True)
