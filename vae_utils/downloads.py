"""The files of the full data sets: found in a folder, or fetched from the first mirror that answers.

A file counts only when the hash of its decompressed bytes is right, so a half-made or altered one is never used.
"""

import gzip
import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


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
SECONDS_OF_SILENCE = 20


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder for downloaded data: the argument, else the variable VAE_UTILS_DATA, else the user's cache."""
    chosen = folder or os.environ.get("VAE_UTILS_DATA")
    if chosen:
        return Path(chosen).expanduser()
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
        OSError: no mirror gave a file (each is named with its reason), or the folder cannot be written.
    """
    source = SOURCES[name]
    raw = data_folder(folder) / source.folder / "raw"
    return {file: _ready(raw / file, digest, source.mirrors) for file, digest in source.sha256.items()}


def _ready(path: Path, digest: str, mirrors: tuple[str, ...]) -> Path:
    if _is_good(path, digest):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        workshop = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError as error:
        raise OSError(
            f"cannot write to {path.parent} ({error.strerror}); name another folder in the variable VAE_UTILS_DATA"
        ) from error
    reasons = []
    with workshop as folder:
        fetched = Path(folder) / path.name
        for mirror in mirrors:
            url = f"{mirror}{path.name}.gz"
            try:
                _fetch(url, fetched)
                if not _is_good(fetched, digest):
                    raise ValueError("the content is not the data set's (wrong sha256)")
            except Exception as error:
                reasons.append(f"  {url}: {type(error).__name__}: {error}")
                print(f"{path.name}: nothing usable from {mirror} ({type(error).__name__})", file=sys.stderr)
                continue
            if _is_good(path, digest):  # another download was faster
                return path
            if path.exists():  # damaged, or someone's own data: not ours to delete
                os.replace(path, path.with_name(f"{path.name}.damaged"))
            os.replace(fetched, path)  # within one folder, so a reader sees nothing or the whole file
            return path
    raise OSError(
        f"could not download {path.name} from any mirror:\n" + "\n".join(reasons) + "\n"
        'Without a network use load_images("digits"), which is in the package, '
        f"or put the file into {path.parent} yourself."
    )


def _fetch(url: str, target: Path) -> None:
    """Download a gzip archive and unpack it to `target`."""
    import pooch

    archive = target.with_name("download.gz")
    # Not pooch.retrieve: it wants the hash of the archive, which differs between mirrors, and prints the one it got.
    pooch.HTTPDownloader(timeout=SECONDS_OF_SILENCE, progressbar=True)(url, str(archive), None)
    with archive.open("rb") as start:
        if start.read(1) == b"<":
            raise ValueError("a web page came instead of the file; does this network want you to log in first?")
    with gzip.open(archive) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)


def _is_good(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
