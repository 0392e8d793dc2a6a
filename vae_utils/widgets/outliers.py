"""OutlierExplorer: choose a score, a kind of stranger and a threshold; see who is flagged."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.plots import EXACT, VAE, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, boxes, by, rule
from vae_utils.widgets.frames import Frames, FramesExplorer

BINS = 50
STEP = 0.5  # per cent, of the threshold
TITLE = "Who lies to the right of the line?"
ALT = (
    "Two histograms of a score, of the test images of the kind that the model knows and of strangers, with a "
    "threshold: what lies to its right is flagged."
)


class OutlierExplorer(FramesExplorer):
    """A threshold on a score: which share of the known images is flagged, and which share of the strangers?

    Args:
        known: score -> its values for test images of the kind that the model was trained on, (N,); larger is stranger.
        strangers: kind -> score -> its values for such images, (M,), for the same scores.
        title: the message, over the histograms.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError: nothing to show, other scores for the strangers, or values that are none or not finite.
    """

    def __init__(
        self,
        known: Mapping[str, Float[Tensor, " N"]],
        strangers: Mapping[str, Mapping[str, Float[Tensor, " M"]]],
        *,
        title: str = TITLE,
        in_browser: bool = True,
    ) -> None:
        if not known or not strangers:
            raise ValueError("known must name at least one score, and strangers at least one kind")
        for kind, scores in {"known": known, **strangers}.items():
            if set(scores) != set(known):
                raise ValueError(f"{kind!r} must have the scores {sorted(known)}, received {sorted(scores)}")
            for name, values in scores.items():
                if values.numel() == 0 or not torch.isfinite(values).all():
                    raise ValueError(f"{name!r} of {kind!r} must be finite numbers, at least one")
        self.known, self.strangers = known, strangers
        self.score = make.choice("score", list(known), next(iter(known)))
        self.kind = make.choice("strangers", list(strangers), next(iter(strangers)))
        self.share = make.slider("known images flagged (%)", 5.0, 0.0, 100.0, STEP, readout=".1f")
        self._drawn: tuple[str, str] | None = None
        self._compose(title)
        super().__init__(
            {"score": self.score, "kind": self.kind, "share": self.share},
            alt=ALT,
            title=title,
            summary="menus for the score and the strangers, a threshold slider, and two histograms.",
            width=640,
            beside=False,
            in_browser=in_browser,
        )

    def frames(self) -> Frames:
        """The histograms of every score and kind, and what every threshold flags."""
        shares = torch.arange(round(100 / STEP) + 1) * STEP
        edges, heights, lines, flagged, areas = [], [], [], [], []
        for score, known in self.known.items():
            thresholds = torch.quantile(known.double(), 1 - shares.double() / 100)
            lines.append(thresholds)
            for scores in self.strangers.values():
                others = scores[score]
                found = _histograms(known, others)
                edges.append(found[0])
                heights.append(torch.stack(found[1:]))
                flagged.append([_said(others, threshold) for threshold in thresholds])
                areas.append(_area(known, others))
        shape = (len(self.known), len(self.strangers))
        edges, heights = torch.stack(edges).view(*shape, -1), torch.stack(heights).view(*shape, 2, BINS)
        left, right, nothing = edges[..., :-1], edges[..., 1:], [0.0] * BINS
        sides = (by(left, "score", "kind"), by(right, "score", "kind"), nothing)
        marks = [
            boxes(*sides, by(heights[:, :, 0], "score", "kind"), colour=VAE, opacity=0.6, label="known"),
            boxes(*sides, by(heights[:, :, 1], "score", "kind"), colour=WRONG, opacity=0.6, label="strangers"),
            rule("x", by(torch.stack(lines), "score", "share"), label="threshold"),
        ]
        tops = 1.08 * heights.amax((2, 3))
        limits = {
            "x": by(torch.stack([edges[..., 0], edges[..., -1]], -1), "score", "kind"),
            "y": by(torch.stack([torch.zeros_like(tops), tops], -1), "score", "kind"),
        }
        labels = {"x": by(list(self.known), "score")}
        axes = Axis(" "), Axis("share of images", digits=2)
        panels = [Chart(*axes, marks, ALT, "histograms", width=660, height=300, limits=limits, labels=labels)]
        note = [
            by([f"Flagged: {share:.1f} % of the known images, " for share in shares.tolist()], "share"),
            by(np.array(flagged).reshape(*shape, -1), "score", "kind", "share"),
            by(np.array(areas).reshape(shape), "score", "kind"),
        ]
        return Frames(panels, note)

    def render(self) -> LessonFigure:
        """The histograms of the chosen score, the threshold, and what it flags."""
        known, others = self.known[self.score.value], self.strangers[self.kind.value][self.score.value]
        if self._drawn != (self.score.value, self.kind.value):
            self._draw_histograms(known, others)
        threshold = torch.quantile(known.double(), 1 - self.share.value / 100)
        self._line.set_xdata([threshold, threshold])
        said = _said(others, threshold) + _area(known, others)
        self.say(f"Flagged: {self.share.value:.1f} % of the known images, {said}")
        return self.figure

    def _draw_histograms(self, known: Tensor, others: Tensor) -> None:
        edges, *heights = _histograms(known, others)
        for stairs, found in zip((self._known, self._others), heights, strict=True):
            stairs.set_data(found.numpy(), edges.numpy())
        highest = 1.08 * max(found.max().item() for found in heights)
        self._axes.set(xlim=(edges[0].item(), edges[-1].item()), ylim=(0, highest), xlabel=self.score.value)
        self._line.set_ydata([0, highest])
        self.figure.forget_background()
        self._drawn = (self.score.value, self.kind.value)

    def _compose(self, title: str) -> None:
        self.figure, self._axes = figure(title=title, alt=ALT, size=(6.6, 3))
        start = ([1.0], [0.0, 1.0])
        self._known = self._axes.stairs(*start, fill=True, alpha=0.6, color=VAE, label="known")
        self._others = self._axes.stairs(*start, fill=True, alpha=0.6, color=WRONG, label="strangers")
        (self._line,) = self._axes.plot([0, 0], [0, 1], color=EXACT, linewidth=2, label="threshold")
        self._axes.set_ylabel("share of images")
        self._axes.yaxis.set_major_formatter("{x:.2f}")  # labels of one width, so that the layout holds
        self._axes.legend(loc="upper right")
        self.figure.moving = [self._known, self._others, self._line]


def _histograms(known: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Edges (BINS + 1,) that hold all but the outermost, and shares of the known and of the others, (BINS,)."""
    both = torch.cat([known, others]).double()
    low, high = torch.quantile(both, 0.002).item(), torch.quantile(both, 0.998).item()
    room = 0.03 * (high - low) or 1.0
    edges = torch.linspace(low - room, high + room, BINS + 1, dtype=torch.float64)
    ends = edges[0].item(), edges[-1].item()
    shares = [torch.histogram(values.double().clamp(*ends), edges).hist / len(values) for values in (known, others)]
    return edges, shares[0], shares[1]


def _said(others: Tensor, threshold: Tensor) -> str:
    return f"{100 * (others.double() > threshold).double().mean().item():.1f} % of the strangers. "


def _area(known: Tensor, others: Tensor) -> str:
    return f"AUROC {auroc(known, others):.2f}"


def auroc(known: Float[Tensor, " N"], others: Float[Tensor, " M"]) -> float:
    """Probability that a random stranger scores higher than a random known image; ties count one half.

    Args:
        known, others: scores, (N,) and (M,).

    Returns:
        From 0 to 1; 0.5 is what a coin would do.

    Raises:
        ValueError: no scores, or one that is NaN.

    Source: Hanley & McNeil (1982), The meaning and use of the area under a receiver operating characteristic curve.
    """
    for name, scores in (("known", known), ("others", others)):
        if not len(scores) or scores.isnan().any():
            raise ValueError(f"{name} must hold at least one score, and no NaN, received {scores.tolist()[:5]}")
    known, others = known.double().sort().values, others.double()
    below = torch.searchsorted(known, others, right=False)
    not_above = torch.searchsorted(known, others, right=True)
    return (0.5 * (below + not_above).double().mean() / len(known)).item()
