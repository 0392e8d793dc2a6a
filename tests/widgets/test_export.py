"""What is sent to the browser is the decoder: layers as described, weights as rounded, and nothing it cannot run."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from vae_utils.models import VAE, Autoencoder
from vae_utils.widgets.export import NotExportable, export_decoder

SQUARE = nn.Unflatten(1, (1, 4, 4))


class Model(nn.Module):
    """A model with the decoder that a test wants."""

    def __init__(self, *layers, latent_dim=3, after=torch.sigmoid):
        super().__init__()
        self.latent_dim, self.decoder, self.after = latent_dim, nn.Sequential(*layers), after

    def generate(self, z):
        return self.after(self.decoder(z))


@pytest.fixture(autouse=True)
def seed():
    """Each test has the same weights on each run, and leaves torch's generator as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def numbers(exported):
    """The weights as they are read in the browser."""
    return np.frombuffer(exported.weights, np.dtype(exported.precision).newbyteorder("<")).astype(np.float32)


def test_layers_and_weights_stand_where_the_description_says():
    model = VAE(5, "conv")
    exported = export_decoder(model)
    assert json.loads(json.dumps(exported.layers)) == exported.layers
    kinds = [layer["type"] for layer in exported.layers]
    assert kinds == "linear relu linear relu unflatten conv_transpose relu conv_transpose sigmoid".split()
    assert exported.layers[5] | {"weight": 0, "bias": 0} == {
        **{"type": "conv_transpose", "inputs": 32, "outputs": 16, "kernel": [4, 4], "stride": [2, 2]},
        **{"padding": [1, 1], "output_padding": [0, 0], "dilation": [1, 1], "weight": 0, "bias": 0},
    }
    found = numbers(exported)
    layers = [layer for layer in exported.layers if "weight" in layer]
    own = [layer for layer in model.decoder if hasattr(layer, "weight")]
    for described, layer in zip(layers, own, strict=True):
        for name in ("weight", "bias"):
            tensor = getattr(layer, name).detach()
            sent = found[described[name] : described[name] + tensor.numel()]
            np.testing.assert_allclose(sent, tensor.flatten(), rtol=1e-3, atol=1e-7)
    assert exported.precision == "float16" and len(found) == sum(p.numel() for p in model.decoder.parameters())


@pytest.mark.parametrize("model", [VAE(2), Autoencoder(4, hidden=8), VAE(3, hidden=(20, 10), activation="tanh")])
def test_the_decoders_of_the_series_are_sent_in_16_bits(model):
    exported = export_decoder(model)
    assert exported.precision == "float16"
    assert len(exported.weights) == 2 * sum(weight.numel() for weight in model.decoder.parameters())


def test_weights_too_large_for_16_bits_are_sent_in_32():
    """A weight of 100,000 is infinite in half precision; with a small one after it, the picture is an ordinary one."""
    first, second = nn.Linear(3, 4), nn.Linear(4, 16)
    with torch.no_grad():
        first.weight.mul_(1e5)
        second.weight.mul_(1e-5)
    exported = export_decoder(Model(first, nn.ReLU(), second, SQUARE))
    assert exported.precision == "float32"
    assert numbers(exported)[:12].tolist() == first.weight.flatten().tolist()


def test_weights_whose_rounding_would_be_seen_are_sent_in_32_bits():
    layer = nn.Linear(3, 16)
    with torch.no_grad():
        layer.weight.mul_(1e-3).add_(300.0)  # differences of large weights are what is seen
    codes = torch.tensor([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]) * 3
    assert export_decoder(Model(layer, SQUARE)).precision == "float16"  # all black or white
    layer.weight.data[:, 0] += 0.13
    assert export_decoder(Model(layer, SQUARE), codes).precision == "float32"


def test_a_decoder_may_end_in_pixels():
    for layers in ([nn.Sigmoid()], []):
        exported = export_decoder(Model(nn.Linear(3, 16), *layers, SQUARE, after=torch.clone))
        kinds = [layer["type"] for layer in exported.layers]
        assert kinds == ["linear", *["sigmoid"] * len(layers), "unflatten"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(3, 4), "Linear has no decoder; an nn.Sequential is needed"),
        (
            Model(nn.Linear(3, 16), nn.BatchNorm1d(16), SQUARE),
            r"layer 1 of its decoder is BatchNorm1d.*the browser runs",
        ),
        (Model(nn.Linear(3, 16), nn.GELU(), SQUARE), r"layer 1 of its decoder is GELU"),
        (Model(SQUARE), "begin with a Linear"),
        (Model(nn.Linear(3, 32), nn.Unflatten(1, (2, 4, 4))), r"shape \(64, 2, 4, 4\); \(B, 1, H, W\) is needed"),
        (Model(nn.Linear(3, 16), SQUARE, after=lambda logits: logits.sigmoid() ** 2), "does more than its decoder"),
        (
            Model(
                nn.Linear(3, 8),
                nn.Unflatten(1, (2, 2, 2)),
                nn.ConvTranspose2d(2, 2, 2, groups=2),
                nn.ConvTranspose2d(2, 1, 2),
            ),
            "layer 2 of its decoder is ConvTranspose2d.*groups=2",
        ),
    ],
)
def test_what_the_browser_cannot_run_is_named(model, message):
    with pytest.raises(NotExportable, match=message):
        export_decoder(model)


def test_weights_that_are_not_numbers_are_refused():
    layer = nn.Linear(3, 16)
    layer.weight.data[0, 0] = float("nan")
    with pytest.raises(NotExportable):
        export_decoder(Model(layer, SQUARE))


def test_a_model_that_needs_more_than_a_code_is_refused():
    model = VAE(3)
    model.generate = lambda z, labels: model.decode(z)
    with pytest.raises(NotExportable, match="generate failed.*labels"):
        export_decoder(model)


def test_the_model_is_left_as_it_was():
    model = Model(nn.Linear(3, 16), SQUARE).train()
    before = [weight.clone() for weight in model.parameters()]
    export_decoder(model)
    assert model.training and all(weight.requires_grad for weight in model.parameters())
    assert all(torch.equal(weight, old) for weight, old in zip(model.parameters(), before, strict=True))
