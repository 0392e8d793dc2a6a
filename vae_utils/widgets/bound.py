"""BoundExplorer: choose the number of draws k and an image; see how the estimates of log p(x) scatter, and where."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.plots import EXACT, VAE, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, Pictures, by, dots, line, rule
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import require_images

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SHOWN = 200  # dots: more of them hide each other
LOW, HIGH = -30.0, 6.0  # nats from the best estimate
TITLE = "More draws: less scatter, and a mean that rises towards log p(x)"
ALT = (
    "A test digit; beside it dots, each an estimate of its log p(x) from k draws, measured from the best estimate, "
    "with their mean; and on the right that mean for every k. With more draws the dots scatter less and their mean "
    "rises towards the best estimate."
)


class BoundExplorer(FramesExplorer):
    """Set k and the image; the dots are the estimates from k draws each, the line their mean, the bound.

    Args:
        log_weights: log p(x, z) - log q(z|x) of S draws for B images, (S, B), nats.
        images: (B, 1, 28, 28), pixels in [0, 1].
        reference: the best estimate of log p(x) of each image, (B,), nats; by default that from all S draws.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError: the counts of images differ, there are fewer than 2 draws, or a number is not finite.
    """

    def __init__(
        self,
        log_weights: Float[Tensor, "S B"],
        images: Float[Tensor, "B 1 28 28"],
        reference: Float[Tensor, " B"] | None = None,
        *,
        in_browser: bool = True,
    ) -> None:
        images = require_images(images)
        draws = len(log_weights)
        if draws < 2:
            raise ValueError(f"log_weights must hold at least 2 draws, received {draws}")
        if reference is None:
            reference = log_weights.logsumexp(0) - math.log(draws)
        if not log_weights.shape[1] == len(images) == len(reference):
            counts = f"{log_weights.shape[1]}, {len(images)} and {len(reference)}"
            raise ValueError(f"log_weights, images and reference must be of the same images, received {counts}")
        if not (log_weights.isfinite().all() and reference.isfinite().all()):
            raise ValueError("log_weights and reference must be finite numbers: did training diverge?")
        self.ks = [k for k in STEPS if k <= draws]
        # From each image's reference, so that one pair of axes fits them all.
        self.log_weights, self.images = log_weights - reference, images
        self.missing = -self.log_weights.mean(0)  # (B,)  nats between the ELBO and the reference
        self.k = make.steps("draws k", self.ks, 1)
        self.number = make.number("test image", 0, 0, len(images) - 1)
        self._compose()
        buttons = [self.button(name, lambda index=index: self._go(index)) for name, index in self._landmarks().items()]
        super().__init__(
            {"k": self.k, "number": self.number},
            asks=["number"],
            above=buttons,
            alt=ALT,
            title=TITLE,
            summary="sliders for the number of draws and the image, beside the estimates of log p(x) and their mean.",
            width=720,
            beside=False,
            in_browser=in_browser,
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
        self.digit.set_data(self.images[self.number.value, 0].cpu().numpy())
        self.say(self._account(k, found))
        return self.figure

    def frames(self) -> Frames:
        """The estimates of the chosen image for every k."""
        found = [self.estimates(k) for k in self.ks]
        means = torch.stack([each.mean() for each in found])
        heights = torch.full((len(found), SHOWN), torch.nan)
        for row, each in zip(heights, found, strict=True):
            row[: len(each)] = each[:SHOWN].clamp(LOW, HIGH)
        scatter = [
            rule("y", 0, colour=EXACT, width=1.5, label="best estimate"),
            dots(torch.arange(SHOWN) * 0.618 % 1, by(heights, "k"), colour=VAE, size=3, opacity=0.8, label="estimates"),
            rule("y", by(means, "k"), colour=WRONG, width=3, dash="10 4", label="their mean"),
        ]
        curve = [
            rule("y", 0, colour=EXACT, width=1.5),
            line(self.ks, by(means), colour=VAE),
            dots(self.ks, by(means), colour=VAE, size=3),
            dots(by(torch.tensor(self.ks)[:, None], "k"), by(means[:, None], "k"), colour=WRONG, size=6),
        ]
        nats, across = Axis("nats from best estimate", LOW, HIGH), Axis("", -0.05, 1.05, ticks=())
        draws = Axis("draws k", 0.85, 1.2 * self.ks[-1], log=True)
        panels = [
            Pictures([0], "the chosen test image", "picture", "test image", zoom=4.5),
            Chart(across, nats, scatter, "estimates and their mean", "dots", width=330, height=290, grid="y"),
            Chart(draws, Axis("mean (nats)", LOW, HIGH), curve, "the mean for every k", "means", width=350, height=312),
        ]
        said = [self._account(k, each) for k, each in zip(self.ks, found, strict=True)]
        return Frames(panels, [by(said, "k")], self.images[self.number.value][None])

    def _account(self, k: int, found: Tensor) -> str:
        text = f"k = {k:,}: {len(found):,} estimate{'s' * (len(found) > 1)}, mean {found.mean().item():+.2f}"
        if len(found) > 1:
            text += f", standard deviation {found.std():.2f}"
        below = int((found[:SHOWN] < LOW).sum())
        text += " nats from the best estimate." + (f" {below} of the dots lie below the frame." if below else "")
        return text.replace("-", "−")

    def _go(self, index: int) -> None:
        self.number.value = index

    def _landmarks(self) -> dict[str, int]:
        return {"Easiest image": int(self.missing.argmin()), "Hardest image": int(self.missing.argmax())}

    def _compose(self) -> None:
        self.figure, (picture, dots, curve) = figure(
            1,
            3,
            title=TITLE,
            alt=ALT,
            size=(7.5, 3.1),
            width_ratios=(0.75, 1, 1.2),
        )
        self.digit = picture.imshow(self.images[0, 0].cpu().numpy(), cmap="gray_r", vmin=0, vmax=1)
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
