"""The seed that changes each day: it changes what is drawn, and a failure with it only warns."""

import ast
from pathlib import Path

import pytest
import torch

from tests import rotating

pytest_plugins = ["pytester"]
CONFTEST = """
import pytest
from tests import rotating

@pytest.fixture(autouse=True)
def seeds(request, monkeypatch):
    if rotating.is_rotated(request.node):
        rotating.rotate(monkeypatch)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    rotating.only_warn(item, report)
    return report
"""
TESTS = """
def test_correlated_gaussian():
    assert False

def test_other():
    assert False
"""


def test_every_statistical_test_is_there_and_has_its_name_once():
    names = [
        node.name
        for path in Path(__file__).parent.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert {name: names.count(name) for name in rotating.STATISTICAL} == dict.fromkeys(rotating.STATISTICAL, 1)


def test_seeds_are_others(monkeypatch):
    first = torch.rand(1, generator=torch.Generator().manual_seed(0))
    monkeypatch.setenv("VAE_UTILS_SEED", "7")
    rotating.rotate(monkeypatch)
    found = torch.rand(1, generator=torch.Generator().manual_seed(0)), torch.rand(1, generator=torch.manual_seed(0))
    monkeypatch.undo()
    assert torch.equal(found[0], torch.rand(1, generator=torch.Generator().manual_seed(7)))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], first) and rotating.shift() == 0


def test_today_is_a_number(monkeypatch):
    monkeypatch.setenv("VAE_UTILS_SEED", "today")
    assert rotating.shift() > 700_000


@pytest.mark.parametrize(("seed", "failed", "xfailed"), [("0", 2, 0), ("3", 1, 1)])
def test_failures_with_other_seeds_only_warn(pytester, monkeypatch, seed, failed, xfailed):
    monkeypatch.setenv("VAE_UTILS_SEED", seed)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider").assert_outcomes(
        failed=failed, xfailed=xfailed, warnings=xfailed
    )
