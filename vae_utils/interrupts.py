"""Ctrl-C, and the notebook's stop button, while a model trains: nothing is cut in half.

The first one is noted and acted on between two steps. A second one interrupts at once, unless a step is just being
taken: then the run ends right after it.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_held = 0  # how many blocks of `held` the main thread is in; signals reach no other


@contextmanager
def held() -> Iterator[None]:
    """Within it a second Ctrl-C waits, as what is done there must be done wholly or not at all; a third does not."""
    global _held
    counts = threading.current_thread() is threading.main_thread()
    _held += counts
    try:
        yield
    finally:
        _held -= counts


class CtrlC:
    """A context in which Ctrl-C is noted, and `asked()` tells whether it came; idle outside the main thread."""

    def __init__(self) -> None:
        self._times, self._before = 0, None

    def asked(self) -> bool:
        """Whether Ctrl-C came since the context was entered."""
        return self._times > 0

    def __enter__(self) -> "CtrlC":
        # A handler that is None was not set by Python and could not be put back.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not None:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._times += 1
        outer = getattr(self._before, "__self__", None)
        if isinstance(outer, CtrlC) and not outer._times:  # a run inside the callback of another: both end
            outer._times = 1
        if self._times == 1 or (self._times == 2 and _held):
            return
        if not callable(self._before):  # the system's own, which would end the program
            raise KeyboardInterrupt
        self._before(number, frame)
