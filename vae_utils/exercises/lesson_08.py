"""Exercises of notebook 08."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict

where_it_collapses = Predict(
    title="Where does it collapse?",
    difficulty=2,
    minutes=3,
    answer=12.5,
    tolerance=0.1,
    shown="A dimension is worth a latent only while β σ² is below its own variance: here up to β = 0.5 / 0.04.",
    hints=[
        "A latent may leave the mean squared error β σ² in its dimension. When is that no better than no latent?",
        "Without a latent the error is the variance of the data, 0.5. Set β σ² equal to it, with σ = 0.2.",
    ],
    solution_text="σ² = 0.04. The best error with a latent is β σ²; without one it is s² = 0.5. They meet at β = 12.5.",
    mistakes={
        "That divides by σ. The decoder's variance is σ² = 0.04.": 2.5,
        "That is s / σ²: 0.5 is the variance of the data already, no need for a root.": math.sqrt(0.5) / 0.04,
        "That is s / σ. Compare variances, not standard deviations.": math.sqrt(0.5) / 0.2,
        "That is turned round: a small σ makes precision worth more, so it takes a larger β to switch it off.": 0.08,
        "At β = 1 the error with a latent is σ² = 0.04, far below the 0.5 without one: it pays.": 1.0,
    },
)


def my_free_bits(kl, nats):
    """What free bits charge for a batch.  kl: (B, K) nats; nats: a number -> a tensor with one number."""
    return kl.mean(0).clamp(min=nats).sum()


def _kl(*values):
    return torch.tensor(values, dtype=torch.float32)


free_bits_charge = Implement(
    title="Charge for free bits",
    difficulty=3,
    minutes=8,
    shown="Your charge is at least λ in each dimension, counts the average image, and has no gradient below λ.",
    hints=[
        "Average over the batch first, (B, K) -> (K,): the limit holds for a dimension, not for each image in it.",
        "Each dimension is charged max(λ, its mean); `torch.clamp(..., min=nats)` does that. Then sum over dimensions.",
    ],
    solution_text="Mean over the batch, then the limit, then the sum. Below λ the charge is a constant, so nothing "
    "pushes that dimension down.",
    reference=my_free_bits,
    gradients=True,
    cases=[
        (_kl([0.0, 1.0], [0.2, 3.0]), 0.5),
        (_kl([0.1, 2.0, 0.7], [0.9, 0.0, 0.1], [0.6, 0.3, 0.2], [0.0, 0.1, 0.4]), 0.3),
        (_kl([0.1, 0.2, 0.3, 0.4, 1.0]), 0.25),
        (_kl([0.4, 0.1], [0.2, 0.7], [0.5, 0.9]), 0.0),
        (_kl([0.0, 0.1], [2.0, 1.0]), 0.6),
    ],
    mistakes={
        "You cut off each image before averaging: an image below λ is then charged although its dimension is above.": (
            lambda kl, nats: kl.clamp(min=nats).mean(0).sum()
        ),
        "You cut off the sum over dimensions: one busy dimension would pay for all, and the others may still die.": (
            lambda kl, nats: kl.mean(0).sum().clamp(min=nats)
        ),
        "You cut off the sum over dimensions of each image. The limit holds for each dimension.": (
            lambda kl, nats: kl.sum(1).clamp(min=nats).mean()
        ),
        "`max` and `min` are mixed up: you charge at most λ, so everything above is free.": (
            lambda kl, nats: kl.mean(0).clamp(max=nats).sum()
        ),
        "You charge only what exceeds λ. The gradient is the same; only the constant λ is missing in each dimension.": (
            lambda kl, nats: (kl.mean(0) - nats).clamp(min=0).sum()
        ),
        "You charge nothing below λ. There the charge is λ, a constant: so the loss does not jump at λ.": (
            lambda kl, nats: torch.where(kl.mean(0) < nats, 0.0, kl.mean(0)).sum()
        ),
        "You average over the dimensions. Every dimension is charged: sum.": (
            lambda kl, nats: kl.mean(0).clamp(min=nats).mean()
        ),
        "You sum over the batch. The limit is in nats per image: average over the batch.": (
            lambda kl, nats: kl.sum(0).clamp(min=nats).sum()
        ),
        "You charge for the true KL plus λ. Below the limit the charge is λ, above it is the KL.": (
            lambda kl, nats: (kl.mean(0) + nats).sum()
        ),
    },
)


def my_gap(information, entropies):
    """The mutual information gap.  information: (K, F) nats; entropies: (F,) nats -> a tensor with one number."""
    best, second = information.topk(2, dim=0).values  # (F,) each: over the latents
    return ((best - second) / entropies).mean()


_TABLE = torch.tensor([[1.0, 0.1, 0.3], [0.2, 0.5, 0.3], [0.6, 0.0, 0.1], [0.0, 0.4, 0.2]])
_ENTROPIES = torch.tensor([1.1, 1.6, 2.4])

mutual_information_gap = Implement(
    title="The gap",
    difficulty=3,
    minutes=8,
    shown="Your gap is 1 for a latent to each factor, 0 for two that share it, and right for tables in between.",
    hints=[
        "Look at one factor: one column, K latents. Sort it; the gap is the largest minus the second largest.",
        "Divide each gap by its factor's entropy, then average. `information.topk(2, dim=0).values` is (2, F).",
    ],
    solution_text="`topk(2, dim=0)` gives the best and the second-best latent of each factor; two that share the "
    "largest value leave a gap of 0.",
    reference=my_gap,
    cases=[
        (torch.tensor([[0.5, 0.0], [0.1, 0.4]]), torch.tensor([0.7, 1.4])),
        (_TABLE, _ENTROPIES),
        (_TABLE.flip(0)[:, [2, 0, 1]], _ENTROPIES[[2, 0, 1]]),
        (
            torch.tensor([[0.6, 0.6, 0.2, 0.9], [0.6, 0.1, 0.3, 0.0], [0.2, 0.0, 0.1, 0.0]]),
            torch.tensor([0.7, 0.8, 1.0, 1.2]),
        ),
    ],
    mistakes={
        "You compare factors for a latent. Compare latents for a factor: the rows of a column.": (
            lambda information, entropies: (
                (information / entropies).topk(2, dim=1).values[:, 0]
                - (information / entropies).topk(2, dim=1).values[:, 1]
            ).mean()
        ),
        "The entropies are missing: a factor with many values would count more.": (
            lambda information, entropies: (
                information.topk(2, dim=0).values[0] - information.topk(2, dim=0).values[1]
            ).mean()
        ),
        "You divide by the sum of the entropies at the end. Each factor's gap is divided by its own.": (
            lambda information, entropies: (
                (information.topk(2, dim=0).values[0] - information.topk(2, dim=0).values[1]).sum() / entropies.sum()
            )
        ),
        "That is the best latent alone. The gap is its lead over the second best.": (
            lambda information, entropies: (information.amax(0) / entropies).mean()
        ),
        "That is the best minus the worst. The gap is to the second best.": (
            lambda information, entropies: ((information.amax(0) - information.amin(0)) / entropies).mean()
        ),
        "That is the best minus the mean of all latents. The gap is to the second best.": (
            lambda information, entropies: ((information.amax(0) - information.mean(0)) / entropies).mean()
        ),
        "Two latents may share the largest value: then the second best is as good, and the gap is 0.": (
            lambda information, entropies: (
                (information.amax(0) - information.where(information < information.amax(0), 0).amax(0)) / entropies
            ).mean()
        ),
        "You sum over the factors. The gap is their mean, between 0 and 1.": (
            lambda information, entropies: (
                (information.topk(2, dim=0).values[0] - information.topk(2, dim=0).values[1]) / entropies
            ).sum()
        ),
    },
)


def my_beta():
    """The β at which data with the variances 1, 0.5, 0.2, 0.1 and σ² = 0.01 are described in 2 nats."""
    variances, noise = torch.tensor([1.0, 0.5, 0.2, 0.1], dtype=torch.float64), 0.01

    def rate(beta):  # a dimension whose variance is below beta * noise has no latent, and no rate
        return 0.5 * (variances / (beta * noise)).log().clamp(min=0).sum()

    low, high = 0.01, 100.0
    for _ in range(60):  # the rate falls as beta rises: halve the interval
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) > 2 else (low, middle)
    return low


two_nats = Investigate(
    title="Two nats",
    difficulty=4,
    minutes=15,
    tolerance=0.05,
    shown="At this β three dimensions share two nats, all with the same squared error; the fourth is switched off.",
    hints=[
        "The rate of dimension i is ½ log(sᵢ² / (β σ²)) while that is positive, else 0. Write the sum as a function.",
        "The sum falls as β rises. Try values, or halve an interval; cut off negative terms with `.clamp(min=0)`.",
    ],
    solution_text="With three dimensions: ½ log(1 · 0.5 · 0.2) − 1.5 log(β σ²) = 2, and β σ² stays above 0.1.",
    reference=my_beta,
    mistakes={
        "You let a dimension have a negative rate. It is switched off instead: cut off at 0.": (
            (1.0 * 0.5 * 0.2 * 0.1) ** 0.25 * math.exp(-1.0) / 0.01
        ),
        "The factor ½ is missing: the rate of a dimension is half the log of the ratio of variances.": (
            math.exp((math.log(0.5) - 2) / 2) / 0.01
        ),
        "That is β σ². Divide by σ² = 0.01.": (0.1) ** (1 / 3) * math.exp(-4 / 3),
        "That is 2 bits. The rate asked for is 2 nats.": (0.1) ** (1 / 3) * math.exp(-4 * math.log(2) / 3) / 0.01,
    },
)
