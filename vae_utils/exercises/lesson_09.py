"""Exercises of notebook 09."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, normal

what_is_certain = Predict(
    title="What is certain?",
    difficulty=2,
    minutes=4,
    shown="Two lower bounds with unknown gaps do not order what they bound.",
    hints=[
        "Which of the two numbers is a log-likelihood, and which is at most one?",
        "B's gap may be 0.1 nats or 5. What would B report with 5,000 draws?",
    ],
    solution_text="Both are lower bounds, up to the noise of 0.01. A's gap is probably the smaller one, since it was "
    "measured with 5,000 draws; so B may well be the better model. Measure B with 5,000 draws, too, and with a q that "
    "deserves them. The error over images cancels, because the images are the same.",
    answer="c",
    options={
        "a": "A's log p(x) is higher",
        "b": "B's log p(x) is higher",
        "c": "two lower bounds; which is higher is open",
        "d": "nothing",
    },
    mistakes={
        "A's *bound* is higher. How far above its ELBO may B's log p(x) lie?": "a",
        "B's gap is probably larger. Is it certain that it is larger by half a nat?": "b",
        "The images are the same for both, so their differences cancel; and each number is a bound.": "d",
    },
)


def my_mean_field_gap(W, noise_variance):
    """W: (D, K); noise_variance: a number -> log p(x) - ELBO(best q) in nats, a tensor with one number."""
    precision = torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / noise_variance  # (K, K)
    return 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))


def _with(identity=1.0, scale=None, result=None):
    """The gap with one of its parts changed."""

    def wrong(W, noise_variance):
        divisor = noise_variance if scale is None else scale(noise_variance)
        precision = identity * torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / divisor
        if result is not None:
            return result(precision)
        return 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))

    return wrong


def _moments(precision):
    covariance = torch.linalg.inv(precision)
    inside = (precision.diagonal() * covariance.diagonal()).sum() - len(precision)
    return 0.5 * (inside - covariance.diagonal().log().sum() - torch.logdet(precision))


mean_field_gap = Implement(
    title="What a missing slant costs",
    difficulty=3,
    minutes=10,
    shown="Your gap is the exact divergence on 4 models, and 0 where the columns of W are orthogonal.",
    hints=[
        "Two steps: the precision matrix Λ = I + WᵀW / s², (K, K); then ½ (Σ log Λ_kk − log det Λ).",
        "`torch.logdet(precision)` is the log-determinant; `precision.diagonal()` are the Λ_kk.",
    ],
    solution_text="Hadamard's inequality says that the product of the diagonal is at least the determinant: so a gap "
    "is never negative, and 0 for a diagonal Λ only.",
    reference=my_mean_field_gap,
    cases=[
        (torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 0.5),
        (torch.diag(torch.tensor([1.0, 2.0, 3.0])), 2.0),
        (normal(6, 3, seed=1), 0.3),
        (normal(9, 4, seed=2), 2.0),
    ],
    mistakes={
        "You forgot the factor 1/2.": _with(result=lambda p: p.diagonal().log().sum() - torch.logdet(p)),
        "The sign is turned round: a gap is never negative.": _with(
            result=lambda p: 0.5 * (torch.logdet(p) - p.diagonal().log().sum())
        ),
        "You left out the I of the prior in Λ = I + WᵀW / s².": (_with(identity=0.0)),
        "s² is the variance, as given: do not square it again.": _with(scale=lambda s2: s2**2),
        "s² is the variance, as given: do not take its root.": _with(scale=lambda s2: s2**0.5),
        "WᵀW must be divided by s².": _with(scale=lambda s2: 1.0),
        "WᵀW must be divided by s², not multiplied.": _with(scale=lambda s2: 1 / s2),
        "That is the gap of a q with the posterior's own variances, the diagonal of the *inverse* of Λ. The best q has "
        "1/Λ_kk, which is smaller.": _with(result=_moments),
        "You took the formula with the covariance; it needs the precision, its inverse.": _with(
            result=lambda p: 0.5 * (torch.linalg.inv(p).diagonal().log().sum() + torch.logdet(p))
        ),
        "That is log det Λ; the terms of the diagonal are missing.": _with(result=lambda p: 0.5 * torch.logdet(p)),
        "Those are the terms of the diagonal; log det Λ must be subtracted.": _with(
            result=lambda p: 0.5 * p.diagonal().log().sum()
        ),
    },
)


def my_honest_difference(log_w):
    """Difference of the bounds with 50 draws and with 1, and its standard error over images."""
    fifty = (log_w.unflatten(0, (-1, 50)).logsumexp(1) - math.log(50)).mean(0)  # (B,)  mean over the groups
    one = log_w.mean(0)  # (B,)
    difference = fifty - one  # (B,)  image by image
    return {"difference": difference.mean(), "error": difference.std() / len(difference) ** 0.5}


def _with_error(error, difference=None):
    """The answer with another error, or another difference."""

    def wrong(log_w):
        groups = log_w.unflatten(0, (-1, 50))
        fifty = (groups.logsumexp(1) - math.log(50)).mean(0)
        right = my_honest_difference(log_w)
        found = right["difference"] if difference is None else difference(log_w, fifty)
        return {"difference": found, "error": right["error"] if error is None else error(log_w, fifty)}

    return wrong


def _example():
    random = torch.Generator().manual_seed(0)
    level = -130 + 30 * torch.randn(40, generator=random)
    spread = 1 + 2 * torch.rand(40, generator=random)
    return (level + spread * torch.randn(1000, 40, generator=random),)


honest_difference = Investigate(
    title="An honest difference",
    difficulty=3,
    minutes=10,
    shown="Taken image by image, the difference is known many times better than either bound.",
    hints=[
        "Use `my_bound(log_w, 50)`, (100, 100), and average over its rows: one number an image. "
        "Subtract `log_w.mean(0)`.",
        "With `d` the 100 differences: `d.mean()`, and `d.std() / 100 ** 0.5`.",
    ],
    solution_text="The images differ by tens of nats in both bounds alike, and that cancels in the difference.",
    reference=my_honest_difference,
    tolerance=0.02,
    example=_example,
    mistakes={
        "That is the error of one bound over the images. In the difference, image by image, most of it cancels.": (
            _with_error(lambda log_w, fifty: fifty.std() / len(fifty) ** 0.5)
        ),
        "You added the errors of the two bounds as if they came from different images; take the differences first.": (
            _with_error(lambda log_w, fifty: ((fifty.var() + log_w.mean(0).var()) / len(fifty)) ** 0.5)
        ),
        "That is the standard deviation of the differences; divide it by the root of the number of images.": (
            _with_error(lambda log_w, fifty: (fifty - log_w.mean(0)).std())
        ),
        "The log 50 is missing: the bound is the log of the *mean* weight.": _with_error(
            None, lambda log_w, fifty: (fifty + math.log(50) - log_w.mean(0)).mean()
        ),
        "The sign is turned round: the bound with 50 draws is the higher one.": _with_error(
            None, lambda log_w, fifty: (log_w.mean(0) - fifty).mean()
        ),
        "You compared the bound with all draws, not with 50.": _with_error(
            None,
            lambda log_w, fifty: (log_w.logsumexp(0) - math.log(len(log_w)) - log_w.mean(0)).mean(),
        ),
    },
)

bound_or_draws = Predict(
    title="The bound or the draws?",
    difficulty=1,
    minutes=3,
    answer=1.57,
    tolerance=0.035,
    shown="Same fifty draws, another bound: four fifths of the two nats are due to the bound.",
    hints=[
        "Which two rows of the paper have the same number of draws and another bound?",
        "NLL of the VAE with k = 50, minus NLL of the IWAE with k = 50.",
    ],
    solution_text="86.35 − 84.78 = 1.57 nats are due to the bound, and 86.76 − 86.35 = 0.41 to the fifty draws. A fair "
    "comparison changes one thing.",
    mistakes={
        "That compares with one draw: it holds what fifty draws bring under the old bound, too.": 1.98,
        "That is what fifty draws bring under the old bound. The question is about the rest.": 0.41,
        "Right, with five draws. The question is about fifty.": 0.93,
        "That goes from five draws to fifty, under the new bound.": 0.76,
        "The size is right. The bound lowers the NLL: how many nats does it *gain*?": -1.57,
        "That is the difference of the active units. The question is about nats.": 5.0,
        "Read the column of the paper, not ours.": (2.9, 3.9),
    },
)
