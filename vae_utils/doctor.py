"""Is this Python ready for the lessons? `python -m vae_utils.doctor` says what is wrong and how to mend it.

What is needed is written once, in pyproject.toml, and read here from the installed package's metadata.
"""

import platform
import sys
from importlib import metadata

SHOWN = ("torch", "ipywidgets", "jupyterlab")  # named even if nothing is wrong with them
OPENS_NOTEBOOKS = "jupyterlab"  # not missed inside a notebook, which something else has opened then: Colab, for one
INSTALL = "run `pip install -e .` in the folder of the course, with the Python that runs this notebook"


def examine(package: str = "vae-utils") -> tuple[list[str], list[str]]:
    """Compare the packages that are installed with those that the course needs.

    Args:
        package: the distribution whose requirements are read.

    Returns:
        Lines that say what was found, and lines that say what is wrong and how to mend it (empty if nothing is).
    """
    found = [f"python {platform.python_version()}"]
    try:
        wanted = metadata.requires(package) or []
        python = metadata.metadata(package)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return found, [f"the package {package} is not installed in this Python: {INSTALL}"]
    # Comes with matplotlib, one of the requirements; without it nothing is installed yet.
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return found, [f"the packages of the course are not installed in this Python: {INSTALL}"]

    problems = []
    if python and not SpecifierSet(python).contains(platform.python_version(), prereleases=True):
        problems.append(f"python {platform.python_version()} is installed, {python} is needed: install a newer Python")
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, versions = requirement.name, requirement.specifier
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not (name == OPENS_NOTEBOOKS and "ipykernel" in sys.modules):
                problems.append(f"{name} is missing: {INSTALL}")
            continue
        if name in SHOWN:
            found.append(f"{name} {version}")
        if not versions.contains(version, prereleases=True):
            remedy = f'run `pip install "{requirement}"`, then restart the kernel'
            problems.append(f"{name} {version} is installed, {versions} is needed: {remedy}")
    return found, problems


def main() -> int:
    """Print what was found; returns 0 if all is well and 1 if something must be mended."""
    found, problems = examine()
    print(*found, sep="\n")
    print(*(problems or ["all is well"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
