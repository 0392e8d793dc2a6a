"""Remedies for posterior collapse: the schedules and free bits. Lesson 08 asserts what they do, over three seeds."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_utils import VAE, fit, negative_elbo
from vae_utils.collapse import annealing, cyclical, fit_with_schedule, free_bits


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()


def vae(latent_dim: int = 3) -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(latent_dim, hidden=16)


# ---- schedules -------------------------------------------------------------------------------------------------------


def test_annealing_rises_once_and_stays():
    beta = annealing(warmup=0.4, highest=2.0)
    assert [beta(done) for done in (-0.1, 0.0, 0.1, 0.2, 0.4, 0.7, 1.0)] == pytest.approx([0, 0, 0.5, 1, 2, 2, 2])


def test_cyclical_starts_again_in_each_cycle():
    beta = cyclical(cycles=2, rise=0.5)
    assert [beta(done) for done in (0.0, 0.125, 0.25, 0.49, 0.5, 0.625, 0.8, 1.0)] == pytest.approx(
        [0, 0.5, 1, 1, 0, 0.5, 1, 1]
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cyclical(0), "cycles must be at least 1, received 0"),
        (lambda: annealing(0.0), "above 0 and at most 1, received 0"),
        (lambda: annealing(math.nan), "received nan"),
        (lambda: cyclical(highest=-1.0), "highest must be a positive number, received -1"),
    ],
)
def test_senseless_schedules_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---- a loss that knows its step --------------------------------------------------------------------------------------


def test_each_epoch_is_trained_with_its_own_beta():
    options = {"epochs": 4, "batch_size": 16, "progress": False, "device": "cpu"}
    history = fit_with_schedule(vae(), images(32), annealing(0.5), **options)
    assert history.train["beta"] == pytest.approx([0, 0.5, 1, 1])
    for loss, reconstruction, kl, beta in zip(*history.train.values(), strict=True):
        assert loss == pytest.approx(reconstruction + beta * kl, rel=1e-5)


def test_a_constant_schedule_is_plain_training():
    options = {"epochs": 2, "batch_size": 16, "progress": False, "device": "cpu"}
    plain, scheduled = vae(), vae()
    fit(plain, images(32), negative_elbo, **options)
    fit_with_schedule(scheduled, images(32), lambda done: 1.0, **options)
    for mine, theirs in zip(plain.parameters(), scheduled.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_callback_is_called_and_an_interrupted_run_goes_on_with_the_right_beta():
    seen = []

    def stop_after_two(model, history):
        seen.append(history.train["beta"][-1])
        if len(seen) == 2:
            raise KeyboardInterrupt

    options = {"epochs": 4, "batch_size": 16, "progress": False, "device": "cpu"}
    model, whole = vae(), vae()
    history = fit_with_schedule(model, images(32), annealing(1.0), callback=stop_after_two, **options)
    assert history.interrupted and history.epochs == 2
    fit_with_schedule(model, images(32), annealing(1.0), callback=stop_after_two, resume=history, **options)
    assert seen == pytest.approx([0, 0.25, 0.5, 0.75])
    fit_with_schedule(whole, images(32), annealing(1.0), **options)
    for mine, theirs in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("resume", [True, False])
def test_after_an_error_in_the_callback_nothing_is_lost(resume):
    """As in `fit`, whose error says so; without `resume` the run starts afresh."""
    options = {"epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"}
    model = vae()

    def fails(model, history):
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fit_with_schedule(model, images(32), annealing(1.0), callback=fails, **options)
    history = fit_with_schedule(model, images(32), annealing(1.0), resume=resume, **options)
    assert history.train["beta"] == pytest.approx([0, 1 / 3, 2 / 3]) and not history.interrupted
    if resume:
        whole = vae()
        fit_with_schedule(whole, images(32), annealing(1.0), **options)
        assert all(torch.equal(mine, other) for mine, other in zip(model.parameters(), whole.parameters(), strict=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"epochs": 0}, "epochs must be a whole number from 1 to"), ({"resume": 3}, "resume must be the history")],
)
def test_what_fit_refuses_is_refused(as_a_learner, wrong, message):
    with pytest.raises(ValueError, match=message):
        fit_with_schedule(vae(), images(32), annealing(), **({"epochs": 2, "batch_size": 16} | wrong))


# ---- free bits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nats", [0.0, 0.002, 0.3])
def test_free_bits_charge_each_dimension_for_at_least_the_limit(nats):
    model, x = vae(), images(6)
    torch.manual_seed(1)
    terms = free_bits(model, x, nats)
    torch.manual_seed(1)
    logits, mu, logvar, _ = model(x)
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu)))  # (6, 3)
    reconstruction = -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    charged = sum(max(nats, kl[:, dimension].mean().item()) for dimension in range(3))
    assert terms["loss"].mean().item() == pytest.approx(reconstruction.mean().item() + charged, rel=1e-5)
    torch.testing.assert_close(terms["kl"], kl.sum(1), rtol=1e-4, atol=1e-6)


def test_below_the_limit_the_kl_pulls_at_nothing():
    model, x = vae(), images(4)

    def pull(nats):
        """Gradient of the KL's charge at the encoder's last layer."""
        torch.manual_seed(0)
        terms = free_bits(model, x, nats)
        charge = terms["loss"].mean() - terms["reconstruction"].mean()
        return torch.autograd.grad(charge, model.encoder[-1].weight, allow_unused=True)[0]

    assert pull(5.0) is None or pull(5.0).abs().max() < 1e-7
    assert pull(0.0).abs().max() > 1e-4


def test_senseless_limits_are_refused():
    with pytest.raises(ValueError, match="nats must be .* received -1"):
        free_bits(vae(), images(1), -1.0)
    with pytest.raises(ValueError, match="x must hold at least one image"):
        free_bits(vae(), images(1)[:0])
