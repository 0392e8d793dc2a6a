"""Fixtures of the browser tests: the system's Chromium (or Chrome), a JupyterLab server, notebooks opened in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import environments

from .lab import LabServer, NotebookPage, find_browser, launch_arguments, write_notebook

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args) -> dict:
    """How pytest-playwright starts the browser; without a browser the tests are skipped, or fail where CI is set."""
    executable = find_browser()
    if executable is None:
        reason = "no Chromium or Chrome found: install one, or name it in the variable CHROMIUM"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return {**browser_type_launch_args, **launch_arguments(executable)}


@pytest.fixture(scope="session")
def lab(browser_type_launch_args, tmp_path_factory, offline_environment):
    """A JupyterLab server over a copy of the notebooks: this Python's, or the older one that Colab's widgets need."""
    root = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(NOTEBOOKS, root, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    python, variables = environments.colab() or sys.executable, dict(offline_environment)
    if environments.colab():  # where the course is not installed
        variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(NOTEBOOKS.parent)])
    with LabServer(root, tmp_path_factory.mktemp("private"), variables, python) as server:
        yield server


@pytest.fixture
def open_notebook(lab, page):
    """open_notebook(name) opens a lesson; open_notebook(name, cells=[code, ...]) first writes it with these cells."""

    def opened(name: str, cells: list[str] | None = None) -> NotebookPage:
        if cells is not None:
            write_notebook(lab.root / name, cells)
        return NotebookPage(page, lab, name)

    yield opened
    page.goto("about:blank")
    lab.delete_sessions()


@pytest.fixture(scope="session")
def website(tmp_path_factory) -> Path:
    """The folder of the website, slides included, as `python docs/website.py` makes it."""
    out = tmp_path_factory.mktemp("site") / "website"
    command = [sys.executable, "docs/website.py", "--out", str(out)]
    done = subprocess.run(command, cwd=NOTEBOOKS.parent, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return out


@pytest.fixture
def from_disk(website, browser):
    """from_disk(name, **options) opens a page from disk, without a network; requests that leave it fail the test."""
    opened = []

    def open_page(name: str, **options):
        context = browser.new_context(offline=True, **options)
        page, strangers, errors = context.new_page(), [], []
        page.on("request", lambda request: strangers.append(request.url) if request.url.startswith("http") else None)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        opened.append((context, strangers, errors))
        page.goto((website / name).as_uri())
        return page

    yield open_page
    for context, strangers, errors in opened:
        context.close()
        assert not strangers and not errors, (strangers, errors)
