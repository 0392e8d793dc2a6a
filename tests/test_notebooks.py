"""The built lessons: up to date, in the agreed form, and run again cell by cell (nbval) with the network cut off."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import build

LESSONS = build.lesson_names()
CHECKED = "nbval-check-output"
SLIDE_TYPES = {"slide", "subslide", "fragment", "notes", "skip", "-"}


@pytest.fixture(params=LESSONS)
def lesson(request):
    """Name of a lesson and its stored notebook."""
    return request.param, nbformat.read(build.NOTEBOOKS / f"{request.param}.ipynb", as_version=4)


def code_cells(notebook):
    """(label, cell) of the code cells."""
    return [(build.label(i, cell), cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def markdown(notebook):
    """Sources of the markdown cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def run_nbval(path: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Run each cell of a notebook and compare the outputs of the tagged ones with what is stored."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-cell-timeout=300", "--tb=short", "-q"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", f"--rootdir={path.parent}", "-c", os.devnull, str(path)]
    environment = {**os.environ, **environment, "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, env=environment, cwd=path.parent, capture_output=True, text=True, encoding="utf-8")


# ---- the set of lessons ----------------------------------------------------------------------------------------------


def test_the_lessons_are_numbered_without_a_gap():
    assert len(LESSONS) >= 7, f"the core series has lessons 00 to 06; found {LESSONS}"
    assert [name[:2] for name in LESSONS] == [f"{number:02d}" for number in range(len(LESSONS))]


def test_all_notebooks_are_up_to_date_and_fit_to_publish(capsys):
    assert build.main(["--check"]) == 0, capsys.readouterr().err


# ---- the form of a lesson --------------------------------------------------------------------------------------------


def test_the_opening_cell_asks_the_question_and_says_what_it_takes(lesson):
    name, notebook = lesson
    opening = notebook.cells[0]
    assert opening.cell_type == "markdown"
    title = opening.source.splitlines()[0]
    assert re.fullmatch(rf"# {name[:2]} · .+\?", title), f"the title {title!r} is not '# {name[:2]} · A question?'"
    assert opening.metadata.get("slideshow", {}).get("slide_type") == "slide"
    for words in ("you can", "Needs", "minutes", "Run All"):
        assert words in opening.source, f"the opening cell does not say {words!r}"


def test_the_closing_cell_says_what_to_keep_and_where_to_go(lesson):
    name, notebook = lesson
    closing = markdown(notebook)[-1]
    for words in ("To take with you", "could fool you", "Source"):
        assert words in closing, f"the closing cell of {name} does not say {words!r}"
    following = LESSONS[LESSONS.index(name) + 1 :]
    assert not following or f"]({following[0]}.ipynb)" in closing, (
        f"the closing cell does not link to the next notebook, {following[0]}"
    )


def test_the_learner_predicts(lesson):
    assert any("**Predict" in text for text in markdown(lesson[1])), (
        "no cell asks for a prediction ('**Predict first.**')"
    )


def test_slide_tags(lesson):
    types = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in lesson[1].cells]
    assert set(types) - {None} <= SLIDE_TYPES
    assert types.count("slide") >= 3, f"{types.count('slide')} cells are slides; the headlines of a lecture are"


def test_code_cells_are_short(lesson):
    long = [(where, len(cell.source.splitlines())) for where, cell in code_cells(lesson[1])]
    long = [(where, lines) for where, lines in long if lines > 25]
    assert not long, f"more than 25 lines: {long}"


def test_every_figure_has_alt_text(lesson):
    figures = [
        (where, out)
        for where, cell in code_cells(lesson[1])
        for out in cell.outputs
        if "image/png" in out.get("data", {})
    ]
    assert figures, "no figure at all"
    for where, output in figures:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        assert len(alt) >= 40, f"{where}: alt text {alt!r}: say what the figure shows and what to conclude"


def test_a_widget_with_a_figure_beside_it(lesson):
    outputs = [output for _, cell in code_cells(lesson[1]) for output in cell.outputs]
    widgets = [i for i, output in enumerate(outputs) if build.WIDGET_NOTE in build.output_text(output)]
    assert widgets, "no widget"
    for position in widgets:
        beside = outputs[max(position - 2, 0) : position + 3]
        assert any("image/png" in output.get("data", {}) for output in beside), (
            "a widget has no static figure beside it"
        )


def test_exercises_are_untouched_and_known(lesson):
    from vae_utils.exercises import registry

    checks = []
    for where, cell in code_cells(lesson[1]):
        for name in re.findall(r"exercises\.(\w+)\.check\(", cell.source):
            printed = " ".join(build.output_text(output) for output in cell.outputs)
            assert "not attempted" in printed.lower(), f"{where}: an untouched exercise shows {printed[:80]!r}"
            assert name in registry(), f"{where}: there is no exercise {name!r}"
            checks.append(name)
    assert 2 <= len(set(checks)) <= 4, f"two to four exercises were agreed; found {checks}"


def test_the_heading_of_an_exercise_says_its_kind_and_minutes(lesson):
    from vae_utils.exercises import registry

    headings, told = [], []
    for cell in lesson[1].cells:
        if cell.cell_type == "markdown":
            headings += re.findall(r"^#+ (Exercise \d+ · .+)$", cell.source, re.MULTILINE)
        for name in re.findall(r"^exercises\.(\w+)\.check\(", cell.source, re.MULTILINE):
            told.append(f"({registry()[name].kind}, {registry()[name].minutes} minutes)")
    assert len(headings) == len(told), f"{len(headings)} headings, {len(told)} exercises"
    wrong = [heading for heading, ending in zip(headings, told, strict=True) if not heading.endswith(ending)]
    assert not wrong, f"these headings do not say {told}: {wrong}"


# ---- running it ------------------------------------------------------------------------------------------------------


def test_checked_cells_were_run(lesson):
    checked = [(where, cell) for where, cell in code_cells(lesson[1]) if CHECKED in cell.metadata.get("tags", [])]
    assert checked, f"no cell is tagged {CHECKED!r}, so nbval compares nothing"
    for where, cell in checked:
        assert cell.execution_count and cell.outputs, f"{where}: is compared by nbval, but stores nothing"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LESSONS)
def test_every_cell_runs_and_prints_what_is_stored(name, offline_environment):
    result = run_nbval(build.NOTEBOOKS / f"{name}.ipynb", offline_environment)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


def test_nbval_catches_a_planted_wrong_output(tmp_path, offline_environment):
    """The first lesson up to its first compared cell passes as stored, and fails once the stored text is altered."""
    notebook = nbformat.read(build.NOTEBOOKS / f"{LESSONS[0]}.ipynb", as_version=4)
    first = next(i for i, cell in enumerate(notebook.cells) if CHECKED in cell.metadata.get("tags", []))
    notebook.cells = notebook.cells[: first + 1]
    true, planted = tmp_path / "true.ipynb", tmp_path / "planted.ipynb"
    nbformat.write(notebook, true)
    result = run_nbval(true, offline_environment)
    assert result.returncode == 0, result.stdout
    output = next(output for output in notebook.cells[first].outputs if build.output_text(output).strip())
    if "text" in output:
        output.text += "planted\n"
    else:
        output.data["text/plain"] += "planted"
    nbformat.write(notebook, planted)
    result = run_nbval(planted, offline_environment)
    assert result.returncode == 1, result.stdout
    assert "planted" in result.stdout and "1 failed" in result.stdout, result.stdout


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)", "must run without a network"),
        ("import urllib.request as r; r.urlopen('http://192.0.2.1/', timeout=5)", "must run without a network"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_lesson_that_needs_the_network_or_fails_is_caught(tmp_path, offline_environment, source, message):
    path = tmp_path / "bad.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=build.METADATA)
    nbformat.write(notebook, path)
    result = run_nbval(path, offline_environment)
    assert result.returncode == 1 and message in result.stdout, result.stdout
