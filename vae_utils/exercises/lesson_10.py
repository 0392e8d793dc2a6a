"""Exercises of notebook 10."""

import functools
import math

import torch

from vae_utils.aggregate import AggregatedPosterior
from vae_utils.distributions import standard_normal_log_density
from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal, require

FACTORS = 1, 1.5, 2, 2.5, 3

least_marginal_kl = Predict(
    title="Few images",
    difficulty=2,
    minutes=3,
    answer=30 - math.log(500),
    tolerance=0.15,
    shown="The information is at most log 500 = 6.2 nats, and the rest of the 30 must go somewhere.",
    hints=[
        "KL term = information about which image + KL(q(z) ‖ p(z)). How large can the first be with 500 images?",
        "The information is at most log N, a natural logarithm.",
    ],
    solution_text="30 − log 500 = 23.8 nats at least. It says little about the encoder: with 500 narrow posteriors "
    "nothing can fill 16 dimensions.",
    mistakes={
        "That is the whole KL term. A part of it is information about which image it was.": 30.0,
        "That is the largest information that 500 images allow. What remains of the 30 nats?": math.log(500),
        "You added the information. The KL term is the sum of both parts, so subtract.": 30 + math.log(500),
        "The unit is nats: take the natural logarithm, not the one of base 2.": 30 - math.log2(500),
        "A posterior that knows which image it is has information, but only up to log N; the rest is not nothing.": 0.0,
    },
)


def my_vamp_log_prior(z, mu, logvar):
    """log of the mean of C Gaussians.  z: (B, K); mu, logvar of the pseudo-inputs: (C, K) -> (B,) nats."""
    squares = (z[:, None] - mu).square() / logvar.exp()  # (B, C, K)
    log_each = -0.5 * (math.log(2 * math.pi) + logvar + squares).sum(2)  # (B, C)
    return log_each.logsumexp(1) - math.log(len(mu))


def _vamp(precision=None, reduce=None, constant=True, half=0.5, normalizer=True):
    """The VampPrior's log-density with one of its parts changed."""

    def wrong(z, mu, logvar):
        squares = (z[:, None] - mu).square() * (precision or (lambda lv: (-lv).exp()))(logvar)
        width = logvar if normalizer else torch.zeros_like(logvar)
        terms = -half * ((math.log(2 * math.pi) if constant else 0.0) + width + squares)  # (B, C, K)
        if reduce is not None:
            return reduce(terms)
        return terms.sum(2).logsumexp(1) - math.log(len(mu))

    return wrong


def _integrates_to_one(f):
    grid = torch.linspace(-12, 12, 4001)[:, None]
    mu, logvar = torch.tensor([[-2.0], [0.5], [3.0]]), torch.tensor([[0.0], [-1.0], [1.0]])
    area = torch.as_tensor(f(grid, mu, logvar)).exp().sum() * 24 / 4000
    yield Quantity("Over a line with three pseudo-inputs your density has the area", area, expected=1.0, tolerance=1e-3)


vamp_log_prior = Implement(
    title="A prior made of posteriors",
    difficulty=3,
    minutes=10,
    shown="Your density is the mean of the C Gaussians, integrates to one, and lets gradients reach all three inputs.",
    hints=[
        "Three steps: all log-densities (B, C, K); the sum over the K dimensions of one Gaussian; the log of the mean "
        "over the C Gaussians.",
        "`z[:, None] - mu` is (B, C, K). The log of a mean is `logsumexp(1) - math.log(C)`.",
    ],
    solution_text="The order matters: dimensions first (a product within each Gaussian), then the mean over Gaussians.",
    reference=my_vamp_log_prior,
    cases=[
        (torch.tensor([[0.5]]), torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]])),
        (normal(4, 3, seed=1), normal(5, 3, seed=2), 0.5 * normal(5, 3, seed=3)),
        (normal(6, 2, seed=4), 2 * normal(3, 2, seed=5), normal(3, 2, seed=6) - 1),
        (3 * normal(2, 6, seed=7), normal(9, 6, seed=8), normal(9, 6, seed=9) - 2),
    ],
    measure=_integrates_to_one,
    per_row=True,
    gradients=True,
    mistakes={
        "You summed the C densities: divide by C, which subtracts log C.": _vamp(
            reduce=lambda terms: terms.sum(2).logsumexp(1)
        ),
        "That is the mean of the logarithms. The prior is the logarithm of a mean.": _vamp(
            reduce=lambda terms: terms.sum(2).mean(1)
        ),
        "You took the mean over the C Gaussians in each dimension, then summed: that is the product of the marginals, "
        "and forgets which dimensions belong together. Sum over the dimensions first.": _vamp(
            reduce=lambda terms: (terms.logsumexp(1) - math.log(terms.shape[1])).sum(1)
        ),
        "logvar is log σ²: divide the square by exp(logvar), not by its square.": _vamp(
            precision=lambda logvar: (-2 * logvar).exp()
        ),
        "logvar is log σ²: divide the square by exp(logvar), not by its root.": _vamp(
            precision=lambda logvar: (-0.5 * logvar).exp()
        ),
        "You multiplied the square by exp(logvar); divide.": _vamp(precision=lambda logvar: logvar.exp()),
        "The log 2π is missing: ½ log 2π for each dimension.": _vamp(constant=False),
        "The ½ logvar of the normaliser is missing: narrow Gaussians are higher.": _vamp(normalizer=False),
        "You forgot the factor ½.": _vamp(half=1.0),
        "You took the largest of the Gaussians, not their mean.": _vamp(
            reduce=lambda terms: terms.sum(2).amax(1) - math.log(terms.shape[1])
        ),
        "You averaged over the dimensions of a Gaussian; log-densities of independent dimensions add up.": _vamp(
            reduce=lambda terms: terms.mean(2).logsumexp(1) - math.log(terms.shape[1])
        ),
    },
)


def my_best_width(mu, logvar, test_codes):
    """The factor on all widths that gains most on codes of test images, and that gain in nats."""
    log_prior = -0.5 * (math.log(2 * math.pi) + test_codes**2).sum(1)
    gains = {}
    for c in (1, 1.5, 2, 2.5, 3):
        r = AggregatedPosterior(mu, logvar + 2 * math.log(c))  # c times σ: log σ² grows by 2 log c
        gains[c] = (r.log_prob(test_codes) - log_prior).mean().item()
    best = max(gains, key=gains.get)
    return {"c": best, "gain": gains[best]}


@functools.lru_cache(maxsize=8)  # each planted mistake asks for it; tensors are told apart by identity
def _gains(mu, logvar, test_codes, power=2, own=False):
    """The gain for each c, with c^(power / 2) times the widths, on codes of the same images if `own`."""
    dice = torch.Generator().manual_seed(0)
    z = AggregatedPosterior(mu, logvar).sample(len(test_codes), dice)[0] if own else test_codes
    densities = {c: AggregatedPosterior(mu, logvar + power * math.log(c)) for c in FACTORS}
    return {c: (r.log_prob(z) - standard_normal_log_density(z)).mean().item() for c, r in densities.items()}


def _best(change=lambda gain, z: gain, factor=None, **options):
    """The best c by gains that were computed in another way, and its gain, changed; or those of one c."""

    def wrong(mu, logvar, test_codes):
        gains = _gains(mu, logvar, test_codes, **options)
        best = factor or max(gains, key=gains.get)
        return {"c": best, "gain": change(gains[best], test_codes)}

    return wrong


def _other_c(mu, logvar, test_codes):
    """The right c with the gain of the last one, which a variable of a loop still holds."""
    gains = _gains(mu, logvar, test_codes)
    return {"c": max(gains, key=gains.get), "gain": gains[3]}


def _near_the_best(answer, *context):
    # 1.5 and 2 gain nearly the same: whichever is handed over, its gain has to be right.
    gains, c = _gains(*context), answer["c"].item()
    require(c in gains, f"c should be one of {', '.join(map(str, FACTORS))}; received {c:g}")
    yield Quantity(f"Your gain at c = {c:g} is", answer["gain"], gains[c], tolerance=0.05, secret=True)
    require(gains[c] > max(gains.values()) - 0.3, "Another of the five factors gains clearly more.")


def _context():
    centres, images = 1.2 * normal(5, 8, seed=5), torch.arange(60) % 5
    mu, logvar = centres[images] + 0.35 * normal(60, 8, seed=1), 0.2 * normal(60, 8, seed=2) - 3
    return mu, logvar, centres[images] + 0.42 * normal(60, 8, seed=3)


wider_spikes = Investigate(
    title="Wider spikes",
    difficulty=3,
    minutes=10,
    shown="Blurred, the memory of 8,000 images is nearly as good a prior as the flow: all that it lacked lay between "
    "its spikes.",
    hints=[
        "What lies between the spikes, where the codes of test images are?",
        "For each c: `r = AggregatedPosterior(mu, logvar + 2 * math.log(c))`, then the mean of "
        "`r.log_prob(test_codes) - log_prior(test_codes)`. The largest mean and its c are the answer.",
    ],
    solution_text="Here about 3.7 nats at c = 2, nearly the same at 1.5; the flow gains 4.1, the mixture 4.4. Such a "
    "sum of equal bumps is a kernel density estimate, c its bandwidth: too narrow it overfits, too wide it forgets. "
    "(To report the gain of the best c, choose c on other codes than you measure it on.)",
    reference=my_best_width,
    measure=_near_the_best,
    example=_context,
    mistakes={
        "You added log c to logvar. That is log σ², and σ is to be multiplied by c: add 2 log c.": _best(power=1),
        "You added 4 log c to logvar. That is log σ², and σ is to be multiplied by c: add 2 log c.": _best(power=4),
        "That is the gain on codes of the *training* images, from which the spikes are made. Take `test_codes`.": (
            _best(own=True)
        ),
        "The sign is turned round, and the worst c looks best: the gain is log r − log p.": _best(
            lambda gain, z: -gain, factor=1
        ),
        "The c is right, but the sign of its gain is turned round: it is log r − log p.": _best(lambda gain, z: -gain),
        "That is the mean of log r alone. The gain is the difference to log p, the prior that is replaced.": _best(
            lambda gain, z: gain + standard_normal_log_density(z).mean().item()
        ),
        "That is the sum over all codes. The gain is in nats per code: take the mean.": _best(
            lambda gain, z: gain * len(z)
        ),
        "Those are the nats at another c: at 3, the last one.": _other_c,
        "At c = 1 nothing is wider. Were the others narrower? Multiply σ by c, which *adds* 2 log c to logvar.": _best(
            factor=1
        ),
    },
)
