"""Checkpoints: the same model comes back, damaged files are named, nothing is executed, nothing is lost."""

import os
import pickle
import stat

import pytest
import torch

from vae_utils import VAE, Autoencoder, Classifier
from vae_utils.checkpoints import checkpoint_card, checkpoint_names, load_checkpoint, save_checkpoint
from vae_utils.likelihoods import ContinuousBernoulli
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


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_damaged(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="model.safetensors is damaged"):
        load_checkpoint(saved)


def test_every_flipped_bit_is_found(saved):
    content = saved.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")  # with the card and the arguments of the model
    for place in [*range(header), *torch.linspace(header, len(content) - 1, 60).long().tolist()]:
        damaged = bytearray(content)
        damaged[place] ^= 4
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match="model.safetensors"):
            load_checkpoint(saved)
    saved.write_bytes(content)
    load_checkpoint(saved)


class Executes:
    def __reduce__(self):
        return os.system, ("echo executed > executed.txt",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_refused_and_nothing_is_executed(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Executes(), protocol))
    with pytest.raises(ValueError, match="refused|damaged"):
        load_checkpoint(path)
    torch.save({"model": Executes()}, path)
    with pytest.raises(ValueError, match="pickle.*refused"):
        load_checkpoint(path)
    assert not (tmp_path / "executed.txt").exists()


def test_a_web_page_and_another_librarys_file_are_named(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("\n<!DOCTYPE html><html>please log in</html>")
    with pytest.raises(ValueError, match="is a web page"):
        load_checkpoint(path)
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="no checkpoint of this package"):
        load_checkpoint(path)


def test_an_unknown_name_tells_the_known_ones():
    with pytest.raises(ValueError, match="there is no checkpoint 'vae-mnist': name a file, or one of"):
        load_checkpoint("vae-mnist")


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_cut_off_while_saving_the_previous_file_is_intact(saved, monkeypatch, moment):
    before = saved.read_bytes()

    def cut_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, moment, cut_off)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(VAE(4), saved)
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_a_saved_file(saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o644


def test_what_cannot_be_saved_is_refused(tmp_path):
    class Mine(VAE):
        pass

    for model in (torch.nn.Linear(2, 2), Mine(2)):
        with pytest.raises(TypeError, match="model must be one of Autoencoder, VAE, ConditionalVAE, Classifier"):
            save_checkpoint(model, tmp_path / "model")
    with pytest.raises(TypeError, match="Bernoulli likelihood are saved, received ContinuousBernoulli"):
        save_checkpoint(VAE(2, likelihood=ContinuousBernoulli()), tmp_path / "model")
    large = VAE(2)
    large.encoder[1].bias.data[0] = 1e6
    with pytest.raises(ValueError, match="encoder.1.bias are not all finite"):
        save_checkpoint(large, tmp_path / "model", dtype=torch.float16)
    with pytest.raises(TypeError, match="JSON"):
        save_checkpoint(VAE(2), tmp_path / "model", {"seed": torch.zeros(1)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", checkpoint_names())
def test_a_shipped_checkpoint_loads_and_says_what_it_is(name):
    from vae_utils.checkpoints import SHIPPED

    model, card = load_checkpoint(name), checkpoint_card(name)
    assert {"data", "recipe", "seed", "epochs", "metrics", "licence"} <= set(card)
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < 2_000_000
    assert all(value.isfinite().all() for value in model.state_dict().values())
