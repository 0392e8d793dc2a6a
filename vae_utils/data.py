"""Images for the lessons, as tensors in memory: one call, `load_images`.

"digits" lies in the package and needs no network: MNIST-10k, the first 10,000 training images of MNIST
(Yann LeCun and Corinna Cortes, CC BY-SA 3.0), of which 8,000 train and 2,000 test. None of them is in MNIST's test set.
"shapes" is drawn by code from known factors (see `shapes`).
"mnist" and "fashion-mnist" are the full sets; they are read from a folder or downloaded into it (see `downloads`).
"""

import hashlib
import io
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.arguments import check_precision, range_of
from vae_utils.downloads import SOURCES, raw_files
from vae_utils.shapes import KINDS, draw_shapes, train_and_test_levels

DIGITS_TRAIN = 8_000
DIGITS_SHA256 = "816a9b7c099da6b6155aa21f7a5fe707f1475f03ff80f99cb1ada16c9de047a3"
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
        TypeError: images that are not floating point, labels that are not int64, or classes that have no names.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        named = isinstance(self.classes, tuple | list) and all(isinstance(each, str) for each in self.classes)
        if not isinstance(self.name, str) or not named or not self.classes:
            what, value = ("classes", self.classes) if isinstance(self.name, str) else ("name", self.name)
            wanted = "a word" if what == "name" else "the names of the classes, such as ('cat', 'dog')"
            raise TypeError(f"{what} of Images must be {wanted}, received {value!r}")
        for split, images, labels in (
            ("train", self.train, self.train_labels),
            ("test", self.test, self.test_labels),
        ):
            validate_images(images, f"{self.name}: {split}")
            validate_labels(labels, len(images), len(self.classes), f"{self.name}: {split}_labels")

    def __repr__(self) -> str:
        return f"Images({self.name!r}: {len(self.train)} train, {len(self.test)} test, {len(self.classes)} classes)"


def load_images(name: str = "digits", folder: str | Path | None = None) -> Images:
    """Load a data set as float tensors with pixels in [0, 1].

    Args:
        name: "digits" (in the package), "shapes" (drawn from known factors; see `shapes`), "mnist" or
            "fashion-mnist" (downloaded when first asked for).
        folder: where the downloaded sets are kept, in torchvision's layout, files as they are or as .gz; by default
            the folder named by the environment variable VAE_UTILS_DATA, or else a cache folder of the user.

    Returns:
        The data set, with images (N, 1, 28, 28).

    Raises:
        ValueError: unknown name.
        OSError: a download failed from every mirror, the folder cannot be written, or the package's file is damaged.

    Source: LeCun, Bottou, Bengio & Haffner (1998), MNIST; Xiao, Rasul & Vollgraf (2017), arXiv:1708.07747.
    """
    if name == "digits":
        with np.load(io.BytesIO(_digits_file())) as arrays:
            images, labels = _images(arrays["images"]), torch.from_numpy(arrays["labels"].astype(np.int64))
        cut = DIGITS_TRAIN
        return Images(name, images[:cut], labels[:cut], images[cut:], labels[cut:], DIGIT_CLASSES)
    if name == "shapes":
        levels = train_and_test_levels()
        pictures, kinds = [draw_shapes(part) for part in levels], [part[:, 0] for part in levels]
        return Images(name, pictures[0], kinds[0], pictures[1], kinds[1], KINDS)
    if not isinstance(name, str) or name not in SOURCES:
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
        raise TypeError(f"{name} must be a tensor of images, received the whole data set; pass images.test")
    if not isinstance(images, Tensor):
        kind, advice = (
            type(images).__name__,
            "torch.as_tensor(array) makes one of an array, torch.stack(list) of a list",
        )
        raise TypeError(f"{name} must be a tensor of all images at once, received {kind}; {advice}")
    if not images.is_floating_point() or images.layout != torch.strided:
        kind = images.dtype if images.layout == torch.strided else images.layout
        raise TypeError(f"{name} must be a dense floating-point tensor, received {kind}; for bytes: x.float() / 255")
    if images.ndim != 4 or tuple(images.shape[1:]) != (1, 28, 28):
        fits = tuple(images.shape) == (28, 28) or images.shape[1:].numel() == 28 * 28
        advice = "reshape it with x.reshape(-1, 1, 28, 28)" if fits else "resize the images to one channel of 28×28"
        raise ValueError(f"{name} must have the shape (N, 1, 28, 28), received {tuple(images.shape)}; {advice}")
    if len(images) == 0:
        raise ValueError(f"{name} holds no images, received shape {tuple(images.shape)}")
    if images.is_meta:
        raise ValueError(f"{name} holds no numbers, as it is on the meta device; make it on the CPU")
    found = range_of(images)
    if found and not (0 <= found[0] and found[1] <= 1):  # also true for NaN, which compares false with everything
        bad = (~torch.isfinite(images)).flatten(1).any(1).nonzero()
        if len(bad):
            raise ValueError(f"{name} must be finite; image {bad[0].item()} holds NaN or infinity")
        raise ValueError(
            f"{name} must lie in [0, 1], received values from {found[0]:g} to {found[1]:g}; "
            "divide bytes by 255, undo a standardization, clamp(0, 1) what noise was added to"
        )


def fitting_images(x: Float[Tensor, "B 1 28 28"], model: nn.Module) -> Float[Tensor, "B 1 28 28"]:
    """Give images back if an encoder can take them; every forward pass calls this.

    Shape and precision cost nothing, on a GPU too. Values are looked at only on the CPU, where nobody waits for them,
    and in a training step only those of the first image: all of them would take a hundredth of a small model's step,
    and the loss looks at them anyway.

    Args:
        x: to be (N, 1, 28, 28), in the precision of the model's weights.
        model: the images are for its encoder.

    Returns:
        The same tensor.

    Raises:
        ValueError: wrong shape, values that are not finite or not in [0, 1].
        TypeError: not a floating-point tensor, or one of another precision than the weights.
    """
    if not isinstance(x, Tensor) or x.shape[1:] != (1, 28, 28) or not x.is_floating_point():
        validate_images(x, "x")
    check_precision("x", x, model)
    if x.device.type == "cpu" and len(x) and not torch.compiler.is_compiling():
        validate_images(x[:1] if model.training and torch.is_grad_enabled() else x, "x")
    return x


def validate_labels(labels: Int[Tensor, "..."], count: int, classes: int | None, name: str = "labels") -> None:
    """Refuse anything that is not one class number for each image.

    Args:
        labels: to be int64, (N,).
        count: how many images N there are.
        classes: how many classes there are; None if any number of at least 0 will do.
        name: what to call them in the message.

    Raises:
        ValueError: another count, or numbers that are no class.
        TypeError: not a tensor of int64.
    """
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"{name} must be an int64 tensor, received {kind}; convert it with torch.as_tensor(...).long()")
    if tuple(labels.shape) != (count,):
        raise ValueError(f"{name} must be one label an image: {count} images, received shape {tuple(labels.shape)}")
    found = range_of(labels)
    if found and (found[0] < 0 or (classes is not None and found[1] >= classes)):
        range_wanted = "of at least 0" if classes is None else f"from 0 to {classes - 1}"
        raise ValueError(f"{name} must be class numbers {range_wanted}, received values from {found[0]} to {found[1]}")


def _digits_file() -> bytes:
    path = files("vae_utils") / "data_files" / "mnist_10k.npz"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
        raise OSError(f"{path} is damaged; install the package again, or in a git clone: git checkout -- {path}")
    return content


def _images(pixels: np.ndarray) -> Float[Tensor, "N 1 28 28"]:
    return torch.from_numpy(pixels).float().div_(255).unsqueeze(1)
