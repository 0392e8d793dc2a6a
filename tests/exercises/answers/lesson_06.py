"""Answers to the exercises of notebook 06."""

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_utils.exercises.lesson_06 import my_beta_loss


def one_by_one(decoder, count, latent_dim):
    return torch.cat([torch.sigmoid(decoder(torch.randn(1, latent_dim))) for _ in range(count)])


def images(noise, pixels=torch.sigmoid):
    return lambda decoder, count, latent_dim: pixels(decoder(noise(count, latent_dim)))


def with_softplus(logits, x, mu, logvar, beta):
    cost = (F.softplus(logits) - x * logits).flatten(1).sum(1)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1)
    return torch.mean(cost + beta * kl)


def with_distributions(logits, x, mu, logvar, beta):
    cost = -Bernoulli(logits=logits, validate_args=False).log_prob(x).sum((1, 2, 3))
    kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(-1)
    return cost.mean() + beta * kl.mean()


def over_the_batch(logits, x, mu, logvar, beta):
    cost = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return (cost + beta * 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()) / len(x)


def bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))


def loss(cost=bce, kl=None):
    def answer(logits, x, mu, logvar, beta):
        divergence = kl(mu, logvar) if kl else 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
        return (cost(logits, x) + beta * divergence).mean()

    return answer


def kl_of(vae, x):
    with torch.no_grad():
        mu, logvar = vae.encode(x)
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def by_class(nats, labels, reduce=torch.mean):
    return torch.stack([reduce(nats[labels == label]) for label in range(10)])


def test_nats(vae, images):
    return kl_of(vae, images.test).sum(1)


RIGHT = {
    "beta_of_a_mean": [49152, 128 * 128 * 3, "49152", torch.tensor(49152)],
    "sample_from_prior": [
        one_by_one,
        images(lambda count, K: Normal(0.0, 1.0).sample((count, K))),
        images(lambda count, K: torch.randn(K, count).T, lambda logits: 1 / (1 + (-logits).exp())),
        images(torch.randn, lambda logits: logits.double().sigmoid()),
    ],
    "beta_vae_loss": [with_softplus, with_distributions, over_the_batch],
    "kl_by_class": [
        lambda vae, images: [float(test_nats(vae, images)[images.test_labels == c].mean()) for c in range(10)],
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels).double().numpy(),
        lambda vae, images: [test_nats(vae, images)[images.test_labels == c].mean() for c in range(10)],
    ],
}
WRONG = {
    "beta_of_a_mean": [49151, 784, 128 * 3, 12288, -49152, 0.0, "many"],
    "sample_from_prior": [
        images(lambda count, K: 2 * torch.rand(count, K) - 1),
        images(lambda count, K: 12**0.5 * (torch.rand(count, K) - 0.5)),
        images(lambda count, K: torch.randn(count, K).abs()),
        images(lambda count, K: 0.7 * torch.randn(count, K)),
        images(lambda count, K: torch.randn(count, K).clamp(-1.5, 1.5)),
        images(lambda count, K: torch.randn(count // 2 + 1, K).repeat(2, 1)[:count]),
        images(lambda count, K: torch.randn(count, K).cumsum(1) / torch.arange(1, K + 1).sqrt()),
        images(lambda count, K: torch.randn(count, K, generator=torch.Generator().manual_seed(0))),
        images(torch.randn, lambda logits: logits.sigmoid().round()),
        images(torch.randn, lambda logits: Bernoulli(logits=logits).sample()),
        images(torch.randn, lambda logits: logits.softmax(-1)),
        images(torch.randn, lambda logits: logits.clamp(0, 1)),
        images(torch.randn, lambda logits: (-logits).sigmoid()),
        images(torch.randn, torch.tanh),
        lambda decoder, count, K: torch.rand(count, 1, 28, 28),
        lambda decoder, count, K: torch.sigmoid(torch.randn(count, 1, 28, 28)),
        lambda decoder, count, K: decoder(torch.randn(16, K)).sigmoid(),
        lambda decoder, count, K: decoder(torch.randn(count, 16)).sigmoid(),  # the size of one notebook
    ],
    "beta_vae_loss": [
        loss(cost=lambda logits, x: F.mse_loss(logits.sigmoid(), x, reduction="none").sum((1, 2, 3))),
        loss(cost=lambda logits, x: bce(x, logits)),
        loss(cost=lambda logits, x: bce(logits, x.round())),
        loss(cost=lambda logits, x: -bce(logits, x)),
        loss(cost=lambda logits, x: bce(logits, x).sum()),
        loss(kl=lambda mu, logvar: (mu**2 + logvar.exp() - 1 - logvar).sum(1)),
        loss(kl=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar).sum(1)),
        loss(kl=lambda mu, logvar: 0.5 * (mu.abs() + logvar.exp() - 1 - logvar).sum(1)),
        loss(kl=lambda mu, logvar: 0.5 * (mu**2 + (0.5 * logvar).exp() - 1 - 0.5 * logvar).sum(1)),
        loss(kl=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()),
        loss(kl=lambda mu, logvar: (0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)).detach()),
        lambda *args: loss()(*args) / 784,
        lambda *args: loss()(*args)[None],
        lambda *args: {"loss": loss()(*args)},
        lambda logits, x, mu, logvar, beta: loss()(logits, x, mu, logvar, beta**2),
        lambda logits, x, mu, logvar, beta: loss()(logits, x, mu, logvar, min(beta, 1)),
        lambda logits, x, mu, logvar, beta: my_beta_loss(logits, x, mu, logvar, beta) * len(x) / 128,
    ],
    "kl_by_class": [
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels).roll(1),
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels).sort().values,
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels, torch.median),
        lambda vae, images: test_nats(vae, images).mean().expand(10),
        lambda vae, images: by_class(2 * test_nats(vae, images), images.test_labels),
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels)[:9],
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels)[None],
        lambda vae, images: test_nats(vae, images),
        lambda vae, images: by_class(test_nats(vae, images), images.test_labels.flip(0)),
    ],
}
