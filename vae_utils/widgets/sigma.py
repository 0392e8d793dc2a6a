"""SigmaExplorer: the same VAE trained at several σ of its Gaussian decoder; a slider goes from one to the next."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from vae_utils.likelihoods import Gaussian
from vae_utils.models import VAE
from vae_utils.plots import EXACT, MUTED, LessonFigure, figure, mosaic
from vae_utils.plots import VAE as COLOUR
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, Pictures, by, dots, line
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import TRAINING_CELL, require_images, require_model, require_trained

DRAWS = 9
TITLE = "What a decoder with this σ reconstructs and generates"


class SigmaExplorer(FramesExplorer):
    """A slider over models trained at different σ: a reconstruction, draws from the prior, and the two terms.

    Args:
        models: VAEs with a `Gaussian` likelihood, one for each σ, in any order.
        scores: of each model its mean test terms in nats per image: "reconstruction" and "kl".
        images: (N, 1, 28, 28) test images.
        start: which σ to begin with: the nearest one.
        cell: which cell trains the models, for the message if it has not been run.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        TypeError, ValueError: no models, something that is no VAE or has no single σ, or another number of scores.
    """

    def __init__(
        self,
        models: Sequence[VAE],
        scores: Sequence[Mapping[str, float]],
        images: Float[Tensor, "N 1 28 28"],
        start: float = 0.2,
        cell: str = TRAINING_CELL,
        *,
        in_browser: bool = True,
    ) -> None:
        images = require_images(images)
        if len(models) == 0 or len(models) != len(scores):
            raise ValueError(f"give each model its scores: received {len(models)} models and {len(scores)} scores")
        models = [require_model(model, "each of models", ("encode", "decode"), cell) for model in models]
        for model in models:
            if not isinstance(model.likelihood, Gaussian):
                raise TypeError(
                    f"each model must have a Gaussian likelihood, received {type(model.likelihood).__name__}"
                )
            with torch.no_grad():
                require_trained(model, model.encode(images[:8].to(next(model.parameters())))[0], cell)
        order = sorted(range(len(models)), key=lambda i: models[i].likelihood.sigma)
        self.models, self.scores, self.images = [models[i] for i in order], [scores[i] for i in order], images.cpu()
        self.sigmas = [model.likelihood.sigma for model in self.models]
        latent_dim = self.models[0].latent_dim
        self.z = torch.randn(DRAWS, latent_dim, generator=Generator().manual_seed(0))
        names = [
            f"{sigma:.2f}" + (" (learned)" if list(model.likelihood.parameters()) else "")
            for sigma, model in zip(self.sigmas, self.models, strict=True)
        ]
        nearest = min(range(len(order)), key=lambda i: abs(np.log(self.sigmas[i] / start)))
        self._drawn: list[Tensor] = []
        self._draw_figure()
        self.sigma = make.steps("σ of the decoder", [(name, i) for i, name in enumerate(names)], nearest)
        self.number = make.number("test image", 0, 0, len(images) - 1)
        self.noisy = make.switch("draw the pixels too (a sample of p(x|z), not its mean)")
        super().__init__(
            {"sigma": self.sigma, "number": self.number, "noisy": self.noisy},
            asks=["number"],
            alt=self._figure.alt,
            title=TITLE,
            summary="a slider over the σ of a Gaussian decoder: reconstruction, samples, and the two terms.",
            width=720,
            beside=False,
            in_browser=in_browser,
        )

    def render(self) -> LessonFigure:
        """The pictures of the model at the chosen σ, and where it stands on the curve."""
        model, terms = self.models[self.sigma.value], self.scores[self.sigma.value]
        weight = next(model.parameters())
        x = self.images[self.number.value][None]
        mu, _ = model.encode(x.to(weight))
        noisy = self.noisy.value
        self._original.set_data(x[0, 0].numpy())
        self._reconstruction.set_data(self._picture(model, mu, noisy)[0, 0].numpy())
        self._samples.set_data(mosaic(self._picture(model, self.z.to(weight), noisy), columns=3))
        self._dot.set_data([self.sigmas[self.sigma.value]], [terms["reconstruction"] + terms["kl"]])
        self.say(self._account(self.sigma.value))
        return self._figure

    def frames(self) -> Frames:
        """The pictures of every model for the chosen image, with and without the noise of the pixels."""
        x, ways, count = self.images[self.number.value][None], (False, True), len(self.models)
        if not self._drawn:  # these do not depend on the image
            self._drawn = [
                self._picture(model, self.z.to(next(model.parameters())), way) for model in self.models for way in ways
            ]
        rebuilt = []
        for model in self.models:
            mu, _ = model.encode(x.to(next(model.parameters())))
            rebuilt += [self._picture(model, mu, way) for way in ways]
        first, second = torch.arange(2 * count), torch.arange(2 * count * DRAWS)
        losses = [terms["reconstruction"] + terms["kl"] for terms in self.scores]
        room = 0.12 * (max(losses) - min(losses)) or 1.0
        marks = [
            line(self.sigmas, losses, colour=MUTED),
            dots(self.sigmas, losses, colour=MUTED, size=4),
            dots(
                by(torch.tensor(self.sigmas)[:, None], "sigma"),
                by(torch.tensor(losses)[:, None], "sigma"),
                colour=COLOUR,
                size=7,
            ),
        ]
        axis = Axis("σ", self.sigmas[0] / 1.25, 1.25 * self.sigmas[-1], log=True, ticks=self._ticks())
        loss = Axis("", min(losses) - room, max(losses) + room, room=max(len(f"{loss:.0f}") for loss in losses) + 1)
        sigma, noisy = "sigma", "noisy"
        panels = [
            Pictures([0], "test image", "original", "test image", zoom=5),
            Pictures(
                by(1 + first.view(count, 2, 1), sigma, noisy), "reconstruction", "rebuilt", "reconstruction", zoom=5
            ),
            Pictures(
                by(1 + 2 * count + second.view(count, 2, DRAWS), sigma, noisy),
                "prior draws",
                "samples",
                "prior draws",
                3,
                2.5,
            ),
            Chart(axis, loss, marks, "minus ELBO over σ", "curve", "−ELBO (nats)", 330, 226, right=8),
        ]
        said = [self._account(place) for place in range(count)]
        return Frames(panels, [by(said, "sigma")], torch.cat([x, *rebuilt, *self._drawn]))

    def _account(self, place: int) -> str:
        terms = self.scores[place]
        loss = terms["reconstruction"] + terms["kl"]
        return (
            f"σ = {self.sigmas[place]:.2f}: reconstruction {terms['reconstruction']:.0f} nats, "
            f"KL {terms['kl']:.1f} nats, −ELBO {loss:.0f} nats per dequantized test image"
        ).replace("-", "−")

    def _ticks(self) -> list[tuple[float, str]]:
        return [(sigma, f"{sigma:.2g}") for sigma in (self.sigmas[0], self.sigmas[-1])]

    def _picture(self, model: VAE, z: Tensor, noisy: bool) -> Tensor:
        """Decoded pixels, (B, 1, 28, 28): the mean, or with the noise that the likelihood adds, cut off to [0, 1]."""
        outputs = model.decode(z)
        if not noisy:
            return model.likelihood.mean(outputs).cpu()
        generator = Generator(outputs.device).manual_seed(1)
        return model.likelihood.sample(outputs, generator).clamp(0, 1).cpu()

    def _draw_figure(self) -> None:
        self._figure, (original, reconstruction, samples, curve) = figure(
            1,
            4,
            title=TITLE,
            alt="A test image, its reconstruction, nine draws from the prior, and minus the ELBO over σ with a dot at "
            "the σ of the slider. Small σ: crisp reconstructions and tangled draws. Large σ: blurred ones.",
            size=(7.5, 2.7),
        )
        for axes, heading in ((original, "test image"), (reconstruction, "reconstruction"), (samples, "prior draws")):
            axes.set_title(heading)
            axes.set_axis_off()
        ink = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
        self._original, self._reconstruction = (a.imshow(np.zeros((28, 28)), **ink) for a in (original, reconstruction))
        self._samples = samples.imshow(mosaic(torch.zeros(DRAWS, 1, 28, 28), columns=3), **ink)
        losses = [terms["reconstruction"] + terms["kl"] for terms in self.scores]
        curve.plot(self.sigmas, losses, "o-", color=MUTED, markersize=4)
        curve.margins(0.15)  # room for the dot at both ends
        curve.set_xscale("log")
        curve.set(xlabel="σ", title="−ELBO (nats)")
        curve.set_xticks(*zip(*dict(self._ticks()).items(), strict=True))
        curve.minorticks_off()
        (self._dot,) = curve.plot([self.sigmas[0]], [losses[0]], "o", color=COLOUR, markersize=11, zorder=5)
        self._dot.set_markeredgecolor(EXACT)
        self._figure.moving = [self._original, self._reconstruction, self._samples, self._dot]
