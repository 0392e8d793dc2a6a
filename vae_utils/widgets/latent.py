"""LatentExplorer: one slider for each latent dimension, and the picture that the decoder makes of them."""

from collections.abc import Sequence

import ipywidgets
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.distributions import kl_to_standard_normal
from vae_utils.plots import LessonFigure, show_images
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained

RANGE = 3.0  # prior standard deviations to each side: 99.7 % of the prior's mass a dimension


class LatentExplorer(Explorer):
    """Move through the latent space of a trained model and see what it decodes to.

    Args:
        model: a trained VAE or Autoencoder (anything with `latent_dim`, `encode` and `generate`).
        images: (N, 1, 28, 28) images to go to; they also sort the sliders, the most used dimension first: by KL per
            dimension for a VAE, by the variance of the codes for an autoencoder.
        order: dimensions in the order of the sliders, instead.
        start: the number of the image to begin with; without images, and for None, the centre of the latent space.
        cell: which cell trains the model, for the message if it has not been run.

    Raises:
        TypeError, ValueError: `model` is None, not a model, or looks untrained; images or order do not fit it.
    """

    def __init__(
        self,
        model: nn.Module | None,
        images: Tensor | None = None,
        *,
        order: Sequence[int] | None = None,
        start: int | None = 0,
        cell: str = TRAINING_CELL,
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        self.latent_dim = self.model.latent_dim
        require_trained(self.model, torch.randn(8, self.latent_dim, generator=torch.Generator().manual_seed(0)), cell)
        self.images, self.generator = images, torch.Generator().manual_seed(0)
        self._survey(images)
        self.order = self._sorted(order)
        self.chosen: int | None = None
        self.sliders = {dim: self._slider(dim) for dim in self.order}
        above: list[ipywidgets.Widget] = [
            self.button("Reset to 0" if self.has_prior else "Reset to the mean", self.reset),
            self.button("Draw from the prior" if self.has_prior else "Draw a code", self.draw_code),
        ]
        views = {"decoded": "decoded from the sliders"}
        if images is not None:
            self.number = make.number("test image", start or 0, 0, len(images) - 1)
            self.watch(self.number, lambda: self.go_to(self.number.value))
            go = self.button("Go to it", lambda: self.go_to(self.number.value))
            self.number.style.description_width, self.number.layout = "80px", ipywidgets.Layout(width="180px")
            above.append(ipywidgets.HBox([self.number, go]))
            views = {"original": "test image", **views}
            if start is not None:
                self._place(start)
        unit = "prior standard deviations" if self.has_prior else "units of the code"
        sorting = f"; sorted by {self.measure}" if self.measure else ""
        above.append(ipywidgets.HTML(f"<small>Sliders in {unit}{sorting}.</small>"))
        super().__init__(
            list(self.sliders.values()),
            views=views,
            above=above,
            alt="The picture that the decoder makes of the code set by the sliders"
            + (", beside the test image it started from." if images is not None else "."),
            summary=f"one slider for each of the {self.latent_dim} latent dimensions, and what they decode to.",
        )

    # ---- what the learner does ---------------------------------------------------------------------------------------

    @property
    def z(self) -> Float[Tensor, " K"]:
        """The code that the sliders stand at, (K,), in the model's order of dimensions."""
        values = torch.zeros(self.latent_dim)
        for dim, slider in self.sliders.items():
            values[dim] = slider.value
        return values

    @z.setter
    def z(self, code: Float[Tensor, " K"]) -> None:
        with self.merged():
            self._set(code)

    def reset(self) -> None:
        """Put all sliders at the centre: the prior's mean, or for an autoencoder the mean of the codes."""
        with self.merged():
            self.chosen = None
            self._set(self.centre)

    def draw_code(self) -> None:
        """Put the sliders at a random code: from the prior, or for an autoencoder a Gaussian fitted to its codes."""
        with self.merged():
            self.chosen = None
            self._set(self.centre + self.spread * torch.randn(self.latent_dim, generator=self.generator))

    def go_to(self, number: int) -> None:
        """Put the sliders at the code of a test image: the encoder's mean for it."""
        with self.merged():
            self._place(number)
            if self.number.value != number:
                self.number.value = number

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def decode(self, z: Float[Tensor, " K"]) -> Float[Tensor, "H W"]:
        """The picture of one code: pixels in [0, 1]."""
        device = next(self.model.parameters()).device
        return self.model.generate(z.unsqueeze(0).to(device))[0, 0].cpu()

    def render(self) -> dict[str, Tensor]:
        """The decoded picture, and beside it the test image."""
        z = self.z
        views = {"decoded": self.decode(z)}
        if self.images is None:
            return views
        if self.chosen is None:
            self.say("The sliders stand at no test image.")
            return {"original": torch.zeros(self.images.shape[-2:]), **views}
        moved = int(((z - self.codes[self.chosen]).abs() > 5e-3).sum())
        where = (
            f"{moved} of {self.latent_dim} sliders moved away from its code."
            if moved
            else "The sliders stand at its code."
        )
        self.say(f"Test image {self.chosen}. {where}")
        return {"original": self.images[self.chosen, 0], **views}

    def snapshot(self, title: str | None = None, alt: str | None = None, rows: int = 8, steps: int = 7) -> LessonFigure:
        """The sliders as a static figure: a row for each of the first ones, with the others left where they stand.

        Args:
            title, alt: the message of the figure and its text alternative.
            rows: how many sliders, from the top.
            steps: pictures a row.
        """
        strips, labels = [], []
        with torch.no_grad():
            for dim in list(self.order)[:rows]:
                low, high = self._range(dim)
                values = torch.linspace(low, high, steps)
                strips.append(torch.stack([self.decode(self._replaced(dim, value)) for value in values])[:, None])
                use = f"\n{self.use[dim]:.2f} nats" if self.use is not None and self.has_prior else ""
                labels.append(f"z[{dim}]{use}")
        heads = [f"{value:+.3g}".replace("-", "−") for value in torch.linspace(-RANGE, RANGE, steps).tolist()]
        default = f"Decoded pictures: a row for each of {len(labels)} latent dimensions, moved from low to high."
        return show_images(strips, titles=heads, row_labels=labels, title=title, alt=alt or default)

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _survey(self, images: Tensor | None) -> None:
        """Encode the images once: their codes, and how much each dimension is used."""
        self.codes, self.use, self.measure = None, None, ""
        self.centre, self.spread = torch.zeros(self.latent_dim), torch.ones(self.latent_dim)
        self.has_prior = True
        if images is None:
            self.has_prior = not _is_deterministic(self.model)
            return
        if images.ndim != 4 or not len(images):
            raise ValueError(f"images must be (N, 1, 28, 28) with N >= 1, received {tuple(images.shape)}")
        device, parts = next(self.model.parameters()).device, []
        with torch.no_grad():
            for batch in images.split(1000):
                encoded = self.model.encode(batch.to(device))
                parts.append(encoded if isinstance(encoded, tuple) else (encoded,))
        self.codes = torch.cat([part[0].cpu() for part in parts])
        self.has_prior = len(parts[0]) == 2
        if self.has_prior:
            logvar = torch.cat([part[1].cpu() for part in parts])
            self.use, self.measure = kl_to_standard_normal(self.codes, logvar).mean(0), "KL (nats per image)"
        else:
            self.use, self.measure = self.codes.var(0, correction=0), "variance of the codes"
            self.centre, self.spread = self.codes.mean(0), self.use.sqrt()

    def _sorted(self, order: Sequence[int] | None) -> list[int]:
        if order is not None:
            if sorted(order) != list(range(self.latent_dim)):
                raise ValueError(f"order must hold each of 0 to {self.latent_dim - 1} once, received {list(order)}")
            return list(order)
        if self.use is None:
            return list(range(self.latent_dim))
        return self.use.argsort(descending=True, stable=True).tolist()

    def _range(self, dim: int) -> tuple[float, float]:
        centre, reach = float(self.centre[dim]), RANGE * max(float(self.spread[dim]), 1e-3)
        return centre - reach, centre + reach

    def _slider(self, dim: int) -> ipywidgets.FloatSlider:
        low, high = self._range(dim)
        value = f" ({self.use[dim]:.2f})" if self.use is not None else ""
        return make.slider(f"z[{dim}]{value}", float(self.centre[dim]), low, high, (high - low) / 600)

    def _set(self, code: Tensor) -> None:
        """Move the sliders; one that is too short for its value grows, or it would show another code."""
        for dim, slider in self.sliders.items():
            low, high = self._range(dim)
            value = float(code[dim])
            slider.min, slider.max = min(low, value, slider.min), max(high, value, slider.max)
            slider.value = value
            slider.min, slider.max = min(low, value), max(high, value)

    def _place(self, number: int) -> None:
        if self.images is None:
            raise ValueError("there are no test images: give LatentExplorer images=")
        if not 0 <= number < len(self.images):
            raise ValueError(f"test image must be 0 to {len(self.images) - 1}, received {number}")
        self.chosen = number
        self._set(self.codes[number])

    def _replaced(self, dim: int, value: Tensor) -> Tensor:
        z = self.z
        z[dim] = value
        return z


def _is_deterministic(model: nn.Module) -> bool:
    """Whether the encoder gives one code, as an autoencoder's does, and not a mean and a variance."""
    device = next(model.parameters()).device
    with torch.no_grad():
        return not isinstance(model.encode(torch.zeros(1, 1, 28, 28, device=device)), tuple)
