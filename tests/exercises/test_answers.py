"""Answers that no exercise plants itself: right ones, written in other ways, pass, and wrong ones do not."""

import importlib
import pkgutil

import pytest
import torch

from tests.exercises import answers
from tests.exercises.conftest import example_of
from vae_utils import exercises
from vae_utils.exercises.base import Exercise
from vae_utils.exercises.report import NOT_ATTEMPTED

LEAST = {"RIGHT": 2, "WRONG": 4}
FOUND = pkgutil.iter_modules(answers.__path__, f"{answers.__name__}.")
MODULES = [importlib.import_module(info.name) for info in FOUND]


def all_of(kind):
    return {name: found for module in MODULES for name, found in getattr(module, kind).items()}


def one_by_one(kind):
    return [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, found in all_of(kind).items()
        for number, answer in enumerate(found)
    ]


@pytest.mark.parametrize("kind", LEAST)
def test_every_exercise_has_such_answers(kind):
    assert set(all_of(kind)) == set(exercises.registry())
    assert all(len(found) >= LEAST[kind] for found in all_of(kind).values())


def check(exercise: Exercise, answer: object):
    context = example_of(exercise)
    if exercise.kind == "investigate" and callable(answer):
        with torch.no_grad():
            answer = answer(*context)
    return exercise.check(answer, *context)


@pytest.mark.parametrize(("name", "answer"), one_by_one("RIGHT"))
def test_right_answers_written_otherwise_pass(name, answer):
    result = check(exercises.registry()[name], answer)
    assert result.passed, result.message


@pytest.mark.parametrize(("name", "answer"), one_by_one("WRONG"))
def test_other_wrong_answers_fail(name, answer):
    result = check(exercises.registry()[name], answer)
    assert not result.passed and result is not NOT_ATTEMPTED and len(result.message) > len("Not yet. "), result.message
