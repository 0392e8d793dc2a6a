"""The flow of one batch through a VAE, drawn."""

from vae_utils.plots.figures import LessonFigure, figure
from vae_utils.plots.style import ENCODER, LIKELIHOOD, MUTED, PRIOR, TEXT

ARROW = {"arrowstyle": "->", "linewidth": 1.6, "color": TEXT}


def show_vae_diagram(*, title: str) -> LessonFigure:
    """Draw what happens to a batch: encoder, noise, decoder, and the two terms of the loss, with their shapes.

    Args:
        title: the message of the figure.

    Returns:
        The figure.
    """
    alt = (
        "Flow chart. Images x of shape (B, 1, 28, 28) go through the encoder to mu and logvar, each (B, K). With noise "
        "epsilon these make z, (B, K), which the decoder turns into logits, (B, 1, 28, 28). The logits and x give the "
        "reconstruction term; mu and logvar give the KL term; both hold one number an image, in nats."
    )
    drawn, axes = figure(title=title, alt=alt, size=(7.5, 2.8))
    axes.set(xlim=(0, 15), ylim=(-0.7, 4.3))
    axes.axis("off")
    for x, y, text, colour in (
        (1.35, 3.3, "images x\n(B, 1, 28, 28)", MUTED),
        (5.5, 3.3, "μ, logvar\n(B, K) each", ENCODER),
        (9.1, 3.3, "z = μ + σ ε\n(B, K)", PRIOR),
        (13.0, 3.3, "logits\n(B, 1, 28, 28)", LIKELIHOOD),
        (5.5, 0.7, "KL (B,)", ENCODER),
        (13.0, 0.7, "reconstruction (B,)", LIKELIHOOD),
    ):
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
        axes.text(x, y, text, ha="center", va="center", fontsize=9.5, color=TEXT, linespacing=1.3, bbox=box)
    for start, end, text in (
        ((2.75, 3.3), (4.2, 3.3), "encoder"),
        ((6.8, 3.3), (7.9, 3.3), "noise ε"),
        ((10.3, 3.3), (11.6, 3.3), "decoder"),
        ((5.5, 2.45), (5.5, 1.15), ""),
        ((13.0, 2.45), (13.0, 1.15), ""),
    ):
        axes.annotate("", xy=end, xytext=start, arrowprops=ARROW)
        axes.text((start[0] + end[0]) / 2, 3.62, text, ha="center", fontsize=9, color=TEXT)
    # The images are needed a second time, as what the logits are compared with.
    axes.plot([1.35, 1.35, 13.0], [2.45, -0.5, -0.5], color=TEXT, linewidth=1.6)
    axes.annotate("", xy=(13.0, 0.2), xytext=(13.0, -0.55), arrowprops=ARROW)
    return drawn
