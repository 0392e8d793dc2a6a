"""Training on a file of bytes is training on the same images in memory, bit for bit, without holding them."""

import os

import numpy as np
import pytest
import torch

from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.on_disk import ImagesOnDisk

PIXELS = (load_images().train[:300, 0] * 255).round().byte().numpy()


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "three hundred ä.npy", PIXELS)
    return tmp_path / "three hundred ä.npy"


def trained(images):
    torch.manual_seed(0)
    model = VAE(2, hidden=16)
    return fit(model, images, negative_elbo, epochs=2, batch_size=64, progress=False), model


def test_the_images_are_those_of_the_file(path):
    images, chosen = ImagesOnDisk(path), torch.tensor([299, 0, 7, 7])
    assert len(images) == 300 and repr(images) == "ImagesOnDisk(three hundred ä.npy: 300 images)"
    assert torch.equal(images.index_select(0, chosen), load_images().train[chosen])
    assert images.to(torch.float64).index_select(0, chosen).dtype == torch.float64
    assert images.to(torch.device("meta")).index_select(0, chosen).device.type == "meta"


def test_training_is_the_same_as_in_memory_bit_for_bit(path):
    (history, model), (expected, other) = trained(ImagesOnDisk(path)), trained(load_images().train[:300])
    assert history.train == expected.train
    assert torch.equal(model.decoder[0].weight, other.decoder[0].weight)


def test_only_the_batch_is_read(path, monkeypatch):
    import vae_utils.on_disk as module

    read, places = module._read, []
    monkeypatch.setattr(module, "_read", lambda file, row, place: places.append(row.nbytes) or read(file, row, place))
    ImagesOnDisk(path).index_select(0, torch.tensor([5, 250]))
    assert places == [784, 784]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (PIXELS / 255.0, r"received float64 \(300, 28, 28\)"),
        (PIXELS[:, None], r"received uint8 \(300, 1, 28, 28\)"),
        (PIXELS[:0], r"received uint8 \(0, 28, 28\)"),
        (PIXELS.reshape(300, 784), r"received uint8 \(300, 784\)"),
        (np.asfortranarray(PIXELS), "Fortran order"),
        (np.array([{}]), "damaged or no .npy file of numbers; write it again"),
    ],
)
def test_other_arrays_are_refused(stored, told, tmp_path):
    np.save(tmp_path / "other.npy", stored, allow_pickle=True)
    with pytest.raises(ValueError, match=told):
        ImagesOnDisk(tmp_path / "other.npy")


def test_damaged_files_are_refused(path):
    whole = path.read_bytes()
    for damaged in (b"", b"<html></html>", whole[:50], whole[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="ä.npy is damaged or no .npy file"):
            ImagesOnDisk(path)
    np.savez(path.with_suffix(".npz"), PIXELS)
    with pytest.raises(ValueError, match="received several arrays"):
        ImagesOnDisk(path.with_suffix(".npz"))


def test_a_file_cut_off_while_it_is_used_is_an_error_and_no_crash(path):
    images = ImagesOnDisk(path)
    with path.open("r+b") as file:
        file.truncate(10_000)
    with pytest.raises(OSError, match="became shorter"):
        images.index_select(0, torch.tensor([250]))


def test_numbers_out_of_range_are_refused(path):
    for number in (-1, 300):
        with pytest.raises(IndexError, match=f"image {number} of 300"):
            ImagesOnDisk(path).index_select(0, torch.tensor([number]))
    with pytest.raises(ValueError, match="axis must be 0"):
        ImagesOnDisk(path).index_select(1, torch.tensor([0]))


def test_a_loss_with_labels_needs_a_data_set(path):
    def loss(model, x, labels):
        return {"loss": x.mean((1, 2, 3))}

    with pytest.raises(ValueError, match="takes labels"):
        fit(VAE(2), ImagesOnDisk(path), loss, epochs=1)


@pytest.mark.parametrize("path", [None, "", 3, torch.ones(3)])
def test_what_is_no_path_is_refused(as_a_learner, path):
    with pytest.raises(ValueError, match="the path of a .npy file must name a file, received"):
        ImagesOnDisk(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nothing", "."):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            ImagesOnDisk(tmp_path / name)
