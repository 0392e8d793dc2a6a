"""A lesson on other images: what `load_images("digits")` gives, and what becomes of assertions."""

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import vae_utils
from vae_utils import data, other_data
from vae_utils.data import load_images


@pytest.fixture
def shell():
    made = InteractiveShell()
    yield made
    other_data.unload_ipython_extension(made)


def ran(shell, cell):
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def test_other_images_come_in_place_of_digits_and_are_as_many(shell, capsys):
    ran(shell, "from vae_utils import load_images")  # imported before, as when the switch is thought of late
    other_data.use("shapes", shell)
    found = ran(shell, 'load_images("digits")')
    assert found.name == "shapes" and found is ran(shell, "from vae_utils import load_images as again\nagain()")
    assert len(found.train) == 8000 and len(found.test) == 2000 and "shapes, 8,000" in capsys.readouterr().out
    assert ran(shell, 'load_images("shapes")').name == "shapes"


def test_a_cut_takes_the_first_images_of_both_parts():
    whole = load_images("digits")
    part = other_data.cut(whole, 30, 7)
    assert torch.equal(part.train, whole.train[:30]) and torch.equal(part.test_labels, whole.test_labels[:7])
    assert part.classes == whole.classes


def test_a_claim_that_fails_is_said_and_the_cell_goes_on(shell, capsys):
    other_data.use("digits", shell)
    cell = "x = 1\nfor n in (1, 2):\n    assert x > n, f'the text says: more than {n}'\nassert x == 2\nx = 5\nx"
    assert ran(shell, cell) == 5
    said = capsys.readouterr().out
    assert "Not so on digits: the text says: more than 1" in said and "more than 2" in said and "x == 2" in said
    ran(shell, "assert x == 5, 'not shown'")
    assert "not shown" not in capsys.readouterr().out


@pytest.mark.parametrize("cell", ["assert 1 / 0", "def f():\n    assert False\nf()", "raise AssertionError"])
def test_other_failures_stay(shell, cell):
    other_data.use("digits", shell)
    with pytest.raises((ZeroDivisionError, AssertionError)):
        ran(shell, cell)


def test_it_can_be_taken_back(shell):
    other_data.use("digits", shell)
    other_data.unload_ipython_extension(shell)
    assert vae_utils.load_images is data.load_images is load_images and load_images("digits").name == "digits"
    with pytest.raises(AssertionError):
        ran(shell, "assert False")


def test_used_twice_it_says_a_claim_once(shell, capsys):
    other_data.use("digits", shell)
    other_data.use("digits", shell)
    capsys.readouterr()
    ran(shell, "assert False, 'once'")
    assert capsys.readouterr().out.count("once") == 1


def test_outside_of_a_notebook_it_says_what_to_write(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    with pytest.raises(RuntimeError, match="load_images"):
        other_data.use("digits")
