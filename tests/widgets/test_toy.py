"""ToyExplorer: what it says is the toy's exact answer, its lines are Bayes' rule, and moves redraw them."""

import io
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from vae_utils.plots import layout_problems
from vae_utils.toy import CURVES, ToyModel
from vae_utils.widgets import ToyExplorer


def numbers(explorer):
    """log p(x), mean, standard deviation and draws for a hit, as written below the picture."""
    found = re.fullmatch(
        r".*log p\(x\) = (\S+) nats\. Posterior: mean (\S+), standard deviation (\S+)\. One in (\S+) draws .*",
        re.sub("<[^>]*>", "", explorer.note.value),
    )
    return [float(part.replace(",", "").replace("10^", "1e").replace("−", "-")) for part in found.groups()]


def picture(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer.pictures["picture"].value)).convert("RGB"))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("x", "noise"), [(1.5, 0.3), (-1.0, 0.05), (4.0, 3.0)])
def test_the_line_below_is_the_toys_answer(curve, x, noise):
    explorer = ToyExplorer(x=x, noise=noise, curve=curve)
    toy = ToyModel(explorer.noise.value, curve)
    log_marginal, mean, deviation, needed = numbers(explorer)
    exact_mean, exact_logvar = toy.posterior_moments(x)
    assert log_marginal == pytest.approx(toy.log_marginal(x), abs=0.006)
    assert mean == pytest.approx(exact_mean, abs=0.006)
    assert deviation == pytest.approx(math.exp(exact_logvar / 2), abs=0.006)
    prior = toy.log_prior(toy.grid).exp()
    assert needed == pytest.approx((toy.posterior(x).square() / prior).sum().item() * toy.spacing, rel=0.05)
    assert not explorer.error.value


def test_draws_for_a_hit_agree_with_draws():
    explorer = ToyExplorer(x=1.5, noise=0.3)
    z = torch.randn(400_000, generator=torch.Generator().manual_seed(0)).double()
    weights = explorer.toy.log_likelihood(1.5, z).exp()
    assert numbers(explorer)[3] == pytest.approx((weights.square().mean() / weights.mean() ** 2).item(), abs=0.1)


def test_a_hit_too_rare_to_count_is_a_power_of_ten():
    explorer = ToyExplorer(x=-3.0, noise=0.05, curve="wave")
    explorer.curve.value = "line"
    assert "10^" not in explorer.note.value
    explorer.curve.value, explorer.x.value = "wave", 4.0
    assert not explorer.error.value and numbers(explorer)[3] > 1000


def test_the_lines_are_bayes_rule():
    explorer = ToyExplorer(x=2.0, noise=0.3, curve="square")
    codes, posterior = (torch.as_tensor(part) for part in explorer._posterior.get_data())
    step = (codes[1] - codes[0]).item()
    assert posterior.sum().item() * step == pytest.approx(1, abs=1e-3)
    likelihood = torch.as_tensor(explorer._likelihood.get_ydata())
    prior = ToyModel().log_prior(codes).exp()
    torch.testing.assert_close(posterior, likelihood * prior / (likelihood * prior).sum() / step, rtol=1e-3, atol=1e-3)
    assert likelihood.max().item() == pytest.approx(posterior.max().item())
    peaks = codes[posterior > 0.9 * posterior.max()]
    assert peaks.min() < -1.8 and peaks.max() > 1.8 and not (peaks.abs() < 1).any()


@pytest.mark.parametrize("curve", CURVES)
def test_the_marginal_follows_sigma_and_curve(curve):
    explorer = ToyExplorer(x=0.0, noise=0.3)
    for noise in (0.3, 1.0, 0.1):
        explorer.curve.value, explorer.noise.value = curve, noise
        assert len(picture(explorer))  # reading settles
        marginal, xs = (torch.as_tensor(part) for part in explorer._marginal.get_data())
        torch.testing.assert_close(marginal, ToyModel(explorer.noise.value, curve).marginal(xs))


def test_every_control_changes_the_picture():
    explorer = ToyExplorer()
    seen = [picture(explorer)]
    for control, value in ((explorer.x, -1.0), (explorer.noise, 0.05), (explorer.noise, 2.0), (explorer.curve, "line")):
        control.value = value
        seen.append(picture(explorer))
        assert (seen[-1] != seen[-2]).any()
    assert not explorer.error.value


@pytest.mark.parametrize(("noise", "curve"), [(0.05, "wave"), (3.0, "square"), (0.3, "line")])
def test_no_text_is_cut_off(noise, curve):
    explorer = ToyExplorer(noise=noise, curve=curve)
    assert layout_problems(explorer.snapshot()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": 9.0}, "x must be -3 to 4 .* received x = 9.0"),
        ({"noise": 5.0}, "noise 0.05 to 3, received"),
        ({"curve": "circle"}, "received 'circle'"),
    ],
)
def test_what_the_sliders_cannot_show_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ToyExplorer(**arguments)
