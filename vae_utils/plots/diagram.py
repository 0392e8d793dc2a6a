"""Diagrams of the models: an autoencoder as an hourglass, and the flow of one batch through a VAE."""

from jaxtyping import Float
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor

from vae_utils.plots.figures import LessonFigure, figure
from vae_utils.plots.style import AUTOENCODER, ENCODER, LIKELIHOOD, MUTED, PRIOR, TEXT
from vae_utils.signatures import checked

ARROW = {"arrowstyle": "->", "linewidth": 1.6, "color": TEXT}


@checked(strict=False)
def show_bottleneck_diagram(image: Float[Tensor, "1 H W"], *, title: str) -> LessonFigure:
    """Draw an image on its way through an autoencoder: encoder, a code of K numbers, decoder, and what comes out?

    Args:
        image: (1, H, W) pixels in [0, 1].
        title: the message of the figure.

    Returns:
        The figure.
    """
    pixels = image.shape[-2] * image.shape[-1]
    alt = (
        f"An image of {pixels} pixels on the left, an encoder that narrows down to a column of K cells, a decoder that "
        "widens again, and on the right an empty frame, as large as the image, with a question mark."
    )
    drawn, axes = figure(title=title, alt=alt, size=(7.5, 2.3))
    axes.imshow(image[0].cpu().numpy(), cmap="gray_r", vmin=0, vmax=1, extent=(0, 3, 0, 3))
    for left in (0, 12):
        axes.add_patch(Rectangle((left, 0), 3, 3, fill=False, edgecolor=PRIOR))
    for wide, narrow, name in ((3.4, 6.9, "encoder"), (11.6, 8.1, "decoder")):
        corners = [(wide, 0), (narrow, 1), (narrow, 2), (wide, 3)]
        axes.add_patch(Polygon(corners, facecolor=AUTOENCODER, alpha=0.25, linewidth=0))
        axes.text((wide + narrow) / 2, 1.5, name, ha="center", va="center")
    for cell in range(4):
        axes.add_patch(Rectangle((7.3, 0.9 + 0.3 * cell), 0.4, 0.3, facecolor=AUTOENCODER, edgecolor="white"))
    for x, text in (
        (1.5, f"x, {pixels} pixels"),
        (7.5, "code z, K numbers"),
        (13.5, f"reconstruction, {pixels} pixels"),
    ):
        axes.text(x, -0.25, text, ha="center", va="top")
    axes.text(13.5, 1.5, "?", ha="center", va="center", fontsize=24, color=PRIOR)
    axes.set(xlim=(-0.2, 15.6), ylim=(-0.9, 3.2), aspect="equal")
    axes.axis("off")
    return drawn


@checked(strict=False)
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
        (9.1, 3.3, "z = μ + σ ε\n(B, K)", ENCODER),
        (13.0, 3.3, "logits\n(B, 1, 28, 28)", LIKELIHOOD),
        (5.5, 0.7, "KL (B,)", PRIOR),
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
