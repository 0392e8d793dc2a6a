"""LinearGaussian against torch.distributions, and every estimate of log p(x) against LinearGaussian."""

import math

import pytest
import torch
from torch.distributions import Independent, LowRankMultivariateNormal, MultivariateNormal, Normal, kl_divergence

from vae_utils.importance import log_mean_weight
from vae_utils.linear import LinearGaussian
from vae_utils.log_likelihood import log_likelihood
from vae_utils.objectives import log_weights, negative_iwae_bound


def random_model(latent_dim=3, noise=0.5, slant=0.04, seed=0):
    """A model whose posterior is correlated, and three images."""
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(784, latent_dim, generator=random, dtype=torch.float64) * 0.03
    weight[:, 1:] += slant * weight[:, :1].sign()
    offset = torch.rand(784, generator=random, dtype=torch.float64)
    return LinearGaussian(weight, offset, noise), torch.rand(3, 1, 28, 28, generator=random, dtype=torch.float64)


def turn(size, seed=0):
    return torch.linalg.qr(
        torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ).Q


def exact_posterior(model, x):
    return MultivariateNormal(model.posterior_mean(x), precision_matrix=model.precision)


def test_the_marginal_is_that_of_torch_distributions():
    model, x = random_model()
    noise = torch.full((784,), model.noise_variance, dtype=torch.float64)
    expected = LowRankMultivariateNormal(model.offset, model.weight, noise).log_prob(x.flatten(1))
    torch.testing.assert_close(model.log_marginal(x), expected)


def test_bayes_rule_holds_at_any_code():
    model, x = random_model()
    z = torch.randn(3, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    joint = model.likelihood.log_prob(model.decode(z), x) + Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(joint - exact_posterior(model, x).log_prob(z), model.log_marginal(x))


def test_the_encoder_is_the_best_mean_field_gaussian_and_its_gap_is_the_divergence():
    model, x = random_model()
    mu, logvar = model.encode(x)
    posterior = exact_posterior(model, x)

    def divergence(mu, logvar):
        q = MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
        return kl_divergence(q, posterior)

    torch.testing.assert_close(divergence(mu, logvar), torch.full((3,), model.gap(), dtype=torch.float64))
    assert model.gap() > 0.1
    random = torch.Generator().manual_seed(1)
    for _ in range(20):
        shift = 0.05 * torch.randn(2, 3, 3, generator=random, dtype=torch.float64)
        assert (divergence(mu + shift[0], logvar + shift[1]) > model.gap()).all()


def test_fit_is_probabilistic_pca_and_beats_its_neighbours():
    x = torch.rand(400, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x[:, :, :14] *= torch.rand(400, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    model = LinearGaussian.fit(x, 2)
    best = model.log_marginal(x).mean()
    for change in (0.97, 1.03):
        assert LinearGaussian(model.weight * change, model.offset, model.noise_variance).log_marginal(x).mean() < best
        assert LinearGaussian(model.weight, model.offset, model.noise_variance * change).log_marginal(x).mean() < best
    gram = model.weight.T @ model.weight
    torch.testing.assert_close(gram, torch.diag(gram.diagonal()), atol=1e-8, rtol=0)
    assert model.gap() == pytest.approx(0, abs=1e-8)


def test_turning_the_latent_space_changes_the_elbo_and_not_the_model():
    x = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) ** 2
    model = LinearGaussian.fit(x, 4)
    turned = model.turned(turn(4))
    torch.testing.assert_close(turned.log_marginal(x), model.log_marginal(x))
    assert turned.gap() > model.gap() + 1e-4
    torch.manual_seed(0)
    straight, slanted = (-negative_elbo_by_sampling(each, x[:1], 4000) for each in (model, turned))
    error = 5 * (straight.std() + slanted.std()) / 4000**0.5
    assert (straight.mean() - slanted.mean()).item() == pytest.approx(turned.gap() - model.gap(), abs=error.item())


def negative_elbo_by_sampling(model, x, samples):
    return -log_weights(model, x.double(), samples).flatten()


def test_where_the_encoder_is_exact_every_weight_is_p_of_x():
    x = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = LinearGaussian.fit(x, 3)
    weights = log_weights(model, x[:4], 6)
    torch.testing.assert_close(weights, model.log_marginal(x[:4]).expand(6, 4))


def test_the_importance_weighted_bound_rises_with_k_and_meets_the_exact_value():
    """All k from the same draws; errors from the spread of the groups."""
    model, x = random_model()
    torch.manual_seed(0)
    weights = torch.cat([log_weights(model, x, 1000) for _ in range(10)])  # (S, 3)
    exact, before = model.log_marginal(x), None
    assert model.gap() > 0.1
    for k in (1, 2, 5, 20, 100, 500):
        groups = log_mean_weight(weights.view(-1, k, 3).transpose(0, 1))  # (S / k, 3)
        mean, error = groups.mean(0), groups.std(0) / len(groups) ** 0.5
        assert (mean < exact + 5 * error).all(), f"k = {k}: above log p(x) by more than the noise"
        if before is not None:
            assert (mean.mean() > before.mean()).all(), f"k = {k}: not above the bound with fewer draws"
        before = mean
    assert ((exact - mean).abs() < 5 * error + 5e-3).all(), "500 draws do not meet the exact log p(x)"
    torch.manual_seed(1)
    one = negative_iwae_bound(model, x.repeat(2000, 1, 1, 1), 1)["loss"].view(2000, 3)
    assert (exact + one.mean(0)).mean().item() == pytest.approx(model.gap(), abs=0.05)
    torch.testing.assert_close(log_likelihood(model, x, 3000, at_a_time=1000), exact, atol=0.1, rtol=0)


def test_the_gap_falls_as_the_variance_of_the_weights_over_two_k():
    model, x = random_model(noise=1.0, slant=0.02)
    diagonal = model.precision.diagonal()
    inside = 2 * model.precision - torch.diag(diagonal)  # the integral of p(z|x)² / q(z) is Gaussian
    assert torch.linalg.eigvalsh(inside)[0] > 0
    variance = (torch.logdet(model.precision) - 0.5 * diagonal.log().sum() - 0.5 * torch.logdet(inside)).exp() - 1
    torch.manual_seed(0)
    weights = torch.cat([log_weights(model, x[:1], 1000) for _ in range(30)])[:, 0]  # (S,)
    relative = (weights - model.log_marginal(x[:1])).view(-1, 50).T  # (50, groups)
    mean = log_mean_weight(relative)
    # E[mean weight] is 1, so its deviation can be taken off: what is left has little noise.
    gap = (mean.exp() - 1 - mean).mean()
    assert gap.item() == pytest.approx(variance.item() / 100, rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearGaussian(torch.zeros(784, 2), torch.zeros(784), 0.0), "positive number, received 0"),
        (
            lambda: LinearGaussian(torch.zeros(784, 2), torch.zeros(784), math.nan),
            "must be a finite number, received nan",
        ),
        (lambda: LinearGaussian(torch.zeros(784), torch.zeros(784), 1.0), r"received \(784,\)"),
        (lambda: LinearGaussian(torch.zeros(9, 2), torch.zeros(9), 1.0), r"received \(9, 2\)"),
        (lambda: LinearGaussian.fit(torch.zeros(5, 1, 28, 28), 0), "from 1 to 783, received 0"),
        (lambda: LinearGaussian.fit(torch.rand(6, 1, 28, 28), 5), "these 6 lie in 5 dimensions"),
        (lambda: LinearGaussian.fit(torch.ones(90, 1, 28, 28), 5), "not all alike"),
        (lambda: random_model()[0].turned(torch.ones(3, 3)), "orthogonal matrix of 3"),
        (lambda: random_model()[0].turned(torch.eye(2)), "orthogonal matrix of 3"),
    ],
)
def test_bad_arguments_are_named(as_a_learner, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_its_likelihood_is_a_normal_density():
    model, x = random_model()
    mean = model.decode(torch.zeros(3, 3, dtype=torch.float64))
    expected = Independent(Normal(mean, model.noise_variance**0.5), 3).log_prob(x)
    torch.testing.assert_close(model.likelihood.log_prob(mean, x), expected)
    assert torch.equal(model.likelihood.mean(mean), mean)
    drawn = model.likelihood.sample(mean, torch.Generator().manual_seed(0)) - mean
    assert drawn.std().item() == pytest.approx(model.noise_variance**0.5, rel=0.1)
