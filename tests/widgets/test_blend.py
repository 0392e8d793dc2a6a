"""What the explorer of lesson 00 shows: the two answers for the blended picture, from the digit to the noise."""

import re

import pytest
import torch

from vae_utils import Classifier
from vae_utils.widgets.blend import KINDS, BlendExplorer, blend

IMAGES = (torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(0)) < 0.15).float()


def log_p(x):
    """Independent pixels that are inked with probability 0.15."""
    rate = torch.tensor(0.15)
    return (x * rate.log() + (1 - x) * (1 - rate).log()).sum((1, 2, 3))


@pytest.fixture
def explorer():
    """An explorer with an untrained classifier: its answers are known all the same."""
    torch.manual_seed(0)
    return BlendExplorer(Classifier(), log_p, IMAGES)


def told(explorer):
    """(label, confidence in per cent, nats, where) as the learner reads them."""
    assert explorer.error.value == ""
    found = re.search(
        r"classifier: (\d), (\d+)% sure .* = (-?\d+) nats, (\w+) the range", explorer.note.value.replace("−", "-")
    )
    return int(found[1]), int(found[2]), int(found[3]), found[4]


def png(explorer):
    """The bytes of the picture on the page."""
    return bytes(explorer.pictures["picture"].value)


def test_blend_goes_from_the_picture_to_the_noise_and_stays_binary():
    noise, order = torch.ones(1, 1, 28, 28), torch.rand(2, 1, 28, 28)
    picture = torch.zeros(2, 1, 28, 28)
    assert torch.equal(blend(picture, noise, order, 0.0), picture)
    assert torch.equal(blend(picture, noise, order, 1.0), torch.ones(2, 1, 28, 28))
    some, more = (blend(picture, noise, order, share) for share in (0.3, 0.5))
    assert some.unique().tolist() == [0, 1] and (some <= more).all() and 0.2 < some.mean() < 0.4 < more.mean() < 0.6


def test_without_noise_both_answers_are_those_for_the_digit(explorer):
    for number in (0, 7):
        explorer.number.value = number
        with torch.no_grad():
            confidence, label = explorer.classifier(IMAGES[number : number + 1]).softmax(1).max(1)
        nats = log_p(IMAGES[number : number + 1]).item()
        assert told(explorer)[:2] == (label.item(), round(100 * confidence.item()))
        assert abs(told(explorer)[2] - nats) <= 0.51


def test_coins_fall_below_the_range_and_blank_paper_rises_above_it(explorer):
    explorer.share.value = 1.0
    assert told(explorer)[3] == "below"
    explorer.kind.value = KINDS[1]
    assert abs(told(explorer)[2] - log_p(IMAGES).mean()) < 100
    explorer.kind.value = KINDS[2]
    assert told(explorer)[3] == "above"
    assert abs(told(explorer)[2] - log_p(torch.zeros(1, 1, 28, 28)).item()) <= 0.51


def test_the_curves_end_where_the_dots_can_stand(explorer):
    explorer.share.value = 1.0
    assert told(explorer)[2] == round(float(explorer._density.get_ydata()[-1]))
    explorer.share.value = 0.0
    assert told(explorer)[2] == round(float(explorer._density.get_ydata()[0]))


def test_the_button_gives_other_noise_that_then_stays(explorer):
    explorer.share.value = 0.5
    before, nats = png(explorer), told(explorer)[2]
    explorer.share.value = 0.6
    explorer.share.value = 0.5
    assert png(explorer) == before and told(explorer)[2] == nats
    explorer._roll()
    explorer.draw()
    assert png(explorer) != before


def test_the_picture_follows_each_control(explorer):
    seen = [png(explorer)]
    for control, value in ((explorer.share, 0.4), (explorer.kind, KINDS[2]), (explorer.number, 3)):
        control.value = value
        seen.append(png(explorer))
    assert len(set(seen)) == 4


def test_what_it_cannot_use_is_refused(as_a_learner):
    with pytest.raises(ValueError, match="None: run the cells that train"):
        BlendExplorer(None, log_p, IMAGES)
    with pytest.raises(TypeError, match="log_p must be a function of images, received Tensor"):
        BlendExplorer(Classifier(), torch.zeros(3), IMAGES)
    with pytest.raises(ValueError, match=r"binary.*x > 0\.5"):
        BlendExplorer(Classifier(), log_p, IMAGES * 0.5)
