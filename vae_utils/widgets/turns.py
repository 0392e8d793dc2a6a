"""Moves come in more than one thread, and one is served at a time.

Since JupyterLab 4.4 and ipykernel 7, moves are handled in a thread beside the cell that runs (a "subshell"), but for
those that come before it is there: these are handled in the main thread, as all are elsewhere.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any


def in_turn(method: Callable) -> Callable:
    """A method that waits until no other thread is in one of these; the object keeps an `RLock` in `turn`."""

    @functools.wraps(method)
    def waits(self: Any, *given: Any, **named: Any) -> Any:
        with self.turn:
            return method(self, *given, **named)

    return waits


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
