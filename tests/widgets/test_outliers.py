"""OutlierExplorer: thresholds, shares and AUROC agree with counting and with scikit-learn."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from vae_utils.widgets.outliers import OutlierExplorer, auroc


@pytest.fixture
def explorer():
    dice = torch.Generator().manual_seed(0)
    known = {"nats": 100 + 10 * torch.randn(400, generator=dice), "ink": torch.rand(400, generator=dice)}
    blank = {"nats": torch.full((50,), 20.0), "ink": torch.zeros(50)}
    noise = {"nats": 300 + torch.randn(60, generator=dice), "ink": torch.rand(60, generator=dice)}
    return OutlierExplorer(known, {"blank": blank, "noise": noise})


def shown(explorer):
    assert bytes(explorer.pictures["picture"].value).startswith(b"\x89PNG") and not explorer.error.value
    return explorer.note.value


def test_the_threshold_flags_the_share_of_known_images_that_the_slider_says(explorer):
    for share in (5.0, 50.0, 0.0, 100.0):
        explorer.share.value = share
        shown(explorer)
        threshold = explorer._line.get_xdata()[0]
        assert (explorer.known["nats"] > threshold).float().mean().item() == pytest.approx(share / 100, abs=0.005)


def test_strangers_below_are_never_flagged_and_strangers_above_always(explorer):
    assert "0.0 % of the strangers" in shown(explorer) and "AUROC 0.00" in explorer.note.value
    explorer.kind.value = "noise"
    assert "100.0 % of the strangers" in shown(explorer) and "AUROC 1.00" in explorer.note.value
    explorer.score.value = "ink"
    assert "AUROC 1.00" not in shown(explorer) and explorer._axes.get_xlabel() == "ink"


def test_the_histograms_hold_all_images(explorer):
    for kind in ("blank", "noise"):
        explorer.kind.value = kind
        shown(explorer)
        for stairs in (explorer._known, explorer._others):
            assert stairs.get_data().values.sum() == pytest.approx(1)


def test_a_snapshot_has_the_title_that_was_given(explorer):
    assert explorer.snapshot().title == "Who lies to the right of the line?"
    titled = OutlierExplorer(explorer.known, explorer.strangers, title="Nobody does", in_browser=False)
    assert titled.snapshot().title == "Nobody does"


def test_one_value_only_can_be_shown():
    same = {"nats": torch.ones(5)}
    assert "AUROC 0.50" in shown(OutlierExplorer(same, {"same": same}))


@pytest.mark.parametrize("seed", range(3))
def test_auroc_is_scikit_learn_s(seed):
    dice = torch.Generator().manual_seed(seed)
    known, others = (torch.randint(0, 12, (n,), generator=dice).float() for n in (70, 31))  # many ties
    expected = roc_auc_score([0] * 70 + [1] * 31, torch.cat([known, others]).numpy())
    assert auroc(known, others) == pytest.approx(expected)


@pytest.mark.parametrize(("known", "others"), [([1.0, math.nan], [2.0]), ([1.0], [math.nan]), ([], [1.0]), ([1.0], [])])
def test_auroc_of_no_numbers_is_refused(known, others):
    with pytest.raises(ValueError, match="at least one score, and no NaN"):
        auroc(torch.tensor(known), torch.tensor(others))


@pytest.mark.parametrize(
    ("known", "strangers", "message"),
    [
        ({}, {"a": {}}, "at least one score"),
        ({"nats": torch.ones(3)}, {}, "at least one kind"),
        ({"nats": torch.ones(3)}, {"a": {"ink": torch.ones(3)}}, r"'a' must have the scores \['nats'\]"),
        ({"nats": torch.ones(3)}, {"a": {"nats": torch.tensor([float("nan")])}}, "finite"),
        ({"nats": torch.ones(0)}, {"a": {"nats": torch.ones(1)}}, "at least one"),
    ],
)
def test_what_cannot_be_shown_is_refused(known, strangers, message):
    with pytest.raises(ValueError, match=message):
        OutlierExplorer(known, strangers)
