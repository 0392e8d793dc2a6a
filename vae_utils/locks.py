"""One thread at a time: JupyterLab serves sliders beside the cell that runs, and a TrainingPanel trains beside both."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager


def holding(lock: AbstractContextManager) -> Callable[[Callable], Callable]:
    """Decorate functions with this: no two threads are in one of them at once.

    Args:
        lock: an `RLock`, as the functions may call each other.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def waits(*given: object, **named: object) -> object:
            with lock:
                return function(*given, **named)

        return waits

    return decorate
