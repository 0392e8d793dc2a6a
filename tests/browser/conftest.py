"""Fixtures of the browser tests: the system's Chromium (or Chrome), a JupyterLab server, notebooks opened in it."""

import os
import shutil
from pathlib import Path

import pytest

from .lab import LabServer, NotebookPage, find_browser, launch_arguments, write_notebook

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all browser tests: they share a server and a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


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
    """A JupyterLab server over a copy of the notebooks."""
    root = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(NOTEBOOKS, root, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    with LabServer(root, tmp_path_factory.mktemp("private"), offline_environment) as server:
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
