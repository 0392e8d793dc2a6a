"""OutlierExplorer: choose a score, a kind of stranger and a threshold; see who is flagged."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.plots import EXACT, VAE, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer

BINS = 50
ALT = (
    "Two histograms of a score, of the test images of the kind that the model knows and of strangers, with a "
    "threshold: what lies to its right is flagged."
)


class OutlierExplorer(Explorer):
    """A threshold on a score: which share of the known images is flagged, and which share of the strangers?

    Args:
        known: score -> its values for test images of the kind that the model was trained on, (N,); larger is stranger.
        strangers: kind -> score -> its values for such images, (M,), for the same scores.

    Raises:
        ValueError: nothing to show, other scores for the strangers, or values that are none or not finite.
    """

    def __init__(
        self, known: Mapping[str, Float[Tensor, " N"]], strangers: Mapping[str, Mapping[str, Float[Tensor, " M"]]]
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
        self.share = make.slider("known images flagged (%)", 5.0, 0.0, 100.0, 0.5, readout=".1f")
        self._drawn: tuple[str, str] | None = None
        self._compose()
        super().__init__(
            [self.score, self.kind, self.share],
            alt=ALT,
            summary="menus for the score and the strangers, a threshold slider, and two histograms.",
            width=640,
            beside=False,
        )

    def render(self) -> LessonFigure:
        """The histograms of the chosen score, the threshold, and what it flags."""
        known, others = self.known[self.score.value], self.strangers[self.kind.value][self.score.value]
        if self._drawn != (self.score.value, self.kind.value):
            self._draw_histograms(known, others)
        threshold = torch.quantile(known.double(), 1 - self.share.value / 100).item()
        self._line.set_xdata([threshold, threshold])
        flagged = (others.double() > threshold).double().mean().item()
        self.say(
            f"Flagged: {self.share.value:.1f} % of the known images, {100 * flagged:.1f} % of the strangers. "
            f"AUROC {auroc(known, others):.2f}"
        )
        return self.figure

    def _draw_histograms(self, known: Tensor, others: Tensor) -> None:
        both = torch.cat([known, others]).double()
        low, high = torch.quantile(both, 0.002).item(), torch.quantile(both, 0.998).item()
        room = 0.03 * (high - low) or 1.0
        edges = torch.linspace(low - room, high + room, BINS + 1, dtype=torch.float64)
        highest = 0.0
        for stairs, values in ((self._known, known), (self._others, others)):
            inside = values.double().clamp(edges[0].item(), edges[-1].item())
            heights = torch.histogram(inside, edges).hist / len(values)
            stairs.set_data(heights.numpy(), edges.numpy())
            highest = max(highest, heights.max().item())
        self._axes.set(xlim=(edges[0].item(), edges[-1].item()), ylim=(0, 1.08 * highest), xlabel=self.score.value)
        self._line.set_ydata([0, 1.08 * highest])
        self.figure.forget_background()
        self._drawn = (self.score.value, self.kind.value)

    def _compose(self) -> None:
        self.figure, self._axes = figure(title="Who lies to the right of the line?", alt=ALT, size=(6.6, 3))
        start = ([1.0], [0.0, 1.0])
        self._known = self._axes.stairs(*start, fill=True, alpha=0.6, color=VAE, label="known")
        self._others = self._axes.stairs(*start, fill=True, alpha=0.6, color=WRONG, label="strangers")
        (self._line,) = self._axes.plot([0, 0], [0, 1], color=EXACT, linewidth=2, label="threshold")
        self._axes.set_ylabel("share of images")
        self._axes.yaxis.set_major_formatter("{x:.2f}")  # labels of one width, so that the layout holds
        self._axes.legend(loc="upper right")
        self.figure.moving = [self._known, self._others, self._line]


def auroc(known: Float[Tensor, " N"], others: Float[Tensor, " M"]) -> float:
    """Probability that a random stranger scores higher than a random known image; ties count one half.

    Args:
        known, others: scores, (N,) and (M,).

    Returns:
        From 0 to 1; 0.5 is what a coin would do.

    Source: Hanley & McNeil (1982), The meaning and use of the area under a receiver operating characteristic curve.
    """
    known, others = known.double().sort().values, others.double()
    below = torch.searchsorted(known, others, right=False)
    not_above = torch.searchsorted(known, others, right=True)
    return (0.5 * (below + not_above).double().mean() / len(known)).item()
