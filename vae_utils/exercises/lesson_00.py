"""Exercises of notebook 00."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal

coin_flip_image = Predict(
    title="The probability of one picture of coin flips, in nats",
    difficulty=1,
    minutes=2,
    shown="Every binary image of 784 pixels has log-probability -543.4 nats under fair coin flips.",
    hints=[
        "The pixels are independent: their probabilities multiply, so their logarithms add.",
        "784 times the natural logarithm of 1/2; `import math`, then `math.log` is the natural logarithm.",
    ],
    solution_text=(
        "`784 * math.log(0.5)` = -543.4 nats. All 2^784 images are equally probable, so it does not matter which "
        "image you take."
    ),
    answer=784 * math.log(0.5),
    tolerance=1.0,
    mistakes={
        "That is in bits, the unit of log base 2. Nats are the unit of the natural logarithm.": -784.0,
        "That is with log base 10. Nats are the unit of the natural logarithm.": 784 * math.log10(0.5),
        "That is the logarithm of one pixel's probability. The image has 784 pixels.": math.log(0.5),
        "That is -log 784. The probabilities of the pixels multiply: add one logarithm for each pixel.": -math.log(784),
        "The size is right. But can the logarithm of a probability be positive?": 784 * math.log(2),
        "That is the probability itself. Take its logarithm.": (5e-324, 1e-10),
        "A probability is at most 1. What does that say about the sign of its logarithm?": (1e-9, math.inf),
        "That would be a probability of 1. Each coin flip halves it.": 0.0,
    },
)


def my_bayes_rule(log_p_image, log_p_label):
    """log P(image | label), log P(label) -> P(label | image), log P(image).  (B, C), (C,) -> (B, C), (B,)."""
    joint = log_p_image + log_p_label  # (B, C)  log P(image, label)
    log_p = joint.logsumexp(1)  # (B,)    log P(image): the labels are summed out
    return (joint - log_p[:, None]).exp(), log_p


def _bayes_cases():
    prior = torch.tensor([0.7, 0.3]).log()
    yield torch.tensor([[-2.0, -1.0]]), prior
    yield normal(4, 3, seed=1), normal(3, seed=2).log_softmax(0)
    # Of the size that images have: their probabilities are too small for any floating-point number.
    yield 30 * normal(5, 10, seed=3) - 900, normal(10, seed=4).log_softmax(0)
    far_apart = torch.tensor([100.0, 400.0, 900.0, 1600.0, 2500.0])[:, None]  # one maximum for all images will not do
    yield 30 * normal(5, 10, seed=7) - far_apart, normal(10, seed=4).log_softmax(0)


def _measure_bayes(f):
    posterior, _ = f(30 * normal(6, 10, seed=5) - 900, normal(10, seed=6).log_softmax(0))
    yield Quantity("For each image your P(label | image), summed over the labels, is", posterior.sum(1), 1.0, 1e-4)


def _naive(log_p_image, log_p_label):
    joint = (log_p_image + log_p_label).exp()
    return joint / joint.sum(1, keepdim=True), joint.sum(1).log()


def _without_prior(log_p_image, log_p_label):
    return my_bayes_rule(log_p_image, torch.zeros_like(log_p_label))


def _over_the_batch(log_p_image, log_p_label):
    joint = log_p_image + log_p_label
    return joint.softmax(0), joint.logsumexp(1)


bayes_rule = Implement(
    title="Turn a density model into a classifier",
    difficulty=3,
    minutes=10,
    shown="Your rule gives P(label | image) and log P(image), also where the probabilities themselves are too small.",
    hints=[
        "log P(image, label) = log P(image | label) + log P(label). Which sum turns this into P(image)?",
        "P(image) is the sum over the labels of exp(joint), and `joint.logsumexp(1)` takes its logarithm safely.",
        "P(label | image) = exp(joint - log P(image)); mind the shape: `log_p[:, None]` is (B, 1).",
    ],
    solution_text="Add the logarithms, sum the labels out with log-sum-exp, and divide by subtracting.",
    reference=my_bayes_rule,
    cases=_bayes_cases,
    measure=_measure_bayes,
    mistakes={
        "exp(-900) is 0 in floating point, and 0/0 is not a number: stay with logarithms, use `logsumexp`.": _naive,
        "You left out P(label): rare labels need more evidence.": _without_prior,
        "You normalised over the batch (axis 0). The labels are axis 1.": _over_the_batch,
        "Your first result is log P(label | image): take its exponential.": lambda log_p_image, log_p_label: (
            (log_p_image + log_p_label).log_softmax(1),
            (log_p_image + log_p_label).logsumexp(1),
        ),
        "Your first result is the joint P(image, label): divide it by P(image).": lambda log_p_image, log_p_label: (
            (log_p_image + log_p_label).exp(),
            (log_p_image + log_p_label).logsumexp(1),
        ),
        "For P(image) you took the most probable label only: sum over all labels.": lambda log_p_image, log_p_label: (
            (log_p_image + log_p_label).softmax(1),
            (log_p_image + log_p_label).amax(1),
        ),
        "For P(image) you averaged the logarithms. Sum the probabilities: log-sum-exp.": (
            lambda log_p_image, log_p_label: (
                (log_p_image + log_p_label).softmax(1),
                (log_p_image + log_p_label).mean(1),
            )
        ),
        "You added P(label) where its logarithm belongs; log_p_label is a logarithm already.": (
            lambda log_p_image, log_p_label: my_bayes_rule(log_p_image, log_p_label.exp())
        ),
        "Your second result is P(image): its logarithm is asked for.": lambda log_p_image, log_p_label: (
            (log_p_image + log_p_label).softmax(1),
            (log_p_image + log_p_label).logsumexp(1).exp(),
        ),
    },
)


def my_blank_page_share(log_p, digits):
    """The share of the digits, (N, 1, 28, 28), that are less probable than a blank page."""
    blank = torch.zeros(1, 1, 28, 28)
    return (log_p(digits) < log_p(blank)).float().mean()


def _page(ink):
    """The share for a page of another kind than blank."""
    return lambda log_p, digits: (log_p(digits) < log_p(torch.full((1, 1, 28, 28), ink))).float().mean()


def _blank_page_example():
    """Digits of very different amounts of ink, and a score that is highest at 60 inked pixels."""
    generator = torch.Generator().manual_seed(0)
    amounts = torch.linspace(0.02, 0.6, 400)[:, None, None, None]
    digits = (torch.rand(400, 1, 28, 28, generator=generator) < amounts).float()
    return lambda x: -((x.sum((1, 2, 3)) - 60) ** 2) / 1000, digits


blank_page = Investigate(
    title="What is more probable than a digit?",
    difficulty=2,
    minutes=8,
    shown="A page with nothing on it is more probable than most real digits: probable and typical are not the same.",
    hints=[
        "A blank page is `torch.zeros(1, 1, 28, 28)`. Its log-probability is `log_p(...)` of that.",
        "Compare: `log_p(test) < log_p(blank)` is True for each digit that is less probable.",
        "`.float().mean()` of these is the share.",
    ],
    solution_text=(
        "About three quarters or more of the digits are less probable than the blank page. Nearly every pixel of it "
        "is what most templates expect. A digit has its strokes in one of a great many places, and the model must "
        "share its probability among all of them: each one gets little, although together they get nearly all."
    ),
    reference=my_blank_page_share,
    tolerance=0.002,
    example=_blank_page_example,
    mistakes={
        "That is the share of digits that are *more* probable than the blank page.": lambda log_p, digits: (
            1 - my_blank_page_share(log_p, digits)
        ),
        "That is in per cent: a share lies between 0 and 1.": lambda log_p, digits: (
            100 * my_blank_page_share(log_p, digits)
        ),
        "That is a number of digits: divide it by how many there are.": lambda log_p, digits: (
            len(digits) * my_blank_page_share(log_p, digits)
        ),
        "That is log p of the blank page itself: compare the digits with it.": lambda log_p, digits: log_p(
            torch.zeros(1, 1, 28, 28)
        )[0],
        "That is for a page full of ink: 1 is ink and 0 is paper.": _page(1.0),
        "That is for a grey page, which is no binary image: paper is 0.": _page(0.5),
    },
)
