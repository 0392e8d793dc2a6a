"""Nothing that is read is executed or unpacked where a file says, and words from outside stay words in HTML."""

import ast
import re
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

import setup_cell
from vae_utils import exercises
from vae_utils.exercises.report import Note, correct, not_yet
from vae_utils.progress import Progress
from vae_utils.scorecard import Score, Scorecard
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vae_utils"
# `importlib` imports the lessons' exercises by the names of the files beside it; `ctypes` stops an exercise that hangs.
ALLOWED = {"exercises/__init__.py": {"import_module"}, "exercises/sandbox.py": {"pythonapi"}}
CALLS = {"eval", "exec", "compile", "__import__", "import_module", "load_module", "torch.load", "load_url", "pythonapi"}
CALLS |= {"system", "popen", "Popen", "check_call", "extract", "extractall", "unpack_archive"}
SCRIPT = "<script>alert(1)</script>"


def dangerous_calls(source: str) -> set[str]:
    """Names of calls that run or unpack what they are given."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            whole = ast.unparse(node.func)
            last = whole.rpartition(".")[2]
            own = last == "eval" and whole != "eval"  # model.eval() is torch's mode
            compiled = whole == "re.compile"
            found |= {name for name in CALLS if name in (whole, last) or f".{name}." in whole} - (
                {"eval"} if own else {"compile"} if compiled else set()
            )
    return found


def test_nothing_is_executed_or_unpacked():
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        assert dangerous_calls(path.read_text(encoding="utf-8")) <= ALLOWED.get(name, set()), name


@pytest.mark.parametrize(
    "line", ["eval(x)", "exec(x)", "torch.load(x)", "shutil.unpack_archive(x)", "tar.extractall(p)", "os.system(x)"]
)
def test_the_search_finds_such_calls(line):
    assert dangerous_calls(f"def f(x):\n    {line}\n") and not dangerous_calls("model.eval(); re.compile('a')")


def test_scripts_in_the_page_set_text_and_never_html():
    pattern = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    scripts = list(PACKAGE.rglob("*.js"))
    assert scripts
    for path in scripts:
        assert not re.search(pattern, path.read_text(encoding="utf-8")), path.name


class Broken(Explorer):
    """Fails with words that look like a script."""

    def __init__(self):
        self.level = make.slider("level", 0.0, -1, 1)
        super().__init__([self.level], views={"picture": SCRIPT}, alt=SCRIPT, summary=SCRIPT)

    def render(self):
        if self.level.value:
            raise ValueError(f"class {SCRIPT}")
        return torch.zeros(28, 28)


def shown_in(widget) -> str:
    """All HTML inside a widget."""
    children = "".join(shown_in(child) for child in getattr(widget, "children", ()))
    return children + (widget.value if type(widget).__name__.endswith("HTML") else "")


def test_words_stay_words_in_tables_and_notes():
    card = Scorecard.__new__(Scorecard)
    card.rows = {SCRIPT: Score(0.1, 0.2)}
    progress = Progress(3, SCRIPT, visible=False)
    for shown in (card, progress, Note(SCRIPT, SCRIPT, SCRIPT), not_yet(SCRIPT, SCRIPT), correct(SCRIPT)):
        html = shown._repr_html_()
        assert "<script" not in html and "&lt;script" in html, type(shown)
    assert "<script" not in exercises.coin_flip_image.check(SCRIPT)._repr_html_()


def test_words_stay_words_in_explorers():
    explorer = Broken()
    explorer.level.value = 0.5
    html = shown_in(explorer)
    assert "ValueError: class &lt;script" in html and "<script" not in html
    assert html.count("&lt;script") >= 3  # the error, the caption and the alt text


# The first release without the vulnerability that made us exclude the older ones.
FIRST_SAFE = {
    "torch": "2.6.0",  # CVE-2025-32434: torch.load(weights_only=True) ran code; not called here, but by learners
    "numpy": "1.22.0",  # CVE-2021-41496, CVE-2021-34141
    "scipy": "1.10.0",  # CVE-2023-25399
    "scikit-learn": "1.5.0",  # CVE-2024-5206
    "pillow": "10.3.0",  # CVE-2024-28219
    "jupyterlab": "4.2.5",  # CVE-2024-43805
    "requests": "2.32.4",  # CVE-2024-47081
    "tqdm": "4.66.3",  # CVE-2024-34062
}


def test_vulnerable_releases_are_not_accepted():
    project = setup_cell.project(ROOT)["project"]
    wanted = {requirement.name: requirement.specifier for requirement in map(Requirement, project["dependencies"])}
    for name, safe in FIRST_SAFE.items():
        major, minor, patch = map(int, safe.split("."))
        before = f"{major}.{minor}.{patch - 1}" if patch else f"{major}.{minor - 1}.99"
        assert before not in wanted[name] and "99.0" in wanted[name], name
    assert "11.2.1" not in wanted["pillow"] and "11.3.0" in wanted["pillow"]  # CVE-2025-48379
    colab = {"torch": "2.11.0", "ipywidgets": "7.7.1", "numpy": "2.1.0", "requests": "2.32.4"}
    assert all(version in wanted[name] for name, version in colab.items())
