"""Trained models as files: weights, the card that says what they are, and a hash, in one safetensors file.

Nothing in a file is executed: no pickle is read, and the card can only name models of this package. A file is written
beside its final name and moved there whole, so what was there before stays until the new one is complete.
"""

import hashlib
import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_utils.likelihoods import Bernoulli
from vae_utils.models import VAE, Autoencoder, Classifier, ConditionalVAE

MODELS = {model.__name__: model for model in (Autoencoder, VAE, ConditionalVAE, Classifier)}
SUFFIX = ".safetensors"
SHIPPED = Path(str(files("vae_utils") / "data_files" / "checkpoints"))


def checkpoint_names() -> list[str]:
    """The checkpoints that come with the package, as `load_checkpoint` knows them."""
    return sorted(path.name.removesuffix(SUFFIX) for path in SHIPPED.glob(f"*{SUFFIX}"))


def save_checkpoint(
    model: nn.Module, path: str | Path, card: dict[str, Any] | None = None, dtype: torch.dtype | None = None
) -> Path:
    """Write a model of this package to a file.

    Args:
        model: an Autoencoder, VAE, ConditionalVAE or Classifier, not of a subclass.
        path: the file; ".safetensors" is added where it is missing.
        card: what a reader should know (data, recipe, seed, metrics, licence); anything that JSON can hold.
        dtype: of the stored weights; that of the model if None. float16 halves the file.

    Returns:
        The path of the file.

    Raises:
        TypeError: a model of another kind or with another likelihood than a Bernoulli, or a card that JSON cannot hold.
        ValueError: weights that are not finite, in the model or after rounding to `dtype`.
        OSError: the file cannot be written; the one that was there is as before.
    """
    if MODELS.get(type(model).__name__) is not type(model):
        raise TypeError(f"model must be one of {', '.join(MODELS)}, received {type(model).__name__}")
    if not isinstance(getattr(model, "likelihood", Bernoulli()), Bernoulli):
        raise TypeError(f"only VAEs with a Bernoulli likelihood are saved, received {type(model.likelihood).__name__}")
    from safetensors.torch import save

    weights = {name: value.detach().cpu().to(dtype).contiguous() for name, value in model.state_dict().items()}
    for name, value in weights.items():
        if not value.isfinite().all():
            raise ValueError(f"the weights {name} are not all finite numbers; train the model again before saving it")
    written = {
        "model": type(model).__name__,
        "arguments": model.arguments,
        "card": card or {},
    }
    told = json.dumps(written, sort_keys=True)
    content = save(weights, {"vae_utils": told, "sha256": digest(told, weights)})
    path = Path(path)
    path = path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)
    write_whole(path, content)
    return path


def load_checkpoint(name: str | Path, model: nn.Module | None = None) -> nn.Module:
    """Read a model from a file, or one that comes with the package.

    Args:
        name: a name of `checkpoint_names()`, or the path of a file.
        model: takes the weights, if it has the same shapes; a new model if None.

    Returns:
        The model, in eval mode, in float32.

    Raises:
        ValueError: an unknown name, a damaged file, a file of another kind, or weights of another shape than the
            model's; a given model is then as before.
        OSError: the file cannot be read.
    """
    weights, written = _read(_path(name))
    if model is None:
        model = MODELS[written["model"]](**written["arguments"])
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in weights.items()}
    if expected != found:
        raise ValueError(
            f"{name} holds a {written['model']} with {written['arguments']}, which does not fit the model: "
            + _difference(expected, found)
        )
    model.load_state_dict({key: value.float() for key, value in weights.items()})
    return model.eval()


def checkpoint_card(name: str | Path) -> dict[str, Any]:
    """What was written about a checkpoint when it was saved.

    Args:
        name: as in `load_checkpoint`.

    Raises:
        ValueError, OSError: as `load_checkpoint`.
    """
    return _read(_path(name))[1]["card"]


def _path(name: str | Path) -> Path:
    shipped = SHIPPED / f"{name}{SUFFIX}"
    if str(name) in checkpoint_names():
        return shipped
    path = Path(name)
    if not path.is_file():
        raise ValueError(
            f"there is no checkpoint {str(name)!r}: name a file, or one of {', '.join(checkpoint_names()) or 'none'}"
        )
    return path


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        start = file.read(16)
    is_ours = start[8:9] == b"{"  # after eight bytes that may begin like a pickle's
    if start.startswith((b"PK", b"\x80")) and not is_ours:
        raise ValueError(f"{path.name} is a pickle, as torch.save writes it, which can run code when read: refused")
    if start.lstrip().startswith(b"<"):
        raise ValueError(f"{path.name} is a web page and no checkpoint; download it again")
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
            told = metadata["vae_utils"]
            weights = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it is no dict)
        written = json.loads(told)
        whole = metadata["sha256"] == digest(told, weights) and written["model"] in MODELS
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged, or no checkpoint of this package ({error}); get it again") from error
    if not whole:
        raise ValueError(f"{path.name} is damaged: its content is not what was saved; get it again")
    return weights, written


def digest(told: str, weights: dict[str, Tensor]) -> str:
    """The sha256 of what a file tells of itself and of the names, types, shapes and bytes of its tensors."""
    digest = hashlib.sha256(told.encode())
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.view(torch.uint8).numpy().tobytes() if value.ndim else value.numpy().tobytes())
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its final name and move it there, so that what was there stays until the new one is whole.

    Args:
        path: the file; its folder is made.
        content: what it is to hold.

    Raises:
        OSError: it cannot be written; the one that was there is as before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(unfinished, 0o644)  # mkstemp lets only its owner read
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _difference(expected: dict[str, tuple], found: dict[str, tuple]) -> str:
    for key in [*expected, *found]:
        if expected.get(key) != found.get(key):
            return f"{key}: expected {expected.get(key, 'none')}, found {found.get(key, 'none')}"
    return ""
