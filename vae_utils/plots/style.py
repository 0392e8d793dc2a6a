"""Colours with a fixed meaning, sizes, and the style that `figure` applies."""

import matplotlib

# Digits 0 to 9. Any two differ by at least 24 (CIE 1976 ΔE) in normal sight and in simulated protanopia, deuteranopia
# and tritanopia; the assignment keeps digits whose codes mingle (4/9, 3/5/8, 7/9) farthest apart.
CLASS_COLOURS = (
    "#008b5d",
    "#ffa2b9",
    "#0046a2",
    "#d1c62e",
    "#14e07a",
    "#8bb9ff",
    "#a27417",
    "#74175d",
    "#8b0017",
    "#8b5dff",
)

# One colour a role, the same in all lessons; told apart like the classes, by at least 15.
VAE = "#1f5fbf"
AUTOENCODER = "#d97f00"
PRIOR = "#6e6e6e"
ENCODER = POSTERIOR = "#d04fa8"  # q(z|x), what the encoder says
LIKELIHOOD = "#1b9e55"  # p(x|z), what the decoder says
EXACT = "#1a1a1a"  # computed without approximation
WRONG = "#b2182b"
MUTED = "#b4b4b4"  # context that is not the message

TEXT = "#1a1a1a"
GRID = "#e4e4e4"
WIDTH = 7.5  # inches: the width of a lesson's column
CSS_DPI = 96  # a browser shows an inch of figure as 96 pixels
DPI = 2 * CSS_DPI  # twice as many are drawn, so that text is crisp on dense screens
GREYS = 32  # levels of a figure without colour: steps that no eye sees, at half of the bytes
LIVE_DPI = 1.5 * CSS_DPI  # fewer for a figure that follows a slider
TITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 11.5, 10, 9  # points
MARGIN = 0.06  # inches between the contents and the edge

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8a8a8a",
    "axes.grid": True,
    "axes.labelcolor": TEXT,
    "axes.labelsize": LABEL_SIZE,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": matplotlib.cycler(color=[VAE, AUTOENCODER, LIKELIHOOD, POSTERIOR, WRONG, PRIOR]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": LABEL_SIZE,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": TEXT,
    "xtick.color": "#8a8a8a",
    "xtick.labelcolor": TEXT,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.color": "#8a8a8a",
    "ytick.labelcolor": TEXT,
    "ytick.labelsize": SMALL_SIZE,
}
