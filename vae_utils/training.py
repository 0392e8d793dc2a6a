"""One trainer for every model of the series: `fit(model, images, loss) -> History`.

Lesson 06 writes the same loop out in ten lines. This one adds what a classroom needs: seeds that make a run repeat bit
for bit, a bar, an interrupt that loses nothing, and a stop before a bad step. It knows nothing of any particular loss.
"""

import math
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real

import torch
from torch import Tensor, nn

from vae_utils.data import Images, validate_images
from vae_utils.devices import pick_device
from vae_utils.history import History
from vae_utils.networks import at_least_one
from vae_utils.progress import Progress
from vae_utils.randomness import drawing_from, first_state, repeatable_convolutions
from vae_utils.run import Loss, Run, checked_terms, takes_labels


def fit(
    model: nn.Module,
    images: Images | Tensor,
    loss: Loss,
    *,
    epochs: int = 20,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: str = "auto",
    callback: Callable[[nn.Module, History], object] | None = None,
    resume: History | None = None,
    stop: Callable[[], bool] | None = None,
    progress: bool = True,
) -> History:
    """Train a model in place with Adam and a one-cycle schedule.

    The weights are taken as they are: make the model in the same cell, after `torch.manual_seed`, for a fresh run.
    The same weights, data, arguments and machine give the same result bit for bit; the global random state is left
    alone. Ctrl-C, or the notebook's stop button, ends the run after the current step and returns what there is; a
    second one does not wait for the step, which is then done again on `resume`.

    Args:
        model: its weights are changed; it comes back on the device and in the train/eval mode it had.
        images: a data set, whose test images are measured after every epoch, or training images (N, 1, 28, 28).
        loss: `loss(model, x)` or `loss(model, x, labels)` -> named terms, each (B,) in nats per image; the batch
            mean of the term "loss" is minimised.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the highest of the schedule.
        seed: of the order of the images and of the noise in the loss.
        device: "auto" (CUDA if present, else MPS, else CPU) or a name as in `torch.device`.
        callback: called as `callback(model, history)` after every epoch, with the model on the training device.
        resume: the history of an interrupted run of this model; the other arguments must be those of that run.
        stop: asked before every step, on a GPU before every hundred; True ends the run as Ctrl-C does.
        progress: show a bar.

    Returns:
        The history; the object given as `resume` if there was one.

    Raises:
        TypeError: not a model, not a loss, or not a callback.
        ValueError: an argument out of range, a loss of the wrong form, or `resume` from another run.
        RuntimeError: the device is not there.

    Source: Adam: Kingma & Ba (2015), arXiv:1412.6980; one-cycle: Smith & Topin (2018), arXiv:1708.07120.
    """
    _check_model(model)
    x, labels = _training_images(images, loss)
    plan = _checked_plan(len(x), learning_rate, epochs=epochs, batch_size=batch_size, seed=seed)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function callback(model, history), received {callback!r}")
    target = pick_device(device)
    x = _match_precision(model, x, target)
    history = History(run=Run.start(model, plan, target)) if resume is None else _check_resume(resume, model, plan)
    run: Run = history.run
    home, was_training = next(model.parameters()).device, model.training
    history.interrupted, history.stopped = False, ""
    bar = Progress(epochs, "epoch", progress)
    bar.update(history.epochs, history.summary())
    with _interrupt_as_flag() as interrupted, repeatable_convolutions():
        asked = interrupted if stop is None else lambda: interrupted() or stop()
        try:
            run.move(target)
            x, labels = x.to(target), None if labels is None else labels.to(target)
            while history.epochs < epochs:
                means = run.finish_epoch(history.epochs, x, labels, loss, asked)
                if means is None:
                    break
                history.record(means, _test_means(model, images, loss, labels is not None, plan["seed"]))
                bar.update(history.epochs, history.summary())
                if callback is not None:
                    callback(model, history)
                    run.captured = None  # it may have changed something
        except FloatingPointError as error:
            history.stopped = (
                f"training stopped in epoch {history.epochs + 1}: {error}. The weights are those before that step. "
                "Try a smaller learning_rate, or look for the log of 0 or the exp of a large number in the loss."
            )
        except KeyboardInterrupt:  # a second Ctrl-C, or one where signals cannot be caught
            pass
        finally:
            run.move(home)
            model.train(was_training)
            bar.close()
    if history.stopped:
        warnings.warn(history.stopped, RuntimeWarning, stacklevel=2)
    history.interrupted = history.epochs < epochs and not history.stopped
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module, x: Tensor, loss: Loss, labels: Tensor | None = None, *, batch_size: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Mean of every term of a loss over images, in eval mode, with noise that is the same at every call.

    Args:
        model: stays on its device; the images are moved to it batch by batch.
        x: images in [0, 1], (N, 1, 28, 28).
        loss: as in `fit`.
        labels: class numbers (N,), for a loss that takes them.
        batch_size: images at a time.
        seed: of the noise in the loss.

    Returns:
        Term -> mean, nats per image.

    Raises:
        ValueError: images of the wrong shape or range, labels of another count, a loss of the wrong form, or a
            batch_size below 1.
    """
    validate_images(x)
    at_least_one(batch_size=batch_size)
    _check_model(model)
    if takes_labels(loss) != (labels is not None):
        advice = "takes labels: pass labels=" if labels is None else "takes no labels: leave labels out"
        raise ValueError(f"the loss {getattr(loss, '__name__', loss)} {advice}")
    if labels is not None and len(labels) != len(x):
        raise ValueError(f"labels must be one an image: {len(x)} images, received {len(labels)} labels")
    weight, was_training = next(model.parameters()), model.training
    sums: dict[str, Tensor] = {}
    with drawing_from(first_state(seed, weight.device), weight.device):
        model.eval()
        try:
            for chosen in torch.arange(len(x)).split(batch_size):
                batch_labels = None if labels is None else labels[chosen].to(weight.device)
                for name, term in checked_terms(loss, model, x[chosen].to(weight), batch_labels).items():
                    # Exact enough in float64, which MPS does not have; no waiting for a GPU until the end.
                    exact = (term.cpu() if term.device.type == "mps" else term).double().sum()
                    sums[name] = sums[name] + exact if name in sums else exact
        finally:
            model.train(was_training)
    return {name: total.item() / len(x) for name, total in sums.items()}


def _check_model(model: nn.Module) -> None:
    if not isinstance(model, nn.Module) or next(model.parameters(), None) is None:
        received = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model must be a model with weights, such as VAE(2), received {received}; run its cell first")


def _training_images(images: Images | Tensor, loss: Loss) -> tuple[Tensor, Tensor | None]:
    if isinstance(images, Images):
        return images.train, images.train_labels if takes_labels(loss) else None
    validate_images(images)
    if takes_labels(loss):
        raise ValueError("this loss takes labels: give fit a data set from load_images, not a tensor of images")
    return images, None


def _match_precision(model: nn.Module, x: Tensor, device: torch.device) -> Tensor:
    weight = next(model.parameters())
    if device.type == "mps" and weight.dtype == torch.float64:
        warnings.warn("MPS has no float64: the model goes on in float32; for float64 use device='cpu'", stacklevel=3)
        model.float()
    if x.dtype != weight.dtype:
        warnings.warn(f"the images are {x.dtype}, the model is {weight.dtype}: images are converted", stacklevel=3)
    return x.to(weight.dtype)


def _test_means(model: nn.Module, images: Images | Tensor, loss: Loss, labelled: bool, seed: int) -> dict[str, float]:
    if not isinstance(images, Images):
        return {}
    return evaluate(model, images.test, loss, images.test_labels if labelled else None, seed=seed)


def _checked_plan(images: int, learning_rate: float, **whole: int) -> dict[str, int | float]:
    """What a run is told, with NumPy's whole numbers as Python's, which torch's generators insist on."""
    most = {"epochs": 1_000_000, "batch_size": images, "seed": 2**63 - 1}
    for name, value in whole.items():
        least = 0 if name == "seed" else 1
        if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most[name]:
            limit = f"{most[name]} (the number of images)" if name == "batch_size" else str(most[name])
            raise ValueError(f"{name} must be a whole number from {least} to {limit}, received {value!r}")
    if not (isinstance(learning_rate, Real) and math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be a positive number, received {learning_rate!r}")
    return {name: int(value) for name, value in whole.items()} | {"learning_rate": learning_rate, "images": images}


def _check_resume(history: History, model: nn.Module, plan: dict[str, int | float]) -> History:
    if not isinstance(history, History):
        raise ValueError(f"resume must be the history that fit returned, as in resume=history; received {history!r}")
    if history.run is None or history.run.model is not model:
        raise ValueError("resume must be the history that fit returned for this very model; start anew without resume")
    changed = [f"{name} was {old}, now {plan[name]}" for name, old in history.run.plan.items() if plan[name] != old]
    if changed:
        raise ValueError(f"a resumed run keeps its arguments: {'; '.join(changed)}")
    if history.stopped:
        raise ValueError(f"this run cannot be resumed: {history.stopped}")
    return history


@contextmanager
def _interrupt_as_flag() -> Iterator[Callable[[], bool]]:
    """Within it, the first Ctrl-C is noted and acted on between two steps; the second interrupts at once."""
    noted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    # Signals reach the main thread only; a handler that is None was not set by Python and could not be put back.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield noted.is_set
        return

    def note(*_: object) -> None:
        noted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted.is_set
    finally:
        signal.signal(signal.SIGINT, before)
