"""DrawingPad: draw with mouse, pen, finger or keys; see the posterior, the reconstruction and the neighbours."""

from collections.abc import Sequence

import anywidget
import ipywidgets
import numpy as np
import torch
import traitlets
from jaxtyping import Float
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from torch import Tensor, nn

from vae_utils.data import Images
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.likelihoods import likelihood_of
from vae_utils.plots import ENCODER, EXACT, PRIOR, LessonFigure, figure, mosaic
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import FOLDER, bundle
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained
from vae_utils.widgets.strokes import PEN, SIDE, Stroke, mnist_picture
from vae_utils.widgets.survey import survey

NEIGHBOURS = 5
ENLARGED, GAP = 3, 16  # pixels of the sheet an image pixel, and between two images
TYPICAL = (0.05, 0.95)  # between these quantiles of the test images a drawing is called usual
ALT = (
    "What the model sees of a drawing, 28 by 28 pixels, and its reconstruction; the posterior's mean and standard "
    "deviation in each latent dimension, beside the prior's; and the training images with the nearest codes."
)


class DrawingSurface(anywidget.AnyWidget):
    """What `drawing.js` draws: the pad. `value` holds the strokes, each x, y, x, y, ... in shares of the pad's side."""

    _esm = bundle("drawing.js")
    _css = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("explorer.css", "drawing.css"))

    value = traitlets.List().tag(sync=True)
    number = traitlets.Int(-1).tag(sync=True)  # of the test image that is there instead of strokes
    image = traitlets.Bytes().tag(sync=True)  # its pixels, 784 bytes, 255 is ink
    pen = traitlets.Float(PEN).tag(sync=True)
    turn = traitlets.Int(0).tag(sync=True)  # how often the page has sent something
    answered = traitlets.Int(0).tag(sync=True)  # the last of these that is on screen
    settings = traitlets.Dict().tag(sync=True)


class DrawingPad(Explorer):
    """Draw a digit: the drawing is brought to MNIST's format and encoded, and what the model makes of it is shown.

    The pad takes mouse, pen, finger and keys in the browser, whatever the kernel does, and says when it waits for an
    answer. The answer comes from the kernel: for the model of lesson 11, the browser would need 0.6 MB of weights and
    1.6 MB of codes and pictures of the training images for it; a drawing sent to the kernel has some kilobytes.

    Args:
        model: a trained VAE.
        images: its data set. Neighbours are sought among the training images; test images can be put on the pad.
        cell: which cell trains the model, for the message if it has not been run.

    Raises:
        TypeError, ValueError: `model` is None, not a VAE, or looks untrained.
    """

    def __init__(self, model: nn.Module | None, images: Images, *, cell: str = TRAINING_CELL) -> None:
        self.model = require_model(model, "model", ("encode", "decode", "generate"), cell)
        if not isinstance(images, Images):
            raise TypeError(f"images must be a whole data set, from load_images(...), received {type(images).__name__}")
        self.images, self.known = images, survey(self.model, images.train)
        if not self.known.has_prior:
            raise TypeError(f"model is a {type(model).__name__} without a posterior: hand over a VAE")
        require_trained(self.model, self.known.codes[:8], cell)
        self.order = self.known.order()
        self.usual = [each.quantile(torch.tensor(TYPICAL)).tolist() for each in self._costs(images.test[:500])]
        self.surface = DrawingSurface(settings={"alt": "A pad to draw a digit on.", "box": SIDE})
        self.surface.observe(lambda _: self._guarded(lambda: None), names="turn")
        self.pen = make.slider("pen (pixels)", PEN, 1.0, 5.0, 0.1, readout=".1f")
        self.number = make.number("test image", 0, 0, len(images.test) - 1)
        self.number.style.description_width, self.number.layout = "80px", ipywidgets.Layout(width="180px")
        self.watch(self.number, lambda: self.load(self.number.value))
        load = self.button("Load it", lambda: self.load(self.number.value))
        self._drawn, self._shown = (None, None), self._compose(None, ALT)
        super().__init__(
            [self.pen],
            above=[self.surface, ipywidgets.HBox([self.number, load])],
            alt=ALT,
            summary="draw a digit, and see its posterior, its reconstruction and its neighbours.",
            width=600,
        )

    # ---- what the learner does ---------------------------------------------------------------------------------------

    def draw_strokes(self, strokes: Sequence[Stroke]) -> None:
        """Put strokes on the pad, each x, y, x, y, ... in shares of its side, from the upper left corner."""
        with self.merged():
            self.surface.number, self.surface.value = -1, [list(map(float, stroke)) for stroke in strokes]

    def clear(self) -> None:
        """Empty the pad."""
        self.draw_strokes([])

    def load(self, number: int) -> None:
        """Put a test image on the pad, as it is."""
        if not 0 <= number < len(self.images.test):
            raise ValueError(f"test image must be 0 to {len(self.images.test) - 1}, received {number}")
        with self.merged():
            pixels = (255 * self.images.test[number, 0]).round().byte()
            self.surface.image = pixels.numpy().tobytes()
            self.surface.value, self.surface.number = [], number

    # ---- what is shown -----------------------------------------------------------------------------------------------

    @property
    def picture(self) -> Float[Tensor, "28 28"] | None:
        """What the model sees: pixels in [0, 1], (28, 28); None while the pad is empty."""
        if self.surface.number >= 0:
            return self.images.test[self.surface.number, 0]
        drawn = self.surface.value, self.pen.value
        if self._drawn[0] != drawn:
            self._drawn = drawn, mnist_picture(*drawn)
        return self._drawn[1]

    def posterior(self) -> tuple[Float[Tensor, " K"], Float[Tensor, " K"]]:
        """Mean and standard deviation of q(z|x) of what is on the pad, (K,) each; the prior's while it is empty."""
        if self.picture is None:
            return torch.zeros(self.model.latent_dim), torch.ones(self.model.latent_dim)
        mu, logvar = self._encode(self.picture[None, None])
        return mu[0], (0.5 * logvar[0]).exp()

    def neighbours(self) -> list[int]:
        """Numbers of the training images whose codes lie nearest to the posterior's mean, the nearest first."""
        if self.picture is None:
            return []
        distances = torch.cdist(self.posterior()[0][None], self.known.codes)[0]
        return distances.topk(NEIGHBOURS, largest=False).indices.tolist()

    def render(self) -> LessonFigure:
        """All of it in one figure."""
        self.surface.answered, self.surface.pen = self.surface.turn, self.pen.value
        self._fill(*self._shown[1:])
        if self.picture is None:
            self.say("The pad is empty: draw a digit, or load a test image.")
            return self._shown[0]
        nats = [cost.item() for cost in self._costs(self.picture[None, None])]
        texts = [
            f"{name} {cost:.0f} nats ({'usual' if low <= cost <= high else 'unusual'}: "
            f"nine in ten test images have {low:.0f} to {high:.0f})"
            for name, cost, (low, high) in zip(("reconstruction error", "KL"), nats, self.usual, strict=True)
        ]
        self.say(f"{'; '.join(texts)}.".capitalize().replace("kl", "KL"))
        return self._shown[0]

    def snapshot(self, title: str | None = None, alt: str | None = None) -> LessonFigure:
        """What is shown as a static figure, with a title of its own.

        Args:
            title, alt: the message of the figure and its text alternative.
        """
        self._settle()
        shown, *artists = self._compose(title, alt or self.alt)
        with torch.no_grad():
            self._fill(*artists)
        shown.moving = ()
        return shown

    # ---- inside ------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.model.encode(x.to(next(self.model.parameters()).device))
        return mu.cpu(), logvar.cpu()

    @torch.no_grad()
    def _costs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction error from the posterior's mean, and KL, in nats per image, (B,) each."""
        device = next(self.model.parameters()).device
        mu, logvar = self._encode(x)
        error = -likelihood_of(self.model).log_prob(self.model.decode(mu.to(device)), x.to(device))
        return error.cpu(), kl_to_standard_normal(mu, logvar).sum(1)

    def _compose(self, title: str | None, alt: str) -> tuple:
        """The figure and its artists: both pictures, the neighbours with their labels, and the posterior."""
        shown, panels = figure(2, 3, title=title, alt=alt, size=(6.25, 3.7), width_ratios=(1, 1, 2.3))
        blank = torch.zeros(SIDE, SIDE)
        pictures = [panels[0, place].imshow(blank.numpy(), cmap="gray_r", vmin=0, vmax=1) for place in (0, 1)]
        for axes, text in zip(panels[0], ("the model sees", "reconstruction"), strict=False):
            axes.set_title(text)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
        chart, places = panels[0, 2], torch.arange(self.model.latent_dim)
        chart.axhspan(-1, 1, color=PRIOR, alpha=0.15, linewidth=0)
        bars = chart.vlines(places, -1, 1, color=ENCODER, linewidth=5)
        (dots,) = chart.plot(places, [0.0] * len(places), "_", color=EXACT, markersize=7, markeredgewidth=1.5)
        chart.set_title("posterior: μ ± σ (grey: prior ± 1)")
        chart.set(ylim=(-3.6, 3.6), yticks=(-2, 0, 2), xlabel="latent dimension, by KL")
        chart.set_xticks(places, [str(dim) for dim in self.order], fontsize=7)
        row = panels[1, 0]
        for axes in panels[1, 1:]:
            axes.remove()
        row.set_subplotspec(row.get_gridspec()[1, :])
        nearest = row.imshow(_sheet(blank.expand(NEIGHBOURS, 1, -1, -1)), cmap="gray_r", vmin=0, vmax=1)
        row.set_title("training images with the nearest codes, and their labels")
        row.set_axis_off()
        middles = [ENLARGED * SIDE / 2 + (ENLARGED * SIDE + GAP) * at for at in range(NEIGHBOURS)]
        labels = [row.text(middle, ENLARGED * SIDE + 4, "", ha="center", va="top") for middle in middles]
        shown.moving = [*pictures, bars, dots, nearest, *labels]
        return shown, pictures, bars, dots, nearest, labels

    def _fill(
        self, pictures: list[AxesImage], bars: LineCollection, dots: Line2D, nearest: AxesImage, labels: list[Text]
    ) -> None:
        """Set the artists to what is on the pad."""
        picture, (mu, sigma), near = self.picture, self.posterior(), self.neighbours()
        blank = torch.zeros(SIDE, SIDE)
        made = (
            blank if picture is None else self.model.generate(mu[None].to(next(self.model.parameters()).device))[0, 0]
        )
        pictures[0].set_data((blank if picture is None else picture).numpy())
        pictures[1].set_data(made.cpu().numpy())
        mu, sigma = mu[self.order].clamp(-3.5, 3.5), sigma[self.order]
        reach = zip((mu - sigma).tolist(), (mu + sigma).tolist(), strict=True)
        bars.set_segments([[(at, low), (at, high)] for at, (low, high) in enumerate(reach)])
        dots.set_ydata(mu)
        images = self.images.train[near] if near else blank.expand(NEIGHBOURS, 1, -1, -1)
        nearest.set_data(_sheet(images))
        for at, label in enumerate(labels):
            label.set_text(self.images.classes[self.images.train_labels[near[at]]] if near else "")


def _sheet(images: Float[Tensor, "N 1 28 28"]) -> np.ndarray:
    """The neighbours in a row."""
    return mosaic(images, NEIGHBOURS, scale=ENLARGED, gap=(GAP, 0), frame=True)
