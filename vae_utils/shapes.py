"""Small pictures drawn by code from factors that are known: what is needed to ask whether a latent space found them.

Every picture is one convex shape, black on white, in the manner of dSprites (Matthey et al. 2017) but drawn here.
The factors are independent of each other by construction, and each takes a few values that are equally likely.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae_utils.signatures import checked

SIDE = 28
KINDS = ("square", "ellipse", "triangle")
# The values of each factor. No shape looks the same at two of the angles: a square repeats after 90°, a triangle after
# 120°, an ellipse after 180°. All three kinds have the same area at the same size, so that ink does not tell the kind.
FACTORS: dict[str, Tensor] = {
    "kind": torch.arange(len(KINDS), dtype=torch.float32),
    "size": torch.linspace(4.0, 8.0, 5),  # root of the area, in pixels
    "angle": torch.linspace(-36.0, 36.0, 7),  # degrees
    "across": torch.linspace(-5.0, 5.0, 11),  # pixels from the middle to the right
    "down": torch.linspace(-5.0, 5.0, 11),  # pixels from the middle downwards
}
TRAIN, TEST = 8_000, 2_000
AT_A_TIME = 500  # pictures: their distances fit a processor's cache


@checked
def draw_shapes(levels: Int[Tensor, "N 5"]) -> Float[Tensor, "N 1 28 28"]:
    """Draw pictures from the numbers of their factors' values.

    Args:
        levels: for each picture which value of each factor, in the order of FACTORS, from 0, int64, (N, 5).

    Returns:
        Pixels in [0, 1], (N, 1, 28, 28); 0 is paper, 1 is ink, and an edge is one pixel of greys wide.

    Raises:
        ValueError: a level that a factor does not have.
    """
    for column, (name, values) in zip(levels.T, FACTORS.items(), strict=True):
        if len(column) and not (0 <= column.min() and column.max() < len(values)):
            received = f"levels from {column.min().item()} to {column.max().item()}"
            raise ValueError(f"{name} has the levels 0 to {len(values) - 1}, received {received}")
    pictures = torch.empty(len(levels), 1, SIDE, SIDE)
    for part, place in zip(levels.split(AT_A_TIME), pictures.split(AT_A_TIME), strict=True):
        place.copy_(_drawn(part))
    return pictures


def _drawn(levels: Tensor) -> Tensor:
    kind, size, angle, across, down = (
        values[column][:, None] for column, values in zip(levels.T, FACTORS.values(), strict=True)
    )  # (N, 1) each
    row, column = torch.meshgrid(*[torch.arange(SIDE) - (SIDE - 1) / 2] * 2, indexing="ij")
    x, y = column.reshape(1, -1) - across, row.reshape(1, -1) - down  # (N, 784)
    turn = angle * (math.pi / 180)
    u, v = turn.cos() * x + turn.sin() * y, turn.cos() * y - turn.sin() * x  # the shape's own axes
    # Signed distance to the outline in pixels, negative inside; exact along the sides, near enough at the corners.
    distance = torch.where(
        kind == 0, _square(u, v, size), torch.where(kind == 1, _ellipse(u, v, size), _triangle(u, v, size))
    )
    return (0.5 - distance).clamp(0, 1).reshape(-1, 1, SIDE, SIDE)


def _square(u: Tensor, v: Tensor, size: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - size / 2


def _ellipse(u: Tensor, v: Tensor, size: Tensor) -> Tensor:
    """Twice as long as wide: half axes a and a / 2, area pi a² / 2."""
    long = size * math.sqrt(2 / math.pi)
    p, q = u / long, 2 * v / long
    radius = torch.hypot(p, q)
    slope = torch.hypot(p / long, 2 * q / long) / radius.clamp(min=1e-6)  # of the radius, per pixel
    return (radius - 1) / slope.clamp(min=1e-6)


def _triangle(u: Tensor, v: Tensor, size: Tensor) -> Tensor:
    """Equilateral, around its centre: inner radius r, area 3 sqrt(3) r²."""
    inner = size / math.sqrt(3 * math.sqrt(3))
    sides = [math.sin(turn) * u + math.cos(turn) * v for turn in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)]
    return torch.stack(sides).amax(0) - inner


def all_levels() -> Int[Tensor, "M 5"]:
    """Every combination of the factors' levels once, (12705, 5), int64."""
    return torch.cartesian_prod(*(torch.arange(len(values)) for values in FACTORS.values()))


def train_and_test_levels() -> tuple[Int[Tensor, "N 5"], Int[Tensor, "M 5"]]:
    """The factors of the training images (8000, 5) and test images (2000, 5) of `load_images("shapes")`.

    All combinations are different, so no test picture is in the training set. They are the same at every call.
    """
    levels = all_levels()
    chosen = levels[torch.randperm(len(levels), generator=torch.Generator().manual_seed(0))]
    return chosen[:TRAIN], chosen[TRAIN : TRAIN + TEST]
