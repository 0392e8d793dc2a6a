"""One trainer for every model of the series: `fit(model, images, loss) -> History`.

Lesson 06 writes the same loop out in ten lines. This one adds what a classroom needs: seeds that make a run repeat bit
for bit, a bar, an interrupt that loses nothing, and a stop before a bad step. It knows nothing of any particular loss.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae_utils.arguments import at_least_one, check_model
from vae_utils.data import Images, validate_images, validate_labels
from vae_utils.devices import pick_device
from vae_utils.history import History
from vae_utils.interrupts import CtrlC, held
from vae_utils.on_disk import ImagesOnDisk
from vae_utils.plans import (
    alone,
    check_resume,
    check_trainable,
    checked_plan,
    digest_of_weights,
    match_precision,
    training_images,
)
from vae_utils.progress import Progress
from vae_utils.randomness import drawing_from, first_state, repeatable_convolutions
from vae_utils.run import Loss, Run, checked_terms, takes_labels

_latest: list[History] = []  # that of the run which was worked on last, for resume=True


def fit(
    model: nn.Module,
    images: Images | Tensor | ImagesOnDisk,
    loss: Loss,
    *,
    epochs: int = 20,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: str = "auto",
    callback: Callable[[nn.Module, History], object] | None = None,
    resume: History | bool | None = None,
    stop: Callable[[], bool] | None = None,
    progress: bool = True,
) -> History:
    """Train a model in place with Adam and a one-cycle schedule.

    The weights are taken as they are: make the model in the same cell, after `torch.manual_seed`, for a fresh run.
    The same weights, data, arguments and machine give the same result bit for bit; the global random state is left
    alone. Ctrl-C, or the notebook's stop button, ends the run after the current step and returns what there is; a
    second one does not wait for the step, which is then done again on `resume`. After an error in the loss or in the
    callback, `resume=True` goes on too.

    Args:
        model: its weights are changed; it comes back on the device and in the train/eval mode it had.
        images: a data set, whose test images are measured after every epoch, or training images (N, 1, 28, 28), in
            memory or on disk.
        loss: `loss(model, x)` or `loss(model, x, labels)` -> named terms, each (B,) in nats per image; the batch
            mean of the term "loss" is minimised.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the highest of the schedule.
        seed: of the order of the images and of the noise in the loss.
        device: "auto" (CUDA if present, else MPS, else CPU) or a name as in `torch.device`.
        callback: called as `callback(model, history)` after every epoch, with the model on the training device.
        resume: the history of an interrupted run of this model, or True if that was the latest; the other arguments
            must be those of that run, and the weights those that it left.
        stop: asked before every step, on a GPU before every hundred; True ends the run as Ctrl-C does.
        progress: show a bar.

    Returns:
        The history; the object given as `resume` if there was one.

    Raises:
        TypeError: not a model, not a loss, or not a callback.
        ValueError: an argument out of range, frozen weights, a loss of the wrong form, or `resume` from another run.
        RuntimeError: the device is not there, or the model is being trained already.

    Source: Adam: Kingma & Ba (2015), arXiv:1412.6980; one-cycle: Smith & Topin (2018), arXiv:1708.07120.
    """
    check_trainable(model, callback, stop)
    x, labels = training_images(images, loss)
    plan = checked_plan(x, labels, learning_rate, epochs, batch_size, seed)
    target = pick_device(device)
    x = match_precision(model, x, target)
    with alone(model):
        if resume is None or resume is False:
            history = History(run=Run.start(model, plan, target))
        else:
            history = check_resume(resume, latest(), model, plan)
        _latest[:] = [history]
        _train(model, images, x, labels, loss, history, target, callback, stop, progress)
    if history.stopped:
        warnings.warn(history.stopped, RuntimeWarning, stacklevel=2)
    return history


def latest() -> History | None:
    """The history of the run that `fit` worked on last: what `resume=True` stands for."""
    return _latest[0] if _latest else None


def _train(
    model: nn.Module,
    images: Images | Tensor | ImagesOnDisk,
    x: Tensor | ImagesOnDisk,
    labels: Tensor | None,
    loss: Loss,
    history: History,
    target: torch.device,
    callback: Callable[[nn.Module, History], object] | None,
    stop: Callable[[], bool] | None,
    progress: bool,
) -> None:
    """Go on with the run of a history until it is done, interrupted or stopped, and say in the history which."""
    run: Run = history.run
    epochs, seed = run.plan["epochs"], run.plan["seed"]
    home, was_training = next(model.parameters()).device, model.training
    history.interrupted, history.stopped = False, ""
    bar = Progress(epochs, "epoch", progress)
    bar.update(history.epochs, history.summary())
    with CtrlC() as ctrl_c, repeatable_convolutions():
        asked = ctrl_c.asked if stop is None else lambda: ctrl_c.asked() or stop()
        try:
            run.move(target)
            x, labels = x.to(target), None if labels is None else labels.to(target)
            for epoch in range(history.epochs, epochs):
                means = run.finish_epoch(epoch, x, labels, loss, asked)
                if means is None:
                    break
                tested = _test_means(model, images, loss, labels is not None, seed)
                with held():
                    history.record(means, tested)
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
        except Exception as error:
            if hasattr(error, "add_note") and run.epoch + run.step > 0:  # from Python 3.11 on
                error.add_note(f"{history.epochs} epochs are done and kept: mend it and call fit(..., resume=True)")
            raise
        finally:
            with held():
                run.move(home)
                model.train(was_training)
                history.interrupted = history.epochs < epochs and not history.stopped
                run.left = digest_of_weights(model) if history.interrupted else ""
            bar.close()


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
        TypeError: not a model, images, labels or a loss.
        ValueError: images of the wrong shape or range, labels of another count, a loss of the wrong form, a batch_size
            below 1 or a seed below 0.
    """
    check_model(model)
    validate_images(x)
    at_least_one(batch_size=batch_size)
    if takes_labels(loss) != (labels is not None):
        advice = "takes labels: pass labels=" if labels is None else "takes no labels: leave labels out"
        raise ValueError(f"the loss {getattr(loss, '__name__', loss)} {advice}")
    if labels is not None:
        validate_labels(labels, len(x), None)
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


def _test_means(
    model: nn.Module, images: Images | Tensor | ImagesOnDisk, loss: Loss, labelled: bool, seed: int
) -> dict[str, float]:
    if not isinstance(images, Images):
        return {}
    return evaluate(model, images.test, loss, images.test_labels if labelled else None, seed=seed)
