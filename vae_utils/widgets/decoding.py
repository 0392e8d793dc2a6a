"""What a model makes of codes, for explorers: in evaluation mode, without gradients, on the CPU."""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn


def still(model: nn.Module) -> nn.Module:
    """The model in evaluation mode, as another module that shares its weights and buffers, present and future.

    The learner's own keeps its mode: it may be training in another thread, with dropout or batch normalisation.
    """
    twin = copy.copy(model)  # its own attributes, the same dicts of parameters and buffers
    twin.__dict__["_modules"] = {name: part and still(part) for name, part in model._modules.items()}
    twin.training = False
    return twin


@torch.no_grad()
def decode(model: nn.Module, codes: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
    """Pictures of codes on the CPU, pixels in [0, 1].

    Args:
        model: has `generate`.
        codes: (B, K) codes.

    Returns:
        The pictures, (B, 1, H, W) unless the model makes others.
    """
    return still(model).generate(codes.to(next(model.parameters()).device)).cpu()


def along(code: Float[Tensor, " K"], dim: int, values: Float[Tensor, " S"]) -> Float[Tensor, "S K"]:
    """Copies of a code, with other values in one of its dimensions."""
    codes = code.repeat(len(values), 1)
    codes[:, dim] = values
    return codes
