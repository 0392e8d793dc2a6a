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
