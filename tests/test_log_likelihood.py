"""The importance-sampled log-likelihood against a model whose log p(x) is a finite sum or a quadrature."""

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal

from vae_utils import VAE, negative_elbo
from vae_utils.log_likelihood import log_likelihood


@pytest.fixture(scope="module")
def one_dimensional():
    """A VAE with one latent dimension, two binary images, and their log p(x) by quadrature over z."""
    torch.manual_seed(0)
    model = VAE(1, hidden=20).double()
    with torch.no_grad():
        model.encoder[-1].bias.copy_(torch.tensor([0.3, -0.2]))
    x = (torch.rand(2, 1, 28, 28, dtype=torch.float64) > 0.5).double()
    grid = torch.linspace(-9, 9, 4001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        logits = model.decode(grid)  # (G, 1, 28, 28)
        log_joint = torch.stack([Bernoulli(logits=logits).log_prob(image).sum((1, 2, 3)) for image in x], 1)
        log_joint += Normal(0, 1).log_prob(grid)
    exact = log_joint.logsumexp(0) + (grid[1] - grid[0]).log()
    return model, x, exact


def test_it_meets_the_quadrature(one_dimensional):
    model, x, exact = one_dimensional
    found = log_likelihood(model, x, 20_000)
    assert found.dtype == torch.float64 and found.shape == (2,)
    torch.testing.assert_close(found, exact, atol=0.03, rtol=0)
    elbo = -negative_elbo(model, x.repeat(4000, 1, 1, 1))["loss"].detach().view(4000, 2).mean(0)
    assert (elbo < exact - 0.01).all()  # the test would pass for the ELBO if the two were close


def test_chunks_change_the_memory_and_not_the_estimate(one_dimensional):
    model, x, exact = one_dimensional
    for at_a_time in (700, 1000, 10**6):
        torch.testing.assert_close(log_likelihood(model, x, 1500, at_a_time=at_a_time), exact, atol=0.15, rtol=0)
    few = log_likelihood(model, x[:1], 300, at_a_time=1)
    torch.testing.assert_close(few, exact[:1], atol=0.3, rtol=0)


def test_it_repeats_and_leaves_the_model_and_the_random_state_alone():
    model, x = VAE(2).train(), (torch.rand(3, 1, 28, 28) > 0.5).float()
    dropped = nn.Dropout(0.5)
    model.encoder.insert(1, dropped)
    before = torch.get_rng_state()
    first = log_likelihood(model, x, 10)
    assert torch.equal(first, log_likelihood(model, x, 10))
    assert not torch.equal(first, log_likelihood(model, x, 10, seed=1))
    assert torch.equal(before, torch.get_rng_state()) and model.training and dropped.training


def test_bad_arguments_are_named():
    x = torch.zeros(1, 1, 28, 28)
    for name in ("samples", "at_a_time"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, received 0"):
            log_likelihood(VAE(2), x, **{name: 0})
    with pytest.raises(ValueError, match="255"):
        log_likelihood(VAE(2), x + 255)
