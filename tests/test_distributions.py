"""Densities and divergences against torch.distributions, Monte Carlo and finite differences."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_utils import distributions
from vae_utils.distributions import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_between_gaussians,
    kl_to_standard_normal,
    reparameterize,
    standard_normal_log_density,
)

EXTREMES = (0.0, 1e-12, -1e-12, 1e-3, -1e-3, 1.0, -1.0, 10.0, -10.0, 50.0, -50.0)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 5))
dtypes = st.sampled_from((torch.float32, torch.float64))


def noise(*shape, seed=0, scale=1.0, dtype=torch.float64):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gaussians(count=2000):
    """Means up to ±1000 and log variances up to ±50 in float64: random ones, and all pairs of extreme ones."""
    mus = torch.cartesian_prod(*[torch.tensor([*EXTREMES, 1e3, -1e3], dtype=torch.float64)] * 2)
    mu = torch.cat([noise(count, scale=3), mus[:, 0]])
    logvar = torch.cat([noise(count, seed=1, scale=3), mus[:, 1].clamp(-50, 50)])
    return mu, logvar


def normal(mu, logvar):
    return Normal(mu, (0.5 * logvar).exp())


# Divergences ----------------------------------------------------------------------------------------------------------


def test_kl_to_standard_normal_is_that_of_torch():
    mu, logvar = gaussians()
    expected = kl_divergence(normal(mu, logvar), Normal(torch.zeros_like(mu), torch.ones_like(mu)))
    torch.testing.assert_close(kl_to_standard_normal(mu, logvar), expected, rtol=1e-10, atol=1e-13)


def test_kl_between_gaussians_is_that_of_torch():
    mu_q, logvar_q = gaussians()
    mu_p, logvar_p = mu_q.flip(0) + 0.5, logvar_q.roll(7) / 2
    expected = kl_divergence(normal(mu_q, logvar_q), normal(mu_p, logvar_p))
    received = kl_between_gaussians(mu_q, logvar_q, mu_p, logvar_p)
    torch.testing.assert_close(received, expected, rtol=1e-9, atol=1e-12)
    assert (received[:2000] - kl_between_gaussians(mu_p, logvar_p, mu_q, logvar_q)[:2000]).abs().mean() > 1


def test_kl_between_gaussians_agrees_with_the_special_case():
    mu, logvar = gaussians()
    prior = torch.zeros_like(mu)
    torch.testing.assert_close(kl_between_gaussians(mu, logvar, prior, prior), kl_to_standard_normal(mu, logvar))
    assert (kl_between_gaussians(mu, logvar, mu, logvar) == 0).all()


def test_kl_is_the_mean_log_ratio_of_samples():
    # The mean of 400,000 draws lies within five standard errors of the integral but for one run in a million.
    mu, logvar, n = torch.tensor([1.2, -0.7]).double(), torch.tensor([-1.0, 0.8]).double(), 400_000
    q, p = normal(mu, logvar), Normal(torch.zeros(2).double(), torch.ones(2).double())
    z = reparameterize(mu.expand(n, 2), logvar.expand(n, 2), torch.Generator().manual_seed(3))
    ratio = q.log_prob(z) - p.log_prob(z)
    error = (ratio.mean(0) - kl_to_standard_normal(mu, logvar)).abs()
    assert (error < 5 * ratio.std(0) / math.sqrt(n)).all()
    assert (5 * ratio.std(0) / math.sqrt(n) < 0.02).all()


def test_kl_is_zero_at_the_prior_and_nowhere_negative():
    assert (kl_to_standard_normal(torch.zeros(3, 2), torch.zeros(3, 2)) == 0).all()
    for dtype in (torch.float32, torch.float64):
        small = torch.logspace(-30, 1.5, 50_000, dtype=dtype)
        logvar = torch.cat([small, -small])
        assert (kl_to_standard_normal(torch.zeros_like(logvar), logvar) >= 0).all()


def test_kl_keeps_its_digits_near_the_prior():
    logvar = torch.logspace(-3, -1, 50)
    exact = 0.5 * (torch.expm1(logvar.double()) - logvar.double())
    received = kl_to_standard_normal(torch.zeros_like(logvar), logvar).double()
    assert ((received - exact).abs() / exact).max() < 1e-3  # the plain formula is wrong by 10 % at 1e-3
    torch.testing.assert_close(kl_to_standard_normal(torch.tensor(1e-4), torch.tensor(0.0)), torch.tensor(0.5e-8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_gaussians_have_finite_values_and_gradients(dtype):
    mu, logvar = (part.to(dtype).requires_grad_() for part in gaussians(1))
    kl_to_standard_normal(mu, logvar).sum().backward()
    assert mu.grad.isfinite().all() and logvar.grad.isfinite().all()
    torch.testing.assert_close(mu.grad, mu.detach())
    torch.testing.assert_close(logvar.grad, 0.5 * torch.expm1(logvar.detach()))


def test_kl_gradients_by_finite_differences():
    parts = [noise(3, 2, seed=seed).requires_grad_() for seed in range(4)]
    assert torch.autograd.gradcheck(kl_to_standard_normal, parts[:2])
    assert torch.autograd.gradcheck(kl_between_gaussians, parts)


# Log-likelihoods ------------------------------------------------------------------------------------------------------


def test_bernoulli_is_that_of_torch_summed_over_pixels():
    logits = torch.cat([noise(6, 1, 28, 28, scale=4), noise(2, 1, 28, 28, scale=200)])
    x = (noise(8, 1, 28, 28, seed=1) > 0).double()
    expected = Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_log_likelihood(logits, x), expected, rtol=1e-12, atol=1e-12)


def test_bernoulli_on_grey_pixels_mixes_the_two_outcomes():
    logits, x = noise(3, 5), noise(3, 5, seed=1).sigmoid()
    p = logits.sigmoid()
    expected = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    torch.testing.assert_close(bernoulli_log_likelihood(logits, x), expected)


def test_bernoulli_with_sure_logits_stays_finite():
    logits = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    value = bernoulli_log_likelihood(logits, torch.tensor([[0.0], [0.0]]))
    assert value.tolist() == [-1e4, 0.0]
    value.sum().backward()
    assert logits.grad.tolist() == [[-1.0], [0.0]]


@pytest.mark.parametrize("one_number", [True, False])
def test_gaussian_is_that_of_torch_summed_over_dimensions(one_number):
    mean, x = noise(4, 1, 6, 6, scale=3), noise(4, 1, 6, 6, seed=1, scale=100)
    logvar = torch.tensor(-1.3).double() if one_number else noise(4, 1, 6, 6, seed=2, scale=10)
    expected = normal(mean, logvar.expand_as(mean)).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(gaussian_log_likelihood(mean, logvar, x), expected, rtol=1e-11, atol=1e-11)


def test_standard_normal_is_that_of_torch_summed_over_latents():
    z = torch.cat([noise(5, 3), noise(5, 3, scale=1e3)])
    expected = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(1)
    torch.testing.assert_close(standard_normal_log_density(z), expected)


def test_densities_integrate_to_one():
    grid = torch.linspace(-30, 30, 60_001, dtype=torch.float64)[:, None]
    spacing = 60 / 60_000
    logvar = torch.full_like(grid, 1.1)
    for log_density in (standard_normal_log_density(grid), gaussian_log_likelihood(grid * 0 + 2, logvar, grid)):
        assert (log_density.exp().sum() * spacing).item() == pytest.approx(1, abs=1e-9)
    both = torch.tensor([[0.0], [1.0]])
    assert bernoulli_log_likelihood(torch.full((2, 1), 0.7), both).exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_rows_of_single_numbers_are_not_summed():
    logits, x = noise(4), torch.ones(4).double()
    assert bernoulli_log_likelihood(logits, x).shape == (4,)
    assert gaussian_log_likelihood(logits, torch.zeros(4).double(), x).shape == (4,)


# Sampling -------------------------------------------------------------------------------------------------------------


def test_samples_have_the_mean_and_the_variance():
    # Five standard errors for each of four numbers: a right sampler fails one run in 400,000 (and this seed does not).
    n, mu, logvar = 200_000, torch.tensor([3.0, -1.0]).double(), torch.tensor([1.3, -2.0]).double()
    z = reparameterize(mu.expand(n, 2), logvar.expand(n, 2), torch.Generator().manual_seed(0))
    variance = logvar.exp()
    assert ((z.mean(0) - mu).abs() < 5 * (variance / n).sqrt()).all()
    assert ((z.var(0) - variance).abs() < 5 * variance * math.sqrt(2 / n)).all()
    assert abs(torch.corrcoef(z.T)[0, 1]) < 5 / math.sqrt(n)


def test_sampling_is_differentiable_in_both_parameters():
    mu, logvar = noise(3, 2).requires_grad_(), noise(3, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda m, v: reparameterize(m, v, torch.Generator().manual_seed(7)), (mu, logvar))
    z = reparameterize(mu, logvar, torch.Generator().manual_seed(7))
    z.sum().backward()
    assert (mu.grad == 1).all()
    torch.testing.assert_close(logvar.grad, 0.5 * (z - mu).detach())  # dz/dlogvar = sigma epsilon / 2


def test_a_generator_decides_the_sample_and_leaves_the_global_state():
    mu, logvar = torch.zeros(2, 3), torch.zeros(2, 3)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (reparameterize(mu, logvar, torch.Generator().manual_seed(4)) for _ in range(2))
    other = reparameterize(mu, logvar, torch.Generator().manual_seed(5))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
    draws = [reparameterize(mu, logvar) for _ in range(2)]
    assert not torch.equal(*draws)
    torch.manual_seed(0)
    assert torch.equal(draws[0], reparameterize(mu, logvar))


def test_tiny_and_huge_variances_are_sampled():
    mu = torch.full((1, 1), 1e3, dtype=torch.float64)
    assert reparameterize(mu, mu * 0 - 1000.0).item() == 1e3
    assert math.isfinite(reparameterize(mu, mu * 0 + 50.0).item())


# Shapes ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(shape=shapes, dtype=dtypes)
def test_shapes_and_types_are_kept(shape, dtype):
    a, b = noise(*shape, dtype=dtype), noise(*shape, seed=1, dtype=dtype)
    for per_dimension in (reparameterize(a, b), kl_to_standard_normal(a, b), kl_between_gaussians(a, b, b, a)):
        assert per_dimension.shape == shape and per_dimension.dtype == dtype
    for per_row in (
        bernoulli_log_likelihood(a, b.sigmoid()),
        gaussian_log_likelihood(a, b, b),
        standard_normal_log_density(a),
    ):
        assert per_row.shape == shape[:1] and per_row.dtype == dtype


@settings(max_examples=25, deadline=None)
@given(shape=shapes)
def test_a_row_does_not_depend_on_the_others(shape):
    a, b = noise(*shape), noise(*shape, seed=1)
    for function in (
        lambda i: bernoulli_log_likelihood(a[i], b[i].sigmoid()),
        lambda i: gaussian_log_likelihood(a[i], b[i], b[i] + 1),
        lambda i: standard_normal_log_density(a[i]),
        lambda i: kl_to_standard_normal(a[i], b[i]),
    ):
        rows = torch.cat([function(slice(i, i + 1)) for i in range(shape[0])])
        torch.testing.assert_close(function(slice(None)), rows)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("reparameterize", 2),
        ("kl_to_standard_normal", 2),
        ("kl_between_gaussians", 4),
        ("bernoulli_log_likelihood", 2),
        ("gaussian_log_likelihood", 3),
    ],
)
def test_nothing_is_broadcast(as_a_learner, name, count):
    for odd in range(count):
        tensors = [torch.rand(4, 3) for _ in range(count)]
        tensors[odd] = torch.rand(4, 1)
        with pytest.raises(ValueError, match=r"shapes must be equal.*\(4, 1\)"):
            getattr(distributions, name)(*tensors)


def test_flat_pixels_against_images_are_refused_with_both_shapes(as_a_learner):
    with pytest.raises(ValueError, match=r"logits \(2, 1, 28, 28\), x \(2, 784\)"):
        bernoulli_log_likelihood(torch.zeros(2, 1, 28, 28), torch.zeros(2, 784))
