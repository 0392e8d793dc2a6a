"""The scorecard: its rows are the measurements of `evaluation`, put side by side."""

import math

import pytest
import torch

from vae_utils.evaluation import density_and_coverage, features, local_stretch, path_smoothness
from vae_utils.models import VAE, Classifier
from vae_utils.scorecard import Scorecard


@pytest.fixture(scope="module")
def parts():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classifier, model = Classifier(3), VAE(2, hidden=16)
        return classifier, model, torch.rand(60, 1, 28, 28), torch.randn(60, 2), torch.randn(420, 2)


def test_a_models_row_holds_what_evaluation_measures(parts):
    classifier, model, images, codes, ends = parts
    card = Scorecard(classifier, images)
    row = card.add_model("VAE", model.generate, codes, ends)
    with torch.no_grad():
        generated = model.generate(codes)
    found = density_and_coverage(features(classifier, images), features(classifier, generated))
    smooth = path_smoothness(model.generate, lambda x: features(classifier, x), ends[:200], ends[200:400])
    stretch = local_stretch(model.generate, ends[:400])
    assert (row.density, row.coverage) == (found.density, found.coverage)
    assert (row.step_median, row.step_p95) == pytest.approx((smooth.median, smooth.p95), rel=1e-5)
    assert row.stretch_spread == pytest.approx((stretch.quantile(0.95) / stretch.median()).item(), rel=1e-5)
    assert card["VAE"] == row


def test_images_have_a_row_without_paths(parts):
    classifier, _, images, _, _ = parts
    row = Scorecard(classifier, images).add("real", images)
    assert row.coverage == 1 and math.isnan(row.step_median) and math.isnan(row.stretch_spread)


def test_the_table_names_rows_and_escapes_them(parts):
    classifier, _, images, _, _ = parts
    card = Scorecard(classifier, images)
    card.add("<b>real</b>", images)
    text, html = repr(card), card._repr_html_()
    assert "<b>real</b>" in text and "1.00" in text
    assert "&lt;b&gt;real" in html and "<b>real" not in html and 'scope="row"' in html
    lines = text.splitlines()
    assert len(lines) == 2 and len(set(map(len, lines))) == 1


def test_the_table_leaves_out_columns_that_apply_to_no_row(parts):
    classifier, model, images, codes, ends = parts
    card = Scorecard(classifier, images)
    paths = ("largest/mean step: median", "95th percentile", "stretch: 95th/median")
    assert all(head in repr(card) and head in card._repr_html_() for head in ("density", *paths))
    card.add("real", images)
    for shown in (repr(card), card._repr_html_()):
        assert "density" in shown and "coverage" in shown and "–" not in shown
        assert not any(head in shown for head in paths)
    assert card._repr_html_().count("<th ") == 4 and card._repr_html_().count("<td>") == 2
    assert math.isnan(card["real"].step_p95)
    card.add_model("VAE", model.generate, codes, ends)
    for shown in (repr(card), card._repr_html_()):
        assert all(head in shown for head in paths) and shown.count("–") == 3
    lines = repr(card).splitlines()
    assert len(lines) == 3 and len(set(map(len, lines))) == 1


def test_the_scorecard_refuses(parts):
    classifier, model, images, codes, ends = parts
    card = Scorecard(classifier, images)
    with pytest.raises(ValueError, match="at least 400 codes, received 399"):
        card.add_model("VAE", model.generate, codes, ends[:399])
    with pytest.raises(ValueError, match="generated must lie in"):
        card.add("wrong", images * 255)
    with pytest.raises(KeyError, match="the rows are"):
        card["absent"]


def test_another_number_of_images_is_refused(parts):
    classifier, _, images, _, _ = parts
    with pytest.raises(ValueError, match="generated must hold 60 images, as many as the real ones, received 59"):
        Scorecard(classifier, images).add("few", images[:59])
