"""Is this Python ready for the lessons? `python -m vae_utils.doctor` says what is wrong and how to mend it.

What is needed is written once, in pyproject.toml, and read here from the installed package's metadata, as is what
packages need of each other: torchvision of torch, ipywidgets of its part in JupyterLab.
"""

import hashlib
import os
import platform
import sys
import tempfile
import warnings
from importlib import metadata
from importlib.resources import files
from pathlib import Path

SHOWN = ("torch", "ipywidgets", "jupyterlab")  # named even if nothing is wrong with them
# Inside a notebook it is not missed, for something else has opened that (Colab, for one), and another version is no
# reason to stop: the page runs in its own Python, on many services, and the course's widgets work in JupyterLab 3, too.
OPENS_NOTEBOOKS = "jupyterlab"
# Those whose own needs are looked at: where they do not fit, errors are hard to understand, or nothing is shown at all.
PAIRS = {"torchvision": ("torch",), "ipywidgets": ("jupyterlab_widgets", "jupyterlab-widgets", "widgetsnbextension")}
NO_STOP = (
    "the lessons work with it, but releases that are not {} have known security holes; renew it, or ask who runs it"
)
DIGITS = "mnist_10k.npz"
DIGITS_SHA256 = "816a9b7c099da6b6155aa21f7a5fe707f1475f03ff80f99cb1ada16c9de047a3"
FOLDER = "VAE_UTILS_DATA"


def examine(package: str = "vae-utils") -> tuple[list[str], list[str]]:
    """Compare what is installed with what the course needs, and look at its data.

    Args:
        package: the distribution whose requirements are read.

    Returns:
        Lines that say what was found, and lines that say what is wrong and how to mend it (empty if nothing is).

    Warns:
        UserWarning: inside a notebook, another JupyterLab is installed than the course asks for.
    """
    found = [f"python {platform.python_version()}"]
    try:
        wanted = metadata.requires(package) or []
        python = metadata.metadata(package)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return found, [f"the package {package} is not installed in this Python: {installing()}"]
    # One of the requirements; without it nothing is installed yet.
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return found, [f"the packages of the course are not installed in this Python: {installing()}"]

    problems = []
    if python and not SpecifierSet(python).contains(platform.python_version(), prereleases=True):
        problems.append(f"python {platform.python_version()} is installed, {python} is needed: install a newer Python")
    wrong = set()
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, versions = requirement.name, requirement.specifier
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not (name == OPENS_NOTEBOOKS and "ipykernel" in sys.modules):
                problems.append(f"{name} is missing: {installing()}")
            wrong.add(name)
            continue
        if name in SHOWN:
            found.append(f"{name} {version}")
        if versions.contains(version, prereleases=True):
            continue
        wrong.add(name)
        if name == OPENS_NOTEBOOKS and "ipykernel" in sys.modules:
            if "google.colab" not in sys.modules:  # where it lies unused
                warnings.warn(f"{name} {version} is installed: {NO_STOP.format(versions)}", stacklevel=2)
            continue
        remedy = f'run `{_pip()} install "{requirement}"`, then restart the kernel'
        problems.append(f"{name} {version} is installed, {versions} is needed: {remedy}")
    for name, others in PAIRS.items():
        # Colab shows widgets without JupyterLab, whatever version of its part is installed there.
        if name not in wrong and not (name == "ipywidgets" and "google.colab" in sys.modules):
            problems += _pair(name, [other for other in others if other not in wrong])
    return found, problems + _data()


def _pip() -> str:
    """How to call the pip of this very Python: the one that a terminal finds by that name is often another's."""
    if "ipykernel" in sys.modules:
        return "%pip"
    return f'"{sys.executable}" -m pip' if " " in sys.executable else f"{sys.executable} -m pip"


def installing() -> str:
    """What mends an incomplete installation, from where the doctor was called."""
    if "ipykernel" in sys.modules:
        return "run `%pip install -e ..` in a cell of a notebook in the course's folder, then restart the kernel"
    return f"run `{_pip()} install -e .` in the folder of the course"


def _pair(name: str, others: list[str]) -> list[str]:
    """What is wrong between a package and those others that it needs."""
    from packaging.requirements import Requirement

    try:
        version, needs = metadata.version(name), metadata.requires(name) or []
    except (metadata.PackageNotFoundError, LookupError):
        return []
    problems = []
    for requirement in map(Requirement, needs):
        if requirement.name not in others or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        remedy = f"run `{_pip()} install --upgrade {name} {requirement.name}`, then restart the kernel"
        try:
            other = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            problems.append(f"{name} {version} needs {requirement.name}, which is missing: {remedy}")
            continue
        # The local part, as in 2.6.0+cpu, says how a release was built and not which it is.
        if not requirement.specifier.contains(other.partition("+")[0], prereleases=True):
            needed = f"{requirement.name}{requirement.specifier}"
            problems.append(f"{name} {version} needs {needed}, and {other} is installed: {remedy}")
    return problems


def _data() -> list[str]:
    """What is wrong with the digits in the package and with the folder for larger sets."""
    problems = []
    try:
        content = (files("vae_utils") / "data_files" / DIGITS).read_bytes()
        if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
            problems.append(
                f"the digits of the course ({DIGITS}) are damaged: install the course again; {installing()}"
            )
    except OSError as error:
        problems.append(f"the digits of the course ({DIGITS}) cannot be read ({error.strerror}): {installing()}")
    named = os.environ.get(FOLDER)
    if named:
        try:
            Path(named).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=named):
                pass
        except OSError as error:
            problems.append(
                f"the folder that {FOLDER} names cannot be written ({error.strerror}): set {FOLDER} to another one, or "
                "not at all; only MNIST and Fashion-MNIST as a whole need it"
            )
    return problems


def devices() -> list[str]:
    """What the networks can run on: cores, threads and accelerator; needs torch."""
    import torch

    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    mps = getattr(torch.backends, "mps", None)
    accelerator = "cuda" if torch.cuda.is_available() else "mps" if mps and mps.is_available() else "none needed"
    return [f"cores {cores}, of which torch uses {threads}", f"accelerator {accelerator}"]


def main() -> int:
    """Print what was found; returns 0 if all is well and 1 if something must be mended."""
    found, problems = examine()
    if not problems:
        found += devices()
    print(*found, sep="\n")
    print(*(problems or ["all is well"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
