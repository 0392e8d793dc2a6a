"""Answers to the exercises of notebook 10."""

import math

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_utils.exercises.lesson_10 import my_best_width, my_vamp_log_prior


def by_mixture(z, mu, logvar):
    parts = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu))), parts).log_prob(z)


def multiplied_out(z, mu, logvar):
    z, mu, logvar = z.double(), mu.double(), logvar.double()
    precision = (-logvar).exp()
    squares = z.square() @ precision.T - 2 * z @ (mu * precision).T + (mu.square() * precision).sum(1)
    log_each = -0.5 * (squares + logvar.sum(1) + mu.shape[1] * math.log(2 * math.pi))
    return torch.logsumexp(log_each, dim=1) - math.log(mu.shape[0])


def image_by_image(z, mu, logvar):
    each = [Normal(mu, torch.exp(logvar / 2)).log_prob(code).sum(1).logsumexp(0) for code in z]
    return torch.stack(each) - math.log(len(mu))


def density(change=lambda z, mu, logvar: (z, mu, logvar), reduce=None):
    def answer(z, mu, logvar):
        z, mu, logvar = change(z, mu, logvar)
        log_each = Normal(mu, (0.5 * logvar).exp()).log_prob(z[:, None])
        return reduce(log_each) if reduce else log_each.sum(2).logsumexp(1) - math.log(len(mu))

    return answer


def at(c, factor=None, change=lambda value: value):
    """The answer c with the gain of the posteriors that are `factor` times as wide (c times, if None)."""

    def answer(mu, logvar, test_codes):
        wide = logvar + 2 * math.log(c if factor is None else factor)
        gain = by_mixture(test_codes, mu, wide) - Normal(0.0, 1.0).log_prob(test_codes).sum(1)
        return {"c": c, "gain": change(gain.mean())}

    return answer


RIGHT = {
    "least_marginal_kl": [23.8, 30 - math.log(500), "23.79", torch.tensor(23.7854)],
    "vamp_log_prior": [by_mixture, multiplied_out, image_by_image],
    "wider_spikes": [
        at(2),
        at(1.5),
        at(2.0, change=float),
        lambda *context: at(1.5)(*context) | {"c": torch.tensor(1.5)},
    ],
}
WRONG = {
    "least_marginal_kl": [24.2, 23.3, -23.8, 6.21, 30 / math.log(500), 30 - 500, 30 - math.log10(500)],
    "vamp_log_prior": [
        density(reduce=lambda each: each.sum(2).logsumexp(1) - math.log(len(each))),
        density(reduce=lambda each: each.sum(2).logsumexp(1) - math.log(each.shape[2])),
        density(reduce=lambda each: each.sum(2).logsumexp(1) - math.log(2)),
        density(reduce=lambda each: each.sum(2).exp().mean(1)),
        density(reduce=lambda each: each.sum(2).logsumexp(0)[: len(each)]),
        density(reduce=lambda each: each.sum(2)),
        density(reduce=lambda each: (each.sum(2).logsumexp(1) - math.log(each.shape[1])).mean()),
        density(reduce=lambda each: (each.sum(2).logsumexp(1) - math.log(each.shape[1]))[:1].expand(len(each))),
        density(lambda z, mu, logvar: (z, mu, 2 * logvar)),
        density(lambda z, mu, logvar: (z, mu, 0.5 * logvar)),
        density(lambda z, mu, logvar: (z, mu, -logvar)),
        density(lambda z, mu, logvar: (-z, mu, logvar)),
        density(lambda z, mu, logvar: (z, mu.mean(0, keepdim=True), logvar.mean(0, keepdim=True))),
        density(lambda z, mu, logvar: (z, 0 * mu, 0 * logvar)),
        density(lambda z, mu, logvar: (z, mu.detach(), logvar.detach())),
        density(lambda z, mu, logvar: (z.detach(), mu, logvar)),
        lambda *args: my_vamp_log_prior(*args).log_softmax(0),
        lambda *args: -my_vamp_log_prior(*args),
        lambda *args: my_vamp_log_prior(*args)[:, None],
    ],
    "wider_spikes": [
        at(2.5),
        at(3),
        at(1.75),
        at(1.5, factor=2.25),
        at(2, factor=1.5),
        at(2, factor=0.5),
        at(2, change=lambda value: value / 8),
        at(2, change=lambda value: value / math.log(2)),
        at(2, change=lambda value: value + math.log(60)),
        at(2, change=lambda value: 4.07),
        lambda *context: tuple(at(2)(*context).values()),
        lambda *context: at(2)(*context)["gain"],
        lambda *context: my_best_width(*context) | {"c": 0},
        lambda mu, logvar, test: at(2)(mu, logvar, mu),
        lambda mu, logvar, test: at(2)(mu, 0.5 * logvar, test),
    ],
}
