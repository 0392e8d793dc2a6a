"""The gaps against models where both are known: linear ones, with their best encoder and with a spoilt one."""

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, kl_divergence

from vae_utils import VAE
from vae_utils.gaps import Gaps, best_gaussian, inference_gaps, weighted_draws
from vae_utils.importance import log_mean_weight
from vae_utils.linear import LinearGaussian
from vae_utils.objectives import log_weights


class Spoilt(nn.Module):
    """A linear model whose encoder answers beside the mark by a given distance."""

    def __init__(self, model, shift, widen):
        super().__init__()
        self.model, self.shift, self.widen = model, shift, widen
        self.decode, self.likelihood = model.decode, model.likelihood

    def encode(self, x):
        mu, logvar = self.model.encode(x)
        return mu + self.shift, logvar + self.widen


@pytest.fixture(scope="module")
def images():
    x = torch.rand(60, 1, 28, 28, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, :, :14] *= torch.rand(60, 1, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return x


@pytest.fixture(scope="module")
def slanted():
    """A model whose posterior a mean-field q cannot match, and four images."""
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(784, 3, generator=random, dtype=torch.float64) * 0.03
    weight[:, 1:] += 0.04 * weight[:, :1].sign()
    x = torch.rand(4, 1, 28, 28, generator=random, dtype=torch.float64)
    return LinearGaussian(weight, torch.rand(784, generator=random, dtype=torch.float64), 0.5), x


def test_both_gaps_are_zero_where_the_encoder_is_exact(images):
    model, x = LinearGaussian.fit(images, 3), images[:5]
    gaps = inference_gaps(model, x, samples=300, steps=30)
    torch.testing.assert_close(gaps.log_likelihood, model.log_marginal(x), atol=0.02, rtol=0)
    assert gaps.amortization.abs().max() < 0.02 and gaps.approximation.abs().max() < 0.02


def test_the_approximation_gap_is_the_one_in_closed_form(slanted):
    model, x = slanted
    gaps = inference_gaps(model, x, samples=3000, steps=100)
    assert model.gap() > 0.1
    assert gaps.amortization.abs().max() < 0.01, "the encoder is the best mean-field q already"
    assert gaps.approximation.mean().item() == pytest.approx(model.gap(), abs=0.03)
    torch.testing.assert_close(gaps.log_likelihood, model.log_marginal(x), atol=0.05, rtol=0)


def test_the_amortization_gap_is_what_a_spoilt_encoder_loses(slanted):
    model, x = slanted
    spoilt = Spoilt(model, 0.3, -0.5)
    mu, logvar = spoilt.encode(x)
    posterior = MultivariateNormal(model.posterior_mean(x), precision_matrix=model.precision)
    lost = kl_divergence(MultivariateNormal(mu, torch.diag_embed(logvar.exp())), posterior) - model.gap()
    gaps = inference_gaps(spoilt, x, samples=10_000, steps=300)
    assert (lost > 0.1).all()
    torch.testing.assert_close(gaps.amortization, lost, atol=0.06, rtol=0)
    assert gaps.approximation.mean().item() == pytest.approx(model.gap(), abs=0.03)
    for found, best in zip(best_gaussian(spoilt, x), model.encode(x), strict=True):
        torch.testing.assert_close(found, best, atol=0.1, rtol=0)


def test_on_a_vae_the_gaps_are_not_negative_beyond_noise_and_nothing_is_left_changed():
    torch.manual_seed(0)
    model = VAE(4, hidden=20)
    x = (torch.rand(6, 1, 28, 28) > 0.5).float()
    before, state = [weight.clone() for weight in model.parameters()], torch.get_rng_state()
    gaps = inference_gaps(model, x, samples=500, steps=100)
    assert gaps.amortization.min() > -0.05 and gaps.amortization.mean() > 0 and gaps.approximation.mean() > -0.05
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(inference_gaps(model, x, samples=500, steps=100).elbo, gaps.elbo)


def test_weighted_draws_from_the_encoder_are_the_log_weights():
    torch.manual_seed(0)
    model, x = VAE(3, hidden=20), (torch.rand(5, 1, 28, 28) > 0.5).float()
    with torch.no_grad():
        found = weighted_draws(model, x, model.encode(x), samples=2100, seed=3)  # more than are decoded at a time
        expected = log_weights(model, x, 2100)
    assert found.shape == (2100, 5)
    error = 5 * (found.var(0) + expected.var(0)).div(2100).sqrt()
    assert ((found.mean(0) - expected.mean(0)).abs() < error).all()
    torch.manual_seed(3)
    torch.testing.assert_close(found[:200], log_weights(model, x, 200))  # the first part
    assert log_mean_weight(found).mean() > found.mean()


def test_several_q_find_what_each_of_them_misses(slanted):
    """One q is far off; the mixture is right with weights that cannot exceed twice those of the good one."""
    model, x = slanted
    good, far = model.encode(x), Spoilt(model, 3.0, -1.0).encode(x)
    both = weighted_draws(model, x, far, good, samples=4000)
    alone = weighted_draws(model, x, far, samples=4000)
    exact = model.log_marginal(x)
    torch.testing.assert_close(log_mean_weight(both), exact, atol=0.1, rtol=0)
    assert (log_mean_weight(alone) < exact - 1).all()
    assert (both[::2].mean(0) < both[1::2].mean(0)).all(), "draws come from each q in turn"
    torch.testing.assert_close(
        weighted_draws(model, x, good, good, samples=6, seed=4), weighted_draws(model, x, good, samples=6, seed=4)
    )
    with pytest.raises(ValueError, match="multiple of the number of q, received 3 for 2"):
        weighted_draws(model, x, far, good, samples=3)
    with pytest.raises(ValueError, match="multiple of the number of q, received 3 for 0"):
        weighted_draws(model, x, samples=3)


def test_the_two_distances_add_up_and_the_summary_says_them():
    gaps = Gaps(torch.tensor([-10.0, -12.0]), torch.tensor([-9.0, -9.0]), torch.tensor([-8.5, -8.5]))
    assert gaps.amortization.tolist() == [1.0, 3.0] and gaps.approximation.tolist() == [0.5, 0.5]
    assert repr(gaps) == "Gaps of 2 images, mean nats: amortization 2.00, approximation 0.50"


@pytest.mark.parametrize("name", ["steps", "draws", "samples"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, received 0"):
        inference_gaps(VAE(2, hidden=5), torch.zeros(1, 1, 28, 28), **{"steps": 1, "samples": 2, name: 0})
