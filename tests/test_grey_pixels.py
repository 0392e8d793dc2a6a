"""Densities of grey pixels against their integrals and sums, torch.distributions, and high precision near one half."""

import math

import pytest
import torch
from numpy.polynomial.legendre import leggauss
from torch.distributions import ContinuousBernoulli

from vae_utils.distributions import bernoulli_log_likelihood
from vae_utils.grey_pixels import (
    LEVELS,
    NEAR_ZERO,
    bits_per_dimension,
    continuous_bernoulli_log_likelihood,
    continuous_bernoulli_log_normalizer,
    continuous_bernoulli_mean,
    dequantize,
    discretized_logistic_log_likelihood,
)

LOGITS = torch.tensor([-300.0, -30.0, -3.0, -0.31, -0.29, -1e-3, 0.0, 1e-9, 0.2, 1.0, 7.0, 90.0]).double()
EXTREMES = (0.0, 1e-30, -1e-30, 1e-4, -1e-4, NEAR_ZERO, -NEAR_ZERO, 1.0, 50.0, -50.0, 1e3, -1e3, 1e6, -1e6)


def columns(values, steps):
    """Each value against each step, as rows for a function of (B, ...): (len(values) * len(steps),) both."""
    return values.repeat_interleave(len(steps)), steps.repeat(len(values))


# Continuous Bernoulli -------------------------------------------------------------------------------------------------


def test_the_continuous_bernoulli_integrates_to_one():
    nodes, weights = map(torch.from_numpy, leggauss(400))
    x, weights = (nodes + 1) / 2, weights / 2
    logits, points = columns(LOGITS, x)
    density = continuous_bernoulli_log_likelihood(logits, points).exp().reshape(len(LOGITS), -1)
    torch.testing.assert_close(density @ weights, torch.ones_like(LOGITS), rtol=1e-9, atol=0)
    mean = (density * x) @ weights
    torch.testing.assert_close(continuous_bernoulli_mean(LOGITS), mean, rtol=1e-9, atol=1e-12)


def test_without_its_normalizer_the_cross_entropy_does_not():
    logits, x = columns(LOGITS, (torch.arange(20_000).double() + 0.5) / 20_000)
    mass = bernoulli_log_likelihood(logits, x).exp().reshape(len(LOGITS), -1).mean(1)
    torch.testing.assert_close(mass, (-continuous_bernoulli_log_normalizer(LOGITS)).exp(), rtol=1e-4, atol=0)
    assert (mass <= 0.5 + 1e-9).all()


def test_the_continuous_bernoulli_is_that_of_torch():
    logits = torch.cat([torch.linspace(-12, 12, 4001), LOGITS[1:-2].float()]).double()
    x = torch.rand(len(logits), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Torch's own series near 1/2 is good to 8 digits there.
    expected = ContinuousBernoulli(logits=logits)
    torch.testing.assert_close(continuous_bernoulli_log_likelihood(logits, x), expected.log_prob(x), rtol=0, atol=1e-7)
    torch.testing.assert_close(continuous_bernoulli_mean(logits), expected.mean, rtol=0, atol=1e-6)


def test_single_precision_keeps_its_digits_around_one_half():
    rate = torch.linspace(0.45, 0.55, 20_001, dtype=torch.float64)
    logits = rate.logit()
    # The definition of the paper, where float64 can still do it; the series takes over far from where it cannot.
    away = (rate - 0.5).abs() > 1e-5
    gap = 1 - 2 * rate
    defined = (2 * gap.atanh() / gap).log()
    exact = continuous_bernoulli_log_normalizer(logits)
    torch.testing.assert_close(exact[away], defined[away], rtol=0, atol=1e-10)
    single = continuous_bernoulli_log_normalizer(logits.float())
    assert (single.double() - exact).abs().max() < 2e-7
    for sign in (1, -1):  # the same function on both sides, and 2 in the middle
        torch.testing.assert_close(continuous_bernoulli_log_normalizer(sign * logits), exact, rtol=0, atol=1e-15)
    assert continuous_bernoulli_log_normalizer(torch.zeros(1)).item() == pytest.approx(math.log(2), abs=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_keeps_its_digits_around_one_half(dtype):
    logits = torch.linspace(-0.4, 0.4, 4002, dtype=dtype, requires_grad=True)
    continuous_bernoulli_log_normalizer(logits).sum().backward()
    l = logits.detach().double()  # noqa: E741  the l of the formula
    exact = l / 6 - 7 * l**3 / 360 + 31 * l**5 / 15120 - 127 * l**7 / 604800 + 73 * l**9 / 3421440
    tolerance = 1e-6 if dtype == torch.float32 else 3e-9
    torch.testing.assert_close(logits.grad.double(), exact, rtol=2e-5, atol=tolerance)


def test_both_sides_of_the_switch_to_the_series_agree():
    for function in (continuous_bernoulli_log_normalizer, continuous_bernoulli_mean):
        for edge in (NEAR_ZERO, -NEAR_ZERO):
            low, high = function(torch.tensor([edge - 1e-12, edge + 1e-12]).double() + 0.0)
            assert abs(low - high) < 1e-11


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_have_finite_values_and_gradients(dtype):
    logits = torch.tensor(EXTREMES, dtype=dtype, requires_grad=True)
    for x in (0.0, 0.5, 1.0):
        value = continuous_bernoulli_log_likelihood(logits, torch.full_like(logits, x))
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert value.isfinite().all() and gradient.isfinite().all()
        # The gradient of an exponential family: the pixel less the mean.
        torch.testing.assert_close(gradient, x - continuous_bernoulli_mean(logits.detach()), rtol=1e-4, atol=1e-5)
    mean = continuous_bernoulli_mean(logits)
    assert ((mean >= 0) & (mean <= 1)).all()
    assert torch.autograd.grad(mean.sum(), logits)[0].isfinite().all()


def test_continuous_bernoulli_gradients_by_finite_differences():
    logits = LOGITS[1:-1].clone().requires_grad_()
    x = torch.linspace(0, 1, len(logits)).double()
    assert torch.autograd.gradcheck(lambda each: continuous_bernoulli_log_likelihood(each, x), logits)
    assert torch.autograd.gradcheck(continuous_bernoulli_mean, logits)


# Discretized logistic -------------------------------------------------------------------------------------------------


def all_levels(mean, log_scale, dtype=torch.float64):
    """log P of each of the 256 levels for each pair, (N, 256)."""
    pairs = torch.cartesian_prod(torch.tensor(mean, dtype=dtype), torch.tensor(log_scale, dtype=dtype))
    levels = torch.arange(LEVELS, dtype=dtype) / (LEVELS - 1)
    centre, x = columns(pairs[:, 0], levels)
    scale, _ = columns(pairs[:, 1], levels)
    return discretized_logistic_log_likelihood(centre, scale, x).reshape(-1, LEVELS), pairs


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_the_discretized_logistic_sums_to_one_over_all_levels(dtype, tolerance):
    log_p, _ = all_levels((0.0, 0.001, 0.1, 0.5, 0.73, 1.0), (-50.0, -12.0, -8.0, -5.0, -2.0, 0.0, 3.0, 50.0), dtype)
    assert (log_p <= 0).all() and log_p.isfinite().all()
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(len(log_p), dtype=dtype), rtol=0, atol=tolerance)


def test_the_discretized_logistic_is_a_difference_of_sigmoids():
    log_p, pairs = all_levels((0.2, 0.5, 0.9), (-4.0, -2.0, 0.0))
    edges = (torch.arange(LEVELS - 1).double() + 0.5) / (LEVELS - 1)  # between the levels
    for row, (mean, log_scale) in zip(log_p, pairs, strict=True):
        below = torch.cat(
            [torch.zeros(1).double(), ((edges - mean) / log_scale.exp()).sigmoid(), torch.ones(1).double()]
        )
        torch.testing.assert_close(row.exp(), below.diff(), rtol=1e-7, atol=1e-15)


def test_far_tails_of_the_discretized_logistic_are_finite_and_have_gradients():
    mean = torch.tensor([0.0, 0.0, 1.0, 0.5, 0.5, 0.3], requires_grad=True)
    log_scale = torch.tensor([-12.0, -40.0, -12.0, 40.0, -1e3, 1e3], requires_grad=True)
    for x in (0.0, 0.4, 1.0):
        value = discretized_logistic_log_likelihood(mean, log_scale, torch.full_like(mean, x))
        gradients = torch.autograd.grad(value.sum(), (mean, log_scale))
        assert value.isfinite().all() and all(gradient.isfinite().all() for gradient in gradients)
    # Far from its level, the only way to a better score is known: move the centre there.
    value = discretized_logistic_log_likelihood(mean[:1], log_scale[:1], torch.full((1,), 0.4))
    assert torch.autograd.grad(value.sum(), mean)[0][0] > 1000


def test_discretized_logistic_gradients_by_finite_differences():
    mean = torch.tensor([0.1, 0.5, 0.98, 0.3], dtype=torch.float64, requires_grad=True)
    log_scale = torch.tensor([-3.0, -6.0, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.0, 127.0, 255.0, 3.0]).double() / 255
    assert torch.autograd.gradcheck(lambda m, s: discretized_logistic_log_likelihood(m, s, x), (mean, log_scale))


def test_likelihoods_sum_over_pixels_and_refuse_other_shapes(as_a_learner):
    parts = [torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    for function, count in ((continuous_bernoulli_log_likelihood, 2), (discretized_logistic_log_likelihood, 3)):
        whole = function(*parts[:count])
        assert whole.shape == (3,)
        flat = function(*(part.reshape(-1) for part in parts[:count])).reshape(3, -1).sum(1)
        torch.testing.assert_close(whole, flat, rtol=2e-5, atol=1e-3)
        with pytest.raises(ValueError, match="shapes must be equal"):
            function(*parts[: count - 1], parts[2].reshape(3, 784))
        for wrong in (255.0, -0.1, math.nan):
            with pytest.raises(ValueError, match=r"x must be pixels in \[0, 1\]"):
                function(*parts[: count - 1], torch.full_like(parts[2], wrong))


# Dequantization and units ---------------------------------------------------------------------------------------------


def test_dequantized_pixels_fill_the_interval_of_their_level():
    x = torch.arange(LEVELS).float()[:, None].expand(LEVELS, 4000) / (LEVELS - 1)
    v = dequantize(x.reshape(LEVELS, 1, 4000), torch.Generator().manual_seed(0)).reshape(LEVELS, 4000)
    place = v.double() * LEVELS - torch.arange(LEVELS)[:, None]
    assert place.min() > -1e-4 and place.max() < 1 + 1e-4 and v.max() <= 1
    assert abs(place.mean() - 0.5) < 5 / math.sqrt(12 * place.numel())
    assert abs(place.var() - 1 / 12) < 1e-3


def test_a_density_of_dequantized_pixels_is_a_bound_for_the_levels():
    """-E log p(v) + log 256 is at least -log P(level), P being the density's integral over the level's interval."""
    logits = torch.tensor([-40.0, -5.0, 0.0, 2.0]).double()
    u = (torch.arange(400).double() + 0.5) / 400
    for level in (0, 3, 128, 255):
        rates, v = columns(logits, (level + u) / LEVELS)
        log_p = continuous_bernoulli_log_likelihood(rates, v).reshape(len(logits), -1)
        mass = log_p.exp().mean(1) / LEVELS
        bound = -log_p.mean(1) + math.log(LEVELS)
        assert (bound >= -mass.log() - 1e-12).all() and (bound > 0).all()


def test_bits_per_dimension():
    assert bits_per_dimension(784 * math.log(2)) == pytest.approx(1)
    assert bits_per_dimension(0.0, levels=256) == 8  # the uniform density on [0, 1]
    assert bits_per_dimension(math.log(4), dimensions=1, levels=2) == pytest.approx(3)
