"""The files of the full data sets: found in a folder, or fetched from the first mirror that answers.

A file counts only when the hash of its decompressed bytes is right, so a half-made or altered one is never used.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vae_utils.mirrors import digest_of, fetch_from_any, is_of_this_computer, unpack
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
ADVICE = "free some space there, or name another folder in the argument folder or in the variable VAE_UTILS_DATA"


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder for downloaded data: the argument, else the variable VAE_UTILS_DATA, else the user's cache.

    Raises:
        TypeError: not the name of a folder.
    """
    if not isinstance(folder, str | os.PathLike | None):
        raise TypeError(f"folder must be the path of a folder, received {folder!r}")
    chosen = folder or os.environ.get("VAE_UTILS_DATA")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return _cache()


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("vae_utils"))


def raw_files(name: str, folder: str | Path | None = None) -> dict[str, Path]:
    """Paths of the four files of a data set: those that are there, unpacked where they are not, or else downloaded.

    Args:
        name: a key of SOURCES.
        folder: see `data_folder`; the files lie in its sub-folder NAME/raw, as torchvision puts them, or in itself,
            decompressed or as .gz.

    Returns:
        File name -> path, for images and labels of both splits, decompressed.

    Raises:
        ValueError: unknown name.
        OSError: no mirror gave a file (each is named with its reason), or the folder cannot be written.
    """
    if not isinstance(name, str) or name not in SOURCES:
        raise ValueError(f"name must be one of {', '.join(map(repr, SOURCES))}, received {name!r}")
    source, home = SOURCES[name], data_folder(folder)
    layout = Path(source.folder) / "raw"
    places = [home / layout, home / source.folder, home / "raw", home]
    found = {file: _at_hand(file, digest, places, _cache() / layout / file) for file, digest in source.sha256.items()}
    missing = [file for file, path in found.items() if path is None]
    for number, file in enumerate(missing):
        found[file] = places[0] / file
        try:
            _downloaded(found[file], source.sha256[file], source.mirrors)
        except CannotWrite:
            raise
        except OSError as error:
            raise OSError(f"{error}\n{_advice(missing[number:], places)}") from error
    return found


def _advice(missing: list[str], places: list[Path]) -> str:
    lie = [path for place in places for file in missing for path in (place / file, place / f"{file}.gz")]
    damaged = [f"{path} is damaged, or not of this data set.\n" for path in lie if path.is_file()]
    return (
        f'{"".join(damaged)}Without a network use load_images("digits"), which is in the package, or put what is '
        f"missing into {places[0]} yourself, as it is or as .gz: {', '.join(missing)}."
    )


def _at_hand(file: str, digest: str, places: list[Path], spare: Path) -> Path | None:
    """Where a good file lies in one of the places; one that lies there as .gz is unpacked into the first."""
    for path in (place / file for place in places):
        if _is_good(path, digest):
            return path
    for archive in (place / f"{file}.gz" for place in places):
        if _is_good(archive, digest, packed=True):
            try:
                return _unpacked(archive, places[0] / file)
            except CannotWrite:  # a teacher's folder, for all to read
                return spare if _is_good(spare, digest) else _unpacked(archive, spare)
    return None


def _unpacked(archive: Path, path: Path) -> Path:
    with workshop(path.parent, ADVICE) as folder, _words_for_this_computer(path):
        unpack(archive, folder / path.name)
        _put(folder / path.name, path)
    return path


def _downloaded(path: Path, digest: str, mirrors: tuple[str, ...]) -> None:
    urls = [f"{mirror}{path.name}.gz" for mirror in mirrors]
    with workshop(path.parent, ADVICE) as folder, _words_for_this_computer(path):
        fetched = fetch_from_any(urls, folder / path.name, digest)
        if not _is_good(path, digest):  # unless another download was faster
            _put(fetched, path)


def _put(fetched: Path, path: Path) -> None:
    if os.path.lexists(path):  # damaged, or someone's own data: not ours to delete
        set_aside(path)
    os.replace(fetched, path)  # within one disk, so a reader sees nothing or the whole file


@contextmanager
def _words_for_this_computer(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_of_this_computer(error) and not isinstance(error, CannotWrite):
            raise CannotWrite(path, error, ADVICE) from error
        raise


def _is_good(path: Path, digest: str, packed: bool = False) -> bool:
    try:
        return path.is_file() and digest_of(path, packed) == digest
    except (OSError, EOFError, ValueError, zlib.error):  # unreadable: no better than damaged
        return False
