"""What a model makes of codes, for explorers: switched to evaluation, without gradients, on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[torch.device]:
    """Without gradients, dropout and the like; gives the model's device and leaves the model as it was."""
    training = model.training
    if training:
        model.eval()
    try:
        with torch.no_grad():
            yield next(model.parameters()).device
    finally:
        if training:
            model.train()


def decode(model: nn.Module, codes: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
    """Pictures of codes on the CPU, pixels in [0, 1].

    Args:
        model: has `generate`.
        codes: (B, K) codes.

    Returns:
        The pictures, (B, 1, H, W) unless the model makes others.
    """
    with evaluating(model) as device:
        return model.generate(codes.to(device)).cpu()


def along(code: Float[Tensor, " K"], dim: int, values: Float[Tensor, " S"]) -> Float[Tensor, "S K"]:
    """Copies of a code, with other values in one of its dimensions."""
    codes = code.repeat(len(values), 1)
    codes[:, dim] = values
    return codes
