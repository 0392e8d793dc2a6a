"""The three kinds of exercise: Predict, Implement and Investigate. Of the exercises, lesson files import only this."""

import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from vae_utils.exercises.common import Exercise
from vae_utils.exercises.measures import (
    Findings,
    Quantity,
    gaussian_samples,
    in_cases,
    leaves,
    normal,
    outputs,
    require,
    slopes,
    wide_and_narrow,
)
from vae_utils.exercises.report import Result, brief, correct, not_yet
from vae_utils.exercises.sandbox import (
    Guarded,
    Transcript,
    Wrong,
    conform,
    first_line,
    fixed_conditions,
    run_limited,
)

__all__ = [
    "Exercise",
    "Implement",
    "Investigate",
    "Predict",
    "Quantity",
    "gaussian_samples",
    "normal",
    "require",
    "slopes",
    "wide_and_narrow",
]


@dataclass(kw_only=True, repr=False, eq=False)
class Predict(Exercise):
    """A number within a tolerance or a factor, or one of the options; asked before the result is seen.

    `mistakes` maps messages to wrong numbers, ranges (low, high), or option keys: every wrong option needs one.
    """

    answer: float | int | str
    tolerance: float | int = 0.0  # absolute
    factor: float | int = 1.0  # answer / factor to answer * factor is right
    options: dict[str, str] = field(default_factory=dict)
    kind: ClassVar[str] = "predict"

    def _check(self, answer: object) -> Result:
        if self.options:
            choice = answer.strip(" \t\n().:'\"").casefold() if isinstance(answer, str) else answer
            keys = {key.casefold(): key for key in self.options}
            if not isinstance(choice, str) or choice not in keys:
                options = "\n".join(f"`{key!r}`: {text}" for key, text in self.options.items())
                return not_yet(f"{brief(answer)} is not one of the options:\n{options}")
            if keys[choice] == self.answer:
                return correct(self.shown)
            told = [message for message, wrong in self.mistakes.items() if wrong == keys[choice]]
            return not_yet(told[0] if told else "Think again about this one.")
        number = _number(answer)
        if abs(number - self.answer) <= self.tolerance or self._within_factor(number):
            return correct(self.shown)
        told = [message for message, wrong in self.mistakes.items() if _near(number, wrong)]
        high = "high" if number > self.answer else "low"
        return not_yet(told[0] if told else f"{number:.4g} is too {high}.")

    def _within_factor(self, number: float) -> bool:
        ends = sorted((self.answer / self.factor, self.answer * self.factor))
        return ends[0] * (1 - 1e-9) <= number <= ends[1] * (1 + 1e-9) if self.answer > 0 else False

    def right_answer(self, *context: object) -> object:
        return self.answer

    def wrong_answers(self, *context: object) -> Iterator[tuple[str, object]]:
        for message, wrong in self.mistakes.items():
            low, high = wrong if isinstance(wrong, tuple) else (wrong, wrong)
            yield message, low if low == high or math.isfinite(low) else high


@dataclass(kw_only=True, repr=False, eq=False)
class Implement(Exercise):
    """A function, compared with the reference on many inputs and by whatever `measure` yields.

    `cases` are argument tuples, or a function that makes them. `measure(f)` yields quantities of its own.
    `mistakes` maps messages to wrong functions.
    """

    reference: Callable
    mistakes: dict[str, Callable]
    cases: Iterable | Callable = ()
    measure: Callable[[Callable], Iterable[Quantity]] | None = None
    per_row: bool = False  # each row of the result depends on its own row of the input only
    gradients: bool = False  # the gradients with respect to tensors and modules among the arguments are compared too
    random: bool = False  # the function draws noise
    changes_input: bool = False  # the function is meant to change its arguments, as a training step does
    seconds: float | int = 10.0  # for the whole check of one function
    _findings: dict[Callable, Findings] = field(default_factory=dict, init=False)
    kind: ClassVar[str] = "implement"

    def _check(self, function: object) -> Result:
        if not callable(function):
            raise Wrong(f"Pass the function itself, as in `exercises.{self.name}.check(f)`; received {brief(function)}")
        transcript = Transcript()
        found = self._run(function, transcript, self.seconds)
        planted = ((message, self._known(wrong)) for message, wrong in self.mistakes.items())
        problem = self._judge(found, self._known(self.reference), planted)
        return not_yet(problem, transcript.text) if problem else correct(self.shown)

    def _known(self, function: Callable) -> Findings:
        """What is found on the reference or a planted mistake, looked at once and with time to spare."""
        if function not in self._findings:
            self._findings[function] = self._run(function, Transcript(), 10 * self.seconds)
        return self._findings[function]

    def _run(self, function: Callable, transcript: Transcript, seconds: float | int) -> Findings:
        findings = Findings()
        guarded = Guarded(function, self.reference, self.random, self.changes_input)

        def work() -> None:
            for args in in_cases(self.cases):
                wanted = outputs(guarded, args, guarded.names, self.per_row, self.gradients, self.random)
                findings.quantities.extend(wanted)
            findings.quantities.extend(self.measure(guarded) if self.measure else ())

        with redirect_stdout(transcript), fixed_conditions():
            try:
                run_limited(work, seconds)
            except Wrong as problem:
                findings.problem = str(problem)
            except TimeoutError:
                late = f"Your function did not finish within {seconds:g} s {guarded.call}".strip()
                advice = "or one over single numbers where one operation on the whole tensor would do?"
                findings.problem = f"{late}. Is there a loop that never ends, {advice}"
        return findings

    def right_answer(self, *context: object) -> object:
        return self.reference


@dataclass(kw_only=True, repr=False, eq=False)
class Investigate(Exercise):
    """A number, tensor, tuple or dict that the learner computed, compared with what the reference computes.

    The reference, and wrong answers that are functions, are called with the context that the learner passes after
    the answer, `check(answer, model, x)`; `example` makes one for the tests. `measure(answer, *context)` yields
    quantities when there is more than one right answer.
    """

    reference: Callable
    tolerance: float | int | None = None  # absolute; None: 1e-4, relative above 1
    measure: Callable[..., Iterable[Quantity]] | None = None
    example: Callable[[], tuple] = tuple
    kind: ClassVar[str] = "investigate"

    def _check(self, answer: object, *context: object) -> Result:
        names = list(inspect.signature(self.reference).parameters)
        if len(context) != len(names):
            raise Wrong(f"Pass also {', '.join(names)}: `exercises.{self.name}.check({', '.join(['answer', *names])})`")
        with fixed_conditions():
            try:
                right = self.reference(*context)
            except Exception as error:
                problem = f"The check cannot use {', '.join(names)} as passed: {first_line(error)}."
                advice = "Run the cells above again, and pass them in this order. Your answer was not looked at."
                raise Wrong(f"{problem} {advice}") from None
            found = self._findings(answer, right, context)
            planted = ((message, self._planted(wrong, right, context)) for message, wrong in self.mistakes.items())
            problem = self._judge(found, self._findings(right, right, context), planted)
        return not_yet(problem) if problem else correct(self.shown)

    def _findings(self, answer: object, right: object, context: tuple) -> Findings:
        findings = Findings()
        try:
            answer = conform(answer, right, "Your answer")
            measured = (
                self.measure(answer, *context)
                if self.measure
                else (
                    Quantity(f"Your answer{where} is", value, tolerance=self.tolerance, secret=True)
                    for where, value in leaves(answer)
                )
            )
            findings.quantities.extend(measured)
        except Wrong as problem:
            findings.problem = str(problem)
        return findings

    def _planted(self, wrong: object, right: object, context: tuple) -> Findings:
        return self._findings(wrong(*context) if callable(wrong) else wrong, right, context)

    def right_answer(self, *context: object) -> object:
        return self.reference(*context)

    def wrong_answers(self, *context: object) -> Iterator[tuple[str, object]]:
        for message, wrong in self.mistakes.items():
            yield message, wrong(*context) if callable(wrong) else wrong


def _number(answer: object) -> float:
    if isinstance(answer, bool) or str(getattr(answer, "dtype", "")) in ("bool", "torch.bool"):
        raise Wrong(f"One number is expected; received {brief(answer)}")
    try:
        number = float(answer.detach() if isinstance(answer, torch.Tensor) else answer)
    except Exception:
        raise Wrong(f"One number is expected; received {brief(answer)}") from None
    if math.isnan(number):
        raise Wrong("One number is expected; received nan")
    return number


def _near(number: float, wrong: object) -> bool:
    if isinstance(wrong, tuple):
        return wrong[0] <= number <= wrong[1]
    return abs(number - wrong) <= 0.02 * abs(wrong)
