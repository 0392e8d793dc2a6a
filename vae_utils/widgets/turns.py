"""Moves come in more than one thread, and one is served at a time.

Since JupyterLab 4.4 and ipykernel 7, moves are handled in a thread beside the cell that runs (a "subshell"). Some are
handled in the main thread all the same, as all are elsewhere: those that come before the subshell is there and, with
ipykernel 7.4, the first of each control and the first after a cell has set it.
"""

import asyncio
import threading

from vae_utils.locks import holding

# One for all: explorers whose controls are linked move each other, and would wait for each other with one for each.
TURN = threading.RLock()
in_turn = holding(TURN)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
