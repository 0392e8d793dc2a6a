"""BlendExplorer: replace a digit's pixels by noise, and compare a classifier's confidence with log p(x)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.plots import EXACT, MUTED, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import require_model

KINDS = ("fair coin flips", "coins with the digits' ink rates", "blank paper")
STEPS = 26  # places along the slider at which both curves are computed
LOWEST = -1800  # nats: the bottom of the panel of log p(x)


def blend(
    images: Float[Tensor, "N 1 28 28"],
    noise: Float[Tensor, "#N 1 28 28"],
    order: Float[Tensor, "#N 1 28 28"],
    share: float,
) -> Float[Tensor, "N 1 28 28"]:
    """Replace a share of the pixels by those of another picture, so that binary pictures stay binary.

    Args:
        images: pictures, (N, 1, 28, 28).
        noise: what comes in their place, one for each picture or one for all, (N or 1, 1, 28, 28).
        order: numbers in [0, 1), (N or 1, 1, 28, 28); pixels below `share` are replaced, and stay so as it grows.
        share: from 0, the pictures, to 1, the noise.

    Returns:
        The blended pictures, (N, 1, 28, 28).
    """
    return torch.where(order < share, noise, images)


class BlendExplorer(Explorer):
    """A slider replaces a digit's pixels by noise; the classifier's confidence and log p(x) follow.

    Args:
        classifier: images (B, 1, 28, 28) to logits (B, classes).
        log_p: images (B, 1, 28, 28) to their log-probability in nats, (B,).
        images: binary test images, (N, 1, 28, 28), pixels 0 or 1.
        cell: which cell makes the classifier and log_p, for the message if it has not been run.

    Raises:
        TypeError, ValueError: the classifier is None or no model, log_p is no function, or the images are not binary.
    """

    def __init__(
        self,
        classifier: nn.Module | None,
        log_p: Callable[[Tensor], Tensor],
        images: Float[Tensor, "N 1 28 28"],
        cell: str = "the cells that train the classifier and fit the mixture",
    ) -> None:
        self.classifier = require_model(classifier, "classifier", ("forward",), cell)
        if not callable(log_p):
            raise TypeError(f"log_p must be a function of images, received {type(log_p).__name__}: run {cell} first")
        if not ((images == 0) | (images == 1)).all():
            raise ValueError("images must be binary, received other values than 0 and 1; use (x > 0.5).float()")
        self.log_p, self.images, self.rates = log_p, images, images.mean(0)
        with torch.no_grad():
            self.usual = log_p(images).quantile(torch.tensor([0.05, 0.95], dtype=log_p(images[:1]).dtype)).tolist()
        self.shares = torch.linspace(0, 1, STEPS)
        self._rolls, self._drawn_for = 0, None
        self._draw_figure()
        self.number = make.number("test digit", 0, 0, len(images) - 1)
        self.kind = make.choice("replace by", KINDS, KINDS[0])
        self.share = make.slider("share of pixels replaced", 0.0, 0.0, 1.0)
        super().__init__(
            [self.share, self.kind, self.number],
            above=[self.button("Other noise", self._roll)],
            alt=self._figure.alt,
            summary="a slider that replaces a digit's pixels by noise, the classifier's confidence, and log p(x).",
            width=720,
            beside=False,
        )

    def render(self) -> LessonFigure:
        """The blended picture, and where it stands on the two curves."""
        noise, order = self._noise()
        digit = self.images[self.number.value][None]
        setting = (self.number.value, self.kind.value, self._rolls)
        if setting != self._drawn_for:
            path = torch.cat([blend(digit, noise, order, share.item()) for share in self.shares])
            self._confidence.set_ydata(self._ask(path)[0])
            self._density.set_ydata(self.log_p(path).clamp(min=LOWEST))
            self._drawn_for = setting
        share = self.share.value
        mixed = blend(digit, noise, order, share)
        confidence, label = (float(answer) for answer in self._ask(mixed))
        nats = self.log_p(mixed).item()
        self._picture.set_data(mixed[0, 0])
        self._sure.set_data([share], [confidence])
        self._likely.set_data([share], [max(nats, LOWEST)])
        low, high = self.usual
        where = "below" if nats < low else "above" if nats > high else "inside"
        self.say(
            f"classifier: {label:.0f}, {confidence:.0%} sure · log p(x) = {nats:.0f} nats, "
            f"{where} the range of 90 % of the test digits ({low:.0f} to {high:.0f})"
        )
        return self._figure

    def _ask(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The classifier's confidence, (B,), and its label, (B,)."""
        weight = next(self.classifier.parameters())
        return self.classifier(x.to(weight)).softmax(1).cpu().max(1)

    def _roll(self) -> None:
        self._rolls += 1

    def _noise(self) -> tuple[Tensor, Tensor]:
        """What replaces the pixels and in which order, each (1, 1, 28, 28), the same until the button is pressed."""
        generator = torch.Generator().manual_seed(self._rolls)
        order, coins = torch.rand(2, 1, 1, 28, 28, generator=generator)
        thresholds = (torch.full_like(coins, 0.5), self.rates, torch.zeros_like(coins))
        return (coins < thresholds[KINDS.index(self.kind.value)]).float(), order

    def _draw_figure(self) -> None:
        self._figure, (picture, sure, likely) = figure(
            1,
            3,
            title="Replace pixels: who notices?",
            alt="Left: a digit with a share of its pixels replaced. Middle: the classifier's confidence over that "
            "share. Right: log p(x) over that share, with the range of 90 % of the test digits shaded.",
            size=(7.5, 3.0),
        )
        picture.set_title("what both models see")
        picture.set(xticks=[], yticks=[])
        picture.grid(False)
        picture.spines[:].set_visible(True)
        self._picture = picture.imshow(self.images[0, 0], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        start = torch.zeros(STEPS)
        for axes, heading, limits in (
            (sure, "classifier's confidence", (0, 1.05)),
            (likely, "log p(x) (nats)", (LOWEST, 100)),
        ):
            axes.set_title(heading)
            axes.set(xlim=(-0.03, 1.03), ylim=limits, xlabel="share of pixels replaced")
        likely.axhspan(*self.usual, color=MUTED, alpha=0.5, linewidth=0)
        likely.text(1.0, self.usual[1] + 10, "90 % of test digits", ha="right", va="bottom", fontsize=9)
        (self._confidence,) = sure.plot(self.shares, start, color=EXACT, linewidth=2)
        (self._density,) = likely.plot(self.shares, start, color=EXACT, linewidth=2)
        dot = {"marker": "o", "markersize": 10, "color": WRONG, "linestyle": "", "zorder": 5}
        (self._sure,), (self._likely,) = sure.plot([0], [0], **dot), likely.plot([0], [0], **dot)
        self._figure.moving = [self._picture, self._confidence, self._density, self._sure, self._likely]
