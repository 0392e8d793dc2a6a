"""A training run as a file, to go on with after the program has ended: `save_run`, then `load_run` and `fit(resume=)`.

It holds what a checkpoint does not: the optimiser's memory, the schedule, the random numbers and the place in the data.
As with checkpoints, nothing in it is executed, and it is moved to its final name only when it is whole.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_utils.arguments import check_model, whole_number
from vae_utils.devices import pick_device
from vae_utils.history import History
from vae_utils.run import Run
from vae_utils.sealed import file_path, read_sealed, write_sealed

KIND = "vae_utils_run"


def save_run(history: History, path: str | Path) -> None:
    """Write a run of `fit` to a file: what it recorded, the weights, and where it stands.

    Call it with the history of an interrupted run, or from `callback=` while one is under way.

    Args:
        history: what `fit` returned, or gave to its callback.
        path: the file; one that is there is replaced when the new one is whole.

    Raises:
        TypeError: not a history, or not the path of a file.
        ValueError: a history without a run.
        OSError: the file cannot be written; the one that was there is as before.
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returned, received {type(history).__name__}")
    path = file_path(path, "run")
    if history.run is None:
        raise ValueError("this history has no run to go on with; give the one that fit returned")
    run: Run = history.run
    tensors = {f"weights.{name}": value for name, value in run.model.state_dict().items()}
    for number, state in run.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{number}.{name}": value for name, value in state.items()}
    tensors |= {f"random.{number}": state for number, state in enumerate(run.random_state)}
    tensors |= {f"sums.{name}": total for name, total in run.sums.items()}
    if run.order is not None:
        tensors["order"] = run.order
    written = {
        "train": history.train,
        "test": history.test,
        "plan": run.plan,
        "schedule": run.schedule.state_dict(),
        "epoch": run.epoch,
        "step": run.step,
    }
    write_sealed(path, KIND, written, tensors)


def load_run(path: str | Path, model: nn.Module, device: str = "auto") -> History:
    """Read a run from a file into a model; `fit(model, ..., resume=history)` goes on with it.

    On the kind of device it was saved on, the run then ends bit for bit as if it had never stopped.

    Args:
        path: a file of `save_run`.
        model: of the same shapes as the one that was saved; its weights are replaced.
        device: on which it is to go on, as in `fit`.

    Returns:
        The history so far, interrupted.

    Raises:
        TypeError: not a model.
        ValueError: a file that is damaged or of another kind, or a model of other shapes; the model is then as before.
        OSError: the file cannot be read.
    """
    check_model(model)
    path = file_path(path, "run")
    if not path.is_file():
        raise FileNotFoundError(f"there is no saved run {path}; start anew with fit(...), without resume")
    tensors, written = read_sealed(path, KIND, "run of save_run", "start anew, without resume")
    weights = _part(tensors, "weights")
    here = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    there = {name: tuple(value.shape) for name, value in weights.items()}
    if here != there:
        raise ValueError(f"{path} was saved from a model with the weights {there}, the model given has {here}")
    target = pick_device(device)
    try:
        history = _history_of(tensors, written, model, target)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path.name} is no run that this version of the package can go on with ({type(error).__name__}: {error}); "
            "start anew, without resume"
        ) from error
    model.load_state_dict(weights)
    return history


def _history_of(tensors: dict[str, Tensor], written: dict[str, Any], model: nn.Module, device: torch.device) -> History:
    """The run as it stood, for a model whose weights are still to be replaced."""
    run = Run.start(model, written["plan"], device)
    memory: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "adam").items():
        number, _, what = name.partition(".")
        memory.setdefault(int(number), {})[what] = value
    run.schedule.load_state_dict(written["schedule"])
    groups = run.optimizer.state_dict()["param_groups"]
    for group, rate in zip(groups, run.schedule.get_last_lr(), strict=True):
        group["lr"] = rate
    run.optimizer.load_state_dict({"state": memory, "param_groups": groups})
    fresh, run.random_state = run.random_state, [value for _, value in sorted(_part(tensors, "random").items())]
    run.sums, run.order = _part(tensors, "sums"), tensors.get("order")
    run.epoch, run.step = written["epoch"], written["step"]
    history = History(train=written["train"], test=written["test"], interrupted=True, run=run)
    _check(history, fresh)
    return history


def _check(history: History, fresh: list[Tensor]) -> None:
    """Refuse a state that no run is ever in: with it a step would write over memory that is not its own."""
    run: Run = history.run
    for weight, memory in run.optimizer.state.items():
        shapes = {name: value.shape for name, value in memory.items()}
        if shapes != {"step": torch.Size(), "exp_avg": weight.shape, "exp_avg_sq": weight.shape}:
            raise ValueError("the optimiser's memory does not fit the weights")
    steps = math.ceil(run.plan["images"] / run.plan["batch_size"])
    whole_number("epoch", run.epoch, -1, run.plan["epochs"] - 1)
    whole_number("step", run.step, 0, steps if run.epoch >= 0 else 0)
    order = torch.arange(run.plan["images"])
    if run.epoch >= 0 and (run.order.dtype != order.dtype or not torch.equal(run.order.sort().values, order)):
        raise ValueError("the order of the images is none")
    recorded = [*history.train.values(), *history.test.values()]
    if not all(isinstance(values, list) and len(values) == history.epochs for values in recorded):
        raise ValueError("what it recorded is not one number an epoch")
    states = [[(state.shape, state.dtype) for state in some[:1]] for some in (run.random_state, fresh)]
    if states[0] != states[1] or any(total.ndim for total in run.sums.values()):
        raise ValueError("the random numbers or the sums are none")


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
