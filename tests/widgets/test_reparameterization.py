"""What the explorer of lesson 05 shows: frozen noise slides, fresh noise jumps, and only one of them has a gradient."""

import re

import ipywidgets
import pytest
import torch

from vae_utils.widgets.reparameterization import ReparameterizationExplorer


def png(explorer):
    """The bytes of the picture on the page."""
    return bytes(explorer.pictures["picture"].value)


def walk(explorer, stops):
    """Move μ through the stops, each drawn; returns (μ, average) at each of them."""
    for mu in stops:
        explorer.mu.value = mu
        assert explorer.error.value == "" and png(explorer).startswith(b"\x89PNG")
    trail = dict(explorer.visited)
    return torch.tensor([(mu, trail[mu]) for mu in stops])


def find_button(widget):
    """The first button in the widget or in what it holds."""
    if isinstance(widget, ipywidgets.Button):
        return widget
    return next((found for child in getattr(widget, "children", ()) if (found := find_button(child))), None)


def slopes(explorer):
    """(exact, measured, PyTorch's or None) as the learner reads them."""
    note = explorer.note.value.replace("−", "-")
    exact, measured = (float(value) for value in re.findall(r"(?:exact|by 0\.01:) (-?\d+\.\d+)", note))
    found = re.search(r"PyTorch: (-?\d+\.\d+)", note)
    return exact, measured, float(found[1]) if found else None


STOPS = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]


def test_frozen_samples_slide_with_mu_and_spread_with_sigma():
    explorer = ReparameterizationExplorer(mu=0.0, sigma=1.0)
    walk(explorer, [0.0])
    noise, z = explorer.epsilon.clone(), explorer.z.clone()
    walk(explorer, [1.0])
    torch.testing.assert_close(explorer.z, z + 1)
    explorer.sigma.value = 0.5
    walk(explorer, [1.0])
    torch.testing.assert_close(explorer.z, 1 + 0.5 * noise)
    assert torch.equal(explorer.epsilon, noise)


def test_frozen_averages_lie_on_a_parabola():
    explorer = ReparameterizationExplorer(sigma=0.8)
    mu, average = walk(explorer, STOPS).T
    noise = explorer.epsilon
    torch.testing.assert_close(average, mu.square() + 1.6 * mu * noise.mean() + 0.64 * noise.square().mean())
    assert torch.diff(average, n=2).std() < 1e-4


def test_frozen_slope_is_what_pytorch_finds():
    explorer = ReparameterizationExplorer(sigma=0.8)
    walk(explorer, [1.5])
    exact, measured, found = slopes(explorer)
    assert exact == 3.0 and abs(measured - found) < 0.05
    assert abs(found - (2 * explorer.z).mean().item()) < 0.01


def test_fresh_noise_jumps_and_has_no_gradient():
    explorer = ReparameterizationExplorer(sigma=0.8)
    explorer.fresh.value = True
    _, average = walk(explorer, STOPS).T
    assert torch.diff(average, n=2).std() > 0.1
    noise = explorer.epsilon.clone()
    walk(explorer, [1.9])
    assert not torch.equal(explorer.epsilon, noise)
    assert slopes(explorer)[2] is None and "none" in explorer.note.value


def test_each_mode_starts_its_own_trail():
    explorer = ReparameterizationExplorer()
    walk(explorer, STOPS)
    explorer.fresh.value = True
    walk(explorer, [2.1])
    assert {mu for mu, _ in explorer.visited} <= {2.0, 2.1}
    explorer.fresh.value = False
    walk(explorer, [2.2])
    assert {mu for mu, _ in explorer.visited} <= {2.1, 2.2} and slopes(explorer)[2] is not None


@pytest.mark.parametrize("fresh", [False, True])
def test_a_quick_hand_leaves_no_gaps(fresh):
    explorer = ReparameterizationExplorer(mu=-2.0)
    explorer.fresh.value = fresh
    png(explorer)
    walk(explorer, [2.0])
    steps = torch.tensor([mu for mu, _ in explorer.visited]).diff()
    assert len(steps) == 40 and torch.allclose(steps, torch.full((40,), 0.1), atol=1e-5)


def test_the_button_rolls_once():
    explorer = ReparameterizationExplorer(in_browser=False)
    walk(explorer, STOPS)
    noise, before = explorer.epsilon.clone(), png(explorer)
    find_button(explorer).click()
    assert png(explorer) != before and not torch.equal(explorer.epsilon, noise)
    assert len(explorer.visited) == 1
    rolled = explorer.epsilon.clone()
    walk(explorer, [0.7])
    assert torch.equal(explorer.epsilon, rolled)


def test_the_picture_follows_each_control():
    explorer = ReparameterizationExplorer()
    seen = [png(explorer)]
    for control, value in ((explorer.mu, 1.0), (explorer.sigma, 0.3), (explorer.fresh, True)):
        control.value = value
        seen.append(png(explorer))
    assert len(set(seen)) == 4


def test_noise_that_the_page_rolls_is_the_kernels_and_the_other_way_round():
    explorer = ReparameterizationExplorer()
    walk(explorer, STOPS)
    explorer.canvas.state = {**explorer.canvas.state, "noise": [0.5] * 25}  # as the page sends it
    walk(explorer, [1.0])
    torch.testing.assert_close(explorer.z, torch.full((25,), 1.4))
    assert len(explorer.visited) == 1
    explorer.roll()
    assert explorer.canvas.state["noise"] == explorer.epsilon.tolist() != [0.5] * 25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 1}, "at least 2, received 1"),
        ({"mu": 9}, "μ must be between -2.5 and 2.5, received 9"),
        ({"sigma": -1}, "σ must be between 0.1 and 1.5, received -1"),
    ],
)
def test_what_it_cannot_show_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReparameterizationExplorer(**arguments)
