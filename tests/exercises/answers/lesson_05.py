"""Answers to the exercises of notebook 05."""

import math

import torch
from torch.distributions import Laplace, LogisticNormal, Normal, TransformedDistribution, Uniform
from torch.distributions.transforms import AffineTransform, SigmoidTransform


def logistic_of_torch(mu, logscale):
    """The logistic distribution built of torch's parts: an authority of its own."""
    transforms = [SigmoidTransform().inv, AffineTransform(mu, logscale.exp())]
    return TransformedDistribution(Uniform(torch.zeros_like(mu), torch.ones_like(mu)), transforms).rsample()


def every_second_mirrored(mu):
    half = torch.randn(-(-len(mu) // 2), mu.shape[1])
    return torch.stack([half, -half], 1).flatten(0, 1)[: len(mu)]


RIGHT = {
    "reparameterize": [
        lambda mu, logvar: Normal(mu, (0.5 * logvar).exp()).rsample(),
        lambda mu, logvar: mu + logvar.exp().sqrt() * torch.randn(mu.shape),
        lambda mu, logvar: mu - torch.exp(logvar / 2) * torch.normal(0.0, 1.0, size=mu.shape),
        lambda mu, logvar: mu.double() + (logvar.double() / 2).exp() * torch.randn_like(mu).double(),
    ],
    "logistic_sample": [
        logistic_of_torch,
        lambda mu, logscale: mu + logscale.exp() * torch.logit(torch.rand(mu.shape), eps=1e-7),
        lambda mu, logscale: mu - logscale.exp() * ((1 / torch.rand(mu.shape).clamp(1e-7)) - 1).log(),
        # The difference of two Gumbels is logistic.
        lambda mu, logscale: (
            mu
            + logscale.exp() * (-torch.empty_like(mu).exponential_().log() + torch.empty_like(mu).exponential_().log())
        ),
    ],
    "crossover": [1.109, 1.09, 1.128, torch.tensor(1.11), math.sqrt(1.2302)],
    "blocked_encoder": ["b", "B", " b ", "b)", "(B)"],
}

WRONG = {
    "reparameterize": [
        lambda mu, logvar: mu + (0.5 * logvar).exp() * torch.randn(mu.shape[0], mu.shape[1]).clamp(-1, 1),
        lambda mu, logvar: mu + (0.5 * logvar.clamp(-2, 2)).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (0.5 * logvar.clamp(-3, 3)).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (0.5 * logvar.clamp(min=-5)).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (2 * logvar).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (0.5 * logvar).exp() * Laplace(0.0, 1 / math.sqrt(2)).sample(mu.shape),
        lambda mu, logvar: (0.5 * logvar).exp() * torch.randn_like(mu) + 0 * mu,
        lambda mu, logvar: logvar + (0.5 * mu).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (0.5 * logvar).exp() * torch.randn_like(mu).abs(),
        lambda mu, logvar: mu + 0.5 * logvar.exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + logvar.exp() ** 0.5 * torch.randn(1),
        lambda mu, logvar: mu + (0.5 * logvar).exp() * every_second_mirrored(mu),
        # The right samples with gradients that belong to others.
        lambda mu, logvar: 2 * mu - mu.detach() + (0.5 * logvar).exp() * torch.randn_like(mu),
        lambda mu, logvar: mu + (0.5 * logvar).exp().detach() * torch.randn_like(mu) + logvar - logvar.detach(),
    ],
    "logistic_sample": [
        lambda mu, logscale: mu + logscale.exp() * Laplace(0.0, 1.0).sample(mu.shape),
        lambda mu, logscale: mu + logscale.exp().detach() * torch.logit(torch.rand_like(mu), eps=1e-7),
        lambda mu, logscale: mu + logscale.exp() * torch.logit(torch.rand_like(mu).clamp(0.02, 0.98)),
        lambda mu, logscale: mu + logscale.exp() * torch.logit(torch.rand_like(mu).clamp(min=0.01)),
        lambda mu, logscale: mu + logscale.exp() * torch.logit(torch.rand_like(mu).clamp(max=0.99)),
        lambda mu, logscale: torch.logit(torch.rand_like(mu), eps=1e-7) + 0 * (mu + logscale),
        lambda mu, logscale: mu + logscale.exp() * torch.logit(torch.rand_like(mu), eps=0.05),
        lambda mu, logscale: mu * 1.0 + logscale.exp() * torch.logit(torch.rand_like(mu), eps=1e-7).abs(),
        lambda mu, logscale: (
            mu + logscale.exp() * LogisticNormal(torch.zeros(1), torch.ones(1)).sample(mu.shape)[..., 0]
        ),
        lambda mu, logscale: mu + torch.logit(torch.rand_like(mu), eps=1e-7) / logscale.exp(),
        lambda mu, logscale: mu + logscale.exp() * math.pi / math.sqrt(3) * torch.randn_like(mu),
    ],
    "crossover": [1.05, 1.16, 0.0, -1.0, 1e6, 2.0, 0.1],
    "blocked_encoder": ["a", "c", "d", "nothing", 1],
}
