"""LatentExplorer: one slider for each latent dimension, and the picture that the decoder makes of them."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from vae_utils.plots import LessonFigure, show_images
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import STRIP, slow_notice
from vae_utils.widgets.decoding import along, decode
from vae_utils.widgets.export import NotExportable
from vae_utils.widgets.fed import Feeder
from vae_utils.widgets.latent_view import LatentView, fitting_labels
from vae_utils.widgets.models import TRAINING_CELL, require_images, require_model, require_trained
from vae_utils.widgets.survey import MOST_IMAGES, RANGE, survey


class LatentExplorer(Explorer):
    """Move through the latent space of a trained model and see what it decodes to.

    The browser decodes, so pictures follow while the kernel is busy too. For a model that it cannot run the kernel
    does, which the explorer says. With two latent dimensions there is also a plane to drag over.

    Args:
        model: a trained VAE or Autoencoder (anything with `latent_dim`, `encode` and `generate`).
        images: (N, 1, 28, 28) images to go to, of which the first 2,000 are used; they also sort the sliders, the most
            used dimension first: by KL per dimension for a VAE, by the variance of the codes for an autoencoder.
        labels: (N,) their classes, 0 to 9, which colour the codes on the plane.
        order: dimensions in the order of the sliders, instead.
        start: the number of the image to begin with; without images, and for None, the centre of the latent space.
        cell: which cell trains the model, for the message if it has not been run.
        in_browser: False leaves decoding to the kernel.

    Raises:
        TypeError, ValueError: `model` is None, not a model, or looks untrained; images, labels or order do not fit.
    """

    def __init__(
        self,
        model: nn.Module | None,
        images: Tensor | None = None,
        *,
        labels: Integer[Tensor, " N"] | None = None,
        order: Sequence[int] | None = None,
        start: int | None = 0,
        cell: str = TRAINING_CELL,
        in_browser: bool = True,
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        self.latent_dim = self.model.latent_dim
        require_trained(self.model, torch.randn(8, self.latent_dim, generator=torch.Generator().manual_seed(0)), cell)
        self.images = None if images is None else require_images(images)[:MOST_IMAGES]
        self.labels = fitting_labels(labels, images, MOST_IMAGES)
        self.generator, self.survey = torch.Generator().manual_seed(0), survey(self.model, self.images)
        self.order = self.survey.order(order)
        self._chosen, self.canvas = None, None
        self.sliders = {dim: self._slider(dim) for dim in self.order}
        if images is not None and start is not None:
            self._place(start)
        above, fed = [], None
        try:
            if not in_browser:
                raise NotExportable("in_browser=False was asked for")
            canvas = self._view()
        except NotExportable as reason:
            fed = self.decode(self.z).shape
            canvas = self._view(fed)
            canvas.on_msg(self._asked)
            canvas.observe(self._changed, names="along")
            self._feeder = Feeder(self.model, canvas)
            above.append(make.text(slow_notice(reason)))
        unit = "prior standard deviations" if self.survey.has_prior else "units of the code"
        sorting = f"; sorted by {self.survey.measure}" if self.survey.measure else ""
        above.append(make.text(f"<div style='font-size:14px;line-height:1.4'>Sliders in {unit}{sorting}.</div>"))
        super().__init__(
            list(self.sliders.values()),
            views=({} if images is None else {"original": "test image"}) | {"decoded": "decoded from the sliders"},
            above=above,
            alt=self._alt(),
            summary=f"one slider for each of the {self.latent_dim} latent dimensions, and what they decode to.",
            beside=self.latent_dim != 2,
            canvas=canvas,
            fed=fed is not None,
        )

    # ---- what the learner does ---------------------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """Number of the test image that the sliders were last set to; None after a reset or a draw."""
        number = self.canvas.chosen if self.canvas else self._chosen
        return None if number in (None, -1) else number

    @property
    def locked(self) -> list[int]:
        """Dimensions whose sliders stay where they are, whatever is reset, drawn or gone to."""
        return [dim for dim, slider in self.sliders.items() if slider.disabled]

    def lock(self, dim: int, locked: bool = True) -> None:
        """Hold the slider of a latent dimension where it is, or let it go again."""
        self.sliders[dim].disabled = locked

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
            self._choose(None)
            self._set(self.survey.centre)

    def draw_code(self) -> None:
        """Put the sliders at a random code: from the prior, or for an autoencoder a Gaussian fitted to its codes."""
        with self.merged():
            self._choose(None)
            noise = torch.randn(self.latent_dim, generator=self.generator)
            self._set(self.survey.centre + self.survey.spread * noise)

    def go_to(self, number: int) -> None:
        """Put the sliders at the code of a test image: the encoder's mean for it."""
        with self.merged():
            self._place(number)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def decode(self, z: Float[Tensor, " K"]) -> Float[Tensor, "H W"]:
        """The picture of one code: pixels in [0, 1]."""
        return decode(self.model, z[None])[0, 0]

    def render(self) -> dict[str, Tensor]:
        """The decoded picture, and beside it the test image."""
        z = self.z
        views = {"decoded": self.decode(z)}
        if self.images is None:
            return views
        if self.chosen is None:
            self.say("The sliders stand at no test image.")
            return {"original": torch.zeros(self.images.shape[-2:]), **views}
        moved = int(((z - self.survey.codes[self.chosen]).abs() > 6e-3).sum())  # sliders go in steps of 0.01
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
        for dim in list(self.order)[:rows]:
            values = torch.linspace(*self.survey.reach(dim), steps)
            strips.append(decode(self.model, along(self.z, dim, values)))
            known = self.survey.use is not None and self.survey.has_prior
            use = f"\n{self.survey.use[dim]:.2f} nats" if known else ""
            labels.append(f"z[{dim}]{use}")
        # Without a prior the steps are spreads of the codes, counted from their mean.
        sign = "z = {:.3g}" if self.survey.has_prior else "{:+.3g}"
        heads = [sign.format(value).replace("-", "−") for value in torch.linspace(-RANGE, RANGE, steps).tolist()]
        default = f"Decoded pictures: a row for each of {len(labels)} latent dimensions, moved from low to high."
        return show_images(strips, titles=heads, row_labels=labels, title=title, alt=alt or default)

    # ---- inside ------------------------------------------------------------------------------------------------------

    def feed(self) -> None:
        """Send the page the picture of the sliders' code, and the strip along the slider that was moved last."""
        code, dim = self.z, self.order[self.canvas.along]
        slider, others = self.sliders[dim], code.clone()
        others[dim] = 0
        key = (dim, slider.min, slider.max, *others.tolist())
        self._feeder.send(code, key, lambda: along(others, dim, torch.linspace(slider.min, slider.max, STRIP)))

    def _asked(self, _: Any, content: dict, __: Any) -> None:
        """A button of the page was pressed, and the kernel decodes."""
        moves = {"reset": self.reset, "draw_code": self.draw_code, "go_to": lambda: self.go_to(content["number"])}
        self._guarded(moves[content["name"]])

    def _view(self, fed: Sequence[int] | None = None) -> LatentView:
        """The part in the browser; raises NotExportable unless it is fed by the kernel, with pictures of this size."""
        texts = {"alt": self._alt(), "reset": self._reset_text, "draw": self._draw_text}
        view = LatentView.of(self.model, self.survey, self.sliders, self.images, self.labels, texts, fed)
        view.chosen = -1 if self._chosen is None else self._chosen
        return view

    @property
    def _reset_text(self) -> str:
        return "Reset to 0" if self.survey.has_prior else "Reset to the mean"

    @property
    def _draw_text(self) -> str:
        return "Draw from the prior" if self.survey.has_prior else "Draw a code"

    def _alt(self) -> str:
        what = "The picture that the decoder makes of the code set by the sliders"
        return what + (", beside the test image it started from." if self.images is not None else ".")

    def _choose(self, number: int | None) -> None:
        self._chosen = number
        if self.canvas:
            self.canvas.chosen = -1 if number is None else number

    def _slider(self, dim: int) -> ipywidgets.FloatSlider:
        low, high = self.survey.reach(dim)
        value = f" ({self.survey.use[dim]:.2f})" if self.survey.use is not None else ""
        return make.slider(f"z[{dim}]{value}", float(self.survey.centre[dim]), low, high, (high - low) / 600)

    def _set(self, code: Tensor) -> None:
        """Move the sliders; one that is too short for its value grows, or it would show another code."""
        for dim, slider in self.sliders.items():
            if slider.disabled:  # locked
                continue
            low, high = self.survey.reach(dim)
            value = float(code[dim])
            slider.min, slider.max = min(low, value, slider.min), max(high, value, slider.max)
            slider.value = value
            slider.min, slider.max = min(low, value), max(high, value)

    def _place(self, number: int) -> None:
        if self.images is None:
            raise ValueError("there are no test images: give LatentExplorer images=")
        if not 0 <= number < len(self.images):
            raise ValueError(f"test image must be 0 to {len(self.images) - 1}, received {number}")
        self._set(self.survey.codes[number])
        self._choose(number)
