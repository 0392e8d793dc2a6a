"""What every kind of exercise shares: the task card, hints, the solution, and a check that never raises."""

import dis
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from vae_utils.exercises.measures import Findings
from vae_utils.exercises.report import AMBER, NOT_ATTEMPTED, Note, Result, brief, not_yet, sentence
from vae_utils.exercises.sandbox import NotAttempted, Wrong, first_line


@dataclass(kw_only=True, repr=False, eq=False)
class Exercise:
    """What all kinds share: the task card, hints, the solution, and a check that never raises.

    `mistakes` maps what to tell the learner to the wrong answer that calls for it. The tests put each of them, and
    the solution, through the check.
    """

    title: str
    difficulty: int  # 1 to 5
    minutes: int
    shown: str  # what a right answer has shown, one sentence
    hints: list[str]
    mistakes: dict[str, object]
    solution_text: str = ""  # words about the solution, above its source
    name: str = field(default="", init=False)
    lesson: str = field(default="", init=False)
    _hints_given: int = field(default=0, init=False)
    kind: ClassVar[str]

    def check(self, answer: object, *context: object) -> Result:
        """Says whether the answer is right, and if not, what is wrong with it. Never raises."""
        try:
            if untouched(answer):
                return NOT_ATTEMPTED
            return self._check(answer, *context)
        except NotAttempted:
            return NOT_ATTEMPTED
        except Wrong as problem:
            return not_yet(sentence(str(problem)))
        except KeyboardInterrupt:
            return not_yet("The check was interrupted.")
        except BaseException as error:  # an answer may be any object, with methods that raise anything
            return not_yet(f"The check cannot use this answer: {brief(answer)} ({first_line(error)}).")

    def hint(self) -> Note:
        """The next hint; the last one again when there are no more."""
        self._hints_given = min(self._hints_given + 1, len(self.hints))
        number = self._hints_given
        rest = f"\nThis is the last hint: `exercises.{self.name}.solution()` shows one way to do it."
        return Note(f"Hint {number} of {len(self.hints)}.", self.hints[number - 1] + rest * (number == len(self.hints)))

    def solution(self) -> Note:
        """One right answer: words, and the source of a function that the tests put through the check."""
        function = self.__dict__.get("reference")
        code = textwrap.dedent(inspect.getsource(function)).strip() if function else ""
        return Note(f"Solution: {self.title}.", self.solution_text, code)

    def _card(self) -> Note:
        size = f"{self.kind} · difficulty {self.difficulty} of 5 · about {self.minutes} min"
        use = f"`exercises.{self.name}.check(...)`, `.hint()`, `.solution()`"
        return Note(f"Exercise: {self.title}.", f"{size}\n{use}", colour=AMBER)

    def __repr__(self) -> str:
        return repr(self._card())

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()

    def right_answer(self, *context: object) -> object:
        """An answer that passes, for the tests."""
        raise NotImplementedError

    def wrong_answers(self, *context: object) -> Iterator[tuple[str, object]]:
        """Each planted mistake with an answer that makes it, for the tests."""
        yield from self.mistakes.items()

    def example(self) -> tuple:
        """What `check` needs besides the answer, for the tests."""
        return ()

    def _judge(self, found: Findings, reference: Findings, planted: Iterable[tuple[str, Findings]]) -> str:
        """What to tell the learner; empty when the answer is right. Planted mistakes are tried only when it is not."""
        problem = found.difference(reference)
        if not problem:
            return ""
        named = next((message for message, wrong in planted if found.same_as(wrong)), "")
        return f"{problem} {named}".strip()


def untouched(answer: object) -> bool:
    """Whether the learner has not written anything yet: ..., None, "", or a function that does nothing."""
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return True
    if isinstance(answer, Mapping):
        return any(value is ... for value in answer.values())
    if isinstance(answer, (tuple, list)):
        return any(value is ... for value in answer)
    code = getattr(inspect.unwrap(answer), "__code__", None) if callable(answer) else None
    return code is not None and all(
        step.argval is None or step.argval is ...
        if step.opname in ("LOAD_CONST", "RETURN_CONST")
        else step.opname in ("RESUME", "NOP", "POP_TOP", "RETURN_VALUE", "MAKE_CELL", "COPY_FREE_VARS")
        for step in dis.get_instructions(code)
    )
