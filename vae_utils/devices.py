"""Where a model trains: the CPU, an NVIDIA card (CUDA) or an Apple chip (MPS)."""

import warnings

import torch


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA if present, else MPS, else the CPU.

    A graphics card that is there and does not work, or has no memory left, is passed over by "auto" with a warning.

    Raises:
        ValueError: not the name of a device.
        RuntimeError: CUDA or MPS was asked for and is not there, or does not work.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    here = ", ".join(name for name, is_here in present.items() if is_here)
    if device == "auto":
        chosen = torch.device(next(name for name, is_here in present.items() if is_here))
        reason = _fault(chosen)
        if reason:
            warnings.warn(f"{chosen} does not work ({reason}); going on with the CPU", RuntimeWarning, stacklevel=3)
            return torch.device("cpu")
        return chosen
    try:
        chosen = torch.device(device) if isinstance(device, str | torch.device) else None
    except RuntimeError:
        chosen = None
    if chosen is None or chosen.type == "meta":
        choice = "'auto', 'cpu', 'cuda' or 'mps'"
        raise ValueError(f"device must be {choice} (on this machine: {here}), received {device!r}")
    if not present.get(chosen.type, True):
        raise RuntimeError(f"device {device!r} is not on this machine (here: {here}); use device='auto'")
    reason = _fault(chosen)
    if reason:
        raise RuntimeError(f"device {device!r} does not work ({reason}); here: {here}; use device='auto' or 'cpu'")
    return chosen


def _fault(device: torch.device) -> str:
    """Why not even one number can be put there; empty if it can."""
    try:
        torch.empty(1, device=device)
    except Exception as error:  # of the driver or of the memory; the number of a card that is not there
        return str(error).strip().partition("\n")[0]
    return ""
