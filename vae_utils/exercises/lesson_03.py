"""Exercises of notebook 03."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, normal

average_posterior = Predict(
    title="Average the posteriors of many x",
    difficulty=2,
    minutes=3,
    shown="Pooled over x drawn from the model, the exact posteriors are the prior.",
    hints=[
        "Write the average as an integral over x: each posterior counts as often as its x occurs, so it has the "
        "weight p(x).",
        "By Bayes' rule p(x) p(z|x) is the joint density p(x, z). What is left when x is integrated out of it?",
    ],
    solution_text="The average is the integral of p(x) p(z|x) over x. By Bayes' rule that is the integral of p(x, z), "
    "which leaves p(z): the prior. Each posterior is narrow, but their means are spread out, and the two together "
    "(the mean of the variances plus the variance of the means) give exactly the prior's variance of 1.",
    answer="b",
    options={
        "a": "something narrower than the prior",
        "b": "the prior",
        "c": "a curve with two humps, like p(x)",
        "d": "a flat curve",
    },
    mistakes={
        "Each single posterior is narrower than the prior, true. But they stand at different places: what does that "
        "do to the width of their average?": "a",
        "p(x) is a density over x; the average is a density over codes z. Which codes did the x come from?": "c",
        "A flat curve has no finite area over all z. Where do the codes come from that made these x?": "d",
    },
)

darts_in_twenty_dimensions = Predict(
    title="Darts for one hit in twenty dimensions",
    difficulty=2,
    minutes=4,
    shown="Independent dimensions multiply: 3 in one dimension is about three and a half billion in twenty.",
    hints=[
        "A dart is useful only if all twenty of its numbers are.",
        "The weight of a dart is a product of twenty independent weights, and so is the mean of its square. What "
        "happens to N?",
    ],
    solution_text="The weight is a product over the dimensions, and the mean of a product of independent factors is "
    "the product of their means. So N, which is made of such means, is N of one dimension to the power of twenty: "
    "3^20 = 3.5 billion.",
    answer=3**20,
    factor=2,
    mistakes={
        "You multiplied 3 by 20. A dart has to hit in all dimensions at once, so the shares multiply, they do not add "
        "up.": 60,
        "That is the number for one dimension. With twenty, all twenty numbers of a code have to fit at once.": 3,
        "You raised 20 to the power of 3: the base is what one dimension costs, the exponent how many there are.": 8000,
        "That is a share of useful darts; its inverse, the number of darts for a useful one, is asked for.": (
            0.0,
            0.999,
        ),
        "You used 2 for each dimension. One dart in three is useful.": 2**20,
    },
)


def my_estimate(log_prior, log_likelihood, log_q):
    """Estimate of log p(x) from S draws of q.  Three times (S, B) -> (B,)"""
    log_weights = log_prior + log_likelihood - log_q  # (S, B)
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))  # (B,)


def _log_mean(log_weights, dim=0):
    return torch.logsumexp(log_weights, dim=dim) - math.log(log_weights.shape[dim])


estimate_with_q = Implement(
    title="Estimate log p(x) with draws from q",
    difficulty=3,
    minutes=8,
    shown="Your estimate is the logarithm of the mean weight, for each image, also where the likelihood is exp(-2000).",
    hints=[
        "The weight of a draw is p(x|z) p(z) / q(z). As logarithms that is two signs and three terms.",
        "The estimate is the mean of the weights over the S draws (dim 0), and its logarithm is asked for.",
        "log of a mean of exponentials: `torch.logsumexp(log_weights, dim=0) - math.log(S)`.",
    ],
    solution_text="Add the two logarithms of the numerator, subtract that of q, and take the log of the mean without "
    "leaving the logarithms.",
    reference=my_estimate,
    cases=[
        (torch.tensor([[-1.0], [-2.0]]), torch.tensor([[-3.0], [-0.5]]), torch.tensor([[-0.4], [-1.3]])),
        (normal(5, 3, seed=1), normal(5, 3, seed=2), normal(5, 3, seed=3)),
        (normal(4, 2, seed=4), normal(4, 2, seed=5) * 3 - torch.tensor([1000.0, 2000.0]), normal(4, 2, seed=6)),
        (normal(1, 3, seed=7), normal(1, 3, seed=8) + 500, normal(1, 3, seed=9)),
    ],
    mistakes={
        "You left out the prior: the weight is p(x|z) p(z) / q(z).": lambda log_prior, log_likelihood, log_q: _log_mean(
            log_likelihood - log_q
        ),
        "You did not divide by q: draws that q proposes too often have to count less.": (
            lambda log_prior, log_likelihood, log_q: _log_mean(log_prior + log_likelihood)
        ),
        "You multiplied by q. A draw that q proposes often has to count less, so divide.": (
            lambda log_prior, log_likelihood, log_q: _log_mean(log_prior + log_likelihood + log_q)
        ),
        "You summed the weights; the estimate is their mean. As a logarithm: subtract log S.": (
            lambda log_prior, log_likelihood, log_q: torch.logsumexp(log_prior + log_likelihood - log_q, dim=0)
        ),
        "You averaged the logarithms. The mean of the weights is unbiased, the mean of their logarithms is too low "
        "(it will have its use in notebook 04). Take the mean first, then the logarithm.": (
            lambda log_prior, log_likelihood, log_q: (log_prior + log_likelihood - log_q).mean(0)
        ),
        "You averaged over the images. Draws run along dim 0, images along dim 1: one number for each image.": (
            lambda log_prior, log_likelihood, log_q: _log_mean(log_prior + log_likelihood - log_q, dim=1)
        ),
        "`exp` of a log-likelihood like -2000 is 0 as a float, and that of 500 is infinite. Stay in logarithms: "
        "`torch.logsumexp` takes out the largest one first.": lambda log_prior, log_likelihood, log_q: (
            (log_prior + log_likelihood - log_q).exp().mean(0).log()
        ),
        "You returned p(x); its logarithm is asked for.": lambda log_prior, log_likelihood, log_q: _log_mean(
            log_prior + log_likelihood - log_q
        ).exp(),
        "You took the best draw only. All draws count, each with its weight.": (
            lambda log_prior, log_likelihood, log_q: (log_prior + log_likelihood - log_q).max(0).values
        ),
        "You averaged over all draws of all images together: one number for each image is asked for.": (
            lambda log_prior, log_likelihood, log_q: _log_mean((log_prior + log_likelihood - log_q).flatten())
        ),
        "You weighted with shares that sum to 1 and averaged the logarithms with them. The plain mean of the weights "
        "is asked for.": lambda log_prior, log_likelihood, log_q: (
            torch.softmax(log_prior + log_likelihood - log_q, 0) * (log_prior + log_likelihood - log_q)
        ).sum(0),
    },
)


def my_widths():
    """Where the share of useful draws, sqrt(2 c² - 1) / c² for a Gaussian, is one half: c⁴ - 8 c² + 4 = 0."""
    return {"narrowest": math.sqrt(4 - math.sqrt(12)), "widest": math.sqrt(4 + math.sqrt(12))}


width_of_q = Investigate(
    title="How wrong may the width of q be?",
    difficulty=4,
    minutes=12,
    shown="A quarter too narrow costs as much as almost three times too wide: if in doubt, be wide.",
    hints=[
        "Take mean and standard deviation from `posterior_moments` (it returns the log variance), and compute "
        "`useful_share(mean, c * deviation, 1.0, straight)` for many c between 0.5 and 4, with "
        '`straight = ToyModel(0.5, "line")`. (`toy` is another decoder, the wave.)',
        "Keep those c with a share of at least 0.5; the smallest and the largest are asked for. Refine the grid to "
        "0.01.",
        "On paper: with the posterior N(0, 1) and q = N(0, c²) the integral of p²/q is c² / sqrt(2 c² - 1). Set it to "
        "2.",
    ],
    solution_text="The integral of p(z|x)² / q(z) is c² / sqrt(2 c² - 1), so one half is reached at c = √3 - 1 = 0.73 "
    "and c = √3 + 1 = 2.73. Below c = 0.71 (1/√2) the integral is infinite and the share is 0: now and then a draw "
    "from the tail of such a q gets a gigantic weight. An effective sample size measured on a few hundred draws, none "
    "of them from there, says a fifth or a half. All of this is for one dimension; in 16 of them even c = 1.2 leaves "
    "less than half.",
    reference=my_widths,
    tolerance=0.02,
    mistakes={
        "These are ratios of variances; c is a ratio of standard deviations. Take the square root.": {
            "narrowest": 4 - math.sqrt(12),
            "widest": 4 + math.sqrt(12),
        },
        "The two are exchanged: the narrowest c is the smaller one.": {
            "narrowest": 1 + math.sqrt(3),
            "widest": math.sqrt(3) - 1,
        },
        "These are standard deviations. Divide them by the posterior's, which is the square root of 0.1 here.": {
            "narrowest": (math.sqrt(3) - 1) * math.sqrt(0.1),
            "widest": (math.sqrt(3) + 1) * math.sqrt(0.1),
        },
        "You took the inverse of the widest c as the narrowest. Too narrow and too wide are not alike: compute both.": {
            "narrowest": 1 / (1 + math.sqrt(3)),
            "widest": 1 + math.sqrt(3),
        },
        "You took the inverse of the narrowest c as the widest. Too narrow and too wide are not alike: compute both.": {
            "narrowest": math.sqrt(3) - 1,
            "widest": 1 / (math.sqrt(3) - 1),
        },
        "You gave `useful_share` the variance, c² times the posterior's; it wants a standard deviation.": {
            "narrowest": math.sqrt((math.sqrt(3) - 1) / math.sqrt(0.1)),
            "widest": math.sqrt((math.sqrt(3) + 1) / math.sqrt(0.1)),
        },
        "The narrowest is too small: there the integral of p²/q diverges. A share measured on draws looks better than "
        "it is; use the exact one.": {"narrowest": 0.6, "widest": 1 + math.sqrt(3)},
    },
)
