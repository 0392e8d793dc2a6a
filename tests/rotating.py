"""Tests of random draws run with fixed seeds. With VAE_UTILS_SEED=today they run with others, and a failure only warns.

The fixed seeds keep the tests from failing by chance. A seed that changes each day finds what is right for these seeds
only; as it may fail by chance, too (with the probability that each test states), it warns and does not fail.
"""

import datetime
import os

import pytest
import torch

# Test -> standard errors that it allows for each of its numbers: 4 fail once in 16,000, 5 once in 1.7 million.
STATISTICAL = {
    "test_identical_posteriors_say_nothing_about_the_image": 5,
    "test_correlated_gaussian": 4,
    "test_marginal_kl_against_integration": 4,
    "test_draws_have_the_probabilities_that_the_decoder_states": 6,
    "test_kl_is_the_mean_log_ratio_of_samples": 5,
    "test_samples_have_the_mean_and_the_variance": 5,
    "test_weighted_draws_from_the_encoder_are_the_log_weights": 5,
    "test_prior_draws_find_the_toys_marginal_and_its_share_of_useful_draws": 5,
    "test_the_mean_is_the_mean_of_the_samples": 5,
    "test_turning_the_latent_space_changes_the_elbo_and_not_the_model": 5,
    "test_the_importance_weighted_bound_rises_with_k_and_meets_the_exact_value": 5,
    "test_one_importance_sample_is_the_elbo_on_average_and_more_are_tighter": 5,
}


def shift() -> int:
    """What is added to each seed: 0, or what VAE_UTILS_SEED says, a number or "today"."""
    asked = os.environ.get("VAE_UTILS_SEED", "0")
    return datetime.date.today().toordinal() if asked == "today" else int(asked)


class Shifted(torch.Generator):
    """A generator whose seeds are other ones today."""

    def manual_seed(self, seed: int) -> torch.Generator:
        return super().manual_seed(seed + shift())


def is_rotated(item: pytest.Item) -> bool:
    """Whether a test runs with other seeds now: a statistical one or one of hypothesis, if seeds rotate."""
    name = getattr(item, "originalname", item.name)
    return bool(shift()) and (name in STATISTICAL or item.get_closest_marker("hypothesis") is not None)


def rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch's seeds be others."""
    plain = torch.manual_seed
    monkeypatch.setattr(torch, "Generator", Shifted)
    monkeypatch.setattr(torch, "manual_seed", lambda seed: plain(seed + shift()))


def only_warn(item: pytest.Item, report: pytest.TestReport) -> None:
    """Turn the failure of a test with other seeds into a warning."""
    if report.failed and is_rotated(item):
        report.outcome, report.wasxfail = "skipped", f"with VAE_UTILS_SEED={shift()}"
        item.warn(
            pytest.PytestWarning(f"fails with VAE_UTILS_SEED={shift()}: chance, or right for the fixed seed only?")
        )
