"""Trained models as files: weights, the card that says what they are, and a hash, in one safetensors file.

Nothing in a file is executed: no pickle is read, and the card can only name models of this package, which are made only
if the weights fit them. How a file is written and read is in `sealed`.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_utils.arguments import check_model
from vae_utils.likelihoods import Bernoulli
from vae_utils.models import VAE, Autoencoder, Classifier, ConditionalVAE
from vae_utils.sealed import file_path, read_sealed, write_sealed

MODELS = {model.__name__: model for model in (Autoencoder, VAE, ConditionalVAE, Classifier)}
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SUFFIX = ".safetensors"
SHIPPED = Path(str(files("vae_utils") / "data_files" / "checkpoints"))
KIND = "vae_utils"


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
        ValueError: weights that are not finite, in the model or after rounding to `dtype`, another `dtype` than a
            floating-point one, layers that were exchanged since the model was made, or a path without a name.
        OSError: the file cannot be written; the one that was there is as before.
    """
    if MODELS.get(type(model).__name__) is not type(model):
        raise TypeError(f"model must be one of {', '.join(MODELS)}, received {type(model).__name__}")
    if not isinstance(getattr(model, "likelihood", Bernoulli()), Bernoulli):
        raise TypeError(f"only VAEs with a Bernoulli likelihood are saved, received {type(model.likelihood).__name__}")
    check_model(model)
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype in DTYPES):
        raise ValueError(f"dtype must be None or one of {', '.join(map(str, DTYPES))}, received {dtype}")
    if card is not None and not isinstance(card, dict):
        raise TypeError(f"card must be a dictionary, such as {{'seed': 0}}, received {type(card).__name__}")
    weights = {name: value.detach().to(dtype) for name, value in model.state_dict().items()}
    for name, value in weights.items():
        if not value.isfinite().all():
            raise ValueError(f"the weights {name} are not all finite numbers; train the model again before saving it")
    made_with = {"model": type(model).__name__, "arguments": model.arguments}
    if _shapes(_bare(made_with).state_dict()) != _shapes(weights):
        raise ValueError(
            f"the layers of this {type(model).__name__} are not those it was made with; save its state_dict"
        )
    path = file_path(path, "checkpoint")
    path = path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)
    write_sealed(path, KIND, {**made_with, "card": card or {}}, weights)
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
    if model is not None:
        check_model(model)
    weights, written = _read(name)
    fresh = _bare(written) if model is None else model
    expected, found = _shapes(fresh.state_dict()), _shapes(weights)
    if expected != found:
        raise ValueError(
            f"{name} holds a {written['model']} with {written['arguments']}, which does not fit the model: "
            + _difference(expected, found)
        )
    if model is None:
        fresh = fresh.to_empty(device="cpu")
    fresh.load_state_dict({key: value.float() for key, value in weights.items()})
    return fresh.eval()


def checkpoint_card(name: str | Path) -> dict[str, Any]:
    """What was written about a checkpoint when it was saved.

    Args:
        name: as in `load_checkpoint`.

    Raises:
        ValueError, OSError: as `load_checkpoint`.
    """
    return _read(name)[1]["card"]


def _read(name: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    path = SHIPPED / f"{name}{SUFFIX}" if str(name) in checkpoint_names() else file_path(name, "checkpoint")
    if not path.is_file():
        raise ValueError(
            f"there is no checkpoint {str(name)!r}: name a file, or one of {', '.join(checkpoint_names()) or 'none'}"
        )
    weights, written = read_sealed(path, KIND, "checkpoint", "get it again")
    try:
        _bare(written)
        checked = all(value.is_floating_point() and bool(value.isfinite().all()) for value in weights.values())
    except Exception as error:
        raise ValueError(
            f"{path.name} holds a model that this package cannot make ({type(error).__name__}: {error}); "
            "get it again, or the version of the package that wrote it"
        ) from error
    if not checked or not isinstance(written.get("card"), dict):
        raise ValueError(f"{path.name} is damaged: its weights are not all finite numbers, or its card is missing")
    return weights, written


def _bare(written: dict[str, Any]) -> nn.Module:
    """The model that a file tells of, without numbers and without drawing any: it takes no memory, however large."""
    with torch.device("meta"):
        return MODELS[written["model"]](**written["arguments"])


def _shapes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _difference(expected: dict[str, tuple], found: dict[str, tuple]) -> str:
    for key in [*expected, *found]:
        if expected.get(key) != found.get(key):
            return f"{key}: expected {expected.get(key, 'none')}, found {found.get(key, 'none')}"
    return ""
