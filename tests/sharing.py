"""How the processes that run the tests share them: in units, so that what some tests have in common is made once.

A unit is a file, whose fixtures would otherwise be made in each process. The browser tests are two units: those that
share a JupyterLab server, and the others, which share the website or nothing. Each of the tests that take longest is a
unit by itself.

Not done with xdist's own groups: xdist 3.8 writes them into the names of tests, where pytest 9.2 does not see them.
"""

from collections.abc import Mapping

import pytest

BROWSER = "tests/browser/"
PAGES = ("test_decoder", "test_explorer_page", "test_notebook_7", "test_slides", "test_website")  # without that server
LONG = (
    "tests/test_notebooks.py::test_every_cell_runs_and_prints_what_is_stored",
    "tests/test_fuzz.py::test_without_enforced_signatures_as_learners_run_it",
)


def unit_of(nodeid: str) -> str:
    """The unit of a test, by its name."""
    file, _, test = nodeid.partition("::")
    if file.startswith(BROWSER):
        return f"{BROWSER}{'pages' if file.removeprefix(BROWSER).removesuffix('.py') in PAGES else 'server'}"
    return nodeid if nodeid.partition("[")[0] in LONG else file


def place_of(nodeid: str, sizes: Mapping[str, int]) -> tuple:
    """By which units are sorted: the browser's, single tests, then files with the most tests first."""
    unit = unit_of(nodeid)
    return not unit.startswith(BROWSER), "::" not in unit, -sizes[unit], unit


def scheduler(config: pytest.Config, log: object) -> object:
    """What gives each process a unit when it is done with the last one."""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    config.option.loadscopereorder = False  # the order is that of the tests
    return Units(config, log)
