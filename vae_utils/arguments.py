"""Checks of arguments that several modules share: each error names the argument, what it was, and the next step."""

import math
from numbers import Integral

import torch
from torch import Tensor, nn

MOST_SEED = 2**63 - 1
MOST = 10**9  # larger sizes are slips, and would fill the memory or run for days


def whole_number(name: str, value: object, least: int, most: int, what_most: str = "") -> int:
    """A whole number in a range, as Python's int, which torch's generators insist on.

    Args:
        name: what to call it in the message.
        value: Python's or NumPy's.
        least, most: the range, both included.
        what_most: what the upper end is, for the message.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        end = f"{most} ({what_most})" if what_most else str(most)
        raise ValueError(f"{name} must be a whole number from {least} to {end}, received {value!r}")
    return int(value)


def at_least_one(**sizes: int) -> list[int]:
    """Sizes as Python's whole numbers; refused by name if below 1, or too large for any computer.

    Args:
        sizes: Python's whole numbers or NumPy's, whose products would overflow and which JSON cannot hold.

    Returns:
        The same numbers, in their order.

    Raises:
        ValueError: one is no whole number of at least 1.
    """
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, received {value!r}")
        if value > MOST:
            raise ValueError(f"{name} must be a whole number of at most {MOST:,}, received {value}")
    return [int(value) for value in sizes.values()]


def check_model(model: nn.Module, method: str = "forward") -> None:
    """Refuse what is no model with weights, or lacks a method.

    Raises:
        TypeError: not a model, or one without weights or without the method.
        ValueError: its weights hold no numbers.
    """
    if not isinstance(model, nn.Module) or next(model.parameters(), None) is None:
        received = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model must be a model with weights, such as VAE(2), received {received}; run its cell first")
    if not hasattr(model, method):
        raise TypeError(f"model must have {method}, as VAE does; {type(model).__name__} has none: use a VAE")
    for name, weight in model.named_parameters():
        if weight.is_meta or torch.nn.parameter.is_lazy(weight):
            raise ValueError(
                f"the weights {name} of the model hold no numbers yet; make the model on the CPU "
                "and, if it has lazy layers, call it once on a few images"
            )


def check_tensors(**tensors: Tensor) -> None:
    """Refuse arguments that are not floating-point tensors on one device.

    Raises:
        TypeError: one is none.
        ValueError: they are on several devices.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            received = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(
                f"{name} must be a floating-point tensor, received {received}; "
                "convert it with torch.as_tensor(...).float()"
            )
    devices = {name: str(tensor.device) for name, tensor in tensors.items()}
    if len(set(devices.values())) > 1 and any(tensor.ndim for tensor in tensors.values()):
        received = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise ValueError(f"all must be on one device, received {received}; move them with .to(...)")


def check_precision(name: str, tensor: Tensor, model: nn.Module) -> None:
    """Refuse a tensor of another precision than a model's weights; autocast converts it, and then anything goes.

    Raises:
        TypeError: the precisions differ.
    """
    weight = next(model.parameters(), None)  # a quantized model has none
    if weight is None or tensor.dtype == weight.dtype or torch.is_autocast_enabled(tensor.device.type):
        return
    wanted, found = (str(kind).removeprefix("torch.") for kind in (weight.dtype, tensor.dtype))
    advice = f"convert it with {name}.to(torch.{wanted})"
    raise TypeError(f"{name} must be {wanted}, as the weights of the model are, received {found}; {advice}")


def fitting_codes(z: Tensor, model: nn.Module) -> Tensor:
    """Give codes back if a model's decoder can take them; every forward pass calls this, and it waits for no GPU.

    Args:
        z: to be (N, K), in the precision of the model's weights.
        model: has `latent_dim`.

    Returns:
        The same tensor.

    Raises:
        ValueError: another shape.
        TypeError: not a tensor, or one of another precision than the weights.
    """
    size = model.latent_dim
    if not isinstance(z, Tensor):
        advice = "take mu of (mu, logvar)" if isinstance(z, tuple) else "convert it with torch.as_tensor(z).float()"
        raise TypeError(f"z must be a tensor of codes (N, {size}), received {type(z).__name__}; {advice}")
    if z.ndim != 2 or z.shape[1] != size:
        advice = "one code alone is z[None]" if tuple(z.shape) == (size,) else f"try torch.randn(8, {size})"
        raise ValueError(f"z must be codes (N, {size}) for this model, received {tuple(z.shape)}; {advice}")
    check_precision("z", z, model)
    return z


def same_shape(**tensors: Tensor) -> None:
    """Refuse floating-point tensors of different shapes: nothing is broadcast.

    Raises:
        TypeError: one is no floating-point tensor.
        ValueError: the shapes or devices differ.
    """
    check_tensors(**tensors)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1:
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the shapes must be equal, received {received}; reshape one of them first")


def check_pixels(x: Tensor) -> None:
    """Raise unless all values lie in [0, 1]; NaN does not.

    Args:
        x: pixels, any shape.

    Raises:
        ValueError: one lies outside.
    """
    found = range_of(x)
    if found and not (found[0] >= 0 and found[1] <= 1):  # also true for NaN
        raise ValueError(f"x must be pixels in [0, 1], received {found[0]:g} to {found[1]:g}; divide bytes by 255")


def check_pictures(images: Tensor) -> None:
    """Refuse what cannot be meant as pictures: they are cut off at 0 and 1, and may leave this range by as much again.

    Args:
        images: pixels, any shape; reconstructions by PCA, for example, are often a little out of range.

    Raises:
        ValueError: one is not finite, or is below -1 or above 2, as bytes, logits and standardized pixels are.
    """
    low, high = range_of(images) or (0, 0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("images hold values that are not finite: did training diverge?")
    if low < -1 or high > 2:
        raise ValueError(
            f"images must be pixels in [0, 1], received {low:g} to {high:g}; "
            "divide bytes by 255, take the sigmoid of logits, undo a standardization"
        )


def range_of(tensor: Tensor) -> tuple[float | int, float | int] | None:
    """The least and the greatest number, both NaN if one is; None where nobody may look.

    That is while a step is recorded on a GPU or may not wait for one (see `capture`), inside `torch.func.vmap`, and in
    tensors without numbers.
    """
    if tensor.numel() == 0:
        return None
    if tensor.is_cuda and (torch.cuda.get_sync_debug_mode() or torch.cuda.is_current_stream_capturing()):
        return None
    try:
        low, high = torch.stack(torch.aminmax(tensor.detach())).tolist()
    except RuntimeError:
        return None
    return low, high
