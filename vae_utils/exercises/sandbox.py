"""Calls a learner's function so that nothing it does harms the check, and says in words what is wrong with it."""

import contextlib
import copy
import ctypes
import inspect
import io
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

import torch

from vae_utils.exercises.report import brief


class Wrong(Exception):
    """An answer is wrong; the text says why, to the learner."""


class NotAttempted(Exception):
    """A placeholder is still in the answer."""


class _Stop(SystemExit):
    """Ends a worker thread: `except Exception` does not catch it. Threading prints it if the worker lets it out."""


class Transcript(io.TextIOBase):
    """Keeps the start of what is printed, so that endless printing fills neither the notebook nor the memory."""

    def __init__(self, limit: int = 300):
        self.limit, self.text = limit, ""

    def write(self, text: str) -> int:
        if len(self.text) <= self.limit:
            self.text = (self.text + text)[: self.limit] + (" ..." if len(self.text + text) > self.limit else "")
        return len(text)


def run_limited(function: Callable[[], object], seconds: float | int) -> object:
    """Calls function() in a worker thread (which works in notebooks and on Windows, where signals do not).

    Returns: what function returned. Raises: what it raised; TimeoutError after `seconds`.
    """
    outcome = {}

    def work() -> None:
        try:
            outcome["value"] = function()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:  # also when the learner interrupts the kernel
        late = thread.is_alive()
        for _ in range(20):  # again and again: a bare `except:` in a loop swallows some
            # A second one comes while the memory of a long list is given back, and must not hit a worker that is done.
            if outcome or not thread.is_alive():
                break
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))
            thread.join(0.05)
        if outcome:
            thread.join(1.0)  # it has nothing left to do
    if late or not outcome:
        raise TimeoutError
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


@contextlib.contextmanager
def fixed_conditions(seed: int = 0) -> Iterator[None]:
    """Seeds every generator that a learner may use, on one core; afterwards all is put back as it was.

    The inputs of checks are small: more cores would wait for each other most of the time, in every new thread.
    """
    numpy = sys.modules.get("numpy")
    states = torch.get_rng_state(), random.getstate(), numpy and numpy.random.get_state(), torch.get_default_dtype()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would also reset the GPUs
    random.seed(seed)
    if numpy:
        numpy.random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        if numpy:
            numpy.random.set_state(states[2])
        torch.set_default_dtype(states[3])
        torch.set_num_threads(threads)


def _random_state() -> int:
    """Of torch and NumPy. Python's own is left out: type checkers such as beartype draw from it."""
    numpy = sys.modules.get("numpy")
    state = numpy.random.get_state() if numpy else (0, b"", 0)
    return hash((torch.get_rng_state().numpy().tobytes(), bytes(state[1]), state[2]))


class Guarded:
    """A learner's function, called like any other; raises `Wrong` with the reason when it misbehaves."""

    def __init__(self, function: Callable, reference: Callable, random: bool = False, changes_input: bool = False):
        self.function, self.reference, self.random, self.changes_input = function, reference, random, changes_input
        self.names = list(inspect.signature(reference).parameters)
        self.call = ""  # the call that is under way, for the message when it never ends
        self._states: dict[int, int] = {}  # random state after a call -> before it

    def __call__(self, *args: object) -> object:
        call = self.call = f"when called with {describe(self.names, args)}"
        given = args if self.changes_input else tuple(_clone(value) for value in args)
        spare = copy.deepcopy(args) if self.changes_input else args
        inside = [[tensor.detach().clone() for tensor in _tensors(value)] for value in given]
        if self.random:
            torch.rand(())  # no call starts where the last one ended: so one that draws nothing is not one that seeds
        before = _random_state()
        try:
            output = self.function(*given)
        except _Stop:
            raise
        except BaseException as error:  # SystemExit too: nothing that a learner writes may end the kernel
            if isinstance(error, NotImplementedError) or "ellipsis" in first_line(error):
                raise NotAttempted from None
            raise Wrong(f"Your function raised {first_line(error)}{self._line(error)} {call}.") from None
        self.call = ""
        self._check_randomness(before, _random_state(), call)
        if not self.changes_input:
            for name, value, tensors in zip(self.names, given, inside, strict=False):
                after = list(_tensors(value))
                if len(after) != len(tensors) or not all(map(torch.equal, after, tensors)):
                    raise Wrong(f"Your function changes its input {name}. Work on a copy, or without in-place steps.")
        with fixed_conditions():
            like = self.reference(*spare)
        try:
            return conform(output, like)
        except Wrong as problem:
            raise Wrong(f"{problem} ({call[5:]}).") from None

    def _check_randomness(self, before: int, after: int, call: str) -> None:
        if before != after and not self.random:
            raise Wrong(f"Your function draws random numbers or sets a seed {call}; it should do neither.")
        if self._states.setdefault(after, before) != before:  # two ways into one state: something inside sets it
            raise Wrong("Your function sets the random seed, so every call draws the same noise. Leave the seed alone.")

    def _line(self, error: BaseException) -> str:
        code, trace, line = getattr(self.function, "__code__", None), error.__traceback__, ""
        while trace is not None:
            if trace.tb_frame.f_code is code:
                line = f" (line {trace.tb_lineno - code.co_firstlineno + 1} of the function)"
            trace = trace.tb_next
        return line


def conform(answer: object, like: object, what: str = "Your result") -> object:
    """The answer in the form of a right one: tensors for numbers, lists and arrays.

    Raises: Wrong with the first difference in kind, keys, dtype or shape, or at the first value that is not finite.
    """
    if answer is ...:
        raise NotAttempted
    if answer is None and like is not None:
        raise Wrong(f"{what} is None" + ": is the `return` missing?" * (what == "Your result"))
    if isinstance(like, Mapping):
        if not isinstance(answer, Mapping) or any(key not in answer for key in like):
            got = f"one with {', '.join(map(repr, answer))}" if isinstance(answer, Mapping) else brief(answer)
            raise Wrong(f"{what} should be a dict with {', '.join(map(repr, like))}; received {got}")
        return {key: conform(answer[key], value, f"{what}[{key!r}]") for key, value in like.items()}
    if isinstance(like, (tuple, list)):
        if getattr(answer, "ndim", 0) == 1:
            answer = list(answer)
        if not isinstance(answer, (tuple, list)) or len(answer) != len(like):
            got = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else brief(answer)
            raise Wrong(f"{what} should be {len(like)} values; received {got}")
        return tuple(conform(*both, f"{what}[{i}]") for i, both in enumerate(zip(answer, like, strict=True)))
    if not isinstance(like, (torch.Tensor, int, float)):
        if not isinstance(answer, type(like)):
            raise Wrong(f"{what} should be of type {type(like).__name__}; received {brief(answer)}")
        return answer
    return _conform_tensor(answer, torch.as_tensor(like), what)


def _conform_tensor(answer: object, like: torch.Tensor, what: str) -> torch.Tensor:
    try:
        tensor = torch.as_tensor(answer).cpu()
    except Exception:
        wanted = f"a tensor of shape {tuple(like.shape)}" if like.ndim else "one number"
        raise Wrong(f"{what} should be {wanted}; received {brief(answer)}") from None
    whole = not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)
    if whole and (isinstance(answer, int) or (tensor.ndim == 0 and what.startswith("Your answer"))):
        tensor = tensor.double()  # of a function's result the dtype is looked at
    if like.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64) or tensor.is_complex():
        raise Wrong(f"{what} has the dtype {tensor.dtype}; {like.dtype} was expected")
    if tensor.shape != like.shape:
        raise Wrong(f"{what} has the shape {tuple(tensor.shape)}; {tuple(like.shape)} was expected")
    bad = (~tensor.isfinite() & like.isfinite()).nonzero()
    if len(bad):
        where = f" at index {bad[0].tolist()}" if like.ndim else ""
        raise Wrong(f"{what} is {tensor[tuple(bad[0])].item()}{where}")
    return tensor.to(like.dtype) if like.is_floating_point() else tensor


def describe(names: list[str], args: tuple) -> str:
    """The arguments of a call in words: values of small tensors, shapes of large ones."""
    words = []
    for i, value in enumerate(args):
        name = names[i] if i < len(names) else f"argument {i + 1}"
        small = not isinstance(value, torch.Tensor) or value.numel() <= 4
        words.append(f"{name} = {brief(value)}" if small else f"{name} of shape {tuple(value.shape)}")
    return ", ".join(words) or "no arguments"


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of its message."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # a learner's own exception
        lines = []
    return type(error).__name__ + (f": {lines[0][:200]}" if lines else "")


def _clone(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.clone()  # stays connected to the graph
    if type(value) in (list, tuple):
        return type(value)(map(_clone, value))
    return {key: _clone(item) for key, item in value.items()} if type(value) is dict else value


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, torch.nn.Module):
        yield from value.state_dict().values()
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)
