"""A training run as a file, to go on with after the program has ended: `save_run`, then `load_run` and `fit(resume=)`.

It holds what a checkpoint does not: the optimiser's memory, the schedule, the random numbers and the place in the data.
As with checkpoints, nothing in it is executed, and it is moved to its final name only when it is whole.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_utils.arguments import check_model
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
        run = _run_of(tensors, written, model, target)
        history = History(train=written["train"], test=written["test"], interrupted=True, run=run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path.name} is no run that this version of the package can go on with ({type(error).__name__}: {error}); "
            "start anew, without resume"
        ) from error
    model.load_state_dict(weights)
    return history


def _run_of(tensors: dict[str, Tensor], written: dict[str, Any], model: nn.Module, device: torch.device) -> Run:
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
    run.random_state = [value for _, value in sorted(_part(tensors, "random").items())]
    run.sums, run.order = _part(tensors, "sums"), tensors.get("order")
    run.epoch, run.step = written["epoch"], written["step"]
    return run


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
