"""The setup cell of each lesson installs the course where it is missing, leaves PyTorch alone, and is silent here."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import build
import setup_cell

from . import environments
from .test_packaging import run, source_copy

ROOT = setup_cell.ROOT
CHECK = """
import importlib.metadata, vae_utils, torch
from vae_utils import load_images
print(vae_utils.__file__, torch.__file__, importlib.metadata.version("torch"), sep="\\n")
print(len(load_images("digits").train))
"""
FIXED = ("torch", "torchvision", "numpy", "ipywidgets")


@pytest.fixture
def fork(tmp_path):
    """A copy of the package's sources, in which the one line that names the repository can be written."""
    return source_copy(tmp_path / "fork")


def name_repository(root: Path, address: str) -> None:
    """Change the line of pyproject.toml as the owner of a copy would."""
    path = root / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count("\n# Repository = ") == 1
    before, _, after = text.partition("\n# Repository = ")
    path.write_text(f'{before}\nRepository = "{address}"\n{after.partition(chr(10))[2]}', encoding="utf-8")


def setup(root: Path) -> str:
    """The code of the setup cell."""
    return setup_cell.opening_cells("01_autoencoder", root)[-1].source


# ---- the same cell in each lesson ------------------------------------------------------------------------------------


def test_each_lesson_has_the_same_silent_setup_cell_before_any_other_code():
    for name in build.lesson_names():
        cells = nbformat.read(build.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        assert code[0].source == setup(ROOT), f"{name}: run python notebooks/build.py --refresh"
        assert code[0].outputs == [] and not any(setup_cell.is_setup(cell) for cell in code[1:])
        assert code[0].metadata == setup_cell.SETUP_METADATA


def test_where_the_course_is_installed_nothing_is_run_or_shown(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "run", None)
    exec(setup(ROOT), {})
    assert capsys.readouterr() == ("", "")


def test_nothing_is_asked_for_that_services_bring_along():
    wanted = setup_cell.light_requirements()
    assert "anywidget>=0.9" in wanted and "jaxtyping" in wanted
    assert not [item for item in wanted if item.startswith((*FIXED, "jupyterlab", "scipy", "scikit", "matplotlib"))]
    required = setup_cell.project()["project"]["dependencies"]
    assert set(wanted) <= set(required) and len(wanted) < len(required)


# ---- one line names the repository -----------------------------------------------------------------------------------


def test_without_an_address_there_are_no_links(fork):
    assert setup_cell.repository(fork) == ""
    (only,) = setup_cell.opening_cells("01_autoencoder", fork)
    assert setup_cell.is_setup(only) and "http" not in only.source


@pytest.mark.parametrize("ending", ["", "/", ".git"])
def test_one_line_makes_links_and_the_setup_cell(fork, ending):
    name_repository(fork, f"https://github.com/someone/course{ending}")
    tag = setup_cell.release(fork)
    links, code = setup_cell.opening_cells("01_autoencoder", fork)
    page = f"{tag}/notebooks/01_autoencoder.ipynb"
    assert f"(https://colab.research.google.com/github/someone/course/blob/{page})" in links.source
    assert f"(https://mybinder.org/v2/gh/someone/course/{tag}?urlpath=lab/tree/notebooks%2F01_auto" in links.source
    assert f'default="git+https://github.com/someone/course@{tag}")' in code.source
    assert links.metadata["slideshow"] == code.metadata["slideshow"] == {"slide_type": "skip"}


def test_a_repository_elsewhere_has_no_links_and_can_be_installed(fork):
    name_repository(fork, "https://git.example.org/course")
    (only,) = setup_cell.opening_cells("01_autoencoder", fork)
    assert "git+https://git.example.org/course@v" in only.source


# ---- a Python that has PyTorch and not the course --------------------------------------------------------------------


def published(fork: Path) -> list[str]:
    """Make a copy of the package's sources the repository that it names, with its release; a git command."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    name_repository(fork, f"file://localhost{'/' if sys.platform == 'win32' else ''}{fork.as_posix()}")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A copy"], ["tag", setup_cell.release(fork)]):
        run(*git, *command, cwd=fork)
    return git


def run_setup(python: Path, root: Path, folder: Path) -> str:
    """Run the setup cell and then the first steps of a lesson in a folder of their own; the lines printed."""
    folder.mkdir(exist_ok=True)
    # No network in this test: the build tools are those that are installed, not fresh ones from an index.
    return run(python, "-c", setup(root) + CHECK, cwd=folder, PIP_NO_BUILD_ISOLATION="0").splitlines()


def without_the_course(monkeypatch, *others: str) -> list[list[str]]:
    """Let this Python seem to lack the course (and other modules); the commands that are run, none of which is run."""
    found, commands = importlib.util.find_spec, []
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("vae_utils", *others) else found(name)
    )
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command) or done)
    return commands


def test_without_an_address_it_asks_for_a_wheel_and_takes_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    commands = without_the_course(monkeypatch)
    code = setup_cell.SETUP.format(course="", fixed='"torch", "numpy"', light='"jaxtyping"')
    with pytest.raises(AssertionError, match="the course is not installed in this Python.*upload its wheel"):
        exec(code, {})
    assert commands == []
    for version in ("0.1.0", "0.2.0"):
        (tmp_path / f"vae_utils-{version}-py3-none-any.whl").touch()
    exec(code, {})
    kept = [f"{name}=={importlib.metadata.version(name)}" for name in ("torch", "numpy")]
    start = [sys.executable, "-m", "pip", "install", "--quiet"]
    wheel = "vae_utils-0.2.0-py3-none-any.whl"
    assert commands == [[*start, "jaxtyping", *kept], [*start, "--no-deps", wheel]]


def test_without_torch_it_says_so_and_installs_nothing(monkeypatch):
    commands = without_the_course(monkeypatch, "torch")
    with pytest.raises(AssertionError, match="this Python has no PyTorch"):
        exec(setup(ROOT), {})
    assert commands == []


def test_the_course_is_installed_from_its_tag_and_torch_stays(fork, tmp_path):
    torch = importlib.util.find_spec("torch").origin, importlib.metadata.version("torch")
    python = environments.bare_python(tmp_path / "service")
    git = published(fork)
    for name in ("vae_utils/data.py", "pyproject.toml"):  # what comes after the tag is not what is installed
        (fork / name).write_text("broken", encoding="utf-8")
    run(*git, "commit", "-q", "-a", "-m", "Later", cwd=fork)
    run(*git, "checkout", "-q", setup_cell.release(fork), "--", "pyproject.toml", cwd=fork)
    where, torch_file, version, count = run_setup(python, fork, tmp_path / "notebook")
    assert Path(where).resolve().is_relative_to((tmp_path / "service").resolve())
    assert ((torch_file, version), count) == (torch, "8000")
    again = run(python, "-c", f"import subprocess; subprocess.run = None\n{setup(fork)}", cwd=tmp_path)
    assert again == ""


# ---- an environment like Colab's -------------------------------------------------------------------------------------

NONE_LIKE_IT = (
    f"{environments.VARIABLE} names no environment like Colab's; `python -m tests.environments FOLDER` makes one"
)
LESSON = "06_build_a_vae"
RUN_LESSON = """
import nbclient, nbformat, sys
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0].text)
"""
WHERE = """
import importlib.metadata, vae_utils
print(vae_utils.__file__)
print({name: importlib.metadata.version(name) for name in VERSIONS})
"""


@pytest.mark.timeout(1500)
@pytest.mark.skipif(environments.colab() is None, reason=NONE_LIKE_IT)
def test_a_whole_lesson_runs_with_colabs_versions_after_its_setup_cell(fork, tmp_path):
    published(fork)
    notebook = nbformat.read(build.NOTEBOOKS / f"{LESSON}.ipynb", as_version=4)
    (cell,) = (cell for cell in notebook.cells if setup_cell.is_setup(cell))
    cell.source = setup(fork)
    tail = WHERE.replace("VERSIONS", str(list(environments.VERSIONS)))
    notebook.cells.append(nbformat.v4.new_code_cell(tail))
    (tmp_path / "empty").mkdir()
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    # What the setup cell installs goes to an environment above that one, which is not changed.
    service = environments.bare_python(tmp_path / "service", environments.packages_of(environments.colab()))
    printed = run(
        *(service, "-c", RUN_LESSON, tmp_path / "lesson.ipynb"),
        cwd=tmp_path / "empty",
        **{"PIP_NO_BUILD_ISOLATION": "0", "JUPYTER_DATA_DIR": str(tmp_path / "data")},
    )
    where, versions = printed.split("\n")[:2]
    assert Path(where).resolve().is_relative_to((tmp_path / "service").resolve())
    assert versions == str(environments.VERSIONS)
