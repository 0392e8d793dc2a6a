"""Answers to the exercises of notebook 03."""

import math

import numpy as np
import torch


def weights(log_prior, log_likelihood, log_q):
    return log_prior + log_likelihood - log_q


def by_largest(*logs):
    log_w = weights(*logs).double()
    top = log_w.max(0).values
    return top + (log_w - top).exp().mean(0).log()


def in_numpy(*logs):
    log_w = weights(*logs).numpy().astype(np.float64)
    return np.logaddexp.reduce(log_w, axis=0) - np.log(log_w.shape[0])


def one_maximum(*logs):
    log_w = weights(*logs)
    return log_w.max() + (log_w - log_w.max()).exp().mean(0).log()


def log_mean(log_w, count):
    return log_w.logsumexp(0) - math.log(count)


NARROWEST, WIDEST = math.sqrt(3) - 1, math.sqrt(3) + 1
RIGHT = {
    "average_posterior": ["b", "B "],
    "darts_in_twenty_dimensions": [3**20, 3.5e9, "3.5e9", 2e9],
    "estimate_with_q": [by_largest, in_numpy, lambda *logs: log_mean(weights(*logs), len(logs[0]))],
    "width_of_q": [
        {"narrowest": 0.73, "widest": 2.73},
        {"widest": torch.tensor(WIDEST), "narrowest": np.float64(NARROWEST), "note": "both by hand"},
    ],
}
WRONG = {
    "average_posterior": ["a", "c", "d", "the prior", 1],
    "darts_in_twenty_dimensions": [1e9, 1.2e10, 20**3, 3 * 2**20, 1 / 3**20, -(3.0**20), math.log(3**20)],
    "estimate_with_q": [
        one_maximum,
        lambda *logs: log_mean(weights(*logs), logs[0].shape[1]),
        lambda *logs: log_mean(weights(*logs), logs[0].numel()),
        lambda *logs: log_mean(weights(*logs).clamp(-80, 80), len(logs[0])),
        lambda *logs: log_mean(weights(*logs), max(1, len(logs[0]) - 1)),
        lambda *logs: -log_mean(weights(*logs), len(logs[0])),
        lambda *logs: log_mean(weights(*logs), 2),
        lambda p, x, q: log_mean(p + x, len(p)) - log_mean(q, len(q)),
        lambda p, x, q: log_mean(weights(p, x, q), len(p)).mean(),
        lambda p, x, q: log_mean(weights(p, x, q), len(p))[:1].expand(p.shape[1]),
        lambda p, x, q: weights(p, x, q).median(0).values,
        lambda p, x, q: weights(p, x, q)[0],
        lambda p, x, q: log_mean(weights(p, x, q), len(p)) / math.log(2),
    ],
    "width_of_q": [
        {"narrowest": 0.78, "widest": WIDEST},
        {"narrowest": NARROWEST, "widest": 2.6},
        {"narrowest": -NARROWEST, "widest": -WIDEST},
        {"narrowest": 2 * NARROWEST, "widest": 2 * WIDEST},
        {"narrowest": NARROWEST},
        {"narrowest": float("nan"), "widest": WIDEST},
        {"narrowest": [NARROWEST] * 2, "widest": WIDEST},
        (NARROWEST, WIDEST),
    ],
}
