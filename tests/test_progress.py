"""The bar in a notebook, imitated by a shell with a kernel, and in a plain terminal."""

import sys

import IPython
import IPython.display
import pytest

from vae_utils.progress import Progress


class Shell:
    """What IPython.get_ipython() gives inside a notebook, as far as the bar looks."""

    kernel = object()


class Handle:
    def __init__(self, shown):
        self.shown = shown

    def update(self, bar):
        self.shown.append(bar._repr_html_())


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook was shown, one entry a state of its one display."""
    shown, opened = [], []

    def display(bar, display_id):
        assert display_id is True
        opened.append(bar)
        shown.append(bar._repr_html_())
        return Handle(shown)

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr(IPython.display, "display", display)
    yield shown
    assert len(opened) == 1, "a bar is one display"


def test_a_notebook_sees_one_display_that_is_updated(notebook, capsys):
    bar = Progress(3, "epoch")
    bar.update(1, "loss train 2.00")
    bar.update(3, "loss train 1.50")
    bar.close()
    assert len(notebook) == 3
    assert 'value="0" max="3"' in notebook[0] and "epoch 0/3" in notebook[0]
    assert 'value="1" max="3"' in notebook[1] and "epoch 1/3 loss train 2.00" in notebook[1]
    assert 'value="3" max="3"' in notebook[2] and "loss train 1.50" in notebook[2] and "2.00" not in notebook[2]
    assert capsys.readouterr() == ("", "")


def test_a_stored_bar_has_no_time_in_it(monkeypatch, notebook):
    shown = []
    bar = Progress(3, "epoch")
    for clock in (5.0, 1e9):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        monkeypatch.setattr("time.perf_counter", lambda clock=clock: clock)
        bar.update(2, "loss 1.00")
        shown.append(bar._repr_html_())
    assert shown[0] == shown[1]
    assert repr(bar) == "epoch: progress bar"


def test_what_a_label_or_a_text_says_is_not_html(notebook):
    bar = Progress(1, 'a"><script>')
    bar.update(1, "<b>&")
    assert "<script>" not in bar._repr_html_() and "<b>" not in bar._repr_html_()
    assert "&lt;b&gt;&amp;" in bar._repr_html_() and "&quot;&gt;&lt;script&gt;" in bar._repr_html_()


def test_a_terminal_sees_text_on_stderr(capsys):
    bar = Progress(2, "epoch")
    bar.update(1, "loss 5.00")
    bar.update(2, "loss 4.00")
    bar.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch" in err and "2/2" in err and "loss 4.00" in err and "100%" in err


def test_a_resumed_bar_starts_where_it_was(capsys):
    bar = Progress(4, "epoch")
    bar.update(3, "")
    bar.update(4, "")
    bar.close()
    assert "4/4" in capsys.readouterr().err


def test_an_ipython_terminal_is_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(IPython, "get_ipython", object)  # a shell without a kernel
    Progress(1, "epoch").close()
    assert "epoch" in capsys.readouterr().err


def test_an_invisible_bar_shows_nothing(capsys, monkeypatch):
    bar = Progress(2, "epoch", visible=False)
    bar.update(1, "x")
    bar.close()
    assert capsys.readouterr() == ("", "")


def test_without_a_console_nothing_is_shown_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    bar = Progress(3, "epoch")
    bar.update(2, "loss 3")
    bar.close()
    assert bar.done == 2
