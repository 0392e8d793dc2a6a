"""Recorded steps on a GPU: the same run as plain ones, and plain ones wherever recording would go wrong."""

import functools
import itertools
import math
import random

import pytest
import torch

from vae_utils import VAE, cross_entropy, fit, load_images, negative_elbo, negative_iwae_bound
from vae_utils.capture import keeps_no_state
from vae_utils.models import Classifier
from vae_utils.run import Run

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
BETA = 1.0


def counts_in_a_global(model, x):
    global BETA
    BETA += 0
    return negative_elbo(model, x)


def counting():
    calls = 0

    def loss(model, x):
        nonlocal calls
        calls += 1
        return negative_elbo(model, x)

    return loss


class Counts:
    def __call__(self, model, x):
        return negative_elbo(model, x)


STATE, SEEN, STEPS = {"n": 0, "beta": 1.0}, [], itertools.count()
CHANGING = {
    "a dictionary": lambda model, x: negative_elbo(model, x, STATE.update(n=STATE["n"] + 1) or 1.0),
    "a list": lambda model, x: SEEN.append(1) or negative_elbo(model, x),
    "an iterator": lambda model, x: negative_elbo(model, x, next(STEPS)),
    "dice": lambda model, x: negative_elbo(model, x, random.random()),
    "a method of hidden dice": lambda model, x, roll=random.random: negative_elbo(model, x, roll()),
    "a default": lambda model, x, seen=[]: seen.append(1) or negative_elbo(model, x),  # noqa: B006
    "another function": lambda model, x: counts_in_a_global(model, x),
    "a function within": lambda model, x: (lambda: STATE.clear())() or negative_elbo(model, x),
    "an object": Counts(),
    "a variable around it": counting(),
}


def ramps(model, x):
    STATE["n"] += 1
    return negative_elbo(model, x, min(1.0, STATE["n"] / 1000))


def counts_on_itself(model, x):
    counts_on_itself.calls = getattr(counts_on_itself, "calls", 0) + 1
    return negative_elbo(model, x)


def counts_on_the_model(model, x):
    model.steps += 1
    return negative_elbo(model, x, min(1.0, model.steps / 1000))


CHANGING |= {"a function's attribute": counts_on_itself, "the model": counts_on_the_model, "a ramp": ramps}
CHANGING["setattr"] = lambda model, x: setattr(model, "steps", 1) or negative_elbo(model, x)  # noqa: B010
CHANGING["a global"] = counts_in_a_global


@pytest.mark.parametrize("loss", CHANGING.values(), ids=CHANGING)
def test_a_loss_that_may_remember_is_not_recorded(loss):
    assert not keeps_no_state(loss)
    assert not keeps_no_state(functools.partial(loss))


def spelled_out(model, x):
    terms = {"kl": 0.0}
    terms.update(negative_elbo(model, x, BETA))
    terms["loss"] = sum([terms["loss"]] * 2, torch.zeros(len(x)))
    return {name: term * math.exp(0) for name, term in terms.items()}


@pytest.mark.parametrize(
    "loss",
    [
        negative_elbo,
        functools.partial(negative_elbo, beta=2.0),
        lambda model, x: negative_elbo(model, x, BETA),
        lambda model, x: negative_elbo(model, x, STATE["beta"]),  # a callback may change it: recorded anew each epoch
        lambda model, x: negative_iwae_bound(model, torch.bernoulli(x), 3),
        lambda model, x, other=VAE(4): {"loss": other.encode(x)[0].square().sum(1) + negative_elbo(model, x)["loss"]},  # noqa: B008
        spelled_out,
    ],
)
def test_a_loss_that_only_reads_is_recorded(loss):
    assert keeps_no_state(loss)


def binarized_iwae(model, x):
    return negative_iwae_bound(model, torch.bernoulli(x), 3)


def train(loss, monkeypatch=None, *, make=lambda: VAE(4), data=None, **changed):
    """Weights, history and the number of recorded steps; with `monkeypatch`, plain steps only."""
    recorded = []
    replay = Run._replay

    def counted(self, full_batches):
        before = self.step
        try:
            replay(self, full_batches)
        finally:
            recorded.append(self.step - before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_replay", counted)
        if monkeypatch is not None:
            patch.setattr(Run, "_is_captured", lambda *_: False)
        torch.manual_seed(0)
        model = make()
        arguments = {"epochs": 3, "batch_size": 100, "device": "cuda", "progress": False} | changed
        history = fit(model, load_images() if data is None else data, loss, **arguments)
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach(), history, sum(recorded)


@on_gpu
@pytest.mark.parametrize(
    ("loss", "make"),
    [
        (negative_elbo, lambda: VAE(4)),
        (negative_elbo, lambda: VAE(4, "conv")),
        (binarized_iwae, lambda: VAE(4, hidden=(20, 10), activation="tanh")),
        (cross_entropy, Classifier),
    ],
)
def test_recorded_steps_are_the_plain_ones(loss, make, monkeypatch):
    plain, plain_history, none = train(loss, monkeypatch, make=make)
    recorded, history, steps = train(loss, make=make)
    assert none == 0 and steps == 3 * 80 - 3
    torch.testing.assert_close(recorded, plain, atol=2e-3, rtol=0)
    assert history.test["loss"] == pytest.approx(plain_history.test["loss"], rel=1e-3)
    assert history.train["loss"] == pytest.approx(plain_history.train["loss"], rel=1e-3)
    again, history_again, _ = train(loss, make=make)
    assert history_again == history and torch.equal(again, recorded)


@on_gpu
def test_plain_steps_between_recorded_ones_disturb_nothing(monkeypatch):
    # The last, smaller batch of an epoch is a plain step: it must not reuse memory that recorded steps read.
    plain, history, _ = train(negative_elbo, monkeypatch, batch_size=96)
    recorded, recorded_history, steps = train(negative_elbo, batch_size=96)
    assert steps == 3 * (8000 // 96) - 3
    torch.testing.assert_close(recorded, plain, atol=2e-3, rtol=0)


def waits(model, x):
    terms = negative_elbo(model, x)
    terms["loss"] = terms["loss"] * (1.0 if terms["kl"].mean().item() > 0 else 2.0)
    return terms


def draws_on_the_cpu(model, x):
    return negative_elbo(model, x, beta=1.0 + torch.rand(()).item())


@on_gpu
@pytest.mark.parametrize("loss", [waits, draws_on_the_cpu, counting(), Counts()])
def test_losses_that_cannot_be_recorded_take_plain_steps(loss, monkeypatch):
    plain, history, _ = train(loss, monkeypatch, epochs=2)
    tried, tried_history, steps = train(loss, epochs=2)
    assert steps == 0
    assert torch.equal(plain, tried) and history == tried_history
    torch.rand(1, device="cuda")  # the generator still draws


@on_gpu
def test_what_a_callback_changes_is_seen_in_the_next_epoch():
    weight = {"beta": 0.0}

    def loss(model, x):
        return negative_elbo(model, x, weight["beta"])

    def raise_beta(model, history):
        weight["beta"] += 1.0

    _, history, steps = train(loss, callback=raise_beta)
    assert steps > 0
    for epoch, beta in enumerate([0.0, 1.0, 2.0]):
        terms = {name: means[epoch] for name, means in history.train.items()}
        assert terms["loss"] == pytest.approx(terms["reconstruction"] + beta * terms["kl"], rel=1e-4)


@on_gpu
def test_a_bad_step_stops_the_run_with_the_weights_before_it(monkeypatch):
    def explodes(model, x):
        terms = negative_elbo(model, x)
        # The loss falls from about 540; below 215 it becomes infinite, without Python noticing.
        terms["loss"] = terms["loss"] + torch.where(terms["loss"].mean() < 215, math.inf, 0.0)
        return terms

    with pytest.warns(RuntimeWarning, match="training stopped"):
        plain, history, _ = train(explodes, monkeypatch)
    with pytest.warns(RuntimeWarning, match="training stopped"):
        recorded, recorded_history, steps = train(explodes)
    assert recorded_history.stopped == history.stopped and "the loss became inf" in history.stopped
    torch.testing.assert_close(recorded, plain, atol=2e-3, rtol=0)
    assert recorded.isfinite().all()


@on_gpu
@pytest.mark.parametrize("call", [1, 4, 5, 7, 8, 11])
def test_interrupted_and_resumed_is_the_same_run(call):
    whole, history, _ = train(negative_elbo, batch_size=20)
    asked = {"times": 0}

    def interrupted():
        asked["times"] += 1
        return asked["times"] == call

    torch.manual_seed(0)
    model = VAE(4)
    arguments = {"epochs": 3, "batch_size": 20, "device": "cuda", "progress": False}
    part = fit(model, load_images(), negative_elbo, stop=interrupted, **arguments)
    assert part.interrupted
    resumed = fit(model, load_images(), negative_elbo, resume=part, **arguments)
    assert resumed == history
    assert torch.equal(torch.nn.utils.parameters_to_vector(model.parameters()).detach(), whole)


@on_gpu
def test_random_numbers_differ_between_steps():
    seen = []

    def noisy(model, x):
        noise = torch.rand(len(x), device=x.device)
        return negative_elbo(model, x) | {"noise": noise}

    _, history, steps = train(noisy, callback=lambda model, history: seen.append(history.train["noise"][-1]))
    assert steps > 0
    assert len(set(seen)) == 3 and all(abs(mean - 0.5) < 5 * (1 / 12 / 8000) ** 0.5 for mean in seen)
