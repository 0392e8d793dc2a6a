"""DrawingPad: what is on the pad is encoded, and the posterior, reconstruction and neighbours shown are the model's."""

import numpy as np
import pytest
import torch

from tests.widgets.test_base import visible_error
from tests.widgets.test_strokes import DIGITS
from vae_utils.data import Images, load_images
from vae_utils.models import VAE, Autoencoder
from vae_utils.plots import layout_problems
from vae_utils.widgets import DrawingPad
from vae_utils.widgets.strokes import mnist_picture


@pytest.fixture(scope="module")
def digits():
    """A few of the digits."""
    full = load_images("digits")
    return Images("few", full.train[:60], full.train_labels[:60], full.test[:30], full.test_labels[:30], full.classes)


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = VAE(4, hidden=16)
        with torch.no_grad():
            made.decoder[-2].bias.copy_(torch.randn(784) * 4)  # looks trained
            made.encoder[-1].bias[4:].fill_(-1.5)
    return made


@pytest.fixture
def pad(model, digits):
    return DrawingPad(model, digits)


def drawn(pad):
    """The artists after what was put off has been drawn."""
    pad.pictures["picture"].value  # noqa: B018
    assert not visible_error(pad)
    _, pictures, bars, dots, nearest, labels = pad._shown
    return pictures, bars.get_segments(), dots.get_ydata(), nearest.get_array(), [label.get_text() for label in labels]


@pytest.mark.parametrize("digit", [3, 4])
def test_all_that_is_shown_is_the_models_answer_to_the_drawing(pad, model, digits, digit):
    pad.draw_strokes(DIGITS[digit])
    x = mnist_picture(DIGITS[digit])
    torch.testing.assert_close(pad.picture, x)
    pictures, bars, means, _, labels = drawn(pad)
    with torch.no_grad():
        mu, logvar = model.encode(x[None, None])
        codes, reconstruction = model.encode(digits.train)[0], model.generate(mu)
        logvars = model.encode(digits.train)[1]
    np.testing.assert_allclose(pictures[0].get_array(), x, atol=1e-6)
    np.testing.assert_allclose(pictures[1].get_array(), reconstruction[0, 0], atol=1e-6)
    kl = 0.5 * (codes**2 + logvars.exp() - 1 - logvars).mean(0)
    order = kl.argsort(descending=True)
    np.testing.assert_allclose(means, mu[0][order], atol=1e-5)
    sigma = logvar[0].exp().sqrt()[order]
    for place, bar in enumerate(bars):
        np.testing.assert_allclose(bar[:, 1], [means[place] - sigma[place], means[place] + sigma[place]], atol=1e-5)
    nearest = (codes - mu).square().sum(1).argsort()[:5]
    assert pad.neighbours() == nearest.tolist()
    assert labels == [str(label.item()) for label in digits.train_labels[nearest]]


def test_the_neighbours_shown_are_the_images_named(pad, digits):
    pad.load(7)
    sheet = drawn(pad)[3]
    for place, number in enumerate(pad.neighbours()):
        left = place * (3 * 28 + 16)
        inside = sheet[1:83:3, left + 1 : left + 83 : 3]
        np.testing.assert_allclose(inside, digits.train[number, 0], atol=1e-6)


def test_a_test_image_is_taken_as_it_is_and_a_drawing_replaces_it(pad, digits):
    pad.number.value = 7
    torch.testing.assert_close(pad.picture, digits.test[7, 0])
    assert pad.surface.value == [] and pad.surface.image == bytes(
        (255 * digits.test[7]).round().byte().flatten().tolist()
    )
    pad.draw_strokes(DIGITS[1])
    torch.testing.assert_close(pad.picture, mnist_picture(DIGITS[1]))
    before = pad.pictures["picture"].value
    pad.pen.value = 4.5
    torch.testing.assert_close(pad.picture, mnist_picture(DIGITS[1], 4.5))
    assert pad.pictures["picture"].value != before and pad.surface.pen == 4.5


def test_an_empty_pad_shows_the_prior_and_nothing_else(pad):
    for _ in range(2):
        pictures, bars, means, sheet, labels = drawn(pad)
        assert "pad is empty" in pad.note.value and pad.neighbours() == []
        assert all((picture.get_array() == 0).all() for picture in pictures)
        assert (np.asarray(means) == 0).all() and labels == [""] * 5 and (sheet <= 0.16 + 1e-6).all()
        assert [bar[:, 1].tolist() for bar in bars] == [[-1, 1]] * 4
        pad.draw_strokes(DIGITS[8])
        assert "pad is empty" not in pad.note.value
        pad.clear()


def test_what_the_page_sends_is_drawn_and_answered(pad):
    """The page sets the strokes and then says that it has; also a Clear that leaves the strokes as they were."""
    pad.load(3)
    before = pad.pictures["picture"].value
    pad.surface.set_state({"value": [], "number": -1, "turn": 1})
    assert pad.pictures["picture"].value != before and pad.surface.answered == 1
    assert "pad is empty" in pad.note.value
    pad.surface.set_state({"value": DIGITS[2], "turn": 2})
    assert "nats" in pad.note.value and pad.surface.answered == 2


def test_the_costs_are_those_of_the_elbo_and_unusual_ones_are_named(pad, model, digits):
    pad.load(5)
    x = digits.test[5:6]
    with torch.no_grad():
        mu, logvar = model.encode(x)
        logits = model.decode(mu)
    error = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()
    assert f"Reconstruction error {error:.0f} nats" in pad.note.value and f"KL {kl:.0f} nats" in pad.note.value
    pad.usual = [(0.0, 1.0), (0.0, 1e6)]
    pad.load(6)
    assert "nats (unusual: nine in ten test images have 0 to 1); KL" in pad.note.value
    assert "nats (usual: nine in ten test images have 0 to 1000000)." in pad.note.value


def test_what_goes_wrong_is_shown_and_the_next_stroke_clears_it(pad):
    pad.surface.set_state({"value": [[0.1, 0.2, 0.3]], "turn": 1})
    assert "a stroke must be x, y" in visible_error(pad) and pad.surface.answered == 1
    pad.surface.set_state({"value": DIGITS[0], "turn": 2})
    assert not visible_error(pad)
    pad.number.value = 29
    with pytest.raises(ValueError, match="test image must be 0 to 29, received 30"):
        pad.load(30)


def test_the_static_figure_has_its_own_title_and_fits(pad):
    pad.draw_strokes(DIGITS[3])
    shown = pad.snapshot(title="A three", alt="A drawn three.")
    assert shown.title == "A three" and shown.alt == "A drawn three." and layout_problems(shown) == []
    np.testing.assert_allclose(shown.axes[0].images[0].get_array(), pad.picture, atol=1e-6)
    assert shown.png()[:4] == b"\x89PNG"


def test_what_has_no_posterior_is_refused(digits, as_a_learner):
    with pytest.raises(ValueError, match="model is None"):
        DrawingPad(None, digits)
    with pytest.raises(TypeError, match="without a posterior: hand over a VAE"):
        DrawingPad(Autoencoder(2, hidden=8), digits)
    with pytest.raises(ValueError, match="looks untrained"):
        DrawingPad(VAE(2, hidden=8), digits)
