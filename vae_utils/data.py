"""Images for the lessons, as tensors in memory: one call, `load_images`.

"digits" lies in the package and needs no network: MNIST-10k, the first 10,000 training images of MNIST
(Yann LeCun and Corinna Cortes, CC BY-SA 3.0), of which 8,000 train and 2,000 test. None of them is in MNIST's test set.
"shapes" is drawn by code from known factors (see `shapes`).
"mnist" and "fashion-mnist" are the full sets; they are read from a folder or downloaded into it (see `downloads`).
"""

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae_utils.downloads import SOURCES, raw_files
from vae_utils.shapes import KINDS, draw_shapes, train_and_test_levels

DIGITS_TRAIN = 8_000
DIGIT_CLASSES = tuple("0123456789")
FASHION_CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
NAMES = ("digits", "shapes", "mnist", "fashion-mnist")


@dataclass(frozen=True, eq=False)  # == of two tensors is no truth value
class Images:
    """A data set in memory.

    Attributes:
        name: the name `load_images` knows it by.
        train, test: images in [0, 1], float32, (N, 1, 28, 28); 0 is paper, 1 is ink.
        train_labels, test_labels: class numbers, int64, (N,).
        classes: the names of the classes, in the order of their numbers.

    Raises:
        ValueError: images out of range or not finite, labels out of range, or counts that differ.
        TypeError: images that are not floating point, or labels that are not int64.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for split, images, labels in (
            ("train", self.train, self.train_labels),
            ("test", self.test, self.test_labels),
        ):
            validate_images(images, f"{self.name}: {split}")
            _validate_labels(labels, len(images), len(self.classes), f"{self.name}: {split}_labels")

    def __repr__(self) -> str:
        return f"Images({self.name!r}: {len(self.train)} train, {len(self.test)} test, {len(self.classes)} classes)"


def load_images(name: str = "digits", folder: str | Path | None = None) -> Images:
    """Load a data set as float tensors with pixels in [0, 1].

    Args:
        name: "digits" (in the package), "shapes" (drawn from known factors; see `shapes`), "mnist" or
            "fashion-mnist" (downloaded when first asked for).
        folder: where the downloaded sets are kept, in torchvision's layout; by default the folder named by the
            environment variable VAE_UTILS_DATA, or else a cache folder of the user.

    Returns:
        The data set, with images (N, 1, 28, 28).

    Raises:
        ValueError: unknown name.
        OSError: a download failed from every mirror, or the folder cannot be written.

    Source: LeCun, Bottou, Bengio & Haffner (1998), MNIST; Xiao, Rasul & Vollgraf (2017), arXiv:1708.07747.
    """
    if name == "digits":
        with as_file(files("vae_utils") / "data_files" / "mnist_10k.npz") as path, np.load(path) as arrays:
            images, labels = _images(arrays["images"]), torch.from_numpy(arrays["labels"].astype(np.int64))
        cut = DIGITS_TRAIN
        return Images(name, images[:cut], labels[:cut], images[cut:], labels[cut:], DIGIT_CLASSES)
    if name == "shapes":
        levels = train_and_test_levels()
        pictures, kinds = [draw_shapes(part) for part in levels], [part[:, 0] for part in levels]
        return Images(name, pictures[0], kinds[0], pictures[1], kinds[1], KINDS)
    if name not in SOURCES:
        raise ValueError(f"unknown data set {name!r}; choose one of {', '.join(map(repr, NAMES))}")
    paths = raw_files(name, folder)
    # torchvision reads the format; imported here so that the lessons that stay with "digits" never load it.
    from torchvision.datasets.mnist import read_image_file, read_label_file

    train, test = (_images(read_image_file(str(paths[f"{split}-images-idx3-ubyte"])).numpy()) for split in _SPLITS)
    labels = [read_label_file(str(paths[f"{split}-labels-idx1-ubyte"])) for split in _SPLITS]
    classes = DIGIT_CLASSES if name == "mnist" else FASHION_CLASSES
    return Images(name, train, labels[0], test, labels[1], classes)


_SPLITS = ("train", "t10k")


def validate_images(images: Float[Tensor, "..."], name: str = "images") -> None:
    """Refuse anything that is not a batch of 28×28 images with pixels in [0, 1].

    Args:
        images: to be (N, 1, 28, 28), floating point, N at least 1.
        name: what to call them in the message.

    Raises:
        ValueError: wrong shape, no images, values that are not finite or not in [0, 1].
        TypeError: not a floating-point tensor.
    """
    if isinstance(images, Images):
        raise TypeError(f"{name} must be a tensor of images, received the whole data set; pass its test images: .test")
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"{name} must be a floating-point tensor, received {kind}; for bytes: x.float() / 255")
    if images.ndim != 4 or tuple(images.shape[1:]) != (1, 28, 28):
        fits = tuple(images.shape) == (28, 28) or images.shape[1:].numel() == 28 * 28
        advice = "reshape it with x.reshape(-1, 1, 28, 28)" if fits else "resize the images to one channel of 28×28"
        raise ValueError(f"{name} must have the shape (N, 1, 28, 28), received {tuple(images.shape)}; {advice}")
    if len(images) == 0:
        raise ValueError(f"{name} holds no images, received shape {tuple(images.shape)}")
    low, high = images.min().item(), images.max().item()
    if not (0 <= low and high <= 1):  # also true for NaN, which compares false with everything
        bad = (~torch.isfinite(images)).flatten(1).any(1).nonzero()
        if len(bad):
            raise ValueError(f"{name} must be finite; image {bad[0].item()} holds NaN or infinity")
        raise ValueError(
            f"{name} must lie in [0, 1], received values from {low:g} to {high:g}; "
            "divide bytes by 255, undo a standardization"
        )


def _validate_labels(labels: Int[Tensor, "..."], count: int, classes: int, name: str) -> None:
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"{name} must be an int64 tensor, received {kind}; convert it with torch.as_tensor(...).long()")
    if tuple(labels.shape) != (count,):
        raise ValueError(f"{name} must be one label an image: {count} images, received shape {tuple(labels.shape)}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{name} must be class numbers from 0 to {classes - 1}, "
            f"received values from {labels.min().item()} to {labels.max().item()}"
        )


def _images(pixels: np.ndarray) -> Float[Tensor, "N 1 28 28"]:
    return torch.from_numpy(pixels).float().div_(255).unsqueeze(1)
