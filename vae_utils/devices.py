"""Where a model trains: the CPU, an NVIDIA card (CUDA) or an Apple chip (MPS)."""

import torch


def pick_device(device: str = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA if present, else MPS, else the CPU.

    Raises:
        ValueError: not the name of a device.
        RuntimeError: CUDA or MPS was asked for and is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, is_here in present.items() if is_here)
    here = ", ".join(name for name, is_here in present.items() if is_here)
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        choice = "'auto', 'cpu', 'cuda' or 'mps'"
        raise ValueError(f"device must be {choice} (on this machine: {here}), received {device!r}") from None
    if not present.get(chosen.type, True):
        raise RuntimeError(f"device {device!r} is not on this machine (here: {here}); use device='auto'")
    return chosen
