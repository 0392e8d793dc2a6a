"""From strokes of a pen to a picture in MNIST's format: size normalised, centred by mass, grey at the edges."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.plots.layout import Number

SIDE, BOX = 28, 20  # pixels of a picture, and of the square that the ink is scaled to
CENTRE = 14.0  # where MNIST puts the centre of mass, as an index of rows and columns, give or take half a pixel
PEN = 2.6  # pixels: the median width of a stroke in MNIST
SMALLEST = 0.1  # of the pad's side: what is smaller is scaled as if it had this size, or a dot would fill the box
Stroke = Sequence[float]


def mnist_picture(strokes: Sequence[Stroke], pen: Number = PEN) -> Float[Tensor, "28 28"] | None:
    """What MNIST would make of a drawing: the longer side of the ink 20 pixels, its centre of mass in the middle.

    The strokes are scaled and not the ink, so a small drawing does not get thicker lines than a large one.

    Args:
        strokes: each x, y, x, y, ... of a pen's way over a pad, in shares of its side, from its upper left corner.
        pen: width of the lines in pixels of the picture.

    Returns:
        Pixels in [0, 1], 1 is ink, (28, 28); None if nothing was drawn.

    Raises:
        ValueError: numbers that are not pairs or not finite, or a pen that is not 0.5 to 8 pixels wide.

    Source: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition, section
    III.A: size normalised to 20 × 20 with the aspect ratio kept, centred by mass in 28 × 28.
    """
    if not 0.5 <= pen <= 8:
        raise ValueError(f"pen must be 0.5 to 8 pixels wide, received {pen}")
    lines = [_points(stroke) for stroke in strokes if len(stroke)]
    if not lines:
        return None
    points = torch.cat(lines)
    low, high = points.amin(0), points.amax(0)
    # A line reaches half a pen to each side, and its grey edge half a pixel further.
    scale = (BOX - 1 - pen) / (high - low).max().clamp(min=SMALLEST)
    middle = (SIDE - 1) / 2
    lines = [(line - (low + high) / 2) * scale + middle for line in lines]
    picture = _ink(lines, pen)
    steps = torch.arange(SIDE, dtype=torch.float32)
    mass = torch.stack([picture.sum(0) @ steps, picture.sum(1) @ steps]) / picture.sum()  # (x, y)
    room = ((SIDE - BOX) / 2 + (BOX - (high - low) * scale - 1 - pen) / 2).clamp(min=0)  # so that no ink leaves
    shift = torch.minimum(torch.maximum(CENTRE - mass, -room), room)
    return _ink([line + shift for line in lines], pen)


def _points(stroke: Stroke) -> Float[Tensor, "P 2"]:
    points = torch.tensor(list(stroke), dtype=torch.float32)
    if points.ndim != 1 or len(points) % 2 or not points.isfinite().all():
        raise ValueError(f"a stroke must be x, y, x, y, ... as finite numbers, received {list(stroke)[:6]} ...")
    return points.view(-1, 2)


def _ink(lines: Sequence[Tensor], pen: Number) -> Float[Tensor, "28 28"]:
    """How much of each pixel lies within half a pen of a line, from the distance of its centre."""
    starts = torch.cat([line[:-1] if len(line) > 1 else line for line in lines])  # (S, 2) one segment a row
    ends = torch.cat([line[1:] if len(line) > 1 else line for line in lines])
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    pixels = torch.stack([columns, rows], dim=-1).reshape(-1, 1, 2).float()  # (784, 1, 2) as x, y
    along = ends - starts
    share = ((pixels - starts) * along).sum(-1) / along.square().sum(-1).clamp(min=1e-12)  # (784, S)
    nearest = starts + share.clamp(0, 1)[..., None] * along
    distance = (pixels - nearest).norm(dim=-1).amin(1)
    return (pen / 2 + 0.5 - distance).clamp(0, 1).view(SIDE, SIDE)
