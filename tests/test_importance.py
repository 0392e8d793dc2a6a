"""Weighted draws against answers known in closed form, and ToyModel.marginal against its own exact sum."""

import math

import pytest
import torch
from torch.distributions import Normal

from vae_utils.importance import effective_sample_size, log_mean_weight
from vae_utils.toy import CURVES, ToyModel


def test_log_mean_weight_is_the_plain_mean_where_that_can_be_computed():
    log_weights = torch.randn(50, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(log_mean_weight(log_weights), log_weights.exp().mean(0).log())
    # and it does not underflow or overflow where that cannot
    for shift in (-5000.0, 5000.0):
        torch.testing.assert_close(log_mean_weight(log_weights + shift), log_mean_weight(log_weights) + shift)


def test_draws_from_the_exact_posterior_have_one_weight():
    toy, x = ToyModel(0.4, "line"), 1.1
    mean, logvar = toy.posterior_moments(x)
    q = Normal(*torch.tensor([mean, math.exp(logvar / 2)], dtype=torch.double))
    z = q.sample((64,))
    log_weights = toy.log_joint(x, z) - q.log_prob(z)
    torch.testing.assert_close(log_weights, torch.full_like(log_weights, toy.log_marginal(x)), atol=1e-7, rtol=0)
    assert effective_sample_size(log_weights).item() == pytest.approx(64, abs=1e-6)


def test_prior_draws_find_the_toys_marginal_and_its_share_of_useful_draws():
    toy, x, draws = ToyModel(0.3, "line"), 1.0, 1_000_000
    log_weights = toy.log_likelihood(x, torch.randn(draws, generator=torch.Generator().manual_seed(1)).double())
    # The posterior is N(m, s²), so the integral of p(z|x)² / p(z) is a Gaussian integral.
    m, logvar = toy.posterior_moments(x)
    s = math.exp(logvar / 2)
    needed = math.exp(m**2 / (2 - s**2)) / (s * math.sqrt(2 - s**2))
    error = math.sqrt((needed - 1) / draws)
    assert log_mean_weight(log_weights).item() == pytest.approx(toy.log_marginal(x), abs=5 * error)
    assert effective_sample_size(log_weights).item() == pytest.approx(draws / needed, rel=0.02)


def test_effective_sample_size_counts_equal_weights_and_ignores_a_constant():
    log_weights = torch.full((10, 2), -math.inf)
    log_weights[:4, 0], log_weights[7, 1] = 3.0, -900.0
    torch.testing.assert_close(effective_sample_size(log_weights), torch.tensor([4.0, 1.0]))
    weights = torch.tensor([1.0, 2.0, 5.0], dtype=torch.double)
    expected = weights.sum().square() / weights.square().sum()
    torch.testing.assert_close(effective_sample_size(weights.log() + 800.0), expected)


@pytest.mark.parametrize("function", [log_mean_weight, effective_sample_size])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_no_draws_are_refused(function, shape, as_a_learner):
    with pytest.raises(ValueError, match="at least one draw"):
        function(torch.zeros(shape))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.3, 2.0, 40.0])
def test_the_marginal_of_many_x_is_that_of_each(curve, noise):
    toy, x = ToyModel(noise, curve), torch.tensor([-2.5, -0.3, 0.0, 1.5, 4.0], dtype=torch.double)
    expected = torch.tensor([math.exp(toy.log_marginal(value)) for value in x.tolist()], dtype=torch.double)
    torch.testing.assert_close(toy.marginal(x), expected, rtol=1e-8, atol=1e-250)
