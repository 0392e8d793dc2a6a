"""The files of the full data sets: found in a folder, or fetched from the first mirror that answers.

A file counts only when the hash of its decompressed bytes is right, so a half-made or altered one is never used.
"""

import gzip
import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from vae_utils.whole_files import CannotWrite, set_aside, workshop


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: its folder in torchvision's layout, its mirrors, its files with their sha256."""

    folder: str
    mirrors: tuple[str, ...]
    sha256: dict[str, str]


SOURCES = {
    "mnist": Source(
        "MNIST",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": Source(
        "FashionMNIST",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        {
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}
SECONDS_OF_SILENCE = 15
SLOWEST = 1000  # bytes a second, looked at after SECONDS_OF_PATIENCE
SECONDS_OF_PATIENCE = 30
ROUNDS = 2  # how often each mirror is asked
PAUSE = 1.0  # seconds between two rounds
LARGEST = 64 * 2**20  # bytes, packed or not; the largest file of the data sets has 47 million
CHUNK = 1024  # bytes; too slow or too much is noticed between two of them
ADVICE = "free some space there, or name another folder in the argument folder or in the variable VAE_UTILS_DATA"


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder for downloaded data: the argument, else the variable VAE_UTILS_DATA, else the user's cache.

    Raises:
        TypeError: not the name of a folder.
    """
    chosen = folder or os.environ.get("VAE_UTILS_DATA")
    if chosen:
        if not isinstance(chosen, str | os.PathLike):
            raise TypeError(f"folder must be the path of a folder, received {chosen!r}")
        return Path(os.path.expanduser(chosen))
    import pooch

    return Path(pooch.os_cache("vae_utils"))


def raw_files(name: str, folder: str | Path | None = None) -> dict[str, Path]:
    """Paths of the four files of a data set, downloaded first where they are absent or damaged.

    Args:
        name: a key of SOURCES.
        folder: see `data_folder`; the files lie in its sub-folder NAME/raw, as torchvision puts them.

    Returns:
        File name -> path, for images and labels of both splits, decompressed.

    Raises:
        ValueError: unknown name.
        OSError: no mirror gave a file (each is named with its reason), or the folder cannot be written.
    """
    if not isinstance(name, str) or name not in SOURCES:
        raise ValueError(f"name must be one of {', '.join(map(repr, SOURCES))}, received {name!r}")
    source = SOURCES[name]
    raw = data_folder(folder) / source.folder / "raw"
    return {file: _ready(raw / file, digest, source.mirrors) for file, digest in source.sha256.items()}


def _ready(path: Path, digest: str, mirrors: tuple[str, ...]) -> Path:
    if _is_good(path, digest):
        return path
    with workshop(path.parent, ADVICE) as folder:
        try:
            fetched = _from_mirrors(path, digest, mirrors, folder)
            if not _is_good(path, digest):  # unless another download was faster
                if os.path.lexists(path):  # damaged, or someone's own data: not ours to delete
                    set_aside(path)
                os.replace(fetched, path)  # within one disk, so a reader sees nothing or the whole file
        except OSError as error:
            if _is_of_this_computer(error):
                raise CannotWrite(path, error, ADVICE) from error
            raise
    return path


def _from_mirrors(path: Path, digest: str, mirrors: tuple[str, ...], folder: Path) -> Path:
    """Ask every mirror, and after a pause again, until one gives the file; it lies in `folder` then."""
    reasons = {}
    for attempt in range(ROUNDS):
        time.sleep(PAUSE * (attempt > 0))
        for mirror in mirrors:
            url = f"{mirror}{path.name}.gz"
            try:
                return _fetch(url, folder / path.name, digest)
            except Exception as error:
                if _is_of_this_computer(error):
                    raise
                reasons[url] = f"  {url}: {type(error).__name__}: {error}"
                print(f"{path.name}: nothing usable from {mirror} ({type(error).__name__})", file=sys.stderr)
    raise OSError(
        f"could not download {path.name} from any mirror, asked {ROUNDS} times each:\n"
        + "\n".join(reasons.values())
        + '\nWithout a network use load_images("digits"), which is in the package, '
        f"or put the file into {path.parent} yourself."
    )


def _fetch(url: str, target: Path, digest: str) -> Path:
    """Download a gzip archive, unpack it to `target`, and compare the hash."""
    import pooch

    archive = target.with_name("download")
    # Not pooch.retrieve: it wants the hash of the archive, which differs between mirrors, and prints the one it got.
    watch = _Watch(target.name)
    try:
        get = pooch.HTTPDownloader(timeout=SECONDS_OF_SILENCE, progressbar=watch, chunk_size=CHUNK)
        get(url, str(archive), None)
    finally:
        watch.close()
    with archive.open("rb") as file:
        start = file.read(512)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise ValueError("a web page came instead of the file; does this network want you to log in first?")
    # Some servers and proxies unpack what they pass on.
    with (
        gzip.open(archive) if start.startswith(b"\x1f\x8b") else archive.open("rb") as packed,
        target.open("wb") as file,
    ):
        size = 0
        while part := packed.read(2**20):
            size += len(part)
            _check_size(size)
            file.write(part)
    if not _is_good(target, digest):
        raise ValueError(f"the content is not the data set's (wrong sha256 of {size} bytes)")
    return target


class _Watch:
    """The bar of one download; it breaks off one that is too large, or too slow to wait for."""

    def __init__(self, name: str) -> None:
        from tqdm import tqdm

        self._tqdm, self._name, self._bar = tqdm, name, None
        self.total = self._size = 0
        self._start = time.monotonic()

    def update(self, size: int) -> None:
        self._size += size
        _check_size(self._size)
        seconds = time.monotonic() - self._start
        if seconds > SECONDS_OF_PATIENCE and self._size < SLOWEST * seconds:
            raise TimeoutError(f"too slow: {self._size} bytes in {seconds:.0f} seconds")
        if self._bar is None:
            settings = {"unit": "B", "unit_scale": True, "disable": sys.stderr is None}
            self._bar = self._tqdm(total=self.total or None, desc=self._name, **settings)
        self._bar.update(size)

    def reset(self) -> None:  # pooch does so at the end, and adds the whole again
        self._size = 0
        if self._bar is not None:
            self._bar.reset(self.total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes came; the files of the data sets are smaller")


def _is_of_this_computer(error: Exception) -> bool:
    """Whether an error is that of a disk or folder here, which another mirror would not mend."""
    import requests

    return isinstance(error, OSError) and error.errno is not None and not isinstance(error, requests.RequestException)


def _is_good(path: Path, digest: str) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            found = hashlib.sha256()
            while part := file.read(2**20):
                found.update(part)
    except OSError:  # unreadable: no better than damaged
        return False
    return found.hexdigest() == digest
