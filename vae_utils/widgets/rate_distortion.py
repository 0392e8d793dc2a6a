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
from vae_utils.widgets.chart import Axis, Chart, Pictures, by, dots, line
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import require_images, require_model

SHOWN = 6  # pictures a row
ROWS = ("test images", "reconstructed by one draw from q(z|x)", "sampled from the prior")
TITLE = "What does a nat of rate buy?"


class RateDistortionExplorer(FramesExplorer):
    """A slider over trained models, from small to large β: place on the curve, reconstructions and samples.

    Two rows of pictures of each model travel to the browser, and not the models: those of lesson 08 would be a megabyte
    even with weights of 16 bits. The slider needs no kernel then; other images and other samples ask for it.

    Args:
        models: VAEs trained with different β, in any order.
        places: where each stands, in the same order (see `rate_distortion.sweep`).
        images: test images, (N, 1, 28, 28), at least 6.
        cell: which cell makes the models, for the message if it has not been run.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError, TypeError: no models, other counts of models and places, too few images, or no VAE.
    """

    def __init__(
        self,
        models: Sequence[VAE],
        places: Sequence[RateDistortion],
        images: Float[Tensor, "N 1 28 28"],
        cell: str = "the cell that trains one VAE for each β",
        *,
        in_browser: bool = True,
    ) -> None:
        if not models or len(models) != len(places):
            raise ValueError(f"received {len(models)} models and {len(places)} places: run {cell} first")
        if len(require_images(images)) < SHOWN:
            raise ValueError(f"images must hold at least {SHOWN}, received {len(images)}")
        models = [require_model(model, "models", ("encode", "generate"), cell) for model in models]
        order = sorted(range(len(models)), key=lambda index: places[index].beta)
        self.models, self.places = [models[index] for index in order], [places[index] for index in order]
        self.images, self._rolls = images, 0
        self._draw_figure()
        options = [(f"{place.beta:g}", index) for index, place in enumerate(self.places)]
        self.model = make.steps("β", options, min(1, len(options) - 1))
        self.first = make.number("first test image", 0, 0, len(images) - SHOWN)
        super().__init__(
            {"model": self.model, "first": self.first},
            asks=["first"],
            above=[self.button("Other samples", self._roll)],
            alt=self._figure.alt,
            title=TITLE,
            layout="max-content auto",
            summary="a slider over β: the model's place on the rate–distortion curve, reconstructions, samples.",
            width=720,
            beside=False,
            in_browser=in_browser,
        )

    def render(self) -> LessonFigure:
        """The chosen model's place, what it makes of the test images, and draws from its prior."""
        place = self.places[self.model.value]
        self._pictures.set_data(_sheet(torch.cat([self._shown(), *self._made(self.models[self.model.value])])))
        self._dot.set_data([place.rate], [place.distortion])
        self.say(self._account(self.model.value))
        return self._figure

    def frames(self) -> Frames:
        """What every model makes of the chosen test images and of the same draws, and where it stands."""
        made = [row for model in self.models for row in self._made(model)]
        numbers = SHOWN + torch.arange(len(made) * SHOWN).view(-1, 2, SHOWN)
        rates, distortions = self._curve()
        ends, spare = [0.0, max(rates)], 0.06 * max(rates)
        lowest = min(place.negative_elbo for place in self.places)
        heights = [*distortions, lowest, lowest - ends[1]]
        here = (by(torch.tensor(values)[:, None], "model") for values in (rates, distortions))
        marks = [
            line(ends, [lowest - end for end in ends], colour=MUTED, width=1.5, dash="6 4"),
            line(rates, distortions, colour=VAE_COLOUR),
            dots(rates, distortions, colour=VAE_COLOUR, size=4),
            dots(*here, colour=WRONG, size=8, hollow=True),
        ]
        curve = Chart(
            Axis("rate R (nats per image)", -spare, ends[1] + spare),
            Axis("distortion D (nats per image)", min(heights) - spare, max(heights) + spare),
            marks,
            "distortion over rate of models with different β",
            "curve",
            f"dashed: R + D = {lowest:.0f} nats",
            330,
            330,
            span=len(ROWS),
        )
        shown = [torch.arange(SHOWN), by(numbers[:, 0], "model"), by(numbers[:, 1], "model")]
        rows = [
            Pictures(which, text, name, text, SHOWN, 2.2)
            for which, text, name in zip(shown, ROWS, ("images", "rebuilt", "samples"), strict=True)
        ]
        said = [self._account(place) for place in range(len(self.places))]
        return Frames([curve, *rows], [by(said, "model")], torch.cat([self._shown(), *made]))

    def _shown(self) -> Tensor:
        """The chosen test images, (6, 1, 28, 28)."""
        return self.images[self.first.value : self.first.value + SHOWN].cpu()

    def _made(self, model: VAE) -> tuple[Tensor, Tensor]:
        """A model's reconstructions of the chosen images, and its samples, (6, 1, 28, 28) each."""
        weight = next(model.parameters())
        # The same noise at every β, so that only the model changes when the slider moves.
        generator = torch.Generator().manual_seed(self._rolls)
        epsilon, prior = torch.randn(2, SHOWN, model.latent_dim, generator=generator).to(weight)
        mu, logvar = model.encode(self._shown().to(weight))
        return model.generate(mu + (0.5 * logvar).exp() * epsilon).cpu(), model.generate(prior).cpu()

    def _account(self, which: int) -> str:
        place = self.places[which]
        return (
            f"β = {place.beta:g}: rate {place.rate:.1f} + distortion {place.distortion:.1f} = "
            f"{place.negative_elbo:.1f} nats per image; "
            f"{place.active} of {self.models[which].latent_dim} latents active"
        )

    def _curve(self) -> tuple[list[float], list[float]]:
        """Rates and distortions of all models."""
        return [place.rate for place in self.places], [place.distortion for place in self.places]

    def _roll(self) -> None:
        self._rolls += 1
        self.send()

    def _draw_figure(self) -> None:
        self._figure, (curve, pictures) = figure(
            1,
            2,
            title=TITLE,
            alt="Left: distortion over rate of models trained with different β, the chosen one marked. Right: three "
            "rows of pictures: test images, their reconstructions by one draw from q(z|x), draws from the prior.",
            size=(7.5, 3.3),
            width_ratios=(1, 1.5),
        )
        rates, distortions = self._curve()
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
