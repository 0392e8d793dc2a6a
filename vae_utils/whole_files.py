"""Files that appear whole or not at all: made in a folder beside their place and moved there when they are complete.

A program that is killed on the way leaves such a folder behind and nothing else; a later one clears it away.
"""

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".unfinished-"
FORGOTTEN = 24 * 3600  # seconds after which nobody works there any more


class CannotWrite(OSError):
    """A file could not be written: which, why, and what to do. What was there is as before."""

    def __init__(self, path: Path, error: Exception, advice: str) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        super().__init__(f"cannot write to {path} ({reason}); what was there is as before; {advice}")
        self.errno = getattr(error, "errno", None)


@contextmanager
def workshop(folder: Path, advice: str) -> Iterator[Path]:
    """A folder inside `folder`, on the same disk, that goes away at the end with all that is still in it.

    Args:
        folder: is made if it is not there.
        advice: the next step, for the message.

    Raises:
        CannotWrite: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{UNFINISHED}*"):
            with suppress(FileNotFoundError):  # whoever works there may have finished since it was listed
                if time.time() - left.stat().st_mtime > FORGOTTEN:
                    shutil.rmtree(left, ignore_errors=True)
        place = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    except (OSError, ValueError) as error:
        raise CannotWrite(folder, error, advice) from error
    try:
        yield place
    finally:
        # Not TemporaryDirectory, which in some Pythons never ends where a folder was locked meanwhile.
        shutil.rmtree(place, ignore_errors=True)


def write_whole(path: Path, content: bytes, advice: str) -> None:
    """Write a file so that a reader finds the old one or the new one; a link stays a link.

    Args:
        path: the file, whose folder is made if it is not there.
        content: its bytes.
        advice: the next step, for the message.

    Raises:
        CannotWrite: the file cannot be written; the one that was there is as before.
    """
    try:
        place = Path(os.path.realpath(path))
        with workshop(place.parent, advice) as folder:
            with (folder / "content").open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(folder / "content", place)
    except CannotWrite:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise CannotWrite(path, error, advice) from error


def set_aside(path: Path) -> None:
    """Keep what lies at `path` under another name, NAME.damaged or NAME.damaged-2 and so on; nothing is overwritten.

    A file stays at its place too, until it is replaced, so that no reader finds nothing there.
    """
    for number in itertools.count(1):
        aside = path.with_name(f"{path.name}.damaged" + (f"-{number}" if number > 1 else ""))
        if os.path.lexists(aside):
            continue
        try:
            os.link(path, aside)
        except FileExistsError:
            continue
        except OSError:  # a folder, or a disk without links
            os.replace(path, aside)
        return
