"""Feeds hostile values to the public functions: `python -m tests.fuzz` tells what came out that a learner cannot use.

One argument at a time is replaced by each of some sixty values, the others stay good. Allowed is a result without NaN,
or a ValueError or TypeError that names the argument. Run by test_fuzz.py with and without the enforced signatures.
"""

import dataclasses
import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch._dynamo  # which some calls import, slowly: not within a limit of time
from torch import Tensor, nn

from tests.fuzz_table import ALSO, ARITHMETIC, LEFT_OUT, PLAIN, TABLE

SECONDS = 2  # of processor time, for one call
VALUES = {
    "None": None,
    "text": "abc",
    "no text": "",
    "bytes": b"\xff",
    "an object": object(),
    "a class": nn.Linear,
    "a function": lambda *args: 1,
    "no list": [],
    "no dict": {},
    "a list": [1.0, 2.0],
    "complex": 1j,
    "True": True,
    "-1": -1,
    "0": 0,
    "0.5": 0.5,
    "-0.5": -0.5,
    "1e308": 1e308,
    "10**30": 10**30,
    "2**63": 2**63,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "an array": np.ones((2, 3), np.float32),
    "NumPy's nan": np.float64("nan"),
    "a scalar": torch.tensor(1.0),
    "a scalar nan": torch.tensor(math.nan),
    "no numbers": torch.ones(0),
    "no rows": torch.ones(0, 3),
    "a vector": torch.ones(3),
    "a matrix": torch.ones(2, 3),
    "four axes": torch.ones(2, 3, 4, 5),
    "integers": torch.ones(2, 3, dtype=torch.int64),
    "booleans": torch.ones(2, 3, dtype=torch.bool),
    "complex numbers": torch.ones(2, 3, dtype=torch.complex64),
    "another model": nn.Linear(2, 2),
}
CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "all nan": lambda good: torch.full_like(good, math.nan) if good.is_floating_point() else good - 1,
    "one nan": lambda good: _with_first(good, math.nan),
    "one inf": lambda good: _with_first(good, math.inf),
    "one -inf": lambda good: _with_first(good, -math.inf),
    "huge": lambda good: 1e30 * (good + 1),
    "hugely negative": lambda good: -1e30 * (good + 1),
    "negative": lambda good: -good - 1,
    "the first row": lambda good: good[:1],
    "no rows of it": lambda good: good[:0],
    "a row less": lambda good: good[:-1],
    "a column less": lambda good: good[..., :-1],
    "flattened": lambda good: good.flatten(),
    "rows flattened": lambda good: good.flatten(1) if good.ndim > 1 else good[:, None],
    "an axis more": lambda good: good[None],
    "constant": lambda good: torch.zeros_like(good),
    "float64": lambda good: good.double() if good.is_floating_point() else good.float(),
    "half": lambda good: good.half() if good.is_floating_point() else good.int(),
    "as integers": lambda good: good.long() if good.is_floating_point() else good + 1000,
    "turned round": lambda good: good.mT.contiguous().mT if good.ndim > 1 else good.flip(0),
    "with a gradient": lambda good: good.clone().requires_grad_() if good.is_floating_point() else good,
    "without numbers": lambda good: good.to("meta"),
    "a list of it": lambda good: good.tolist(),
    "an array of it": lambda good: good.numpy(),
}
NOT_FINITE = {"nan", "inf", "-inf", "NumPy's nan", "a scalar nan", "all nan", "one nan", "one inf", "one -inf"}
HUGE = {"1e308", "10**30", "2**63", "huge", "hugely negative"}


def _with_first(good: Tensor, value: float) -> Tensor:
    if not good.is_floating_point():
        return torch.full_like(good, -(10**9))
    bad = good.clone()
    bad.view(-1)[:1] = value
    return bad


def hostile(good: object) -> Iterator[tuple[str, object]]:
    """The values that take the place of a good one."""
    yield from VALUES.items()
    if isinstance(good, Tensor):
        yield from ((name, change(good)) for name, change in CHANGES.items())


class Hang(BaseException):
    """A call took too long."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises Hang inside after so much time of the processor, where the system has such alarms (not on Windows)."""

    def ring(number: int, frame: object) -> None:
        raise Hang

    if not hasattr(signal, "SIGVTALRM"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def numbers(value: object) -> Iterator[Tensor]:
    """All numbers in a result."""
    if isinstance(value, Tensor):
        if not value.is_meta:
            yield value.detach()
    elif isinstance(value, (float, complex, np.ndarray)):
        yield torch.as_tensor(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from numbers(item)
    elif dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            yield from numbers(getattr(value, item.name))


def problem_of(name: str, argument: str, kind: str, call: Callable[[], object]) -> str:
    """What is wrong with what one call did; empty if nothing is."""
    try:
        with limited(SECONDS):
            result = call()
    except (ValueError, TypeError) as error:  # jaxtyping's and beartype's are among them
        names = (argument, *ALSO.get(name, {}).get(argument, ()))
        return (
            ""
            if any(word in str(error) for word in names)
            else f"does not name it: {type(error).__name__}: {str(error)[:150]!r}"
        )
    except Hang:
        return "hangs"
    except (RuntimeError, OverflowError) as error:
        return "" if name in PLAIN else f"raises {type(error).__name__}: {str(error)[:150]!r}"
    except BaseException as error:
        return f"raises {type(error).__name__}: {str(error)[:150]!r}"
    if (kind in NOT_FINITE or kind in HUGE) and name in ARITHMETIC:
        return ""  # a formula: NaN in, NaN out
    return "gives NaN" if any(tensor.isnan().any() for tensor in numbers(result)) else ""


def findings(only: str = "", every: int = 1) -> Iterator[str]:
    """One line for each thing that should not come out of public functions: of all, or of each nth of them."""
    for name, (function, arguments) in list(TABLE.items())[::every]:
        if only not in name:
            continue
        good = arguments()
        problem = problem_of(name, "", "", lambda function=function, good=good: function(**good))
        if problem:
            yield f"{name} with good arguments {problem}"
        for argument, value in good.items():
            if (name, argument) in LEFT_OUT:
                continue
            for kind, bad in hostile(value):
                torch.manual_seed(0)
                changed = {**arguments(), argument: bad}
                problem = problem_of(name, argument, kind, lambda f=function, changed=changed: f(**changed))
                if problem:
                    yield f"{name}({argument} = {kind}) {problem}"


if __name__ == "__main__":
    found = list(findings(*sys.argv[1:]))
    print(*found, f"{len(found)} findings in {len(TABLE)} functions", sep="\n")
    sys.exit(bool(found))
