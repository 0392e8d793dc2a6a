"""Right answers written in other ways, and wrong ones that the planted mistakes do not list, for lesson 07."""

import math

import pytest
import torch
from torch.distributions import Normal

from vae_utils import exercises


def by_distribution(mean, sigma, levels):
    """With torch.distributions, and the edges of all bins in one table."""
    edges = torch.cat([torch.tensor([-math.inf]), (torch.arange(255) + 0.5) / 255, torch.tensor([math.inf])]).double()
    normal = Normal(mean, sigma)
    upper, lower = edges[levels.long() + 1], edges[levels.long()]
    above = torch.where(upper.isinf(), 1.0, normal.cdf(upper.clamp(-9, 9)))
    below = torch.where(lower.isinf(), 0.0, normal.cdf(lower.clamp(-9, 9)))
    return (above - below).log()


RIGHT = {
    "sigma_of_a_sum_of_squares": [2**-0.5, 0.707, "0.71", torch.tensor(0.5).sqrt()],
    "best_sigma": [
        lambda x, mean: torch.nn.functional.mse_loss(mean, x).sqrt(),
        lambda x, mean: math.sqrt(((x.double() - mean.double()) ** 2).mean().item()),
        lambda x, mean: (x - mean).flatten().norm() / x.numel() ** 0.5,
    ],
    "level_log_probability": [by_distribution],
}
WRONG = {
    "sigma_of_a_sum_of_squares": [0.25, 2.0, 0.8],
    "best_sigma": [
        lambda x, mean: (x - mean).square().mean((1, 2, 3)).sqrt(),  # one σ for each image
        lambda x, mean: (x - mean).abs().max(),
        lambda x, mean: (x - mean).square().mean().sqrt().log(),
    ],
    "level_log_probability": [
        # The tails are shared out by dividing by what lies inside: it sums to 1, and the edge levels are still wrong.
        lambda mean, sigma, levels: (
            (
                torch.special.ndtr(((levels + 0.5) / 255 - mean) / sigma)
                - torch.special.ndtr(((levels - 0.5) / 255 - mean) / sigma)
            )
            / (torch.special.ndtr((255.5 / 255 - mean) / sigma) - torch.special.ndtr((-0.5 / 255 - mean) / sigma))
        ).log(),
        lambda mean, sigma, levels: by_distribution(mean, sigma, levels) / math.log(2),  # in bits
    ],
}


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_right_answers_written_otherwise_pass(name, answer):
    result = getattr(exercises, name).check(answer)
    assert result.passed, result.message


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in WRONG.items() for answer in answers])
def test_wrong_answers_fail(name, answer):
    result = getattr(exercises, name).check(answer)
    assert result.attempted and not result.passed
