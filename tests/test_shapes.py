"""The drawn shapes, against geometry, and the data set made of them."""

import math

import pytest
import torch

from vae_utils import load_images
from vae_utils.shapes import FACTORS, KINDS, all_levels, draw_shapes, train_and_test_levels

MIDDLE = {name: len(values) // 2 for name, values in FACTORS.items()}


def one(**levels: int) -> torch.Tensor:
    """A picture whose factors are at their middle but for the given ones: (28, 28)."""
    chosen = {**MIDDLE, **levels}
    return draw_shapes(torch.tensor([[chosen[name] for name in FACTORS]]))[0, 0]


def centre(picture: torch.Tensor) -> tuple[float, float]:
    place = torch.arange(28) - 13.5
    return tuple(((picture.sum(axis) * place).sum() / picture.sum()).item() for axis in (0, 1))  # across, down


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("size", range(5))
def test_the_ink_is_the_area_and_the_same_for_all_kinds(kind, size):
    expected = FACTORS["size"][size].item() ** 2
    assert one(kind=kind, size=size).sum().item() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("kind", range(3))
def test_the_centre_of_the_ink_is_where_the_factors_put_it(kind):
    for across, down in ((0, 0), (10, 0), (3, 8)):
        expected = FACTORS["across"][across].item(), FACTORS["down"][down].item()
        assert centre(one(kind=kind, across=across, down=down)) == pytest.approx(expected, abs=0.1)


def test_the_angle_turns_the_ellipse_by_that_many_degrees():
    for level, degrees in enumerate(FACTORS["angle"].tolist()):
        picture = one(kind=1, angle=level, size=4).double()
        place = torch.arange(28).double() - 13.5
        xx, yy = (picture.sum(0) * place**2).sum(), (picture.sum(1) * place**2).sum()
        xy = (picture * place[None, :] * place[:, None]).sum()
        assert math.degrees(0.5 * math.atan2(2 * xy, xx - yy)) == pytest.approx(degrees, abs=0.5)


def test_pixels_are_ink_paper_or_an_edge():
    x = draw_shapes(all_levels()[::37])
    assert x.shape[1:] == (1, 28, 28) and x.dtype == torch.float32
    assert x.min() == 0 and x.max() == 1
    assert ((x > 0) & (x < 1)).float().mean() < 0.04
    assert x[:, :, [0, -1]].max() == 0 and x[..., [0, -1]].max() == 0, "a shape is cut off"


def test_no_two_combinations_look_the_same():
    levels = all_levels()
    assert len(levels) == 3 * 5 * 7 * 11 * 11 and len(levels.unique(dim=0)) == len(levels)
    x = draw_shapes(levels[(levels[:, 3] == 5) & (levels[:, 4] == 5)]).flatten(1)
    apart = torch.cdist(x, x) + 100 * torch.eye(len(x))
    assert apart.min() > 0.3


def test_load_images_draws_the_same_shapes_each_time():
    images, (train, test) = load_images("shapes"), train_and_test_levels()
    assert (len(images.train), len(images.test), images.classes) == (8000, 2000, KINDS)
    assert torch.equal(images.train[:50], draw_shapes(train[:50])) and torch.equal(
        images.test[-9:], draw_shapes(test[-9:])
    )
    assert torch.equal(images.test_labels, test[:, 0])
    both = torch.cat([train, test])
    assert len(both.unique(dim=0)) == len(both)
    # Independent factors, each uniform: the correlation of 8,000 draws is within five standard errors of 0.
    assert (train.double().T.corrcoef() - torch.eye(5)).abs().max() < 5 / len(train) ** 0.5


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="angle has the levels 0 to 6, received levels from 7 to 7"):
        draw_shapes(torch.tensor([[0, 0, 7, 0, 0]]))
