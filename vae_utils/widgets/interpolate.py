"""Interpolator: walk from one image's code to another's, along the line or along the arc, and decode on the way."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.interpolation import interpolate
from vae_utils.plots import LessonFigure, show_images
from vae_utils.plots.layout import Number
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import NO_DECODER, STRIP, BrowserView, bundle, slow_notice
from vae_utils.widgets.decoding import decode
from vae_utils.widgets.export import NotExportable, export_decoder
from vae_utils.widgets.fed import Feeder
from vae_utils.widgets.models import TRAINING_CELL, require_images, require_model, require_trained
from vae_utils.widgets.survey import MOST_IMAGES, survey

WAYS = {"straight line (lerp)": "lerp", "arc (slerp)": "slerp"}


class InterpolatorView(BrowserView):
    """What `interpolate.js` draws."""

    _esm = bundle("interpolate.js")


class Interpolator(Explorer):
    """A slider walks from one test image's code to another's; the browser decodes what lies between.

    Args:
        model: a trained VAE or Autoencoder (`latent_dim`, `encode` and `generate`).
        images: (N, 1, 28, 28) images to choose from, of which the first 2,000 are used.
        start, end: the numbers of the two to begin with.
        cell: which cell trains the model, for the message if it has not been run.
        in_browser: False leaves decoding to the kernel.

    Raises:
        TypeError, ValueError: `model` is None, not a model, or looks untrained; there are no such images.
    """

    def __init__(
        self,
        model: nn.Module | None,
        images: Float[Tensor, "N 1 H W"],
        *,
        start: int = 0,
        end: int = 1,
        cell: str = TRAINING_CELL,
        in_browser: bool = True,
    ) -> None:
        self.model = require_model(model, "model", ("encode", "generate"), cell)
        self.images = require_images(images)[:MOST_IMAGES]
        for name, number in (("start", start), ("end", end)):
            if not 0 <= number < len(self.images):
                raise ValueError(f"{name} must be 0 to {len(self.images) - 1}, received {number}")
        self.survey = survey(self.model, self.images)
        self.codes = self.survey.codes
        require_trained(self.model, self.codes[:8], cell)
        last = len(self.images) - 1
        self.start, self.end = (
            make.number("from test image", start, 0, last),
            make.number("to test image", end, 0, last),
        )
        self.way = make.choice("along the", list(WAYS.items()), "lerp")
        self.t = make.slider("t (share of the way)", 0.5, 0, 1)
        controls, above, fed = [self.start, self.end, self.way, self.t], [], False
        alt = "Two test images, and between them the picture decoded from a code on the way between their codes."
        settings = {"alt": alt, "typical": self._typical(), "latentDim": self.model.latent_dim}
        try:
            if not in_browser:
                raise NotExportable("in_browser=False was asked for")
            exported = export_decoder(self.model, self.codes[:64])
        except NotExportable as reason:
            exported, fed, settings["size"] = NO_DECODER, True, list(self.decode(self.codes[0]).shape)
            above = [make.text(slow_notice(reason))]
        canvas = InterpolatorView(exported, controls, settings, self.codes, self.images)
        self._feeder = Feeder(self.model, canvas)
        super().__init__(
            controls,
            views={"start": "from", "between": "decoded on the way", "end": "to"},
            above=above,
            alt=alt,
            summary="a slider that walks from one image's code to another's, and what lies between.",
            beside=False,
            canvas=canvas,
            fed=fed,
        )

    @property
    def z(self) -> Float[Tensor, " K"]:
        """The code at the slider's place, (K,)."""
        return self.code_at(self.t.value)

    def code_at(self, t: Number) -> Float[Tensor, " K"]:
        """The code at a place on the chosen way, (K,)."""
        return interpolate(self.codes[self.start.value], self.codes[self.end.value], t, self.way.value)

    def decode(self, z: Float[Tensor, " K"]) -> Float[Tensor, "H W"]:
        """The picture of one code: pixels in [0, 1]."""
        return decode(self.model, z[None])[0, 0]

    def render(self) -> dict[str, Tensor]:
        """Both images, and the picture between them."""
        z = self.z
        self.say(f"This code has the length {z.norm():.1f}; {self._typical()}.")
        return {
            "start": self.images[self.start.value, 0],
            "between": self.decode(z),
            "end": self.images[self.end.value, 0],
        }

    def feed(self) -> None:
        """Send the page the picture at the slider's place, and the strip along a way when that is another one."""
        way = self.start.value, self.end.value, self.way.value
        self._feeder.send(
            self.z, way, lambda: torch.stack([self.code_at(t) for t in torch.linspace(0, 1, STRIP).tolist()])
        )

    def snapshot(self, title: str | None = None, alt: str | None = None, steps: int = 9) -> LessonFigure:
        """Both ways as a static figure, a row each.

        Args:
            title, alt: the message of the figure and its text alternative.
            steps: pictures a row.
        """
        places = torch.linspace(0, 1, steps).tolist()
        ends, rows = (self.codes[self.start.value], self.codes[self.end.value]), []
        for way in WAYS.values():
            rows.append(decode(self.model, torch.stack([interpolate(*ends, t, way) for t in places])))
        heads = [f"t = {t:.2f}" for t in places]
        default = (
            "Decoded pictures on the way from one image's code to another's: a row along the line, one on the arc."
        )
        return show_images(rows, titles=heads, row_labels=list(WAYS.values()), title=title, alt=alt or default)

    def _typical(self) -> str:
        """How long codes are, to compare with."""
        if self.survey.has_prior:
            return f"a draw from the prior has about √{self.model.latent_dim} = {self.model.latent_dim**0.5:.1f}"
        return f"the images' codes have {self.codes.norm(dim=1).median():.1f} on the median"
