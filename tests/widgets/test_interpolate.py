"""Interpolator: what stands between two images is decoded from the code on the way between theirs."""

import asyncio

import numpy as np
import pytest
import torch

from tests.widgets.test_base import pixels
from tests.widgets.test_latent import FakeAutoencoder, FakeVAE, fed, images  # noqa: F401
from vae_utils.interpolation import interpolate
from vae_utils.models import VAE
from vae_utils.widgets import Interpolator


@pytest.mark.parametrize("kind", [FakeVAE, FakeAutoencoder])
def test_it_shows_what_the_model_decodes_at_each_place(kind, images):  # noqa: F811
    model = kind()
    explorer = Interpolator(model, images, start=3, end=9)
    assert explorer.canvas.layers == []  # the model has no decoder that a browser could run
    encoded = model.encode(images)
    codes = encoded[0] if kind is FakeVAE else encoded
    for way, t in (("lerp", 0.0), ("slerp", 0.4), ("lerp", 0.7), ("slerp", 1.0)):
        explorer.way.value, explorer.t.value = way, t
        wanted = interpolate(codes[3], codes[9], t, way)
        torch.testing.assert_close(explorer.z, wanted)
        shown = model.generate(wanted[None])[0, 0].numpy()
        assert np.abs(pixels(explorer, "between") - shown).max() <= 0.5 / 255 + 1e-6
    explorer.start.value, explorer.end.value, explorer.t.value = 11, 12, 0.0
    torch.testing.assert_close(explorer.z, codes[11])
    assert f"length {codes[11].norm():.1f}" in explorer.note.value
    assert len(explorer.snapshot(title="Two ways", steps=4).axes) == 2


def test_a_real_model_goes_to_the_browser(images):  # noqa: F811
    model = VAE(3)
    with torch.no_grad():
        model.decoder[-2].bias.fill_(-4.0)  # looks trained: light pages
    explorer = Interpolator(model, images)
    assert explorer.canvas.sliders == [explorer.start, explorer.end, explorer.way, explorer.t]
    assert np.frombuffer(explorer.canvas.codes, "<f4").reshape(40, 3).shape == explorer.codes.shape


def test_bad_numbers_are_named(images):  # noqa: F811
    with pytest.raises(ValueError, match="end must be 0 to 39, received 40"):
        Interpolator(FakeVAE(), images, end=40)


def test_the_kernel_sends_the_picture_and_the_strip_of_a_way(images):  # noqa: F811
    model = FakeVAE()

    async def moved():
        explorer = Interpolator(model, images, start=3, end=9)
        explorer.t.value = 0.25
        explorer.way.value = "slerp"
        await asyncio.sleep(0.1)
        return explorer

    explorer = asyncio.run(moved())
    picture, strip = fed(explorer)
    with torch.no_grad():
        assert np.abs(picture - model.generate(explorer.z[None])[0, 0].numpy()).max() <= 0.5 / 255 + 1e-6
        codes = torch.stack([explorer.code_at(t) for t in torch.linspace(0, 1, 9).tolist()])
        assert np.abs(strip - model.generate(codes)[:, 0].numpy()).max() <= 0.5 / 255 + 1e-6
