"""From one code to another: the straight line (lerp), the arc about the origin (slerp), and how long a way is."""

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.signatures import checked

WAYS = ("lerp", "slerp")
SMALLEST_ANGLE = 1e-3  # radians (its sine): below, the cosine is too coarse to tell the angle, and the arc is the line


@checked(finite=False)
def interpolate(
    start: Float[Tensor, "*B K"], end: Float[Tensor, "*B K"], t: int | float, way: str = "lerp"
) -> Float[Tensor, "*B K"]:
    """The code at a place between two codes, for one pair or for many.

    Args:
        start, end: codes, (K,) or (B, K).
        t: from 0, the start, to 1, the end.
        way: "lerp", the straight line, or "slerp", the arc about the origin, which keeps the length if both have the
            same; for nearly opposite codes of different lengths it leaves the range between them. Exactly opposite
            ones, which no single arc joins, are joined by the line.

    Returns:
        Codes of the same shape.

    Raises:
        ValueError: another way.

    Source: Shoemake (1985), Animating rotation with quaternion curves, SIGGRAPH; for latent codes White (2016),
        arXiv:1609.04468.
    """
    if way not in WAYS:  # also where it is another kind of thing
        raise ValueError(f"way must be 'lerp' or 'slerp', received {way!r}")
    line = (1 - t) * start + t * end
    if way == "lerp":
        return line
    lengths = (start.norm(dim=-1) * end.norm(dim=-1)).unsqueeze(-1)
    angle = torch.acos(((start * end).sum(-1, keepdim=True) / lengths).clamp(-1, 1))  # nan if a code is 0
    arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / angle.sin()
    return torch.where(angle.sin() > SMALLEST_ANGLE, arc, line)


@checked(finite=False)
def path(
    start: Float[Tensor, "*B K"], end: Float[Tensor, "*B K"], steps: int = 32, way: str = "lerp"
) -> Float[Tensor, "P *B K"]:
    """Codes at even places from one code to another, both included.

    Args:
        start, end: codes, (K,) or (B, K).
        steps: how many steps the way is cut into.
        way: as in `interpolate`.

    Returns:
        (steps + 1, K) or (steps + 1, B, K).

    Raises:
        ValueError: fewer than 1 step, or another way.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, received {steps}")
    return torch.stack([interpolate(start, end, place / steps, way) for place in range(steps + 1)])


@checked(finite=False)
def path_length(points: Float[Tensor, "P *B F"]) -> Float[Tensor, "*B"]:
    """How long a way through given points is: the sum of the Euclidean distances from each to the next.

    Args:
        points: codes, features or flattened pictures along a way, (P, F) or (P, B, F).

    Returns:
        A length, () or (B,), in the unit of the points.
    """
    return points.diff(dim=0).norm(dim=-1).sum(0)
