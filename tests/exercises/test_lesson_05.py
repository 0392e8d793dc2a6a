"""What only the exercises of lesson 05 need."""

import pytest
import torch

from tests.exercises.answers.lesson_05 import WRONG
from vae_utils import exercises


def test_messages_do_not_give_the_frequency_away():
    for wrong in WRONG["crossover"]:
        message = exercises.crossover.check(wrong).message
        assert "1.11" not in message and "1.109" not in message


@pytest.mark.parametrize(
    "noise",
    [
        lambda mu: torch.randn(-(-len(mu) // 2), mu.shape[1]).repeat_interleave(2, 0)[: len(mu)],
        lambda mu: torch.randn(-(-len(mu) // 2), mu.shape[1]).repeat(2, 1)[: len(mu)],
        lambda mu: torch.randn(7, mu.shape[1]).repeat(-(-len(mu) // 7), 1)[: len(mu)],
    ],
)
def test_noise_that_rows_share_is_found(noise):
    result = exercises.reparameterize.check(lambda mu, logvar: mu + (0.5 * logvar).exp() * noise(mu))
    assert not result.passed and "a noise of its own" in result.message


def test_noise_that_rows_share_at_random_places_is_found():
    def shared(mu):
        half = torch.randn(-(-len(mu) // 2), mu.shape[1])
        return half.repeat(2, 1)[: len(mu)][torch.randperm(len(mu))]

    result = exercises.reparameterize.check(lambda mu, logvar: mu + (0.5 * logvar).exp() * shared(mu))
    assert not result.passed and "Rows of the batch share their noise" in result.message


@pytest.mark.parametrize(
    ("noise", "found"),
    [
        (lambda mu: torch.randn_like(mu).clamp(-1, 1), "the variance of your samples is"),
        (lambda mu: torch.randn_like(mu).sign(), "Is the noise Gaussian?"),
    ],
)
def test_noise_whose_values_repeat_is_not_taken_for_shared(noise, found):
    result = exercises.reparameterize.check(lambda mu, logvar: mu + (0.5 * logvar).exp() * noise(mu))
    assert not result.passed and found in result.message and "a noise of its own" not in result.message


def test_a_logvar_that_is_cut_off_is_named():
    result = exercises.reparameterize.check(
        lambda mu, logvar: mu + (0.5 * logvar.clamp(-3, 3)).exp() * torch.randn_like(mu)
    )
    assert not result.passed and "Is logvar cut off somewhere?" in result.message


@pytest.mark.parametrize("name", ["reparameterize", "logistic_sample"])
def test_right_samplers_pass_with_any_noise(name):
    """The check seeds the generators; a sampler with a generator of its own meets other noise each time."""
    for seed in range(30):
        own = torch.Generator().manual_seed(seed)

        def gaussian(mu, logvar, own=own):
            return mu + (0.5 * logvar).exp() * torch.randn(mu.shape, generator=own)

        def logistic(mu, logscale, own=own):
            return mu + logscale.exp() * torch.logit(torch.rand(mu.shape, generator=own), eps=1e-7)

        result = exercises.registry()[name].check(gaussian if name == "reparameterize" else logistic)
        assert result.passed, (seed, result.message)
