"""Properties of the numeric functions at whatever sizes, values and dtypes hypothesis thinks of."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_utils import (
    aggregate,
    disentanglement,
    distributions,
    evaluation,
    gaps,
    grey_pixels,
    importance,
    interpolation,
    likelihoods,
    linear,
    quantize,
)
from vae_utils.models import VAE
from vae_utils.rate_distortion import rate_distortion
from vae_utils.toy import ToyModel

DTYPES = st.sampled_from([torch.float32, torch.float64])
SEEDS = st.integers(0, 2**32)
ROWS, COLUMNS = st.integers(1, 5), st.integers(1, 4)
SCALES = st.sampled_from([1e-6, 1e-2, 1.0, 10.0, 80.0])


@st.composite
def tensors(draw, count=2, rows=ROWS, columns=COLUMNS, scales=SCALES, dtypes=DTYPES):
    """Tensors of one shape, (B, K), small and large, batches of one among them."""
    shape, dtype = (draw(rows), draw(columns)), draw(dtypes)
    random = torch.Generator().manual_seed(draw(SEEDS))
    return [draw(scales) * torch.randn(shape, generator=random, dtype=dtype) for _ in range(count)]


def loss_gradients(function, *inputs):
    inputs = [tensor.clone().requires_grad_() for tensor in inputs]
    return torch.autograd.grad(function(*inputs).sum(), inputs)


def finite(*tensors):
    return all(torch.isfinite(tensor).all() for tensor in tensors)


SMALL = st.sampled_from([1e-6, 1e-2, 1.0, 10.0])


@given(tensors())
def test_kl_to_the_prior(pair):
    mu, logvar = pair
    kl = distributions.kl_to_standard_normal(mu, logvar.clamp(-80, 80))
    assert kl.shape == mu.shape and kl.dtype == mu.dtype and (kl >= -1e-6).all()
    assert finite(kl, *loss_gradients(distributions.kl_to_standard_normal, mu, logvar.clamp(-80, 80)))
    assert (distributions.kl_to_standard_normal(0 * mu, 0 * logvar) == 0).all()
    torch.testing.assert_close(distributions.kl_to_standard_normal(mu[:1], logvar[:1].clamp(-80, 80)), kl[:1])
    turned = distributions.kl_to_standard_normal(mu.flip(0), logvar.flip(0).clamp(-80, 80))
    torch.testing.assert_close(turned, kl.flip(0))
    torch.testing.assert_close(distributions.kl_to_standard_normal(-mu, logvar.clamp(-80, 80)), kl)


@given(tensors(4, scales=SMALL))
def test_kl_between_gaussians(four):
    mu_q, logvar_q, mu_p, logvar_p = four[0], four[1].clamp(-20, 20), four[2], four[3].clamp(-20, 20)
    kl = distributions.kl_between_gaussians(mu_q, logvar_q, mu_p, logvar_p)
    assert (kl >= -1e-5).all() and finite(kl)
    assert (distributions.kl_between_gaussians(mu_q, logvar_q, mu_q, logvar_q) == 0).all()
    to_prior = distributions.kl_between_gaussians(mu_q, logvar_q, 0 * mu_p, 0 * logvar_p)
    torch.testing.assert_close(to_prior, distributions.kl_to_standard_normal(mu_q, logvar_q))
    shifted = distributions.kl_between_gaussians(
        mu_q.double() + 1, logvar_q.double(), mu_p.double() + 1, logvar_p.double()
    )
    torch.testing.assert_close(shifted, kl.double(), rtol=1e-2, atol=1e-2)


@given(tensors(2))
def test_draws_follow_their_parameters(pair):
    mu, logvar = pair
    logvar = logvar.clamp(-80, 80)
    z = distributions.reparameterize(mu, logvar, torch.Generator().manual_seed(0))
    moved = distributions.reparameterize(mu + 1, logvar, torch.Generator().manual_seed(0))
    assert z.shape == mu.shape and z.dtype == mu.dtype and finite(z)
    torch.testing.assert_close(moved.double(), z.double() + 1, rtol=1e-4, atol=1e-3)


@given(tensors(2))
def test_likelihoods_add_up_over_dimensions(pair):
    logits, x = pair[0], pair[1].sigmoid()
    whole = distributions.bernoulli_log_likelihood(logits, x)
    assert whole.shape == (len(x),) and (whole <= 0).all() and finite(whole)
    parts = sum(distributions.bernoulli_log_likelihood(logits[:, [k]], x[:, [k]]) for k in range(x.shape[1]))
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(distributions.bernoulli_log_likelihood(-logits, 1 - x), whole, rtol=1e-4, atol=1e-4)
    density = distributions.standard_normal_log_density(logits)
    same = distributions.gaussian_log_likelihood(torch.zeros_like(x), torch.zeros_like(x), logits)
    torch.testing.assert_close(density, same)


@given(tensors(1, scales=st.sampled_from([1e-3, 1.0, 30.0, 1000.0])))
def test_weights(one):
    (log_w,) = one
    estimate, size = importance.log_mean_weight(log_w), importance.effective_sample_size(log_w)
    least, most = log_w.amin(0), log_w.amax(0)
    slack = 1e-5 * (1 + log_w.abs().amax(0))
    assert (estimate >= log_w.mean(0) - slack).all() and (estimate <= most + slack).all() and (least <= most).all()
    assert (size >= 1 - 1e-5).all() and (size <= len(log_w) * (1 + 1e-5)).all()
    torch.testing.assert_close(importance.log_mean_weight(log_w + 3), estimate + 3)
    torch.testing.assert_close(importance.log_mean_weight(log_w.flip(0)), estimate)
    torch.testing.assert_close(importance.log_mean_weight(log_w.repeat(2, 1)), estimate, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(importance.effective_sample_size(log_w + 3), size, rtol=1e-2, atol=1e-2)


@given(tensors(2, scales=SMALL), st.floats(0, 1), st.sampled_from(interpolation.WAYS))
def test_ways_between_codes(ends, t, way):
    start, end = ends
    between = interpolation.interpolate(start, end, t, way)
    assert between.shape == start.shape and finite(between)
    tolerances = {"rtol": 1e-3, "atol": 1e-3 * float(1 + start.abs().max() + end.abs().max())}
    torch.testing.assert_close(interpolation.interpolate(end, start, 1 - t, way), between, **tolerances)
    torch.testing.assert_close(interpolation.interpolate(start, end, 0, way), start, **tolerances)
    torch.testing.assert_close(interpolation.interpolate(start, end, 1, way), end, **tolerances)
    length = interpolation.path_length(interpolation.path(start, end, 8, way))
    assert (length >= (end - start).norm(dim=-1) * (1 - 1e-3) - 1e-4).all()


@given(tensors(1, scales=st.sampled_from([1e-8, 1e-3, 0.3, 5.0, 300.0])))
def test_the_continuous_bernoulli(one):
    (logits,) = one
    mean, constant = (
        grey_pixels.continuous_bernoulli_mean(logits),
        grey_pixels.continuous_bernoulli_log_normalizer(logits),
    )
    assert ((mean >= 0) & (mean <= 1)).all() and (constant >= math.log(2) - 1e-6).all()
    torch.testing.assert_close(grey_pixels.continuous_bernoulli_mean(-logits), 1 - mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(grey_pixels.continuous_bernoulli_log_normalizer(-logits), constant)
    assert finite(*loss_gradients(grey_pixels.continuous_bernoulli_log_normalizer, logits))
    assert ((mean - 0.5).abs() <= (logits.sigmoid() - 0.5).abs() + 1e-6).all()  # less sure than the Bernoulli


@given(
    st.sampled_from(["Bernoulli", "ContinuousBernoulli", "Gaussian", "PixelGaussian", "DiscretizedLogistic"]),
    SEEDS,
    st.integers(1, 3),
    st.sampled_from([1e-3, 1.0, 20.0]),
)
def test_likelihoods_of_images(name, seed, count, scale):
    likelihood = getattr(likelihoods, name)(*[0.3] * (name == "Gaussian"))
    random = torch.Generator().manual_seed(seed)
    outputs = (scale * torch.randn(count, likelihood.channels, 28, 28, generator=random)).requires_grad_()
    x = torch.rand(count, 1, 28, 28, generator=random).round()
    log_p = likelihood.log_prob(outputs, x)
    assert log_p.shape == (count,) and finite(log_p, *torch.autograd.grad(log_p.sum(), outputs))
    assert likelihood.levels == 256 or (log_p <= 0).all()
    mean, drawn = likelihood.mean(outputs), likelihood.sample(outputs, random)
    assert mean.shape == drawn.shape == x.shape and ((mean >= 0) & (mean <= 1)).all() and finite(drawn)
    torch.testing.assert_close(likelihood.log_prob(outputs.flip(0), x.flip(0)), log_p.flip(0), rtol=1e-4, atol=1e-2)


@given(tensors(2, rows=st.integers(2, 6), scales=SMALL), st.integers(2, 8), SEEDS)
def test_parts_of_the_kl(pair, samples, seed):
    mu, logvar = pair
    parts = aggregate.kl_parts(mu, logvar.clamp(-8, 8), samples, torch.Generator().manual_seed(seed))
    assert parts.per_dimension.shape == (mu.shape[1],) and finite(parts.per_dimension)
    assert parts.mutual_information <= math.log(len(mu)) + 1e-2  # at each draw, not only on average
    total = parts.mutual_information + parts.total_correlation + parts.dimension_wise
    assert parts.kl == pytest.approx(total) and all(error >= 0 for error in parts.errors.values())
    if mu.shape[1] == 1:
        assert parts.total_correlation == pytest.approx(0, abs=1e-2 * (1 + abs(total)))


@given(tensors(2, rows=st.integers(4, 9), columns=st.integers(2, 3), scales=SMALL), SEEDS)
def test_information_about_factors(pair, seed):
    mu, logvar = pair[0], pair[1].clamp(-8, 8)
    random = torch.Generator().manual_seed(seed)
    factors = torch.stack([torch.randperm(len(mu), generator=random) % values for values in (2, 3)], 1)
    found = disentanglement.mutual_information_gap(mu, logvar, factors, 20)
    assert 0 <= found.gap <= 1 + 1e-6 and ((found.shares >= 0) & (found.shares <= 1 + 1e-5)).all()
    order = torch.randperm(len(mu), generator=random)
    again = disentanglement.mutual_information_gap(mu[order], logvar[order], factors[order] * 5 + 1, 20)
    torch.testing.assert_close(again.shares, found.shares, rtol=1e-3, atol=1e-4)
    swapped = disentanglement.mutual_information_gap(-3 * mu.flip(1), logvar.flip(1) + 2 * math.log(3), factors, 20)
    torch.testing.assert_close(swapped.shares.flip(0), found.shares, rtol=1e-2, atol=1e-3)


@given(st.integers(2, 12), st.integers(1, 8), COLUMNS, SEEDS)
def test_density_and_coverage(count, generated, columns, seed):
    random = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(count, columns, generator=random), torch.randn(generated, columns, generator=random)
    found = evaluation.density_and_coverage(real, fake, 1)
    assert found.density >= 0 and 0 <= found.coverage <= 1
    moved = evaluation.density_and_coverage(4 * real.flip(0) + 8, 4 * fake.flip(0) + 8, 1)
    assert moved.coverage == pytest.approx(found.coverage, abs=1.01 / count)  # rounding may move one point
    assert evaluation.density_and_coverage(real, real, 1).coverage == 1
    assert evaluation.density_and_coverage(real, real + 1e4, 1).coverage == 0


@given(SEEDS, st.integers(1, 4), st.integers(1, 3), st.floats(0.01, 10))
def test_the_linear_model(seed, latents, count, noise):
    random = torch.Generator().manual_seed(seed)
    model = linear.LinearGaussian(0.3 * torch.randn(784, latents, generator=random), torch.zeros(784), noise)
    x = torch.rand(count, 1, 28, 28, generator=random)
    assert model.gap() >= -1e-9 and finite(model.log_marginal(x))
    rotation = torch.linalg.qr(torch.randn(latents, latents, generator=random, dtype=torch.float64))[0]
    torch.testing.assert_close(model.turned(rotation).log_marginal(x), model.log_marginal(x), rtol=1e-6, atol=1e-4)
    mu, logvar = model.encode(x)
    weights = gaps.weighted_draws(model, x, (mu, logvar), samples=4, seed=seed % 1000)
    assert weights.shape == (4, count) and finite(weights)
    if latents == 1:  # q is the posterior, so all weights are p(x)
        torch.testing.assert_close(weights, model.log_marginal(x).expand(4, -1), rtol=1e-6, atol=1e-4)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), SEEDS)
def test_the_quantizer(codes, rows, dim, seed):
    random = torch.Generator().manual_seed(seed)
    quantizer = quantize.VectorQuantizer(codes, dim)
    h = torch.randn(rows, 2, dim, generator=random).requires_grad_()
    entries, indices, penalty = quantizer(h)
    assert entries.shape == h.shape and penalty.shape == (rows,) and (penalty >= 0).all()
    torch.testing.assert_close(entries, quantizer.codebook[indices])
    assert torch.equal(torch.autograd.grad(entries.sum(), h, retain_graph=True)[0], torch.ones_like(h))
    used = quantize.perplexity(indices, codes)
    assert 1 - 1e-9 <= used <= len(indices.unique()) + 1e-9
    assert quantize.perplexity(indices.flip(0), codes) == pytest.approx(used)


@given(st.floats(-3, 3), st.floats(-2, 2), st.floats(-6, 0))
def test_elbo_and_gap_make_the_marginal(x, mu, logvar):
    toy = ToyModel()
    assert toy.elbo(x, mu, logvar) + toy.gap(x, mu, logvar) == pytest.approx(toy.log_marginal(x), abs=1e-6)
    assert toy.gap(x, mu, logvar) >= -1e-9


@given(SEEDS, st.integers(2, 4), st.floats(0, 8))
def test_rate_and_distortion(seed, count, beta):
    torch.manual_seed(seed % 2**31)
    model, x = VAE(2, hidden=4), torch.rand(count, 1, 28, 28).round()
    place = rate_distortion(model, x, beta)
    assert place.rate >= 0 and place.distortion > 0 and place.beta == beta
    assert place.rate == pytest.approx(place.kl.sum().item(), rel=1e-4, abs=1e-4)
    assert 0 <= place.active <= 2
