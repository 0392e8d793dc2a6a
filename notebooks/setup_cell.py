"""The cells that build.py puts below the title of each lesson: links that open it elsewhere, and the setup cell.

The repository's public address stands in pyproject.toml and nowhere else. While none is named there are no links, and
the setup cell asks for a wheel: a dead link is worse than none.
"""

import copy
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import nbformat

if sys.version_info >= (3, 11):
    import tomllib
else:  # Python 3.10: pip's own parser has the same interface
    from pip._vendor import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
# What is never installed or replaced: a notebook service chose these to fit each other, its drivers and its pages.
LEFT_ALONE = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow", "ipywidgets")
FIXED = ("torch", "torchvision", "numpy", "ipywidgets")  # those that something else might want in another version
ONLY_ON_A_DESK = ("jupyterlab",)  # shows notebooks; where the setup cell runs, something else does so already
# JupyterLab folds the setup cell, Colab shows its title only, and slides and pages made of the notebook leave it out.
SETUP_METADATA = {
    "cellView": "form",
    "jupyter": {"source_hidden": True},
    "slideshow": {"slide_type": "skip"},
    "tags": ["remove-cell"],
}
SETUP = """\
# @title Setup. It installs the course where it is missing, on Colab say; elsewhere it does nothing.
# PyTorch and whatever else is there stays as it is.
import importlib.util

if importlib.util.find_spec("vae_utils") is None:
    import glob
    import importlib.metadata
    import subprocess
    import sys

    course = max(glob.glob("vae_utils-*.whl"), default="{course}")
    assert importlib.util.find_spec("torch"), "this Python has no PyTorch: choose the kernel in which the course is"
    assert course, (
        "the course is not installed in this Python. In a copy of its repository, run `%pip install -e ..`; on Colab, "
        "upload its wheel (`pip wheel --no-deps .` makes it) beside this notebook and run this cell again"
    )
    fixed = [name for name in ({fixed}) if importlib.util.find_spec(name)]
    needed = [{light}]
    needed += [f"{{name}}=={{importlib.metadata.version(name)}}" for name in fixed]
    for wanted in (needed, ["--no-deps", course]):
        command = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr"""


def project(root: Path = ROOT) -> dict:
    """The content of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def repository(root: Path = ROOT) -> str:
    """The public address of the repository, such as "https://github.com/owner/name"; "" while there is none."""
    return project(root)["project"].get("urls", {}).get("Repository", "").rstrip("/").removesuffix(".git")


def release(root: Path = ROOT) -> str:
    """The tag of the release that the notebooks belong to, such as "v0.1.0"."""
    text = (root / "vae_utils" / "__init__.py").read_text(encoding="utf-8")
    return "v" + re.search(r'^__version__ = "(.+)"$', text, flags=re.M)[1]


def light_requirements(root: Path = ROOT) -> list[str]:
    """What the course needs beside packages that are left alone."""
    name = re.compile(r"[\w.-]+")
    wanted = project(root)["project"]["dependencies"]
    return [item for item in wanted if name.match(item)[0].lower() not in LEFT_ALONE + ONLY_ON_A_DESK]


def setup_source(root: Path = ROOT) -> str:
    """The code of the setup cell: the same in each lesson."""
    address = repository(root)
    course = f"git+{address}@{release(root)}" if address else ""
    listed = {"fixed": FIXED, "light": light_requirements(root)}
    return SETUP.format(
        course=course, **{key: ", ".join(f'"{item}"' for item in items) for key, items in listed.items()}
    )


def links(lesson: str, root: Path = ROOT) -> str:
    """Markdown that opens a lesson on Colab and on Binder; "" if the repository is not a public one on GitHub."""
    address = urlsplit(repository(root))
    if address.scheme != "https" or address.netloc != "github.com":
        return ""
    where, tag, path = address.path.strip("/"), release(root), f"notebooks/{lesson}.ipynb"
    colab = f"https://colab.research.google.com/github/{where}/blob/{tag}/{path}"
    binder = f"https://mybinder.org/v2/gh/{where}/{tag}?urlpath=lab/tree/{quote(path, safe='')}"
    return f"Run it in your browser: **[Colab]({colab})** · **[Binder]({binder})**"


def opening_cells(lesson: str, root: Path = ROOT) -> list[nbformat.NotebookNode]:
    """The cells to put below the title: links, if there are any, and the setup cell."""
    skipped = {"slideshow": {"slide_type": "skip"}}
    cells = [nbformat.v4.new_markdown_cell(text, metadata=skipped) for text in [links(lesson, root)] if text]
    code = nbformat.v4.new_code_cell(setup_source(root), metadata=copy.deepcopy(SETUP_METADATA))
    return [*cells, code]


def is_setup(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell is the setup cell, of this release or of another one."""
    return cell.cell_type == "code" and cell.source.startswith("# @title Setup.")
