"""What a model makes of codes, for explorers: in evaluation mode, without gradients, on the CPU."""

from types import MethodType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


def still(model: nn.Module) -> nn.Module:
    """The model in evaluation mode, as another module that shares its weights and buffers, also those set later.

    The learner's own keeps its mode: it may be training in another thread, with dropout or batch normalisation. A
    function put into the model that names it (`model.generate = lambda z: model(z)`) still leads to the learner's own,
    and so does what `torch.jit.script` made.
    """
    twins: dict[int, nn.Module] = {}
    for part in model.modules():
        kind = type(part)
        # Not copy.copy: what parametrizations made, such as a spectral norm, refuses it.
        twins[id(part)] = part if isinstance(part, torch.jit.ScriptModule) else kind.__new__(kind)
    for part in model.modules():
        if (compiled := part._modules.get("_orig_mod")) is not None:  # torch.compile keeps a way to the learner's own
            twins[id(part)] = twins[id(compiled)]
    for part in model.modules():
        twin = twins[id(part)]
        if type(twin) is type(part) and twin is not part:
            twin.__dict__.update({name: _moved(value, twins) for name, value in vars(part).items()}, training=False)
            twin.__dict__.pop("_compiled_call_impl", None)  # what part.compile() made calls the learner's own
    return twins[id(model)]


def _moved(value: Any, twins: dict[int, nn.Module]) -> Any:
    """What a twin has where the original has `value`: twins in place of originals, all else as it is."""
    if isinstance(value, nn.Module):
        return twins.get(id(value), value)
    if isinstance(value, MethodType):
        return MethodType(value.__func__, _moved(value.__self__, twins))
    if type(value) in (list, tuple) and any(isinstance(each, nn.Module) for each in value):
        return type(value)(_moved(each, twins) for each in value)
    if type(value) is dict and any(isinstance(each, nn.Module) for each in value.values()):
        return {name: _moved(each, twins) for name, each in value.items()}
    return value  # the dicts of parameters and buffers above all


@torch.no_grad()
def decode(model: nn.Module, codes: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
    """Pictures of codes on the CPU, pixels in [0, 1].

    Args:
        model: has `generate`.
        codes: (B, K) codes.

    Returns:
        The pictures, (B, 1, H, W) unless the model makes others.
    """
    if any(part.training for part in model.modules()):
        model = still(model)
    return model.generate(codes.to(next(model.parameters()).device)).cpu()


def along(code: Float[Tensor, " K"], dim: int, values: Float[Tensor, " S"]) -> Float[Tensor, "S K"]:
    """Copies of a code, with other values in one of its dimensions."""
    codes = code.repeat(len(values), 1)
    codes[:, dim] = values
    return codes
