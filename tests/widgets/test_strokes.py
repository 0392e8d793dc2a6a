"""A drawing in MNIST's format: measured as MNIST's own images are."""

import math

import pytest
import torch

from vae_utils.data import load_images
from vae_utils.widgets.strokes import CENTRE, PEN, mnist_picture

# Ten digits as a person might draw them, in shares of the pad's side.
DIGITS = {
    0: [[0.5, 0.2, 0.35, 0.3, 0.3, 0.5, 0.35, 0.7, 0.5, 0.8, 0.65, 0.7, 0.7, 0.5, 0.65, 0.3, 0.5, 0.2]],
    1: [[0.55, 0.2, 0.45, 0.8]],
    2: [[0.3, 0.3, 0.4, 0.2, 0.6, 0.2, 0.68, 0.35, 0.55, 0.55, 0.3, 0.8, 0.7, 0.78]],
    3: [[0.3, 0.2, 0.6, 0.18, 0.7, 0.3, 0.6, 0.45, 0.45, 0.48, 0.65, 0.55, 0.7, 0.7, 0.55, 0.85, 0.3, 0.8]],
    4: [[0.35, 0.2, 0.3, 0.5, 0.65, 0.5], [0.65, 0.2, 0.62, 0.85]],
    5: [[0.68, 0.2, 0.4, 0.2, 0.36, 0.45, 0.55, 0.42, 0.68, 0.55, 0.65, 0.75, 0.45, 0.85, 0.3, 0.78]],
    6: [[0.6, 0.2, 0.42, 0.4, 0.35, 0.65, 0.45, 0.82, 0.6, 0.78, 0.65, 0.65, 0.55, 0.55, 0.38, 0.62]],
    7: [[0.3, 0.2, 0.7, 0.2, 0.55, 0.5, 0.45, 0.85]],
    8: [
        [0.62, 0.25, 0.5, 0.2, 0.38, 0.3, 0.42, 0.42, 0.6, 0.58, 0.64, 0.72, 0.5, 0.82, 0.38, 0.72]
        + [0.42, 0.58, 0.58, 0.42, 0.62, 0.25]
    ],
    9: [[0.63, 0.3, 0.5, 0.2, 0.37, 0.3, 0.4, 0.45, 0.55, 0.47, 0.64, 0.3, 0.62, 0.55, 0.58, 0.85]],
}


def measured(picture):
    """Longer side of the ink, and the centre of mass (row, column)."""
    rows, columns = picture.amax(1).nonzero(), picture.amax(0).nonzero()
    sides = [int(found.max() - found.min()) + 1 for found in (rows, columns)]
    steps = torch.arange(28.0)
    return max(sides), [(picture.sum(1 - axis) @ steps / picture.sum()).item() for axis in (1, 0)][::-1]


@pytest.mark.parametrize("digit", DIGITS)
def test_size_and_place_are_those_of_mnist(digit):
    """In MNIST-10k 99.5 % of the images are 20 pixels long, and all centres lie within half a pixel of 14."""
    side, centre = measured(mnist_picture(DIGITS[digit]))
    assert side in (19, 20, 21)
    assert centre == pytest.approx([CENTRE, CENTRE], abs=0.5)


def test_where_and_how_large_one_draws_makes_no_difference():
    moved = [[0.4 * value + 0.55 for value in stroke] for stroke in DIGITS[5]]
    torch.testing.assert_close(mnist_picture(moved), mnist_picture(DIGITS[5]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("pen", [1.5, 2.6, 4.0])
def test_the_pen_is_as_wide_as_it_says(pen):
    """A straight line: its ink over its length; both of its round ends together are a circle."""
    picture = mnist_picture([[0.5, 0.1, 0.5, 0.9]], pen)
    length = 20 - 1 - pen
    assert picture.sum().item() == pytest.approx(length * pen + math.pi * pen**2 / 4, rel=0.03)
    assert 0 <= picture.min() and picture.max() == 1


def test_a_slanted_line_is_grey_at_its_edges():
    picture = mnist_picture([[0.2, 0.9, 0.8, 0.1]])
    assert ((picture > 0.05) & (picture < 0.95)).sum() > 30
    ink = picture.sum().item()
    assert ink == pytest.approx(PEN * (20 - 1 - PEN) * math.hypot(0.6, 0.8) / 0.8 + math.pi * PEN**2 / 4, rel=0.03)


def test_a_dot_stays_a_dot_and_nothing_stays_nothing():
    dot = mnist_picture([[0.9, 0.9]])
    assert dot.sum().item() == pytest.approx(math.pi * PEN**2 / 4, rel=0.1)
    assert measured(dot)[1] == pytest.approx([CENTRE, CENTRE], abs=0.01)
    assert mnist_picture([]) is None and mnist_picture([[]]) is None


def test_no_ink_leaves_the_picture():
    """Most of the mass at one end: centred by mass alone, the far end would lie outside."""
    block = [[0.1, 0.1 + 0.02 * line, 0.7, 0.1 + 0.02 * line] for line in range(10)]
    picture = mnist_picture([[0.12, 0.1, 0.12, 0.95], *block], pen=1.0)
    assert measured(picture)[0] in (19, 20, 21)


@pytest.mark.parametrize(
    ("strokes", "pen", "message"),
    [
        ([[0.1, 0.2, 0.3]], 2, "a stroke must be x, y, x, y"),
        ([[0.1, math.nan]], 2, "as finite numbers"),
        ([[0.1, 0.2]], 0.1, "0.5 to 8 pixels wide, received 0.1"),
    ],
)
def test_what_is_no_drawing_is_refused(strokes, pen, message):
    with pytest.raises(ValueError, match=message):
        mnist_picture(strokes, pen)


def test_the_nearest_images_of_mnist_show_what_was_drawn():
    """Pixel by pixel: so size, place and stroke are MNIST's."""
    digits = load_images("digits")
    pictures = torch.stack([mnist_picture(strokes) for strokes in DIGITS.values()])
    distances = torch.cdist(pictures.flatten(1), digits.train.flatten(1))  # (10, 8000)
    nearest = digits.train_labels[distances.topk(5, largest=False).indices].mode(1).values
    assert (nearest == torch.arange(10)).sum() >= 9
