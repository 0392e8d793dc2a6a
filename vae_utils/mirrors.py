"""Fetching one file from the first of several mirrors that has it, whatever the others do.

A mirror may be silent, hang up, lie, send without end, or send so slowly that nobody should wait for it: then the next
one is asked. What comes counts only when the hash of the decompressed bytes is right.
"""

import gzip
import hashlib
import sys
import threading
import time
from io import BufferedIOBase
from pathlib import Path

SECONDS_OF_SILENCE = 15
SLOWEST = 1000  # bytes a second on average, once SECONDS_OF_PATIENCE are over
SECONDS_OF_PATIENCE = 30
ROUNDS = 2  # how often each mirror is asked
PAUSE = 1.0  # seconds between two rounds
LARGEST = 64 * 2**20  # bytes, packed or not; the largest file of the data sets has 47 million
CHUNK = 1024  # bytes
LOOK = 0.1  # seconds between two looks at how far it has come


def fetch_from_any(urls: list[str], target: Path, digest: str) -> Path:
    """Ask each mirror, and after a pause again, until one gives the file.

    Args:
        urls: of the file, packed with gzip or not.
        target: where it is to lie, decompressed, in a folder of its own.
        digest: sha256 of the decompressed bytes.

    Returns:
        The target.

    Raises:
        OSError: no mirror gave it, each is named with its reason; or it cannot be written, as `errno` then tells.
    """
    reasons = {}
    for attempt in range(ROUNDS):
        time.sleep(PAUSE * (attempt > 0))
        for url in urls:
            try:
                return _fetch(url, target, digest)
            except Exception as error:
                if is_of_this_computer(error):
                    raise
                reasons[url] = f"  {url}: {type(error).__name__}: {error}"
                mirror = url.rpartition("/")[0]
                print(f"{target.name}: nothing usable from {mirror}/ ({type(error).__name__})", file=sys.stderr)
    raise OSError(
        f"could not download {target.name} from any mirror, asked {ROUNDS} times each:\n" + "\n".join(reasons.values())
    )


def is_of_this_computer(error: Exception) -> bool:
    """Whether an error is that of a disk or folder here, which another mirror would not mend."""
    import requests

    return isinstance(error, OSError) and error.errno is not None and not isinstance(error, requests.RequestException)


def unpack(path: Path, target: Path) -> str:
    """Decompress a file with gzip, or copy one that is not packed.

    Returns:
        The sha256 of what the target holds then.

    Raises:
        OSError, EOFError, zlib.error: the file cannot be read or is damaged, or the target cannot be written.
        ValueError: more comes out than any file of the data sets holds.
    """
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_packed else path.open("rb") as file, open(target, "wb") as unpacked:
        return _digest(file, unpacked)


def digest_of(path: Path, packed: bool = False) -> str:
    """The sha256 of what a file holds, or holds packed with gzip.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read, or is damaged.
        ValueError: it holds more than any file of the data sets.
    """
    with gzip.open(path) if packed else path.open("rb") as file:
        return _digest(file, None)


def _digest(file: BufferedIOBase, copy: BufferedIOBase | None) -> str:
    digest, size = hashlib.sha256(), 0
    while part := file.read(2**20):
        size += len(part)
        _check_size(size)
        digest.update(part)
        if copy is not None:
            copy.write(part)
    return digest.hexdigest()


def _fetch(url: str, target: Path, digest: str) -> Path:
    archive = target.with_name("download")
    _download(url, archive, target.name)
    with archive.open("rb") as file:
        start = file.read(512)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise ValueError("a web page came instead of the file; does this network want you to log in first?")
    if unpack(archive, target) != digest:  # some servers and proxies unpack what they pass on
        size = target.stat().st_size
        raise ValueError(f"the content is not the data set's (wrong sha256 of {size} bytes)")
    return target


def _download(url: str, archive: Path, name: str) -> None:
    """Download what lies at a URL, in a thread: a wait for bytes that come one by one has no end of its own."""
    import pooch
    from tqdm import tqdm

    watch, errors = _Watch(), []
    # Not pooch.retrieve: it wants the hash of the archive, which differs between mirrors, and prints the one it got.
    get = pooch.HTTPDownloader(timeout=SECONDS_OF_SILENCE, progressbar=watch, chunk_size=CHUNK)

    def work() -> None:
        try:
            get(url, str(archive), None)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    with tqdm(desc=name, unit="B", unit_scale=True, disable=sys.stderr is None) as bar:
        thread.start()
        try:
            while thread.is_alive():
                thread.join(LOOK)
                bar.total = watch.total or None
                bar.update(watch.size - bar.n)
                if thread.is_alive():
                    watch.check_speed()
        finally:
            watch.is_left = True
    if errors:
        raise errors[0]


class _Watch:
    """The progress bar of pooch's: it counts, and breaks off what is too large or what nobody waits for any more."""

    def __init__(self) -> None:
        self.total = self.size = 0
        self.is_left = self._is_whole = False
        self._start = time.monotonic()

    def update(self, size: int) -> None:
        if self.is_left:
            raise TimeoutError("nobody waits for it any more")
        if not self._is_whole:
            self.size += size
            _check_size(self.size)

    def reset(self) -> None:  # pooch does so at the end, and adds the whole again
        self._is_whole = True

    def close(self) -> None:
        pass

    def check_speed(self) -> None:
        seconds = time.monotonic() - self._start
        if seconds > SECONDS_OF_PATIENCE and self.size < SLOWEST * seconds:
            raise TimeoutError(f"too slow: {self.size} bytes in {seconds:.0f} seconds")


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes came; the files of the data sets are smaller")
