"""BoundExplorer: the dots are the estimates from the weights it was given, and their mean is the bound."""

import math

import pytest
import torch

from vae_utils.importance import log_mean_weight
from vae_utils.plots import layout_problems
from vae_utils.widgets.bound import HIGH, LOW, BoundExplorer


@pytest.fixture
def weights():
    """Log weights (1000, 3) around three levels; the second image scatters most."""
    noise = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))
    return torch.tensor([-80.0, -140.0, -200.0]) + torch.tensor([0.5, 3.0, 1.0]) * noise


@pytest.fixture
def explorer(weights):
    return BoundExplorer(weights, torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1)))


def drawn(explorer):
    explorer.pictures["picture"].value  # noqa: B018  reading it settles what was put off
    assert not explorer.error.value
    return explorer


@pytest.mark.parametrize(("k", "image"), [(1, 0), (10, 1), (100, 2), (1000, 1)])
def test_dots_and_lines_are_the_estimates_and_their_means(explorer, weights, k, image):
    explorer.k.value, explorer.number.value = k, image
    drawn(explorer)
    reference = log_mean_weight(weights[:, image])
    estimates = torch.stack([log_mean_weight(group) for group in weights[:, image].split(k)]) - reference
    assert len(estimates) == 1000 // k
    dots = torch.as_tensor(explorer.dots.get_ydata())
    torch.testing.assert_close(dots, estimates[:200].clamp(LOW, HIGH), atol=1e-4, rtol=0)
    mean = estimates.mean().item()
    assert explorer.mean.get_ydata() == pytest.approx([mean, mean], abs=1e-4)
    assert explorer.here.get_xydata()[0] == pytest.approx([k, mean], abs=1e-4)
    curve = dict(zip(explorer.curve.get_xdata(), explorer.curve.get_ydata(), strict=True))
    assert list(curve) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    assert curve[k] == pytest.approx(mean, abs=1e-4) and curve[1000] == pytest.approx(0, abs=1e-4)
    text = explorer.note.value
    assert f"k = {k:,}: {1000 // k:,} estimate" in text and ("standard deviation" in text) == (k < 1000)


def test_each_control_and_each_button_changes_the_picture(explorer):
    seen = {drawn(explorer).pictures["picture"].value}
    explorer.k.value = 50
    seen.add(explorer.pictures["picture"].value)
    explorer.number.value = 1
    seen.add(explorer.pictures["picture"].value)
    assert len(seen) == 3
    assert explorer._landmarks() == {"Easiest image": 0, "Hardest image": 1}
    explorer._go(2)
    assert explorer.number.value == 2 and "test image" in explorer.number.description


def test_a_reference_moves_the_zero_and_dots_outside_the_frame_are_counted(weights):
    reference = log_mean_weight(weights) + 40
    explorer = drawn(BoundExplorer(weights, torch.zeros(3, 1, 28, 28), reference))
    assert "200 of the dots lie below the frame" in explorer.note.value
    assert max(explorer.dots.get_ydata()) == LOW


def test_no_text_is_cut_off(explorer):
    for k in (1, 1000):
        explorer.k.value = k
        assert layout_problems(drawn(explorer).figure) == []


@pytest.mark.parametrize(
    ("log_weights", "images", "reference", "message"),
    [
        ((1, 3), 3, 3, "at least 2 draws, received 1"),
        ((10, 3), 2, 3, "received 3, 2 and 3"),
        ((10, 3), 3, 2, "received 3, 3 and 2"),
    ],
)
def test_what_does_not_fit_is_refused(as_a_learner, log_weights, images, reference, message):
    with pytest.raises(ValueError, match=message):
        BoundExplorer(torch.zeros(log_weights), torch.zeros(images, 1, 28, 28), torch.zeros(reference))


def test_numbers_that_are_none_are_refused():
    images, fine = torch.zeros(3, 1, 28, 28), torch.zeros(10, 3)
    for log_weights, reference in ((fine * math.nan, None), (fine, torch.full((3,), -math.inf))):
        with pytest.raises(ValueError, match="finite numbers"):
            BoundExplorer(log_weights, images, reference)


def test_the_default_reference_is_all_draws(explorer, weights):
    torch.testing.assert_close(explorer.log_weights.logsumexp(0) - math.log(1000), torch.zeros(3), atol=1e-4, rtol=0)
