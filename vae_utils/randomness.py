"""Random numbers that belong to one training run, although layers and losses draw from torch's global generators.

The global state is lent to one run at a time and always given back, so that runs, in threads too, and what cells draw
between them do not disturb each other. Only a cell that draws or sets a seed *while* a run in a thread has the state
(`TrainingPanel`) can disturb it and be disturbed: torch has one generator for all threads. A state is a list: that of
the CPU, and that of the accelerator if the run is on one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vae_utils.arguments import MOST_SEED, whole_number

_LENT = threading.RLock()
_ACCELERATORS = {"cuda": torch.cuda, "mps": torch.mps}


def first_state(seed: int, device: torch.device) -> list[Tensor]:
    """The state that `torch.manual_seed(seed)` would set, without setting it.

    Raises:
        ValueError: a seed that is no whole number of at least 0.
    """
    seed = whole_number("seed", seed, 0, MOST_SEED)
    generators = [torch.Generator()] + [torch.Generator(device)] * (device.type in _ACCELERATORS)
    return [generator.manual_seed(seed).get_state() for generator in generators]


@contextmanager
def drawing_from(state: list[Tensor], device: torch.device) -> Iterator[list[Tensor]]:
    """Within it torch draws its numbers from `state`; the list it gives holds the state at the end, when it is left."""
    with _LENT:
        before, after = _read(device), []
        try:
            _write(state, device)
            yield after
            after.extend(_read(device))
        finally:
            _write(before, device)


def _read(device: torch.device) -> list[Tensor]:
    accelerator = _ACCELERATORS.get(device.type)
    if accelerator is torch.cuda:
        return [torch.get_rng_state(), torch.cuda.get_rng_state(device)]
    return [torch.get_rng_state()] + ([accelerator.get_rng_state()] if accelerator else [])


def _write(state: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    # A run resumed on another kind of device has no state for it; it then goes on with other noise.
    if device.type == "cuda" and len(state) > 1:
        torch.cuda.set_rng_state(state[1], device)
    if device.type == "mps" and len(state) > 1:
        torch.mps.set_rng_state(state[1])


@contextmanager
def repeatable_convolutions() -> Iterator[None]:
    """Within it convolutions on CUDA take algorithms that give the same bits each time; elsewhere they do anyway."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before
