"""Pictures of a two-dimensional latent space: codes coloured by class, and maps over the plane."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.axes import Axes
from torch import Tensor

from vae_utils.plots.layout import Number, push_apart
from vae_utils.plots.style import CLASS_COLOURS, DPI, LABEL_SIZE, MUTED
from vae_utils.signatures import checked

Z1, Z2 = "z₁", "z₂"


@checked(strict=False)
def draw_codes(
    axes: Axes,
    codes: Float[Tensor, "N 2"],
    labels: Integer[Tensor, " N"] | None = None,
    *,
    classes: Sequence[str] | None = None,
    size: Number | None = None,
    alpha: Number = 1.0,
) -> None:
    """Draw codes into axes, coloured by class, each class named at its median.

    Args:
        axes: where to draw.
        codes: (N, 2) codes.
        labels: (N,) class of each code, 0 to 9; None draws all in grey.
        classes: names of the classes; by default the digits.
        size: area of a point in points²; by default smaller the more there are.
        alpha: opacity, 0 to 1.

    Raises:
        ValueError: no codes, one that is not finite, or a label without a colour or a name.
    """
    if not len(codes):
        raise ValueError("codes must hold at least one code, received none")
    points = codes.detach().cpu().numpy()
    if not np.isfinite(points).all():
        raise ValueError(f"codes hold {(~np.isfinite(points)).sum()} values that are not finite: did training diverge?")
    size = size or float(np.clip(14000 / len(points), 4, 26))
    style = {"s": size, "linewidths": 0, "alpha": alpha, "rasterized": True}
    if labels is None:
        axes.scatter(*points.T, color=MUTED, **style)
        return
    kinds = labels.cpu().numpy()
    if kinds.min() < 0 or kinds.max() >= len(CLASS_COLOURS):
        raise ValueError(f"labels run from {kinds.min()} to {kinds.max()}; there are colours for 0 to 9")
    if classes is not None and kinds.max() >= len(classes):
        raise ValueError(f"classes has {len(classes)} names, and the labels run to {kinds.max()}")
    # In the order of the data, not class by class: no class may hide another.
    axes.scatter(*points.T, c=[CLASS_COLOURS[kind] for kind in kinds], **style)
    _name_classes(axes, points, kinds, classes)


def _name_classes(axes: Axes, points: np.ndarray, kinds: np.ndarray, classes: Sequence[str] | None) -> None:
    present = np.unique(kinds)
    medians = np.stack([np.median(points[kinds == kind], axis=0) for kind in present])
    names = [classes[kind] if classes else str(kind) for kind in present]
    axes.figure.draw_without_rendering()
    pixel = DPI / 72
    sizes = np.array([[(0.75 * len(name) + 0.9) * LABEL_SIZE * pixel, 1.9 * LABEL_SIZE * pixel] for name in names])
    low, high = axes.bbox.min + sizes / 2, axes.bbox.max - sizes / 2  # no name leaves the axes, wherever its codes are
    apart = push_apart(np.clip(axes.transData.transform(medians), low, high), sizes)
    places = axes.transData.inverted().transform(np.clip(apart, low, high))
    for kind, name, place in zip(present, names, places, strict=True):
        box = {"boxstyle": "round,pad=0.22", "facecolor": "white", "edgecolor": CLASS_COLOURS[kind], "linewidth": 1.8}
        centre = {"ha": "center", "va": "center", "bbox": {**box, "alpha": 0.92}}
        axes.text(*place, name, fontsize=LABEL_SIZE, fontweight="bold", zorder=5, **centre)


@checked(strict=False)
def draw_map(
    axes: Axes,
    values: Float[Tensor, "H W"],
    extent: tuple[Number, Number, Number, Number],
    *,
    label: str,
    limits: tuple[Number, Number] | None = None,
) -> None:
    """Draw a map over the latent plane into axes, with a colour bar; dark is low, light is high.

    Args:
        axes: where to draw.
        values: (H, W) values; row 0 lies at the smallest z₂.
        extent: left, right, bottom, top of the plane, in units of z.
        label: what the values are, with their unit.
        limits: lowest and highest value of the colours; by default those of the values.

    Raises:
        ValueError: a value is NaN.
    """
    lowest, highest = limits or (None, None)
    grid = values.detach().cpu().numpy()
    if np.isnan(grid).any():
        raise ValueError(f"values hold NaN in {np.isnan(grid).sum()} places of {grid.size}: did training diverge?")
    image = axes.imshow(
        grid, origin="lower", extent=extent, cmap="cividis", vmin=lowest, vmax=highest, interpolation="nearest"
    )
    axes.grid(False)
    bar = axes.figure.colorbar(image, ax=axes, label=label, shrink=0.85, aspect=22, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, color="#8a8a8a")
    axes.set_xlabel(Z1)
    axes.set_ylabel(Z2)
