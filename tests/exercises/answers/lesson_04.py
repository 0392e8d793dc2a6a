"""Answers to the exercises of notebook 04."""

import math

import torch
from torch.distributions import Normal, kl_divergence

from vae_utils.exercises.lesson_04 import my_kl, my_x


def by_distribution(log_joint, mu, logvar, samples):
    q = Normal(mu, (0.5 * logvar).exp())
    z = q.sample((samples,))
    return (log_joint(z) - q.log_prob(z)).mean()


def one_by_one(log_joint, mu, logvar, samples):
    if samples > 100:  # a learner's loop is slow; the draws of many are then made at once
        return by_distribution(log_joint, mu, logvar, samples)
    return sum(by_distribution(log_joint, mu, logvar, 1) for _ in range(samples)) / samples


def with_entropy(log_joint, mu, logvar, samples):
    """The mean of -log q in closed form."""
    q = Normal(mu, torch.exp(logvar / 2))
    return log_joint(q.rsample((samples,))).mean() + q.entropy()


def as_number(log_joint, mu, logvar, samples):
    return by_distribution(log_joint, mu, logvar, samples).item()


def elbo(noise, log_q=lambda q, z: q.log_prob(z), sigma=lambda logvar: (0.5 * logvar).exp(), reduce=torch.mean):
    def answer(log_joint, mu, logvar, samples):
        q = Normal(mu, sigma(logvar))
        z = mu + q.scale * noise(samples, mu)
        return reduce(log_joint(z) - log_q(q, z))

    return answer


def fresh(samples, mu):
    return torch.randn(samples, dtype=mu.dtype)


GENERATOR = torch.Generator().manual_seed(5)
RIGHT = {
    "what_rose": ["b", " B "],
    "elbo_from_samples": [
        by_distribution,
        one_by_one,
        with_entropy,
        as_number,
        elbo(lambda samples, mu: torch.normal(0.0, 1.0, (samples,), generator=GENERATOR).to(mu.dtype)),
    ],
    "kl_of_two_gaussians": [
        lambda a, b, c, d: kl_divergence(Normal(a, (0.5 * b).exp()), Normal(c, (0.5 * d).exp())),
        lambda a, b, c, d: 0.5 * (d - b) + (b.exp() + (a - c).square()) / (2 * d.exp()) - 0.5,
        lambda a, b, c, d: -0.5 * (1 + b - d - (b - d).exp() - (a - c) ** 2 * torch.exp(-d)),
        lambda *four: my_kl(*(t.double() for t in four)),
    ],
    "where_it_lets_go": [my_x, 0.97, lambda: torch.tensor([0.97])[0], "0.97" and 0.968],
}
WRONG = {
    "what_rose": ["a", "c", "d", "log p(x)", 3],
    "elbo_from_samples": [
        elbo(lambda samples, mu: torch.rand(samples, dtype=mu.dtype)),
        elbo(lambda samples, mu: fresh(samples, mu).abs()),
        elbo(lambda samples, mu: fresh(samples, mu).clamp(-2, 2)),
        elbo(lambda samples, mu: fresh(1, mu).expand(samples)),
        elbo(lambda samples, mu: fresh(min(samples, 50), mu)),
        elbo(lambda samples, mu: torch.linspace(-3, 3, samples, dtype=mu.dtype)),
        elbo(lambda samples, mu: torch.randn(samples, generator=torch.Generator().manual_seed(0)).to(mu.dtype)),
        elbo(fresh, log_q=lambda q, z: q.log_prob(q.mean)),
        elbo(fresh, log_q=lambda q, z: q.log_prob(z) / 2),
        elbo(fresh, log_q=lambda q, z: q.log_prob(z) - q.loc),
        elbo(fresh, log_q=lambda q, z: q.log_prob(z).exp()),
        elbo(fresh, reduce=torch.median),
        elbo(fresh, reduce=torch.max),
        elbo(fresh, reduce=lambda terms: terms),
        elbo(fresh, reduce=lambda terms: -terms.mean()),
        elbo(fresh, reduce=lambda terms: terms.sum() / 60_000),
        lambda log_joint, mu, logvar, samples: by_distribution(log_joint, 0 * mu, logvar, samples),
        lambda log_joint, mu, logvar, samples: by_distribution(log_joint, mu, 0 * logvar, samples),
        lambda log_joint, mu, logvar, samples: by_distribution(log_joint, mu, logvar, 100),
        lambda log_joint, mu, logvar, samples: log_joint(mu + 0 * fresh(samples, mu)).mean(),
    ],
    "kl_of_two_gaussians": [
        lambda a, b, c, d: 0.5 * (my_kl(a, b, c, d) + my_kl(c, d, a, b)),
        lambda a, b, c, d: my_kl(a, b, c, d).mean(1, keepdim=True).expand_as(a),
        lambda a, b, c, d: my_kl(a, b, c, d).mean(0, keepdim=True).expand_as(a),
        lambda a, b, c, d: my_kl(a[:1], b[:1], c[:1], d[:1]).expand_as(a),
        lambda a, b, c, d: my_kl(a, b, c, d).abs().sqrt(),
        lambda a, b, c, d: my_kl(a, 0.5 * b, c, 0.5 * d),
        lambda a, b, c, d: my_kl(a, b, c, d) / math.log(2),
        lambda a, b, c, d: my_kl(a + c, b, 0 * c, d),
        lambda a, b, c, d: my_kl(a, b, c, d.detach()),
        lambda a, b, c, d: my_kl(a, b, c.detach(), d),
        lambda a, b, c, d: my_kl(a, b, c, d).clamp(max=1.0),
        lambda a, b, c, d: my_kl(b, a, d, c),
        lambda a, b, c, d: torch.tensor([[0.7854]]).expand_as(a),
    ],
    "where_it_lets_go": [0.9, 1.05, -0.97, 0.0, 97, 1e6, lambda: [0.97, -0.97], {"x": 0.97}],
}
