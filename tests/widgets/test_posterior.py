"""PosteriorExplorer: what it shows is the exact toy, and its search finds what brute force finds."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_utils.plots import layout_problems
from vae_utils.toy import ToyModel
from vae_utils.widgets.posterior import LOGVAR, MU, PosteriorExplorer, X


@pytest.fixture
def explorer():
    return PosteriorExplorer(noise=0.5, x=2.0)


def bars(explorer):
    """(start, height) of the three bars of the ledger, as drawn."""
    explorer.pictures["picture"].value  # noqa: B018  reading it settles what was put off
    return [(bar.get_y(), bar.get_height()) for bar in explorer.ledger.bars]


def test_the_bars_are_reconstruction_kl_and_gap(explorer):
    explorer.mu.value, explorer.logvar.value = 1.1, -2.0
    q = Normal(torch.tensor(1.1).double(), math.exp(-1.0))
    z = explorer.toy.grid
    weight = q.log_prob(z).exp() * explorer.toy.spacing
    reconstruction = (weight * Normal(z + 0.8 * torch.sin(2 * z), 0.5).log_prob(torch.tensor(2.0))).sum().item()
    kl = kl_divergence(q, Normal(0.0, 1.0)).item()
    exact = ToyModel(0.5, "wave").log_marginal(2.0)
    (start, first), (second_start, second), (third_start, third) = bars(explorer)
    assert (start, first) == pytest.approx((0, reconstruction), abs=1e-6)
    assert (second_start, second) == pytest.approx((reconstruction, -kl), abs=1e-6)
    assert third_start == pytest.approx(reconstruction - kl, abs=1e-6)
    assert third_start + third == pytest.approx(exact, abs=1e-6)
    assert explorer.ledger.exact.get_ydata()[0] == pytest.approx(exact, abs=1e-6)
    assert explorer.elbo == pytest.approx(reconstruction - kl, abs=1e-6)


def test_the_curves_are_q_and_the_posterior(explorer):
    explorer.curve.value, explorer.x.value, explorer.mu.value, explorer.logvar.value = "square", 1.5, -1.2, -1.0
    bars(explorer)
    torch.testing.assert_close(
        torch.as_tensor(explorer.guess.get_ydata()), Normal(-1.2, math.exp(-0.5)).log_prob(explorer.z).exp()
    )
    exact = ToyModel(0.5, "square").posterior(1.5)[explorer.shown]
    torch.testing.assert_close(torch.as_tensor(explorer.exact.get_ydata()), exact)
    assert explorer.densities.get_ylim()[1] > exact.max()


def test_each_control_changes_the_picture_and_the_text(explorer):
    seen = {explorer.pictures["picture"].value}
    texts = {explorer.note.value}
    for control, value in (("mu", 1.0), ("logvar", -1.0), ("x", 1.0), ("curve", "line")):
        getattr(explorer, control).value = value
        seen.add(explorer.pictures["picture"].value)
        texts.add(explorer.note.value)
        assert not explorer.error.value
    assert len(seen) == len(texts) == 5


@pytest.mark.parametrize(
    ("curve", "x"), [("wave", 2.0), ("wave", -0.5), ("line", 2.0), ("square", 2.0), ("square", 0.3)]
)
def test_best_q_is_at_least_as_good_as_a_table(explorer, curve, x):
    explorer.curve.value, explorer.x.value = curve, x
    explorer.best()
    assert explorer.gap >= -1e-9
    table = min(
        explorer.toy.gap(x, mu, logvar)
        for mu in torch.linspace(-2.4, 2.4, 13).tolist()
        for logvar in torch.linspace(-4.0, 0.0, 9).tolist()
    )
    assert explorer.gap <= table + 1e-3
    if curve == "line":
        mean, logvar = explorer.toy.posterior_moments(x)
        assert (explorer.mu.value, explorer.logvar.value) == pytest.approx((mean, logvar), abs=0.02)
        assert explorer.gap < 1e-3


def test_the_prior_button_starts_over(explorer):
    explorer.mu.value, explorer.logvar.value = 1.0, -3.0
    explorer.start_over()
    assert (explorer.mu.value, explorer.logvar.value) == (0.0, 0.0)
    assert bars(explorer)[1][1] == 0  # the prior pays nothing


@pytest.mark.parametrize("curve", ["wave", "square", "line"])
@pytest.mark.parametrize("x", X)
def test_every_end_of_the_sliders_can_be_drawn(explorer, curve, x):
    explorer.curve.value, explorer.x.value = curve, x
    for mu in MU:
        for logvar in LOGVAR:
            explorer.mu.value, explorer.logvar.value = mu, logvar
            (_, _), (_, _), (lowest, height) = bars(explorer)
            assert not explorer.error.value
            floor, top = explorer.ledger.axes.get_ylim()
            assert floor <= lowest <= lowest + height <= top


def test_no_text_is_cut_off_or_covered(explorer):
    for mu, logvar in ((0.0, 0.0), (1.1, -2.0), (-3.0, -5.0)):
        explorer.mu.value, explorer.logvar.value = mu, logvar
        bars(explorer)
        assert layout_problems(explorer.picture) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"curve": "circle"}, "received 'circle'"),
        ({"x": 9.0}, "x must be between -1 and 4, received 9"),
        ({"mu": math.nan}, "mu must be .* received nan"),
        ({"logvar": 2.0}, "logvar must be .* received 2"),
    ],
)
def test_what_it_cannot_show_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PosteriorExplorer(**arguments)
