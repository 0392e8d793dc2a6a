"""Checkpoints: the same model comes back. What happens to damaged files is in `faults/test_checkpoints.py`."""

import os
import stat

import pytest
import torch

from vae_utils import VAE, Autoencoder, Classifier
from vae_utils.checkpoints import checkpoint_card, checkpoint_names, load_checkpoint, save_checkpoint
from vae_utils.models import ConditionalVAE

MAKE = [
    lambda: VAE(3),
    lambda: VAE(3, "conv"),
    lambda: VAE(5, hidden=(20, 10), activation="tanh"),
    lambda: Autoencoder(2, hidden=7),
    lambda: ConditionalVAE(2, classes=4, architecture="conv"),
    lambda: Classifier(3),
]


@pytest.mark.parametrize("make", MAKE)
def test_the_same_model_comes_back(make, tmp_path):
    model = make().eval()
    path = save_checkpoint(model, tmp_path / "möglich ein Modell", {"seed": 3, "metrics": {"nll": 80.5}})
    assert path.name == "möglich ein Modell.safetensors"
    loaded = load_checkpoint(path)
    assert type(loaded) is type(model) and not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert checkpoint_card(path) == {"seed": 3, "metrics": {"nll": 80.5}}


def test_rounded_weights_are_half_the_size_and_come_back_in_float32(tmp_path):
    model = VAE(2)
    whole, half = save_checkpoint(model, tmp_path / "a"), save_checkpoint(model, tmp_path / "b", dtype=torch.float16)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    loaded = load_checkpoint(half)
    assert next(loaded.parameters()).dtype == torch.float32
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(loaded.encode(x), model.encode(x), atol=2e-3, rtol=0)


def test_a_model_is_made_without_drawing_random_numbers(tmp_path):
    path = save_checkpoint(VAE(2), tmp_path / "model")
    torch.manual_seed(3)
    before = torch.get_rng_state()
    loaded = load_checkpoint(path)
    assert torch.equal(before, torch.get_rng_state())
    assert all(weight.requires_grad and weight.device.type == "cpu" for weight in loaded.parameters())
    loaded(torch.rand(2, 1, 28, 28))[0].sum().backward()


def test_weights_go_into_a_given_model_of_the_same_shape_only(tmp_path):
    model, other = VAE(2), VAE(2)
    path = save_checkpoint(model, tmp_path / "model.safetensors")
    assert load_checkpoint(path, other) is other
    assert torch.equal(other.encoder[1].weight, model.encoder[1].weight)
    wrong = VAE(3)
    before = wrong.encoder[1].weight.clone()
    with pytest.raises(ValueError, match=r"encoder.3.weight: expected \(6, 400\), found \(4, 400\)"):
        load_checkpoint(path, wrong)
    assert torch.equal(wrong.encoder[1].weight, before)


@pytest.fixture
def saved(tmp_path):
    return save_checkpoint(VAE(2, hidden=8), tmp_path / "model.safetensors")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_a_saved_file(saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o644


@pytest.mark.parametrize("name", checkpoint_names())
def test_a_shipped_checkpoint_loads_and_says_what_it_is(name):
    from vae_utils.checkpoints import SHIPPED

    model, card = load_checkpoint(name), checkpoint_card(name)
    assert {"data", "recipe", "seed", "epochs", "metrics", "licence"} <= set(card)
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < 2_000_000
    assert all(value.isfinite().all() for value in model.state_dict().values())
