"""Bits of binary pictures: files can be read back, and the context model is a probability that looks only back."""

import io
import zlib

import numpy as np
import pytest
import torch

from vae_utils.compression import NEIGHBOURS, ContextModel, png_bits, zlib_bits


def pictures(count, rate=0.3, seed=0):
    return torch.bernoulli(torch.full((count, 1, 28, 28), rate), generator=torch.Generator().manual_seed(seed))


def test_a_png_of_that_size_holds_the_picture(monkeypatch):
    from PIL import Image

    files, save = [], Image.Image.save

    def keep(self, file, *arguments, **named):
        save(self, file, *arguments, **named)
        files.append(file.getvalue())

    monkeypatch.setattr(Image.Image, "save", keep)
    x = pictures(3)
    bits = png_bits(x)
    for picture, size, content in zip(x, bits, files, strict=True):
        read = Image.open(io.BytesIO(content))
        assert read.mode == "1" and 8 * len(content) == size
        assert np.array_equal(np.array(read), picture[0].numpy() == 1)


def test_zlib_of_that_size_holds_the_picture():
    x = pictures(2)
    for picture, size in zip(x, zlib_bits(x), strict=True):
        packed = zlib.compress(np.packbits(picture[0].numpy().astype(np.uint8)).tobytes(), 9)
        assert 8 * len(packed) == size
        unpacked = np.unpackbits(np.frombuffer(zlib.decompress(packed), dtype=np.uint8)).reshape(28, 28)
        assert np.array_equal(unpacked, picture[0].numpy())


def test_simple_pictures_are_small():
    assert zlib_bits(torch.zeros(1, 1, 28, 28))[0] < 120 < 784 < zlib_bits(pictures(1, 0.5))[0]


def test_the_context_model_costs_the_entropy_of_coins():
    model = ContextModel(pictures(8000, 0.2))
    entropy = -(0.2 * np.log2(0.2) + 0.8 * np.log2(0.8)) * 784
    assert model.bits(pictures(500, 0.2, seed=1)).mean().item() == pytest.approx(entropy, rel=0.03)


def test_every_context_s_two_probabilities_sum_to_one():
    model = ContextModel(pictures(50))
    torch.testing.assert_close((2**-model.bits_of).sum(1), torch.ones(len(model.bits_of)))


def test_contexts_look_only_back():
    # Both chains of conditionals are proper only if no context contains the pixel itself or a later one.
    assert all((down, right) < (0, 0) for down, right in NEIGHBOURS) and len(set(NEIGHBOURS)) == 12
    x, later = pictures(1), pictures(1)
    later[0, 0, 14, 14:] = 1 - later[0, 0, 14, 14:]
    later[0, 0, 15:] = 1 - later[0, 0, 15:]
    before, after = (ContextModel._contexts(each).flatten() for each in (x, later))
    assert torch.equal(before[: 14 * 28 + 15], after[: 14 * 28 + 15])  # up to and with the pixel (14, 14)
    assert not torch.equal(before, after)


def test_the_bits_of_a_picture_by_hand():
    train, x = pictures(8), pictures(1, seed=3)
    model, total = ContextModel(train), 0.0

    def context(picture, row, column):
        inside = [
            picture[0, row + down, column + right].item() if 0 <= row + down and 0 <= column + right < 28 else 0.0
            for down, right in NEIGHBOURS
        ]
        return (row // 4, column // 4, *inside)

    counts = {}
    for picture in train.numpy():
        for row in range(28):
            for column in range(28):
                counts.setdefault(context(picture, row, column), [0.3, 0.3])[int(picture[0, row, column])] += 1
    for row in range(28):
        for column in range(28):
            found = counts.get(context(x.numpy()[0], row, column), [0.3, 0.3])
            total -= np.log2(found[int(x[0, 0, row, column])] / sum(found))
    assert model.bits(x)[0].item() == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("function", [png_bits, zlib_bits, ContextModel])
def test_grey_pixels_are_refused(function):
    with pytest.raises(ValueError, match="pixels 0 and 1 only, received values from 0.5 to 0.5"):
        function(torch.full((1, 1, 28, 28), 0.5))


def test_one_grey_picture_among_many_is_refused():
    x = torch.zeros(2100, 1, 28, 28)
    x[-1, 0, 0, 0] = 0.5
    with pytest.raises(ValueError, match="from 0 to 0.5"):
        ContextModel(x)
