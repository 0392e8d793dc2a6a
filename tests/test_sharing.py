"""How processes share the tests: each file as a whole, and what takes long by itself and first."""

import collections
import os
import subprocess
import sys
from pathlib import Path

from tests import sharing

ROOT = Path(__file__).resolve().parents[1]
CONFTEST = """
from tests import sharing

def pytest_xdist_make_scheduler(config, log):
    return sharing.scheduler(config, log)
"""
TESTS = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(6))
def test(number, worker_id):
    with open("ran", "a") as file:
        file.write(f"{Path(__file__).stem} {worker_id}\\n")
"""


def test_two_processes_take_whole_files(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in "abcd":
        (tmp_path / f"test_{name}.py").write_text(TESTS)
    plugins = [part for name in ("hypothesispytest", "nbval", "playwright") for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist=loadscope", *plugins]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "24 passed" in done.stdout, done.stdout + done.stderr
    ran = {tuple(line.split()) for line in (tmp_path / "ran").read_text().splitlines()}
    assert len(ran) == 4 and {worker for _, worker in ran} == {"gw0", "gw1"}


def test_what_takes_long_is_by_itself_and_comes_first():
    for test in sharing.LONG:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
    assert set(sharing.PAGES) < {path.stem for path in (ROOT / sharing.BROWSER).glob("test_*.py")}
    nodeids = [f"{test}[x]" for test in sharing.LONG] + ["tests/test_a.py::test", "tests/test_b.py::test_1"]
    nodeids += ["tests/test_b.py::test_2", "tests/browser/test_slides.py::test", "tests/browser/test_lab.py::test"]
    sizes = collections.Counter(map(sharing.unit_of, nodeids))
    order = sorted(nodeids, key=lambda nodeid: sharing.place_of(nodeid, sizes))
    units = list(dict.fromkeys(map(sharing.unit_of, order)))
    long = sorted(f"{test}[x]" for test in sharing.LONG)
    assert units == ["tests/browser/pages", "tests/browser/server", *long, "tests/test_b.py", "tests/test_a.py"]
