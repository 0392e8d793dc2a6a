"""Throw-away exercises of every kind, with which the framework is attacked like the lessons' own."""

import functools
import math

import pytest
import torch

from vae_utils import exercises
from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, gaussian_samples, normal

COMMON = {"difficulty": 2, "minutes": 5, "hints": ["Look at the units.", "Write it for one dimension."]}


def my_kl(mu, logvar):
    """KL of each dimension.  mu, logvar: (B, K) -> (B, K)."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def my_sample(mu, logvar):
    """z ~ N(mu, exp(logvar)).  mu, logvar: (B, K) -> (B, K)."""
    epsilon = torch.randn_like(mu)
    return mu + (0.5 * logvar).exp() * epsilon


def my_terms(model, x):
    """Terms of a loss.  x: (B, 3) -> dict of (B,)."""
    reconstruction = (model(x) - x).square().sum(-1)
    penalty = x.abs().sum(-1)
    return {"loss": reconstruction + penalty, "penalty": penalty}


def my_step(values):
    """Doubles the values in place and returns their sum."""
    values.mul_(2)
    return values.sum()


def my_ratio():
    """Pixels over latents, and their sum."""
    return {"ratio": 784 / 16, "sum": 800}


def _sample_moments(f):
    mu, logvar = torch.tensor([[0.5, -2.0], [3.0, 0.0]]), torch.tensor([[1.3, 0.0], [-1.0, 0.6]])
    yield from gaussian_samples(f, mu, logvar, mean=mu, variance=logvar.exp())


def _models():
    torch.manual_seed(3)
    return [(torch.nn.Linear(3, 3), normal(5, 3)), (torch.nn.Linear(3, 3), normal(1, 3, seed=1))]


def _terms_without(change):
    def wrong(model, x):
        return change(my_terms(model, x))

    return wrong


def _step_measure(f):
    values = torch.tensor([1.0, 2.0])
    yield Quantity("The sum is", f(values), expected=6.0)
    yield Quantity("Afterwards the values are", values, expected=torch.tensor([2.0, 4.0]), why="Change them in place.")


THROW_AWAY = {
    "kl": Implement(
        title="KL",
        shown="The KL agrees with the closed form.",
        reference=my_kl,
        cases=[(torch.tensor([[0.5]]), torch.tensor([[1.3]])), (normal(4, 3), normal(4, 3, seed=1))],
        per_row=True,
        gradients=True,
        mistakes={
            "You forgot the half.": lambda mu, logvar: 2 * my_kl(mu, logvar),
            "You summed over the batch.": lambda mu, logvar: my_kl(mu, logvar).sum(0),
            "You blocked the gradient.": lambda mu, logvar: my_kl(mu, logvar).detach(),
            "You took exp(logvar) for sigma.": lambda mu, logvar: my_kl(mu, 2 * logvar),
        },
        **COMMON,
    ),
    "sample": Implement(
        title="Sample",
        shown="The samples have the right moments.",
        reference=my_sample,
        random=True,
        gradients=True,
        cases=[(normal(3, 2), normal(3, 2, seed=1))],
        measure=_sample_moments,
        mistakes={
            "You multiplied by the variance.": lambda mu, logvar: mu + logvar.exp() * torch.randn_like(mu),
            "You drew one noise for all rows.": lambda mu, logvar: mu + (logvar / 2).exp() * torch.randn(mu.shape[1]),
            "You drew one noise for all dimensions.": lambda mu, logvar: (
                mu + (logvar / 2).exp() * torch.randn(len(mu), 1)
            ),
            "You drew uniform noise.": lambda mu, logvar: (
                mu + (logvar / 2).exp() * (torch.rand_like(mu) - 0.5) * math.sqrt(12)
            ),
            "You returned the mean.": lambda mu, logvar: mu + 0 * logvar,
        },
        **COMMON,
    ),
    "terms": Implement(
        title="Terms",
        shown="The terms add up.",
        reference=my_terms,
        cases=_models,
        per_row=True,
        gradients=True,
        mistakes={
            "You took the mean over the batch.": _terms_without(lambda t: {k: v.mean() for k, v in t.items()}),
            "You left out a term.": _terms_without(lambda t: {"loss": t["loss"]}),
            "You forgot the penalty.": _terms_without(lambda t: t | {"loss": t["loss"] - t["penalty"]}),
        },
        **COMMON,
    ),
    "step": Implement(
        title="Step",
        shown="The values were doubled.",
        reference=my_step,
        measure=_step_measure,
        changes_input=True,
        mistakes={
            "You did not change the values.": lambda values: (2 * values).sum(),
            "You doubled twice.": lambda values: values.mul_(4).sum(),
            "You returned the old sum.": lambda values: (values.sum(), values.mul_(2))[0],
        },
        **COMMON,
    ),
    "option": Predict(
        title="Option",
        shown="The gradient is blocked.",
        solution_text="Sampling returns a plain number.",
        answer="b",
        options={"a": "about 3", "b": "nothing", "c": "exactly 3", "d": "0"},
        mistakes={"That is the path.": "a", "That is the formula.": "c", "There is no 0 either.": "d"},
        **COMMON,
    ),
    "number": Predict(
        title="Number",
        shown="The KL is 1.51 nats.",
        solution_text="Put logvar = -2 into the formula.",
        answer=1.51,
        tolerance=0.05,
        mistakes={
            "You took log sigma.": 0.57,
            "You forgot the half.": 3.02,
            "It is never negative.": (-math.inf, -1e-9),
        },
        **COMMON,
    ),
    "factor": Predict(
        title="Factor",
        shown="The ratio is 784.",
        solution_text="Count the pixels.",
        answer=784,
        factor=2,
        mistakes={"One side only.": 28, "You squared it twice.": (10_000, math.inf), "That is its inverse.": 1 / 784},
        **COMMON,
    ),
    "ratio": Investigate(
        title="Ratio",
        shown="One latent stands for 49 pixels.",
        reference=my_ratio,
        mistakes={
            "You turned it round.": {"ratio": 16 / 784, "sum": 800},
            "You subtracted.": lambda: {"ratio": 784 / 16, "sum": 768},
            "The sum is missing.": {"ratio": 49},
        },
        **COMMON,
    ),
    "context": Investigate(
        title="Context",
        shown="The mean was found.",
        reference=lambda x: x.mean(),
        tolerance=1e-3,
        example=lambda: (normal(10, seed=5),),
        mistakes={
            "You took the sum.": lambda x: x.sum(),
            "You took the median.": lambda x: x.median(),
            "You took the largest.": lambda x: x.max(),
        },
        **COMMON,
    ),
}
for name, exercise in THROW_AWAY.items():
    exercise.name = name


@pytest.fixture(autouse=True)
def signatures_as_a_learner_meets_them(as_a_learner):
    """Answers call vae_utils; what they get wrong has to be found by the exercises, not by the tests' own checks."""


@functools.cache
def example_of(exercise):
    """What the exercise's check needs besides the answer; made once, as it may take a trained model."""
    return exercise.example()


@pytest.fixture
def extras(exercise):
    return example_of(exercise)


@pytest.fixture
def throw_away():
    return THROW_AWAY


def pytest_generate_tests(metafunc):
    """`exercise` is each exercise, of lessons and thrown away; the other names are those that ask for a function."""
    every = {**exercises.registry(), **{f"throw_away_{name}": value for name, value in THROW_AWAY.items()}}
    if "exercise" in metafunc.fixturenames:
        metafunc.parametrize("exercise", every.values(), ids=every)
    functions = {name: value for name, value in every.items() if isinstance(value, Implement)}
    for argument, fits in {
        "implement": lambda function: True,
        "keeps_input": lambda function: not function.changes_input,
        "differentiable": lambda function: function.gradients,
    }.items():
        if argument in metafunc.fixturenames:
            chosen = {name: value for name, value in functions.items() if fits(value)}
            metafunc.parametrize(argument, chosen.values(), ids=chosen)
