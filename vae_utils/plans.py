"""What a training run is told, checked before it starts and compared before it goes on."""

import hashlib
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real

import torch
from torch import Tensor, nn

from vae_utils.arguments import MOST_SEED, check_model, whole_number
from vae_utils.data import Images, validate_images
from vae_utils.history import History
from vae_utils.on_disk import ImagesOnDisk
from vae_utils.run import Loss, takes_labels

Plan = dict[str, int | float | str]

MOST_EPOCHS = 1_000_000
SAMPLED = 50_000  # pixels that stand for all
_trained: set[int] = set()
_lock = threading.Lock()


def training_images(images: Images | Tensor | ImagesOnDisk, loss: Loss) -> tuple[Tensor | ImagesOnDisk, Tensor | None]:
    """The images to train with, (N, 1, 28, 28), and their labels (N,), or None for a loss that takes none.

    Raises:
        TypeError, ValueError: not images, or no labels for a loss that takes them.
    """
    if isinstance(images, Images):
        return images.train.detach(), images.train_labels if takes_labels(loss) else None
    if not isinstance(images, ImagesOnDisk):
        validate_images(images)
        images = images.detach()  # so that no gradient is left in the caller's tensor
    if takes_labels(loss):
        raise ValueError("this loss takes labels: give fit a data set from load_images, not a tensor of images")
    return images, None


def checked_plan(
    x: Tensor | ImagesOnDisk, labels: Tensor | None, learning_rate: float, epochs: int, batch_size: int, seed: int
) -> Plan:
    """What must not change between an interrupt and `resume`, as numbers and words that JSON can hold.

    Raises:
        ValueError: an argument out of range.
    """
    if isinstance(learning_rate, bool) or not (
        isinstance(learning_rate, Real) and math.isfinite(learning_rate) and learning_rate > 0
    ):
        raise ValueError(f"learning_rate must be a positive number, received {learning_rate!r}; try 0.002")
    return {
        "epochs": whole_number("epochs", epochs, 1, MOST_EPOCHS),
        "batch_size": whole_number("batch_size", batch_size, 1, len(x), "the number of images"),
        "seed": whole_number("seed", seed, 0, MOST_SEED),
        "learning_rate": float(learning_rate),
        "images": len(x),
        "digest of the images": _digest_of_images(x, labels),
    }


def check_trainable(model: nn.Module, callback: object, stop: object) -> None:
    """Refuse a model that no step could change, and what cannot be called.

    Raises:
        TypeError: not a model, or not functions.
        ValueError: all its weights are frozen.
    """
    check_model(model)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("all weights of the model are frozen; make some trainable with model.requires_grad_(True)")
    for name, function, form in (("callback", callback, "callback(model, history)"), ("stop", stop, "stop()")):
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be a function {form}, received {function!r}")


def match_precision(model: nn.Module, x: Tensor | ImagesOnDisk, device: torch.device) -> Tensor | ImagesOnDisk:
    """The images in the precision of the model; a model in float64, which MPS lacks, goes on in float32 there."""
    weight = next(model.parameters())
    if device.type == "mps" and weight.dtype == torch.float64:
        warnings.warn("MPS has no float64: the model goes on in float32; for float64 use device='cpu'", stacklevel=3)
        model.float()
    if x.dtype != weight.dtype and isinstance(x, Tensor):
        warnings.warn(f"the images are {x.dtype}, the model is {weight.dtype}: images are converted", stacklevel=3)
    return x.to(weight.dtype)


class CannotResume(ValueError):
    """A run that cannot go on, for which `resume` was given; a new one can be started."""


def check_resume(history: object, latest: History | None, model: nn.Module, plan: Plan) -> History:
    """The history to go on with.

    Args:
        history: the argument `resume` of `fit`; True stands for `latest`.
        latest: that of the run that `fit` worked on last.
        model, plan: of the call that is to go on.

    Raises:
        CannotResume: not a history, or that of another model, of other arguments, or of a run that stopped by itself,
            or the weights are no longer those that the run left.
    """
    if history is True and latest is not None and latest.run.model is model:
        history = latest
    if not isinstance(history, History):
        raise CannotResume(
            "resume must be the history that fit returned, as in resume=history, or True if the latest run was that of "
            f"this very model; received {history!r}: start anew without resume"
        )
    if history.run is None or history.run.model is not model:
        raise CannotResume(
            "resume must be the history that fit returned for this very model; start anew without resume"
        )
    changed = [f"{name} was {old}, now {plan[name]}" for name, old in history.run.plan.items() if plan.get(name) != old]
    if changed:
        raise CannotResume(f"a resumed run keeps its arguments: {'; '.join(changed)}; or start anew without resume")
    if history.stopped:
        raise CannotResume(f"this run cannot be resumed: {history.stopped}")
    if history.run.left and history.run.left != digest_of_weights(model):
        raise CannotResume(
            "the weights of the model changed since the run was interrupted, so it cannot go on where it was; "
            "start anew without resume"
        )
    return history


@contextmanager
def alone(model: nn.Module) -> Iterator[None]:
    """Within it no other run trains the model.

    Raises:
        RuntimeError: one does.
    """
    with _lock:
        if id(model) in _trained:
            raise RuntimeError(
                "this model is being trained already, beside this cell or by the run whose callback this is; "
                "stop that run first, or train another model"
            )
        _trained.add(id(model))
    try:
        yield
    finally:
        with _lock:
            _trained.discard(id(model))


def digest_of_weights(model: nn.Module) -> str:
    """A short word that changes with any bit of any weight."""
    digest = hashlib.sha256()
    for weight in model.parameters():
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def _digest_of_images(x: Tensor | ImagesOnDisk, labels: Tensor | None) -> str:
    """A short word that is another one for other images; of a sample of the pixels, as all would take too long."""
    if isinstance(x, Tensor):
        flat = x.reshape(-1)
        sample = flat[:: max(1, flat.numel() // SAMPLED)]
    else:
        sample = x.index_select(0, torch.arange(0, len(x), max(1, len(x) // 100)))
    digest = hashlib.sha256(sample.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    if labels is not None:
        digest.update(labels.cpu().contiguous().numpy())
    return digest.hexdigest()[:16]
