"""Answers to the exercises of notebook 09."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vae_utils.exercises.lesson_09 import my_honest_difference


def precision_of(W, noise_variance):
    return torch.eye(W.shape[1]) + W.T @ W / noise_variance


def by_divergence(W, noise_variance):
    """KL from the best mean-field Gaussian to the posterior, with torch.distributions in float64."""
    precision = precision_of(W, noise_variance).double()
    zero = torch.zeros(len(precision), dtype=torch.float64)
    best = Independent(Normal(zero, precision.diagonal().rsqrt()), 1)
    best = MultivariateNormal(best.mean, torch.diag(best.variance))
    return kl_divergence(best, MultivariateNormal(zero, precision_matrix=precision))


def by_eigenvalues(W, noise_variance):
    precision = np.eye(W.shape[1]) + W.numpy().T @ W.numpy() / noise_variance
    return 0.5 * (np.log(np.diag(precision)).sum() - np.log(np.linalg.eigvalsh(precision)).sum())


def gap(change):
    return lambda W, noise_variance: change(precision_of(W, noise_variance), W, noise_variance)


def half_log_ratio(precision):
    return 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))


def honest(fifty=lambda w: w.unflatten(0, (-1, 50)).logsumexp(1).mean(0) - math.log(50), one=lambda w: w.mean(0)):
    def answer(log_w):
        difference = fifty(log_w) - one(log_w)
        return {"difference": difference.mean(), "error": difference.std() / len(difference) ** 0.5}

    return answer


def in_loops(log_w):
    differences = []
    for image in log_w.double().T:
        bounds = []
        for group in image.split(50):
            top = group.max().item()
            bounds.append(math.log(sum(math.exp(weight - top) for weight in group.tolist()) / 50) + top)
        differences.append(np.mean(bounds) - image.mean().item())
    return {"difference": np.mean(differences), "error": np.std(differences, ddof=1) / len(differences) ** 0.5}


def changed(key, change):
    return lambda log_w: {**my_honest_difference(log_w), key: change(my_honest_difference(log_w)[key])}


RIGHT = {
    "what_is_certain": ["c", "C"],
    "mean_field_gap": [
        by_divergence,
        by_eigenvalues,
        gap(lambda p, W, s2: p.diagonal().sqrt().log().sum() - torch.linalg.cholesky(p).diagonal().log().sum()),
        gap(lambda p, W, s2: -0.5 * torch.linalg.slogdet(p / p.diagonal().sqrt().outer(p.diagonal().sqrt()))[1]),
    ],
    "bound_or_draws": [86.35 - 84.78, 1.57, 1.6],
    "honest_difference": [honest(), in_loops, lambda log_w: {**in_loops(log_w), "images": log_w.shape[1]}],
}
WRONG = {
    "what_is_certain": ["a", "b", "d", "A", 0.5],
    "mean_field_gap": [
        gap(lambda p, W, s2: 0.5 * (p.diagonal().log().sum() - p.det())),
        gap(lambda p, W, s2: 0.5 * (p.diagonal().sum().log() - torch.logdet(p))),
        gap(lambda p, W, s2: half_log_ratio(p) / math.log(2)),
        gap(lambda p, W, s2: half_log_ratio(p) / len(p)),
        gap(lambda p, W, s2: half_log_ratio(torch.linalg.inv(p))),
        gap(lambda p, W, s2: half_log_ratio(torch.eye(len(W)) + W @ W.T / s2)),
        gap(lambda p, W, s2: half_log_ratio(s2 * torch.eye(len(p)) + W.T @ W + torch.eye(len(p)))),
        gap(lambda p, W, s2: half_log_ratio(torch.eye(len(p)) + (W / s2).T @ (W / s2))),
        gap(lambda p, W, s2: half_log_ratio(p).reshape(1)),
        gap(lambda p, W, s2: 0.5 * p.diagonal().log() - torch.logdet(p)),
        gap(lambda p, W, s2: p.diagonal().log().sum() - 0.5 * torch.logdet(p)),
        gap(lambda p, W, s2: 0.0),
    ],
    "bound_or_draws": [1.98, 0.41, 0.93, -1.57, 1.2, 0.0, 86.35],
    "honest_difference": [
        honest(fifty=lambda w: w.unflatten(0, (-1, 20)).logsumexp(1).mean(0) - math.log(20)),
        honest(fifty=lambda w: w.logsumexp(0) - math.log(len(w))),
        honest(fifty=lambda w: w.unflatten(0, (-1, 50)).logsumexp(1).logsumexp(0) - math.log(len(w))),
        honest(fifty=lambda w: w.unflatten(0, (-1, 50)).amax(1).mean(0)),
        honest(one=lambda w: w[:50].mean(0) + 1),
        honest(one=lambda w: 0 * w[0]),
        changed("error", lambda error: 2 * error),
        changed("error", lambda error: error**2),
        changed("error", lambda error: -error),
        changed("error", lambda error: error * 0),
        changed("difference", lambda difference: difference / math.log(2)),
        changed("difference", lambda difference: difference.expand(40)),
        lambda log_w: tuple(my_honest_difference(log_w).values()),
        lambda log_w: {"difference": my_honest_difference(log_w)["difference"]},
    ],
}
