"""The wheel carries all that the package needs at run time, and works where nothing of this repository is at hand."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

import setup_cell

from .environments import bare_python

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vae_utils"
# Run by a Python that has the wheel and the packages it requires, in an empty folder.
PROBE = """
import importlib.metadata, sys, vae_utils
from vae_utils import load_images
from vae_utils.checkpoints import checkpoint_names, load_checkpoint
assert not any("__editable__" in name for name in sys.modules), "the package is the repository's"
print(vae_utils.__file__)
print(vae_utils.__version__, importlib.metadata.version("vae-utils"))
print(len(load_images("digits").train), *checkpoint_names())
for name in checkpoint_names():
    load_checkpoint(name)
from vae_utils import widgets
from vae_utils.widgets.canvas import FOLDER
print(*sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css")))
"""


def source_copy(folder: Path) -> Path:
    """A copy of what the package is built from, so that building leaves nothing in the repository."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "CHANGELOG.md", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(PACKAGE, folder / "vae_utils", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    shutil.copy(__file__, folder / "tests")
    return folder


def run(*command, cwd: Path, **variables: str) -> str:
    """Output of a command that must succeed, away from this repository and without an index of packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = {**kept, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    source = source_copy(folder / "source")
    hooks = "from setuptools import build_meta as b; b.build_sdist('..'); b.build_wheel('..')"
    run(sys.executable, "-c", hooks, cwd=source)
    return folder


def test_the_wheel_works_on_its_own(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    python = bare_python(tmp_path / "environment")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--ignore-installed", wheel, cwd=tmp_path)
    where, versions, data, pages = run(python, "-c", PROBE, cwd=tmp_path).splitlines()
    assert Path(where).resolve().is_relative_to((tmp_path / "environment").resolve())
    assert len(set(versions.split())) == 1
    shipped = sorted(path.stem for path in (PACKAGE / "data_files" / "checkpoints").glob("*.safetensors"))
    assert data.split() == ["8000", *shipped]
    assert pages.split() == sorted(path.name for path in (PACKAGE / "widgets").glob("*.[cj]s*"))


def test_the_source_distribution_is_the_package(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    missing = {path.relative_to(ROOT).as_posix() for path in files} - names
    assert not missing
    assert {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"} <= names
    assert not any(name.startswith(("tests", "notebooks")) for name in names)


def test_the_changelog_knows_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, flags=re.M)
    assert "## [Unreleased]" in text or released[:1] == [setup_cell.release().removeprefix("v")]
    assert set(re.findall(r"^### (\w+)$", text, flags=re.M)) <= {
        *("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    }


def test_the_citation_has_what_the_format_asks_for():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited) and cited["cff-version"] == "1.2.0"
    assert "version" not in cited, "the version stands in vae_utils/__init__.py; here it would be forgotten"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {cited['title']}\n")


def test_the_timetable_for_lecturers_adds_up():
    sources = sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py"))
    minutes = {}
    for source in sources:
        opening = source.read_text(encoding="utf-8").partition("\n# %%")[0].replace("\n#", " ")
        minutes[source.name[:2]] = int(re.search(r"Reading: +(\d+) +minutes", opening)[1])
    text = (ROOT / "docs" / "lecturers.md").read_text("utf-8").partition("\n## How long a lesson takes\n")[2]
    rows = re.findall(r"^\| \d+ \| ([\d, ]+) \| (\d+) \|$", text.partition("\n## ")[0], flags=re.M)
    assert [lesson for lessons, _ in rows for lesson in lessons.split(", ")] == list(minutes)
    for lessons, total in rows:
        assert sum(minutes[lesson] for lesson in lessons.split(", ")) == int(total), f"lessons {lessons}"
    assert "In the first seven, four hours of\nreading," in (ROOT / "README.md").read_text("utf-8")
    assert 225 <= sum(minutes[f"{number:02}"] for number in range(7)) <= 255
