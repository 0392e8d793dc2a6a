"""The objectives against a brute-force computation, and against the reductions that are so easily wrong."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from vae_utils import (
    VAE,
    Autoencoder,
    Classifier,
    cross_entropy,
    negative_elbo,
    negative_iwae_bound,
    reconstruction_error,
)
from vae_utils.models import ConditionalVAE
from vae_utils.objectives import log_weights, negative_conditional_elbo


class Fixed(nn.Module):
    """A "VAE" that answers with given tensors, to set each term by hand."""

    def __init__(self, logits, mu, logvar):
        super().__init__()
        self.answer = (logits, mu, logvar, mu)

    def forward(self, x):
        return self.answer


def images(count, seed=0):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def fixed(count, latents=3, logit=0.4):
    return Fixed(
        torch.full((count, 1, 28, 28), logit), torch.full((count, latents), 0.7), torch.full((count, latents), -1.0)
    )


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_negative_elbo_is_the_brute_force_one(beta):
    torch.manual_seed(0)
    model, x = VAE(4).double(), (images(5) > 0.5).double()
    torch.manual_seed(1)
    terms = negative_elbo(model, x, beta)

    torch.manual_seed(1)
    mu, logvar = model.encode(x)
    z = mu + (logvar / 2).exp() * torch.randn(5, 4, dtype=torch.float64)
    log_likelihood = Bernoulli(logits=model.decode(z)).log_prob(x).sum((1, 2, 3))
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(1)
    assert set(terms) == {"loss", "reconstruction", "kl"}
    torch.testing.assert_close(terms["reconstruction"], -log_likelihood)
    torch.testing.assert_close(terms["kl"], kl)
    torch.testing.assert_close(terms["loss"], beta * kl - log_likelihood)


def test_the_plain_bound_is_the_default():
    model, x = fixed(2), images(2)
    assert torch.equal(negative_elbo(model, x)["loss"], negative_elbo(model, x, 1.0)["loss"])
    torch.testing.assert_close(partial(negative_elbo, beta=2.0)(model, x)["kl"], negative_elbo(model, x)["kl"])


def test_terms_are_sums_over_pixels_and_latents():
    """A mean over pixels, over latents or over both gives other numbers, and a β nobody chose."""
    x = torch.ones(2, 1, 28, 28)
    kl_of_one = 0.5 * (0.49 + math.exp(-1) - 1 + 1)
    for latents in (1, 3, 6):
        terms = negative_elbo(fixed(2, latents), x)
        torch.testing.assert_close(terms["kl"], torch.full((2,), latents * kl_of_one))
        # Every pixel is 1 and has the logit 0.4: 784 times the same log-probability.
        torch.testing.assert_close(terms["reconstruction"], torch.full((2,), 784 * math.log(1 + math.exp(-0.4))))


def test_each_image_counts_for_itself():
    torch.manual_seed(0)
    model, x = VAE(2), images(4)
    with torch.no_grad():  # nearly no noise, so that the four can be compared with one at a time
        model.encoder[-1].weight[2:] = 0
        model.encoder[-1].bias[2:] = -40
    together = negative_elbo(model, x)
    for i in range(4):
        alone = negative_elbo(model, x[i : i + 1])
        for name in together:
            torch.testing.assert_close(alone[name], together[name][i : i + 1])
    doubled = negative_elbo(model, x.repeat(2, 1, 1, 1))
    torch.testing.assert_close(doubled["loss"].mean(), together["loss"].mean())


def test_a_wrong_reduction_would_have_been_noticed():
    """Popular slips, each far from the sum: the tests above tell them apart."""
    model, x = fixed(2), torch.ones(2, 1, 28, 28)
    terms = negative_elbo(model, x)
    slips = {
        "mean over pixels": terms["reconstruction"] / 784 + terms["kl"],
        "mean over latents": terms["reconstruction"] + terms["kl"] / 3,
        "kl summed over the batch": terms["reconstruction"] + terms["kl"].sum(),
        "half forgotten": terms["reconstruction"] + 2 * terms["kl"],
        "wrong sign": terms["reconstruction"] - terms["kl"],
    }
    assert min((slip - terms["loss"]).abs().min().item() for slip in slips.values()) > 0.5


@pytest.mark.parametrize("beta", [-0.1, math.nan, math.inf])
def test_a_senseless_beta_is_refused(beta):
    with pytest.raises(ValueError, match=f"beta must be .* received {beta}"):
        negative_elbo(fixed(1), images(1), beta)


def test_logits_of_another_shape_are_refused(as_a_learner):
    flat = Fixed(torch.zeros(2, 784), torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"\(2, 784\).*\(2, 1, 28, 28\)"):
        negative_elbo(flat, images(2))


def test_extreme_log_variances_give_a_finite_loss_or_infinity_but_never_nan():
    for value in (-1000.0, 50.0, 1000.0):
        model = Fixed(torch.zeros(1, 1, 28, 28), torch.zeros(1, 2), torch.full((1, 2), value))
        loss = negative_elbo(model, images(1))["loss"]
        assert not loss.isnan().any()
        assert loss.isfinite().all() == (value < 100)


def test_reconstruction_error_is_the_summed_cross_entropy():
    torch.manual_seed(0)
    model, x = Autoencoder(3), images(4)
    terms = reconstruction_error(model, x)
    p, x = model(x).double().sigmoid(), x.double()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    assert set(terms) == {"loss", "reconstruction"}
    torch.testing.assert_close(terms["loss"], expected.float())
    assert torch.equal(terms["loss"], terms["reconstruction"])


def test_cross_entropy_is_minus_the_log_probability_of_the_right_class():
    torch.manual_seed(0)
    model, x, labels = Classifier(10), images(4), torch.tensor([0, 9, 3, 3])
    terms = cross_entropy(model, x, labels)
    torch.testing.assert_close(terms, {"loss": -Categorical(logits=model(x)).log_prob(labels)})


@pytest.mark.parametrize(
    ("loss", "model", "advice"),
    [(negative_elbo, Autoencoder(2), "use reconstruction_error"), (reconstruction_error, VAE(2), "use negative_elbo")],
)
def test_a_loss_for_another_kind_of_model_says_which_one_fits(loss, model, advice):
    with pytest.raises(TypeError, match=advice):
        loss(model, torch.rand(2, 1, 28, 28))


@pytest.mark.parametrize("samples", [1, 3])
def test_log_weights_are_the_brute_force_ones(samples):
    torch.manual_seed(0)
    model, x = VAE(4).double(), (images(5) > 0.5).double()
    torch.manual_seed(1)
    weights = log_weights(model, x, samples)

    torch.manual_seed(1)
    mu, logvar = model.encode(x)
    noise = torch.randn(samples * 5, 4, dtype=torch.float64).view(samples, 5, 4)
    for draw in range(samples):
        z = mu + (logvar / 2).exp() * noise[draw]
        log_p = Bernoulli(logits=model.decode(z)).log_prob(x).sum((1, 2, 3)) + Normal(0, 1).log_prob(z).sum(1)
        torch.testing.assert_close(weights[draw], log_p - Normal(mu, (logvar / 2).exp()).log_prob(z).sum(1))


def test_the_iwae_bound_is_the_log_of_the_mean_weight():
    model, x = VAE(4).double(), (images(5) > 0.5).double()
    torch.manual_seed(1)
    weights = log_weights(model, x, 7)
    torch.manual_seed(1)
    assert set(terms := negative_iwae_bound(model, x, 7)) == {"loss"}
    torch.testing.assert_close(terms["loss"], math.log(7) - weights.logsumexp(0))


def test_one_importance_sample_is_the_elbo_on_average_and_more_are_tighter():
    torch.manual_seed(0)
    model, x = VAE(2, hidden=40).double(), (images(3) > 0.5).double()
    many = x.repeat(2000, 1, 1, 1)
    with torch.no_grad():
        losses = [negative_elbo(model, many)["loss"], *(negative_iwae_bound(model, many, k)["loss"] for k in (1, 5))]
    elbo, one, five = (-loss.view(2000, 3) for loss in losses)
    error = (elbo.var(0) + one.var(0)).div(2000).sqrt()
    assert ((one.mean(0) - elbo.mean(0)).abs() < 5 * error).all()
    assert (five.mean(0) > one.mean(0) + 3 * error).all()


def test_the_gradient_of_the_iwae_bound_is_the_weighted_one():
    torch.manual_seed(0)
    model, x = VAE(2).double(), (images(3) > 0.5).double()
    parameters = list(model.parameters())
    torch.manual_seed(1)
    weights = log_weights(model, x, 4)
    shares = weights.detach().softmax(0)  # equation 14: normalised weights times the gradient of each log weight
    expected = torch.autograd.grad((shares * weights).sum(0).mean(), parameters)
    torch.manual_seed(1)
    received = torch.autograd.grad(-negative_iwae_bound(model, x, 4)["loss"].mean(), parameters)
    for one, other in zip(received, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("samples", [0, -1])
def test_importance_samples_are_counted_from_one(samples):
    with pytest.raises(ValueError, match=f"samples must be a whole number of at least 1, received {samples}"):
        negative_iwae_bound(VAE(2), images(1), samples)


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_the_conditional_elbo_is_the_brute_force_one_given_the_label(beta):
    torch.manual_seed(0)
    model, x, labels = ConditionalVAE(3, classes=4).double(), images(5).double(), torch.tensor([0, 1, 2, 3, 0])
    torch.manual_seed(1)
    terms = negative_conditional_elbo(model, x, labels, beta)
    torch.manual_seed(1)
    mu, logvar = model.encode(x, labels)
    z = mu + (logvar / 2).exp() * torch.randn(5, 3, dtype=torch.float64)
    pixels = torch.nn.functional.binary_cross_entropy(model.generate(z, labels), x, reduction="none").sum((1, 2, 3))
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(1)
    torch.testing.assert_close(terms["reconstruction"], pixels)
    torch.testing.assert_close(terms["loss"], pixels + beta * kl)
    with pytest.raises(ValueError, match="beta must be"):
        negative_conditional_elbo(model, x, labels, -1.0)
