"""A run that goes on in a new program ends as one that was never stopped."""

import re

import pytest
import torch

from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.history import History
from vae_utils.saved_runs import KIND, load_run, save_run
from vae_utils.sealed import read_sealed, write_sealed

IMAGES = load_images().train[:600]
PLAN = {"epochs": 3, "batch_size": 64, "seed": 4, "progress": False}


def new_model(seed=0, latent_dim=3):
    torch.manual_seed(seed)
    return VAE(latent_dim, hidden=16)


def stopping_after(steps):
    asked = iter(range(1, 1000))
    return lambda: next(asked) > steps


@pytest.fixture(scope="module")
def uninterrupted():
    model = new_model()
    return model, fit(model, IMAGES, negative_elbo, **PLAN)


# Ten steps an epoch: before the first step, inside an epoch, between two.
@pytest.mark.parametrize("steps", [0, 3, 10, 14, 20, 29])
def test_a_run_loaded_into_another_model_ends_bit_for_bit_as_if_it_had_not_stopped(steps, uninterrupted, tmp_path):
    first = new_model()
    save_run(fit(first, IMAGES, negative_elbo, stop=stopping_after(steps), **PLAN), tmp_path / "run")
    model = new_model(seed=1)
    history = load_run(tmp_path / "run", model)
    assert history.interrupted and history.epochs == steps // 10
    fit(model, IMAGES, negative_elbo, resume=history, **PLAN)
    assert history.train == uninterrupted[1].train and not history.interrupted
    for name, value in uninterrupted[0].state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_a_run_saved_by_the_callback_goes_on(uninterrupted, tmp_path):
    def save(model, history):
        if history.epochs == 2:
            save_run(history, tmp_path / "run")

    fit(new_model(), IMAGES, negative_elbo, callback=save, **PLAN)
    model = new_model(seed=1)
    fit(model, IMAGES, negative_elbo, resume=load_run(tmp_path / "run", model), **PLAN)
    assert torch.equal(model.decoder[0].weight, uninterrupted[0].decoder[0].weight)


def test_other_arguments_are_refused_as_in_any_resumed_run(tmp_path):
    save_run(fit(new_model(), IMAGES, negative_elbo, stop=stopping_after(5), **PLAN), tmp_path / "run")
    model = new_model()
    with pytest.raises(ValueError, match="epochs was 3, now 4"):
        fit(model, IMAGES, negative_elbo, resume=load_run(tmp_path / "run", model), **PLAN | {"epochs": 4})


def test_a_model_of_other_shapes_is_refused_and_left_alone(uninterrupted, tmp_path):
    save_run(uninterrupted[1], tmp_path / "run")
    model = new_model(latent_dim=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"encoder\.3\.weight': \(6, 16\)"):
        load_run(tmp_path / "run", model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_damaged_file_is_refused(uninterrupted, tmp_path):
    path = tmp_path / "run"
    save_run(uninterrupted[1], path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for damaged in (b"", b"<html>", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="run is damaged|run is a web page"):
            load_run(path, new_model())


def test_what_is_no_run_or_no_path_is_refused(as_a_learner, uninterrupted, tmp_path):
    for history in (None, {}, uninterrupted[0]):
        with pytest.raises(TypeError, match="history must be what fit returned, received"):
            save_run(history, tmp_path / "run")
    with pytest.raises(ValueError, match="has no run to go on with"):
        save_run(History(), tmp_path / "run")
    for path in (None, "", "/", 3):
        with pytest.raises(ValueError, match="the path of a run must name a file, received"):
            save_run(uninterrupted[1], path)
        with pytest.raises(ValueError, match="the path of a run must name a file, received"):
            load_run(path, new_model())
    for model in (None, VAE, "model"):
        with pytest.raises(TypeError, match="model must be a model with weights"):
            load_run(tmp_path / "run", model)
    assert not list(tmp_path.iterdir())


CUT = {"adam.0.exp_avg": lambda value: value[:1], "adam.1.step": lambda value: value.expand(3)}
CUT |= {"order": lambda value: value[:3], "random.0": lambda value: value[:5], "sums.kl": lambda value: value.expand(2)}


@pytest.mark.parametrize(
    "change",
    [
        *({name: value} for name in ("plan", "schedule", "epoch", "train") for value in (None, ...)),
        {"plan": {}},
        {"epoch": 3},
        {"epoch": -1},
        {"step": -1},
        {"step": 11},
        {"step": "two"},
        *CUT,
        {"order": lambda value: value + 1},
        {"order": lambda value: value.float()},
        {"order": lambda value: torch.zeros_like(value)},
        {"adam.9.step": lambda _: torch.zeros(())},
        {"adam.x.step": lambda _: torch.zeros(())},
    ],
    ids=lambda change: re.sub(" at 0x[0-9a-f]+", "", str(change)),  # all processes must find the same names
)
def test_a_run_that_was_never_in_such_a_state_is_refused_before_the_model_is_touched(
    as_a_learner, change, uninterrupted, tmp_path
):
    """With a memory of another shape, Adam would write over memory that is not its own."""
    path = tmp_path / "run"
    save_run(uninterrupted[1], path)
    tensors, written = read_sealed(path, KIND, "", "")
    for name, value in ({change: CUT[change]} if isinstance(change, str) else change).items():
        if callable(value):
            tensors[name] = value(tensors.get(name))
        elif value is ...:
            del written[name]
        else:
            written[name] = value
    write_sealed(path, KIND, written, tensors)
    model = new_model(seed=1)
    before = model.decoder[0].weight.clone()
    with pytest.raises(ValueError, match="run is no run that this version of the package can go on with"):
        load_run(path, model)
    assert torch.equal(model.decoder[0].weight, before)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no saved run"):
        load_run(tmp_path / "run", new_model())
