"""Figures for the lessons: one message each in the title, alt text on every one, made without pyplot.

`figure` is `plt.subplots` for a lesson; the other functions draw what several lessons share. Functions named
`show_...` and `plot_...` return a whole figure; `draw_...` draws into axes that you made with `figure`.
"""

from vae_utils.plots.codes import draw_codes, draw_map
from vae_utils.plots.curves import label_lines, plot_history
from vae_utils.plots.diagram import show_bottleneck_diagram, show_vae_diagram
from vae_utils.plots.figures import LessonFigure, figure
from vae_utils.plots.graphs import draw_graph
from vae_utils.plots.images import draw_images, mosaic, show_images, show_manifold
from vae_utils.plots.layout import layout_problems
from vae_utils.plots.style import (
    AUTOENCODER,
    CLASS_COLOURS,
    ENCODER,
    EXACT,
    LIKELIHOOD,
    MUTED,
    POSTERIOR,
    PRIOR,
    VAE,
    WRONG,
)

__all__ = [
    "AUTOENCODER",
    "CLASS_COLOURS",
    "ENCODER",
    "EXACT",
    "LIKELIHOOD",
    "MUTED",
    "POSTERIOR",
    "PRIOR",
    "VAE",
    "WRONG",
    "LessonFigure",
    "draw_codes",
    "draw_graph",
    "draw_images",
    "draw_map",
    "figure",
    "label_lines",
    "layout_problems",
    "mosaic",
    "plot_history",
    "show_bottleneck_diagram",
    "show_images",
    "show_manifold",
    "show_vae_diagram",
]
