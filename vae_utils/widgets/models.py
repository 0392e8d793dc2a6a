"""Is this the trained model that an explorer needs? If not, say which cell to run."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vae_utils.arguments import range_of
from vae_utils.data import Images
from vae_utils.widgets.decoding import decode, still

TRAINING_CELL = "the cell that trains it with fit(...)"


def require_model(
    model: Any, name: str, methods: Sequence[str] = ("generate",), cell: str = TRAINING_CELL
) -> nn.Module:
    """Give the model, if it can do what is needed, as explorers use it: in evaluation mode, see `still`.

    Args:
        model: what the learner handed over.
        name: name of the argument.
        methods: what it must be able to do.
        cell: the cell to run first, for the message.

    Returns:
        Another module with the same weights, in evaluation mode.

    Raises:
        ValueError: it is None.
        TypeError: it is a class, or lacks a method.
    """
    if model is None:
        raise ValueError(f"{name} is None: run {cell} first, then this cell again")
    if isinstance(model, type):
        raise TypeError(f"{name} is the class {model.__name__}, not a model: run {cell} and hand over what it made")
    missing = [method for method in methods if not callable(getattr(model, method, None))]
    if missing or not isinstance(model, nn.Module):
        lacks = f" and has no {missing[0]}(...)" if missing else ""
        raise TypeError(f"{name} is a {type(model).__name__}{lacks}: hand over the model, made by {cell}")
    return still(model)


def require_images(images: Any, name: str = "images") -> Tensor:
    """Give images back if they are a batch of pictures.

    Args:
        images: what the learner handed over.
        name: name of the argument.

    Returns:
        The images, (N, 1, H, W), as they are.

    Raises:
        TypeError: a whole data set, or no tensor.
        ValueError: another shape, no images, or pixels that are not finite or not in [0, 1].
    """
    if isinstance(images, Images):
        raise TypeError(
            f"{name} is the whole data set {images.name!r}: hand over its pictures, for example {name}.test"
        )
    if not isinstance(images, Tensor):
        raise TypeError(f"{name} must be a tensor (N, 1, H, W), received {type(images).__name__}")
    if images.ndim != 4 or images.shape[1] != 1 or not len(images):
        raise ValueError(f"{name} must be (N, 1, H, W) with N >= 1, received {tuple(images.shape)}")
    if not images.isfinite().all():
        raise ValueError(f"{name} holds values that are not finite: load them again, or look at what changed them")
    low, high = range_of(images) or (0, 0)
    if low < 0 or high > 1:
        raise ValueError(f"{name} must lie in [0, 1], received {low:g} to {high:g}: divide bytes by 255")
    return images


def require_rebuilding(name: str, rebuilt: Tensor, images: Tensor, cell: str = TRAINING_CELL) -> None:
    """Refuse an autoencoder that is farther from its images than one and the same picture for all would be.

    Args:
        name: which model, for the message.
        rebuilt: (B, 1, H, W) what it makes of the images.
        images: (B, 1, H, W) the images.
        cell: the cell to run first, for the message.

    Raises:
        ValueError: the squared error is more than twice that of the mean image: the model looks untrained.
    """
    error, plain = ((picture - images).square().sum().item() / len(images) for picture in (rebuilt, images.mean(0)))
    if not error <= 2 * plain:  # also where it is not a number
        raise ValueError(
            f"{name} looks untrained: its squared error is {error:.0f} per image, that of the mean image for all of "
            f"them {plain:.0f}. Run {cell} first, then this cell again"
        )


def require_trained(model: nn.Module, z: Tensor, cell: str = TRAINING_CELL) -> None:
    """Refuse a model that decodes to even grey: a fresh decoder answers about one half at every pixel.

    Args:
        model: has `generate`.
        z: (B, K) codes to try.
        cell: the cell to run first, for the message.

    Raises:
        ValueError: the model looks untrained, or its pixels are not finite.
    """
    pixels = decode(model, z)
    if not torch.isfinite(pixels).all():
        raise ValueError(f"the model's pixels are not finite: its training diverged; run {cell} again")
    low, high = (float(pixels.quantile(share)) for share in (0.05, 0.95))
    if low > 0.25 and high < 0.75:
        raise ValueError(
            f"the model looks untrained: nearly all pixels it makes lie between {low:.2f} and {high:.2f}. "
            f"Run {cell} first, then this cell again"
        )
