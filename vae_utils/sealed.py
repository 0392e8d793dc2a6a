"""Tensors and what is told of them in one safetensors file, sealed by a hash: what `checkpoints` and saved runs share.

Nothing in a file is executed when it is read: no pickle is. A file is written whole or not at all (see `whole_files`).
"""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_utils.whole_files import write_whole

LARGEST = 2 * 2**30  # bytes; far more than any model of the lessons
WRITE_ADVICE = "free some space there, or give the path of a file in another folder"


def write_sealed(path: Path, kind: str, written: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a file.

    Args:
        path: the file; its folder is made.
        kind: what it is, the same word as for `read_sealed`.
        written: what JSON can hold.
        tensors: of any shapes and types, by name.

    Raises:
        TypeError: something that JSON cannot hold.
        OSError: it cannot be written; the one that was there is as before.
    """
    from safetensors.torch import save

    try:
        told = json.dumps(written)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"only what JSON can hold is saved: names, numbers, lists ({error}); convert the rest"
        ) from error
    # Copies, as weights that share their memory are refused by safetensors.
    copies = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    write_whole(path, save(copies, {kind: told, "sha256": _digest(told, copies)}), WRITE_ADVICE)


def read_sealed(path: Path, kind: str, what: str, advice: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file that `write_sealed` wrote.

    Args:
        path: the file.
        kind: as it was written.
        what: what it should be, for the messages.
        advice: the next step, for the messages.

    Returns:
        The tensors by name, and what is written of them.

    Raises:
        ValueError: a damaged file, or one of another kind.
        OSError: it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        size = path.stat().st_size
        # Read at once: a file that is mapped ends the program when another one shortens it.
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise OSError(f"cannot read {path} ({error.strerror}); {advice}") from error
    if size > LARGEST:
        raise ValueError(f"{path.name} is no {what}: it has {size} bytes; {advice}")
    is_ours = content[8:9] == b"{"  # after eight bytes that may begin like a pickle's
    if content.startswith((b"PK", b"\x80")) and not is_ours:
        raise ValueError(f"{path.name} is a pickle, as torch.save writes it, which can run code when read: refused")
    if content[:64].lstrip().startswith(b"<"):
        raise ValueError(f"{path.name} is a web page and no {what}; {advice}")
    try:
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        told, seal = metadata[kind], metadata["sha256"]
        tensors, written = load(content), json.loads(told)
        whole = seal == _digest(told, tensors) and isinstance(written, dict)
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is damaged, or no {what} of this package ({error}); {advice}") from error
    if not whole:
        raise ValueError(f"{path.name} is damaged: its content is not what was saved; {advice}")
    return tensors, written


def file_path(name: str | Path, what: str) -> Path:
    """The path of a file; refuses what names none.

    Args:
        name: the path.
        what: what lies there, for the message.

    Raises:
        ValueError: no path, one without a name, such as "" and "/", or one that no file can have.
    """
    reason = ""
    if isinstance(name, str | os.PathLike) and Path(name).name:
        try:
            os.stat(name)
        except ValueError as error:  # a zero byte, or letters that this system cannot write
            reason = f" ({error})"
        except OSError as error:
            reason = " (too long)" * (error.errno == errno.ENAMETOOLONG)
        if not reason:
            return Path(name)
    raise ValueError(f"the path of a {what} must name a file, received {repr(name)[:200]}{reason}")


def _digest(told: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(told.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
