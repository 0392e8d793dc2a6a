"""BlendExplorer: replace a digit's pixels by noise, and compare a classifier's confidence with log p(x)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.plots import EXACT, MUTED, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, Pictures, boxes, by, dots, line, text
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import require_images, require_model

KINDS = ("fair coins", "biased coins", "blank paper")
STEPS = 101  # places along the slider
TITLE = "Replace pixels: who notices?"
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


class BlendExplorer(FramesExplorer):
    """A slider replaces a digit's pixels by noise; the classifier's confidence and log p(x) follow.

    Args:
        classifier: images (B, 1, 28, 28) to logits (B, classes).
        log_p: images (B, 1, 28, 28) to their log-probability in nats, (B,).
        images: binary test images, (N, 1, 28, 28), pixels 0 or 1.
        cell: which cell makes the classifier and log_p, for the message if it has not been run.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        TypeError, ValueError: the classifier is None or no model, log_p is no function, or the images are not binary.
    """

    def __init__(
        self,
        classifier: nn.Module | None,
        log_p: Callable[[Tensor], Tensor],
        images: Float[Tensor, "N 1 28 28"],
        cell: str = "the cells that train the classifier and fit the mixture",
        *,
        in_browser: bool = True,
    ) -> None:
        self.classifier = require_model(classifier, "classifier", ("forward",), cell)
        if not callable(log_p):
            raise TypeError(f"log_p must be a function of images, received {type(log_p).__name__}: run {cell} first")
        images = require_images(images)
        if not ((images == 0) | (images == 1)).all():
            raise ValueError("images must be binary, received other values than 0 and 1; use (x > 0.5).float()")
        self.log_p, self.images, self.rates = log_p, images, images.mean(0)
        with torch.no_grad():
            self.usual = log_p(images).quantile(torch.tensor([0.05, 0.95], dtype=log_p(images[:1]).dtype)).tolist()
        self.shares = torch.linspace(0, 1, STEPS)
        self._rolls, self._walked = 0, {}
        self._draw_figure()
        self.number = make.number("test digit", 0, 0, len(images) - 1)
        self.kind = make.choice("replace by", KINDS, KINDS[0])
        self.share = make.slider("share of pixels replaced", 0.0, 0.0, 1.0)
        super().__init__(
            {"share": self.share, "kind": self.kind, "number": self.number},
            asks=["number"],
            above=[self.button("Other noise", self._roll)],
            alt=self._figure.alt,
            summary="a slider that replaces a digit's pixels by noise, the classifier's confidence, and log p(x).",
            title=TITLE,
            width=720,
            beside=False,
            in_browser=in_browser,
        )

    def frames(self) -> Frames:
        """The chosen digit with every share of its pixels replaced, by each kind of noise."""
        walks = [self._walk(kind) for kind in KINDS]
        sure, nats = (torch.stack([walk[part] for walk in walks]) for part in (1, 3))
        low, high = self.usual
        dot, share = {"colour": WRONG, "size": 6}, Axis("share of pixels replaced", -0.02, 1.02)
        here = by(self.shares[:, None], "share")
        confidence = [
            line(self.shares, by(sure, "kind"), colour=EXACT),
            dots(here, by(sure[..., None], "kind", "share"), **dot),
        ]
        density = [
            boxes([-0.02], [1.02], [low], [high], colour=MUTED, opacity=0.5),
            text([1.0], [high], ["90% of test digits"], anchor="end", dy=-5),
            line(self.shares, by(nats.clamp(min=LOWEST), "kind"), colour=EXACT),
            dots(here, by(nats.clamp(min=LOWEST)[..., None], "kind", "share"), **dot),
        ]
        numbers = torch.arange(len(KINDS) * STEPS).view(len(KINDS), STEPS, 1)
        panels = [
            Pictures(by(numbers, "kind", "share"), "the digit, blended", "picture", "what both models see", zoom=6.5),
            Chart(
                share,
                Axis("", 0, 1.05),
                confidence,
                "confidence over share",
                "sure",
                "classifier's confidence",
                300,
                250,
            ),
            Chart(
                share,
                Axis("", LOWEST, 100, room=6),
                density,
                "log p(x) over share",
                "likely",
                "log p(x) (nats)",
                336,
                250,
            ),
        ]
        said = [[self._account(*(part[step] for part in walk[1:])) for step in range(STEPS)] for walk in walks]
        return Frames(panels, [by(said, "kind", "share")], torch.cat([walk[0] for walk in walks]))

    def render(self) -> LessonFigure:
        """The blended picture, and where it stands on the two curves."""
        pictures, confidence, labels, nats = self._walk(self.kind.value)
        step = round(self.share.value * (STEPS - 1))
        self._confidence.set_ydata(confidence)
        self._density.set_ydata(nats.clamp(min=LOWEST))
        self._picture.set_data(pictures[step, 0].cpu().numpy())
        self._sure.set_data([self.shares[step].item()], [confidence[step].item()])
        self._likely.set_data([self.shares[step].item()], [max(nats[step].item(), LOWEST)])
        self.say(self._account(confidence[step], labels[step], nats[step]))
        return self._figure

    def _account(self, confidence: Tensor, label: Tensor, nats: Tensor) -> str:
        low, high = self.usual
        where = "below" if nats < low else "above" if nats > high else "inside"
        text = (
            f"classifier: {label:.0f}, {confidence:.0%} sure · log p(x) = {nats:.0f} nats, "
            f"{where} the range of 90% of the test digits ({low:.0f} to {high:.0f})"
        )
        return text.replace("-", "−")

    def _walk(self, kind: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The chosen digit at every share: pictures (STEPS, 1, 28, 28), confidence, label and log p(x), (STEPS,)."""
        setting = (self.number.value, self._rolls)
        if self._walked.get("of") != setting:
            self._walked = {"of": setting}
        if kind not in self._walked:
            noise, order = self._noise(kind)
            digit = self.images[self.number.value][None]
            path = torch.cat([blend(digit, noise, order, share.item()) for share in self.shares])
            self._walked[kind] = (path, *self._ask(path), self.log_p(path))
        return self._walked[kind]

    def _ask(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The classifier's confidence, (B,), and its label, (B,)."""
        weight = next(self.classifier.parameters())
        return self.classifier(x.to(weight)).softmax(1).cpu().max(1)

    def _roll(self) -> None:
        self._rolls += 1
        self.send()

    def _noise(self, kind: str) -> tuple[Tensor, Tensor]:
        """What replaces the pixels and in which order, each (1, 1, 28, 28), the same until the button is pressed."""
        generator = torch.Generator().manual_seed(self._rolls)
        order, coins = torch.rand(2, 1, 1, 28, 28, generator=generator)
        thresholds = (torch.full_like(coins, 0.5), self.rates, torch.zeros_like(coins))
        return (coins < thresholds[KINDS.index(kind)]).float(), order

    def _draw_figure(self) -> None:
        self._figure, (picture, sure, likely) = figure(
            1,
            3,
            title=TITLE,
            alt="Left: a digit with a share of its pixels replaced. Middle: the classifier's confidence over that "
            "share. Right: log p(x) over that share, with the range of 90% of the test digits shaded.",
            size=(7.5, 3.0),
        )
        picture.set_title("what both models see")
        picture.set(xticks=[], yticks=[])
        picture.grid(False)
        picture.spines[:].set_visible(True)
        self._picture = picture.imshow(
            self.images[0, 0].cpu().numpy(), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest"
        )
        start = torch.zeros(STEPS)
        for axes, heading, limits in (
            (sure, "classifier's confidence", (0, 1.05)),
            (likely, "log p(x) (nats)", (LOWEST, 100)),
        ):
            axes.set_title(heading)
            axes.set(xlim=(-0.03, 1.03), ylim=limits, xlabel="share of pixels replaced")
        likely.axhspan(*self.usual, color=MUTED, alpha=0.5, linewidth=0)
        likely.text(1.0, self.usual[1] + 10, "90% of test digits", ha="right", va="bottom", fontsize=9)
        (self._confidence,) = sure.plot(self.shares, start, color=EXACT, linewidth=2)
        (self._density,) = likely.plot(self.shares, start, color=EXACT, linewidth=2)
        dot = {"marker": "o", "markersize": 10, "color": WRONG, "linestyle": "", "zorder": 5}
        (self._sure,), (self._likely,) = sure.plot([0], [0], **dot), likely.plot([0], [0], **dot)
        self._figure.moving = [self._picture, self._confidence, self._density, self._sure, self._likely]
