"""The data sets: what is in them, that they need no network, and what bad images are told."""

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
from vae_utils.data import DIGIT_CLASSES, FASHION_CLASSES, Images, validate_images
from vae_utils.downloads import SOURCES, Source


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def no_network(*_, **__):
    raise OSError("this test has no network")


def data_set(**changed):
    parts = {
        "name": "tiny",
        "train": torch.rand(4, 1, 28, 28),
        "train_labels": torch.tensor([0, 1, 1, 0]),
        "test": torch.rand(2, 1, 28, 28),
        "test_labels": torch.tensor([1, 0]),
        "classes": ("a", "b"),
    }
    return Images(**(parts | changed))


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


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown data set 'cifar'; choose one of 'digits', 'shapes', 'mnist'"):
        load_images("cifar")


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


# Bad images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_labels": torch.tensor([0, 1, 1])}, r"train_labels must be one label an image: 4 images.*\(3,\)"),
        ({"test_labels": torch.tensor([[1], [0]])}, r"test_labels must be one .*2 images.*\(2, 1\)"),
        ({"train_labels": torch.tensor([0, 1, 255, 0])}, "from 0 to 1, received values from 0 to 255"),
        ({"test_labels": torch.tensor([0, -1])}, "from 0 to 1, received values from -1 to 0"),
        ({"train": torch.rand(4, 784)}, r"tiny: train must have the shape \(N, 1, 28, 28\), received \(4, 784\)"),
        ({"test": 255 * torch.ones(2, 1, 28, 28)}, r"tiny: test must lie in \[0, 1\], received values from 255 to 255"),
        ({"test": torch.zeros(0, 1, 28, 28), "test_labels": torch.zeros(0).long()}, "tiny: test holds no images"),
    ],
)
def test_a_data_set_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        data_set(**change)


def test_labels_of_another_type_are_refused(as_a_learner):
    for labels, kind in ((torch.ones(4).byte(), "torch.uint8"), (torch.rand(4), "torch.float32"), ([0, 1], "list")):
        with pytest.raises(TypeError, match=f"train_labels must be an int64 tensor, received {kind}"):
            data_set(train_labels=labels)


def test_one_class_is_enough():
    assert data_set(train_labels=torch.zeros(4).long(), test_labels=torch.zeros(2).long(), classes=("a",)).classes


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(3, 784), r"received \(3, 784\); reshape it"),
        (torch.rand(28, 28), r"received \(28, 28\); reshape it"),
        (torch.rand(3, 28, 28), r"received \(3, 28, 28\); reshape it"),
        (torch.rand(3, 28, 28, 1), r"received \(3, 28, 28, 1\); reshape it"),
        (torch.rand(3, 1, 32, 32), r"received \(3, 1, 32, 32\); resize"),
        (torch.rand(49, 1, 32, 32), r"received \(49, 1, 32, 32\); resize"),
        (torch.rand(3, 3, 28, 28), r"received \(3, 3, 28, 28\); resize"),
        (torch.tensor(0.5), r"received \(\); resize"),
        (torch.zeros(0, 1, 28, 28), "holds no images"),
        (torch.rand(2, 1, 28, 28) * 255, r"must lie in \[0, 1\], received values from .* to 25.*divide bytes by 255"),
        (torch.rand(2, 1, 28, 28) - 0.5, r"must lie in \[0, 1\], received values from -0.*undo a standardization"),
    ],
)
def test_bad_images_are_refused_with_what_was_received(images, message):
    with pytest.raises(ValueError, match=message):
        validate_images(images)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_refused_with_its_image(bad):
    images = torch.rand(5, 1, 28, 28)
    images[3, 0, 4, 4] = bad
    with pytest.raises(ValueError, match="samples must be finite; image 3 holds NaN or infinity"):
        validate_images(images, "samples")


def test_other_types_are_refused(as_a_learner):
    for images, kind in ((torch.zeros(2, 1, 28, 28).byte(), "torch.uint8"), (np.zeros((2, 1, 28, 28)), "ndarray")):
        with pytest.raises(TypeError, match=f"received {kind}; for bytes"):
            validate_images(images)


def test_a_whole_data_set_is_no_batch(as_a_learner):
    with pytest.raises(TypeError, match="images must be a tensor of images, received the whole data set; .* .test"):
        validate_images(load_images("digits"))


def test_good_images_pass_untouched():
    for images in (torch.zeros(1, 1, 28, 28), torch.ones(2, 1, 28, 28).double(), torch.rand(3, 1, 28, 28)):
        before = images.clone()
        validate_images(images)
        assert torch.equal(before, images)
