"""The data sets: what is in them, and that they need no network. What bad images are told is in `faults`."""

import gzip
import hashlib
import socket
import struct
import time
from importlib.resources import files

import numpy as np
import pytest
import torch

from vae_utils import load_images
from vae_utils.data import DIGIT_CLASSES, FASHION_CLASSES
from vae_utils.downloads import SOURCES, Source


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def no_network(*_, **__):
    raise OSError("this test has no network")


# The digits -----------------------------------------------------------------------------------------------------------


def test_digits_are_eight_thousand_and_two_thousand_images(digits):
    assert digits.train.shape == (8000, 1, 28, 28) and digits.test.shape == (2000, 1, 28, 28)
    assert digits.train_labels.shape == (8000,) and digits.test_labels.shape == (2000,)
    assert digits.train.dtype == digits.test.dtype == torch.float32
    assert digits.train_labels.dtype == torch.int64
    assert digits.classes == tuple("0123456789") and digits.name == "digits"
    assert repr(digits) == "Images('digits': 8000 train, 2000 test, 10 classes)"


def test_digits_are_bytes_over_255(digits):
    for images in (digits.train, digits.test):
        assert images.min() == 0 and images.max() == 1
        assert (images.flatten(1).max(1).values > 0.5).all()  # no empty image
        torch.testing.assert_close(images * 255, (images * 255).round(), atol=1e-4, rtol=0)
    # Ink is 1: most of a digit's picture is paper, and all of its border.
    assert 0.1 < digits.train.mean() < 0.16
    assert digits.train[:, :, 0].max() < 0.1


def test_no_image_is_in_both_parts_or_twice(digits):
    hashes = [hashlib.sha256(image.numpy().tobytes()).digest() for image in torch.cat([digits.train, digits.test])]
    assert len(set(hashes)) == 10_000


def test_every_class_has_its_share_in_both_parts(digits):
    for labels, count in ((digits.train_labels, 8000), (digits.test_labels, 2000)):
        shares = torch.bincount(labels, minlength=10) / count
        assert shares.shape == (10,) and shares.min() > 0.07 and shares.max() < 0.13


def test_labels_belong_to_their_images(digits):
    """A nearest-mean classifier is right four times in five; with labels in another order, one time in ten."""
    means = torch.stack([digits.train[digits.train_labels == digit].mean(0).flatten() for digit in range(10)])
    guesses = torch.cdist(digits.test.flatten(1), means).argmin(1)
    assert (guesses == digits.test_labels).float().mean() > 0.75


def test_digits_load_under_a_second_and_without_sockets(monkeypatch):
    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    load_images()  # the file may have to come from a cold disk
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        load_images("digits")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


def test_two_loads_do_not_share_memory(digits):
    other = load_images("digits")
    other.train.zero_()
    assert digits.train.max() == 1 and load_images("digits").train.max() == 1


def test_the_cut_follows_the_file(digits):
    with np.load(str(files("vae_utils") / "data_files" / "mnist_10k.npz")) as arrays:
        assert np.array_equal((digits.train[7999, 0] * 255).round().byte().numpy(), arrays["images"][7999])
        assert np.array_equal((digits.test[0, 0] * 255).round().byte().numpy(), arrays["images"][8000])
        assert digits.test_labels[0] == arrays["labels"][8000]


# The full sets, from a folder -----------------------------------------------------------------------------------------


def idx(array):
    """The bytes of an array in the format of MNIST's files."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_sets(monkeypatch):
    """The files of a data set of 5 + 3 images, and SOURCES changed to expect them from no mirror."""
    random = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte": random.integers(0, 256, (5, 28, 28)),
        "train-labels-idx1-ubyte": np.array([0, 9, 4, 4, 1]),
        "t10k-images-idx3-ubyte": random.integers(0, 256, (3, 28, 28)),
        "t10k-labels-idx1-ubyte": np.array([7, 0, 2]),
    }
    contents = {name: idx(array) for name, array in arrays.items()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name in ("mnist", "fashion-mnist"):
        monkeypatch.setitem(SOURCES, name, Source(SOURCES[name].folder, (), hashes))
    return arrays, contents


@pytest.mark.parametrize(
    ("name", "sub_folder", "classes"),
    [("mnist", "MNIST", DIGIT_CLASSES), ("fashion-mnist", "FashionMNIST", FASHION_CLASSES)],
)
@pytest.mark.parametrize("named_by", ["argument", "variable"])
def test_full_sets_are_read_from_torchvisions_layout(
    tmp_path, monkeypatch, small_sets, name, sub_folder, classes, named_by
):
    arrays, contents = small_sets
    root = tmp_path / "données et images"
    (root / sub_folder / "raw").mkdir(parents=True)
    for file, content in contents.items():
        (root / sub_folder / "raw" / file).write_bytes(content)
    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setenv("VAE_UTILS_DATA", str(root if named_by == "variable" else tmp_path / "elsewhere"))
    images = load_images(name, folder=root if named_by == "argument" else None)
    assert images.name == name and images.classes == classes and len(classes) == 10
    assert images.train.shape == (5, 1, 28, 28) and images.train.dtype == torch.float32
    expected = torch.from_numpy(arrays["t10k-images-idx3-ubyte"]).float() / 255
    torch.testing.assert_close(images.test[:, 0], expected)
    assert images.train_labels.tolist() == [0, 9, 4, 4, 1] and images.test_labels.tolist() == [7, 0, 2]


def test_torchvision_reads_what_the_tests_write(tmp_path, small_sets):
    from torchvision.datasets import MNIST

    arrays, contents = small_sets
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file, content in contents.items():
        (raw / file).write_bytes(content)
        (raw / f"{file}.gz").write_bytes(gzip.compress(content))
    theirs, ours = MNIST(str(tmp_path), train=True), load_images("mnist", tmp_path)
    assert torch.equal(theirs.data.float() / 255, ours.train[:, 0])
    assert torch.equal(theirs.targets, ours.train_labels)
