"""BoundExplorer: choose the number of draws k and an image; see how the estimates of log p(x) scatter, and where."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.plots import EXACT, VAE, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SHOWN = 200  # dots: more of them hide each other
LOW, HIGH = -30.0, 6.0  # nats from the best estimate
ALT = (
    "A test digit; beside it dots, each an estimate of its log p(x) from k draws, measured from the best estimate, "
    "with their mean; and on the right that mean for every k. With more draws the dots scatter less and their mean "
    "rises towards the best estimate."
)


class BoundExplorer(Explorer):
    """Set k and the image; the dots are the estimates from k draws each, the line their mean, the bound.

    Args:
        log_weights: log p(x, z) - log q(z|x) of S draws for B images, (S, B), nats.
        images: (B, 1, 28, 28), pixels in [0, 1].
        reference: the best estimate of log p(x) of each image, (B,), nats; by default that from all S draws.

    Raises:
        ValueError: the counts of images differ, or there are fewer than 2 draws.
    """

    def __init__(
        self,
        log_weights: Float[Tensor, "S B"],
        images: Float[Tensor, "B 1 28 28"],
        reference: Float[Tensor, " B"] | None = None,
    ) -> None:
        draws = len(log_weights)
        if draws < 2:
            raise ValueError(f"log_weights must hold at least 2 draws, received {draws}")
        if reference is None:
            reference = log_weights.logsumexp(0) - math.log(draws)
        if not log_weights.shape[1] == len(images) == len(reference):
            counts = f"{log_weights.shape[1]}, {len(images)} and {len(reference)}"
            raise ValueError(f"log_weights, images and reference must be of the same images, received {counts}")
        self.ks = [k for k in STEPS if k <= draws]
        # From each image's reference, so that one pair of axes fits them all.
        self.log_weights, self.images = log_weights - reference, images
        self.missing = -self.log_weights.mean(0)  # (B,)  nats between the ELBO and the reference
        self.k = make.steps("draws k", self.ks, 1)
        self.number = make.number("test image", 0, 0, len(images) - 1)
        self._compose()
        buttons = [self.button(name, lambda index=index: self._go(index)) for name, index in self._landmarks().items()]
        super().__init__(
            [self.k, self.number],
            above=buttons,
            alt=ALT,
            summary="sliders for the number of draws and the image, beside the estimates of log p(x) and their mean.",
            width=720,
            beside=False,
        )

    def estimates(self, k: int) -> Float[Tensor, " groups"]:
        """Every estimate of log p(x) from k draws for the chosen image, from the reference, nats."""
        log_weights = self.log_weights[:, self.number.value]
        groups = log_weights[: len(log_weights) // k * k].view(-1, k)
        return groups.logsumexp(1) - math.log(k)

    def render(self) -> LessonFigure:
        """Dots, their mean, and the curve of the means."""
        k, found = self.k.value, self.estimates(self.k.value)
        mean, inside = found.mean().item(), found[:SHOWN].clamp(LOW, HIGH)
        places = torch.arange(len(inside)) * 0.618 % 1  # spread evenly, whatever their number
        self.dots.set_data(places, inside)
        self.mean.set_ydata([mean, mean])
        means = [self.estimates(each).mean().item() for each in self.ks]
        self.curve.set_ydata(means)
        self.here.set_data([k], [means[self.ks.index(k)]])
        self.digit.set_data(self.images[self.number.value, 0])
        text = f"k = {k:,}: {len(found):,} estimate{'s' * (len(found) > 1)}, mean {mean:+.2f}"
        if len(found) > 1:
            text += f", standard deviation {found.std():.2f}"
        below = int((found[:SHOWN] < LOW).sum())
        text += " nats from the best estimate." + (f" {below} of the dots lie below the frame." if below else "")
        self.say(text.replace("-", "−"))
        return self.figure

    def _go(self, index: int) -> None:
        self.number.value = index

    def _landmarks(self) -> dict[str, int]:
        return {"Easiest image": int(self.missing.argmin()), "Hardest image": int(self.missing.argmax())}

    def _compose(self) -> None:
        self.figure, (picture, dots, curve) = figure(
            1,
            3,
            title="More draws: less scatter, and a mean that rises towards log p(x)",
            alt=ALT,
            size=(7.5, 3.1),
            width_ratios=(0.75, 1, 1.2),
        )
        self.digit = picture.imshow(self.images[0, 0], cmap="gray_r", vmin=0, vmax=1)
        picture.set_axis_off()
        (self.dots,) = dots.plot([0], [0], ".", color=VAE, markersize=4)
        (self.mean,) = dots.plot([-0.05, 1.05], [0, 0], color=WRONG, linewidth=2)
        (self.curve,) = curve.plot(self.ks, [0.0] * len(self.ks), "o-", color=VAE, markersize=3)
        (self.here,) = curve.plot([1], [0], "o", color=WRONG, markersize=8)
        for axes in (dots, curve):
            axes.axhline(0, color=EXACT, linewidth=1)
            axes.set_ylim(LOW, HIGH)
        dots.set(xticks=[], xlim=(-0.05, 1.05), xlabel="estimates (red: their mean)", ylabel="nats from best estimate")
        curve.set(xscale="log", xlabel="draws k", yticklabels=[])
        self.figure.moving = [self.digit, self.dots, self.mean, self.curve, self.here]
