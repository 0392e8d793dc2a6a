"""Exercises of notebook 10."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal

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


def my_gain(mu, logvar, own_codes, test_codes):
    """Mean of log r(z) - log p(z), for codes of the pseudo-inputs themselves and for codes of test images."""

    def gain(z):
        log_p = -0.5 * (math.log(2 * math.pi) + z**2).sum(1)
        return (my_vamp_log_prior(z, mu, logvar) - log_p).mean()

    return {"own": gain(own_codes), "test": gain(test_codes)}


def _changed(own, test):
    """Two answers made of the right ones, `right`, and of the bare log r, `bare`."""

    def wrong(mu, logvar, own_codes, test_codes):
        right = my_gain(mu, logvar, own_codes, test_codes)
        codes = {"own": own_codes, "test": test_codes}
        bare = {name: my_vamp_log_prior(z, mu, logvar).mean() for name, z in codes.items()}
        return {"own": own(right, bare), "test": test(right, bare)}

    return wrong


def _context():
    mu, logvar = 2 * normal(40, 6, seed=1), 0.2 * normal(40, 6, seed=2) - 2
    return mu, logvar, mu + (0.5 * logvar).exp() * normal(40, 6, seed=3), 2 * normal(60, 6, seed=4)


fixed_pseudo_inputs = Investigate(
    title="A prior from memory",
    difficulty=3,
    minutes=10,
    tolerance=0.05,
    shown="A prior that has memorised 500 codes gains on these, and costs on all others. Judge a prior by codes of "
    "images that it has never met.",
    hints=[
        "`my_vamp_log_prior(z, mu[:500], logvar[:500])` is log r(z) (from exercise 2; `AggregatedPosterior(mu[:500], "
        "logvar[:500]).log_prob(z)` does the same); subtract `log_prior(z)` and take the mean.",
        'Do it twice, with `own_codes` and with `test_codes`: {"own": ..., "test": ...}.',
    ],
    solution_text="With pseudo-inputs that are *trained* together with encoder and decoder, as Tomczak & Welling do, "
    "the posteriors become wider where the prior needs them, and the number of components is far below N.",
    reference=my_gain,
    example=_context,
    mistakes={
        "The two are swapped: `own` belongs to the codes of the 500 images.": _changed(
            lambda right, bare: right["test"], lambda right, bare: right["own"]
        ),
        "That is the mean of log r alone. The gain is the difference to log p, the prior that is replaced.": _changed(
            lambda right, bare: bare["own"], lambda right, bare: bare["test"]
        ),
        "The sign is turned round: the gain is log r − log p.": _changed(
            lambda right, bare: -right["own"], lambda right, bare: -right["test"]
        ),
        "The log 500 is missing in r, which is the *mean* of the Gaussians.": (
            lambda mu, logvar, own, test: {
                name: value + math.log(len(mu)) for name, value in my_gain(mu, logvar, own, test).items()
            }
        ),
    },
)
