"""What stands in several files of the project agrees: README, environment.yml, pyproject.toml, licence, CI, lint."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest
import yaml

import build
import setup_cell

ROOT = Path(__file__).resolve().parents[1]
PROJECT = setup_cell.project(ROOT)
README = (ROOT / "README.md").read_text(encoding="utf-8")
NEWER = {"__future__", "tomllib"}  # of the standard library, though Python 3.10 does not list them
# Imports whose package has another name, and what always comes with a named package.
PACKAGE_OF = {
    "xdist": "pytest-xdist",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "yaml": "pyyaml",
    "IPython": "ipywidgets",
    "traitlets": "ipywidgets",
    "pip": "pip",
}


def marked(name: str) -> str:
    """The fenced block of the README after the mark <!-- command: name -->."""
    found = re.search(rf"<!-- command: {name} -->\n```\w+\n(.*?)\n```", README, flags=re.S)
    assert found, f"README.md has no block marked <!-- command: {name} -->"
    return found[1]


def names(requirements: list[str]) -> set[str]:
    """Names of the packages in a list of requirements."""
    return {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in requirements}


def imported(paths) -> set[str]:
    """Packages that files import, at any depth, as a requirement names them; this project's own are left out."""
    tops = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                tops.add(node.module.split(".")[0])
    folders = [ROOT / "notebooks", ROOT / "docs", ROOT / "benchmarks"]
    own = {"vae_utils", "tests", "lab"} | {path.stem for folder in folders for path in folder.glob("*.py")}
    return {PACKAGE_OF.get(top, top).lower() for top in tops - own - sys.stdlib_module_names - NEWER}


def test_environment_yml_installs_what_pyproject_names():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    pip = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == [["-e ."]], "pip must install this project and, through pyproject.toml, what it needs"
    # repo2docker reads the version so; without a match it takes one of its own.
    version = re.search(r"^python\s*=+\s*(\d+\.\d+)$", "\n".join(conda), flags=re.M)
    assert version, "environment.yml must name one version of Python"
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version[1].split("."))) >= tuple(map(int, lowest.split(".")))
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert f'"{version[1]}"' in workflow, "Binder gets a Python that CI tests"
    extra = names(conda) - {"python", "pip"} - names(PROJECT["project"]["dependencies"])
    assert not extra, f"environment.yml names packages that pyproject.toml does not: {extra}"


def test_what_is_imported_is_required():
    required = names(PROJECT["project"]["dependencies"])
    lessons = [*(ROOT / "vae_utils").rglob("*.py"), *(ROOT / "notebooks" / "source").glob("*.py")]
    missing = imported(lessons) - required
    assert not missing, f"add to dependencies in pyproject.toml: {missing}"
    tests = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "notebooks").glob("*.py")]
    test_extra = names(PROJECT["project"]["optional-dependencies"]["test"])
    # nbconvert and nbformat come with JupyterLab.
    missing = imported(tests) - required - test_extra - {"nbconvert", "nbformat", "pip"}
    assert not missing, f"add to the extra [test] in pyproject.toml: {missing}"
    docs_extra = names(PROJECT["project"]["optional-dependencies"]["docs"])
    # Pygments comes with Sphinx, nbformat with nbconvert.
    missing = imported((ROOT / "docs").glob("*.py")) - required - docs_extra - {"nbformat", "pygments"}
    assert not missing, f"add to the extra [docs] in pyproject.toml: {missing}"


def test_data_files_are_packaged():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["vae_utils"]
    files = [path for path in (ROOT / "vae_utils").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    left_out = [
        str(path.relative_to(ROOT))
        for path in files
        if not any(fnmatch(path.relative_to(ROOT / "vae_utils").as_posix(), pattern) for pattern in patterns)
    ]
    assert files and not left_out, f"not in package-data of pyproject.toml: {left_out}"


def test_the_version_is_written_once():
    assert "version" not in PROJECT["project"] and "version" in PROJECT["project"]["dynamic"]
    import vae_utils

    assert importlib.metadata.version("vae-utils") == vae_utils.__version__


def test_the_lesson_table_matches_the_files():
    rows = re.findall(r"^\| \[(\d\d) [^\]]+\]\(notebooks/(\w+)\.ipynb\) \| (.+) \| (\d+) \|$", README, flags=re.M)
    assert [name for _, name, *_ in rows] == build.lesson_names()
    for number, name, question, minutes in rows:
        opening = build.read_source(ROOT / "notebooks" / "source" / f"{name}.py").cells[0].source
        assert f"Reading: {minutes} minutes" in " ".join(opening.split()), name
        title = opening.splitlines()[0]
        same = title.startswith(f"# {number} · ") and title.casefold().endswith(question.casefold())
        assert same, f"README.md asks {question!r}; {name} is titled {title!r}"


def test_links_to_files_lead_somewhere():
    pages = {ROOT / page: (ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "CONTRIBUTING.md")}
    pages |= {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        pages[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = 0
    for path, text in pages.items():
        links = re.findall(r"\]\(([^)#\s]+)(#[^)]*)?\)", text) + [
            (s, "") for s in re.findall(r'<img src="([^"]+)"', text)
        ]
        for link, anchor in links:
            if not link.startswith("http"):
                found += 1
                there = path.parent / link
                assert there.exists(), f"{path.name} links to {link}"
                if anchor and link.endswith(".md"):
                    assert anchor[1:] in anchors(there), f"{path.name} links to {link}{anchor}"
    assert found > 20


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_two_commands_make_an_environment_of_their_own():
    first = build.lesson_names()[0]
    make, install = "python3 -m venv .venv", ".venv/bin/pip install -e"
    assert marked("start") == f"{make} && {install} . && .venv/bin/jupyter lab notebooks/{first}.ipynb"
    assert marked("test") == f'{make} && {install} ".[test]" && .venv/bin/python -m pytest'


def test_ci_runs_the_command_of_the_readme():
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":
        pytest.skip("needs bash; on Windows .ci/run takes the block test-windows")
    shown = subprocess.run([bash, ".ci/run", "--show"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == marked("test")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["tests"]
    assert job["steps"][-1]["run"] == ".ci/run"
    assert len(job["strategy"]["matrix"]["os"]) == 3


def test_the_licences_are_named():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    for words in ("MIT License", "CC BY 4.0", "Yann LeCun and Corinna Cortes", "CC BY-SA 3.0"):
        assert words in text


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]])
def test_ruff(arguments):
    ruff = Path(sys.executable).parent / "ruff"
    result = subprocess.run([shutil.which(ruff) or "ruff", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
