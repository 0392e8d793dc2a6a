"""The ledger of the bound: its bars join, its numbers are those given, and its scale holds whatever it shows."""

import pytest

from vae_utils.plots import figure, layout_problems
from vae_utils.plots.ledger import draw_ledger

ALT = "A ledger of made-up numbers, to test that its bars join up and nothing is covered."


def drawn(reconstruction, kl, gap, floor=None):
    shown, axes = figure(title="A ledger", alt=ALT, size=(3.2, 3.2))
    return shown, axes, draw_ledger(axes, reconstruction, kl, gap, floor)


@pytest.mark.parametrize("terms", [(-2.74, 0.55, 1.55), (-0.5, 1.9, 0.0), (0.8, 0.3, 0.2), (-90.0, 12.0, 3.5)])
def test_each_bar_starts_where_the_last_one_ended(terms):
    reconstruction, kl, gap = terms
    shown, axes, ledger = drawn(*terms)
    ends = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ledger.bars]
    assert ends[0] == pytest.approx((0, reconstruction))
    assert ends[1] == pytest.approx((reconstruction, reconstruction - kl))
    assert ends[2] == pytest.approx((reconstruction - kl, reconstruction - kl + gap))
    assert ledger.exact.get_ydata()[0] == pytest.approx(reconstruction - kl + gap)
    texts = [number.get_text().replace("−", "-") for number in ledger.numbers]
    assert [float(text) for text in texts] == pytest.approx([reconstruction, -kl, gap], abs=0.006)
    floor, top = axes.get_ylim()
    assert all(floor <= end <= top for pair in ends for end in pair)
    assert layout_problems(shown) == []


def test_moving_it_is_drawing_it_anew():
    shown, _, ledger = drawn(-90.0, 12.0, 3.5)
    shown.draw_fast()
    ledger.move(-2.74, 0.55, 1.55)
    _, axes, fresh = drawn(-2.74, 0.55, 1.55)
    assert [bar.get_bbox().bounds for bar in ledger.bars] == [bar.get_bbox().bounds for bar in fresh.bars]
    assert ledger.axes.get_ylim() == axes.get_ylim()
    assert ledger.exact_label.get_text() == fresh.exact_label.get_text() == "log p(x)\n−1.74"
    assert ledger.elbo_label.get_text() == fresh.elbo_label.get_text() == "ELBO\n−3.29"
    assert len(ledger.axes.patches) == 3  # nothing piles up


def test_small_moves_keep_the_scale():
    _, axes, ledger = drawn(-2.0, 0.5, 0.1)
    before = axes.get_ylim()
    ledger.move(-2.3, 0.6, 0.5)
    assert axes.get_ylim() == before
    ledger.move(-9.0, 0.6, 0.5)
    assert axes.get_ylim()[0] < before[0]


def test_a_given_floor_is_kept():
    _, axes, _ = drawn(-2.0, 0.5, 0.1, floor=-7.5)
    assert axes.get_ylim()[0] == -7.5
