"""Checkpoints that are damaged, lie, or cannot be written: named, nothing executed, nothing lost."""

import json
import os
import pickle
import signal
import time

import pytest
import torch
from safetensors.torch import load, save, save_file

from vae_utils import VAE, sealed
from vae_utils.checkpoints import load_checkpoint, save_checkpoint
from vae_utils.likelihoods import ContinuousBernoulli
from vae_utils.models import Classifier
from vae_utils.saved_runs import load_run
from vae_utils.sealed import read_sealed, write_sealed

from .conftest import Child

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def saved(tmp_path):
    return save_checkpoint(VAE(2, hidden=8), tmp_path / "model.safetensors")


# Row 32: damaged files ------------------------------------------------------------------------------------------------


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


# Files whose seal is right and whose content is not -----------------------------------------------------------------


def forged(path, written=None, **weights):
    """A file sealed as this package does it, with another card or other weights."""
    content = path.read_bytes()
    told = json.loads(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["vae_utils"])
    write_sealed(path, "vae_utils", told | (written or {}), load(content) | weights)
    return path


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"model": "Module"}, "cannot make .KeyError: 'Module'"),
        ({"model": ["VAE"]}, "cannot make .TypeError"),
        ({"arguments": {"latent_dim": 2, "code": "print()"}}, "cannot make .TypeError.*code"),
        ({"arguments": {"latent_dim": 0}}, "cannot make .ValueError: latent_dim must be .* received 0"),
        ({"arguments": None}, "cannot make"),
        ({"arguments": {"latent_dim": 10**12}}, "cannot make .ValueError: latent_dim must be .* at most"),
        ({"arguments": {"latent_dim": 4 * 10**8}}, "expected .* found"),  # terabytes, never made
        ({"arguments": {"latent_dim": 2, "hidden": 9}}, r"expected \(9, 784\), found \(8, 784\)"),
        ({"card": None}, "its card is missing"),
    ],
)
def test_a_card_that_lies_is_refused(saved, written, message):
    with pytest.raises(ValueError, match=message):
        load_checkpoint(forged(saved, written))


def test_weights_that_are_no_numbers_are_refused(saved):
    with pytest.raises(ValueError, match="not all finite numbers"):
        load_checkpoint(forged(saved, **{"encoder.1.bias": torch.full((8,), torch.nan)}))
    with pytest.raises(ValueError, match="not all finite numbers"):
        load_checkpoint(forged(saved, **{"encoder.1.bias": torch.zeros(8).long()}))
    with pytest.raises(ValueError, match="encoder.1.bias: expected .8,., found .1,."):
        load_checkpoint(forged(saved, **{"encoder.1.bias": torch.zeros(1)}))


def test_a_seal_of_another_kind_or_without_a_dictionary_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(save({"a": torch.zeros(1)}, {"vae_utils": "[]", "sha256": "0" * 64}))
    with pytest.raises(ValueError, match="model.safetensors is damaged"):
        load_checkpoint(path)
    write_sealed(path, "vae_utils_run", {}, {"a": torch.zeros(1)})
    with pytest.raises(ValueError, match="no checkpoint of this package"):
        load_checkpoint(path)
    path.write_bytes((2**63).to_bytes(8, "little") + b"{" * 50)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path)
    deep = b'{"__metadata__": ' + b"[" * 100_000
    path.write_bytes(len(deep).to_bytes(8, "little") + deep)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path)


def test_a_file_too_large_is_not_read(saved, monkeypatch):
    monkeypatch.setattr(sealed, "LARGEST", 1000)
    with pytest.raises(ValueError, match="it has .* bytes"):
        load_checkpoint(saved)


def test_all_kinds_of_tensors_come_back(tmp_path):
    tensors = {
        "scalar": torch.tensor(2.0),
        "none": torch.zeros(0, 3),
        "half": torch.rand(3).bfloat16(),
        "flag": torch.tensor([True]),
        "turned": torch.rand(3, 4).T,
    }
    tensors["shared"] = tensors["turned"]
    write_sealed(tmp_path / "a", "kind", {"order": ["b", "a"]}, tensors)
    received, written = read_sealed(tmp_path / "a", "kind", "file", "")
    assert written == {"order": ["b", "a"]} and all(torch.equal(received[name], tensors[name]) for name in tensors)


# Row 34: another architecture -----------------------------------------------------------------------------------------


def test_another_architecture_is_told_with_both_shapes(saved):
    for model in (VAE(3, hidden=8), VAE(2, "conv"), Classifier()):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with pytest.raises(ValueError, match=r"holds a VAE with .*: expected .*, found"):
            load_checkpoint(saved, model)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert model.training


def test_what_is_no_model_is_refused(saved, as_a_learner):
    for model in ("VAE", VAE, torch.nn.ReLU()):
        with pytest.raises(TypeError, match="model must be a model with weights"):
            load_checkpoint(saved, model)
    with pytest.raises(ValueError, match="hold no numbers yet"):
        load_checkpoint(saved, VAE(2, hidden=8).to("meta"))


# Row 35: killed, full, locked -----------------------------------------------------------------------------------------


@needs_fork
def test_killed_while_saving_the_previous_file_is_intact(tmp_path):
    """Eight times, at moments that fall anywhere in the writing."""
    path = tmp_path / "model.safetensors"
    contents = [save_checkpoint(VAE(2, hidden=800), path).read_bytes() for _ in range(2)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(8):
        waits, starts = os.pipe()

        def work(starts=starts):
            while True:
                for content in contents:
                    sealed.write_whole(path, content, "")
                os.write(starts, b"!")

        child = Child(work)
        os.read(waits, 1)  # it has written both
        time.sleep(0.02 * torch.rand(1, generator=generator).item())
        child.send(signal.SIGKILL)
        assert child.end() == ""
        load_checkpoint(path)
    assert [file for file in tmp_path.iterdir() if file.suffix == path.suffix] == [path]


@needs_fork
def test_a_full_disk_leaves_the_previous_file(full_disk):
    def work(folder):
        path = folder / "model.safetensors"
        path.write_bytes(b"what was there")
        try:
            save_checkpoint(VAE(2), path)
        finally:
            assert path.read_bytes() == b"what was there" and list(folder.iterdir()) == [path]

    told = Child(lambda: full_disk(work)).end()
    assert told.startswith("CannotWrite: cannot write to ") and "free some space" in told, told


@needs_fork
def test_a_read_only_folder_is_told(everyones_folder):
    path = save_checkpoint(VAE(2), everyones_folder / "model")
    before = path.read_bytes()
    everyones_folder.chmod(0o555)
    told = Child(lambda: save_checkpoint(VAE(3), path), unprivileged=True).end()
    everyones_folder.chmod(0o777)
    assert told.startswith("CannotWrite: cannot write to ") and "Permission denied" in told and "another folder" in told
    assert path.read_bytes() == before and list(everyones_folder.iterdir()) == [path]


@needs_fork
def test_a_file_that_may_not_be_read_is_told(everyones_folder, monkeypatch):
    # Where the repository lies in a private folder, another user cannot look for the shipped ones.
    monkeypatch.setattr("vae_utils.checkpoints.SHIPPED", everyones_folder)
    path = save_checkpoint(VAE(2), everyones_folder / "model")
    path.chmod(0)
    told = Child(lambda: load_checkpoint(path), unprivileged=True).end()
    assert told.startswith("PermissionError: cannot read ") or told.startswith("OSError: cannot read "), told


def test_a_folder_in_the_place_of_the_file_is_left_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    path.mkdir()
    (path / "mine").write_text("kept")
    with pytest.raises(OSError, match="cannot write to .*model.safetensors.*another folder"):
        save_checkpoint(VAE(2), path)
    assert (path / "mine").read_text() == "kept" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links need permission on Windows")
def test_a_link_stays_a_link(saved, tmp_path):
    link = tmp_path / "latest.safetensors"
    link.symlink_to(saved)
    model = VAE(2, hidden=8)
    save_checkpoint(model, link)
    assert link.is_symlink() and torch.equal(load_checkpoint(saved).encoder[1].weight, model.encoder[1].weight)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_told(tmp_path, name):
    for call in (save_checkpoint, load_run):
        with pytest.raises(ValueError, match="the path of a .* must name a file, received"):
            call(VAE(2), tmp_path / name) if call is save_checkpoint else call(tmp_path / name, VAE(2))
    with pytest.raises(OSError, match="cannot write to "):
        sealed.write_whole(tmp_path / name, b"", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["", "/", None, 3])
def test_a_path_without_a_name_is_refused(as_a_learner, path):
    for call in (lambda: save_checkpoint(VAE(2), path), lambda: load_checkpoint(path)):
        with pytest.raises(ValueError, match="must name a file, received"):
            call()


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


def test_what_could_not_be_read_back_is_not_written(tmp_path, as_a_learner):
    exchanged = VAE(2)
    exchanged.decoder = torch.nn.Sequential(torch.nn.Linear(2, 784), torch.nn.Unflatten(1, (1, 28, 28)))
    with pytest.raises(ValueError, match="are not those it was made with"):
        save_checkpoint(exchanged, tmp_path / "model")
    with pytest.raises(ValueError, match="dtype must be None or one of .* received torch.int8"):
        save_checkpoint(VAE(2), tmp_path / "model", dtype=torch.int8)
    with pytest.raises(TypeError, match="card must be a dictionary.* received list"):
        save_checkpoint(VAE(2), tmp_path / "model", [1])
    endless = {}
    endless["itself"] = endless
    with pytest.raises(TypeError, match="what JSON can hold"):
        save_checkpoint(VAE(2), tmp_path / "model", endless)
    with pytest.raises(ValueError, match="hold no numbers yet"):
        save_checkpoint(VAE(2).to("meta"), tmp_path / "model")
    assert not list(tmp_path.iterdir())
