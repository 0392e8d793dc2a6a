"""The mutual information gap, against codes whose information is known."""

import math

import pytest
import torch
from torch.distributions import Normal

from vae_utils.disentanglement import latent_information, mutual_information_gap

NARROW = -12.0  # log variance of a code that is nearly a point


def grid(*sizes: int) -> torch.Tensor:
    """Every combination of the factors' values once: independent factors, each uniform."""
    return torch.cartesian_prod(*(torch.arange(size) for size in sizes))


def narrow(mu: torch.Tensor) -> torch.Tensor:
    return torch.full_like(mu, NARROW)


def test_one_latent_a_factor_scores_one():
    factors = grid(3, 5, 7)
    mu = factors.float()[:, [2, 0, 1]] * torch.tensor([1.0, -3.0, 0.1]) + 2
    found = mutual_information_gap(mu, narrow(mu), factors)
    assert found.gap == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(found.shares, torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]), atol=1e-6, rtol=0)


def test_a_factor_known_twice_or_by_no_one_has_no_gap():
    factors = grid(4, 4, 4)
    mu = torch.stack([factors[:, 0], factors[:, 1], -2 * factors[:, 1]], 1).float()
    found = mutual_information_gap(mu, narrow(mu), factors)
    torch.testing.assert_close(found.gaps, torch.tensor([1.0, 0.0, 0.0]), atol=1e-6, rtol=0)
    assert found.gap == pytest.approx(1 / 3, abs=1e-6)


def test_two_factors_turned_by_45_degrees_have_no_gap():
    factors = grid(9, 9)
    centred = factors.float() - 4
    turned = torch.stack([centred.sum(1), centred[:, 0] - centred[:, 1]], 1)
    assert mutual_information_gap(turned, narrow(turned), factors).gap == pytest.approx(0, abs=1e-6)
    assert mutual_information_gap(centred, narrow(centred), factors).gap == pytest.approx(1, abs=1e-6)
    # The sum of two dice tells H(sum) - H(die) about each of them.
    share = torch.tensor([min(k, 18 - k) for k in range(1, 18)]) / 81
    expected = -(share * share.log()).sum() - math.log(9)
    information, entropies = latent_information(turned, narrow(turned), factors)
    torch.testing.assert_close(information, expected.expand(2, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(entropies, torch.full((2,), math.log(9)))


@pytest.mark.parametrize("distance", [0.0, 0.7, 2.0, 6.0])
def test_a_noisy_bit_carries_the_information_of_a_gaussian_channel(distance):
    """z ~ N(±distance, 1) for a fair bit: I = H(z) - H(noise), by numerical integration."""
    factors = torch.arange(2)[:, None].repeat(50, 1)
    mu = torch.cat([(2.0 * factors - 1) * distance, torch.zeros(100, 1)], 1)
    found = mutual_information_gap(mu, torch.zeros_like(mu), factors, cells=2000)
    z = torch.linspace(-20, 20, 40_001, dtype=torch.float64)
    peaks = [Normal(side * distance, 1.0).log_prob(z).exp() for side in (-1, 1)]
    mixture = sum(peaks) / 2
    entropy = -(torch.xlogy(mixture, mixture)).sum().item() * 0.001
    information = entropy - 0.5 * math.log(2 * math.pi * math.e)
    assert found.gap == pytest.approx(information / math.log(2), abs=1e-4)


def test_collapsed_dimensions_know_nothing():
    factors = grid(4, 5)
    mu = torch.zeros(20, 3)
    assert mutual_information_gap(mu, torch.zeros_like(mu), factors).shares.abs().max() < 1e-6


def test_scale_and_sign_and_order_of_the_latents_do_not_matter():
    factors = grid(3, 4)
    mu = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    logvar = torch.full_like(mu, -2.0)
    scale = torch.tensor([10.0, -0.5, 1.0])
    first = mutual_information_gap(mu, logvar, factors)
    second = mutual_information_gap((scale * mu)[:, [1, 2, 0]], (logvar + 2 * scale.abs().log())[:, [1, 2, 0]], factors)
    torch.testing.assert_close(first.shares[[1, 2, 0]], second.shares, atol=1e-4, rtol=0)
    assert first.gap == pytest.approx(second.gap, abs=1e-4)


@pytest.mark.parametrize(
    ("mu", "logvar", "factors", "message"),
    [
        (torch.zeros(4, 1), torch.zeros(4, 1), grid(2, 2), "at least 2 latent dimensions, received 1"),
        (torch.zeros(4, 2), torch.zeros(4, 2), grid(4, 1), "factor 1 has the same value"),
        (torch.zeros(4, 2), torch.zeros(4, 2), grid(2, 3), r"factors \(6, 2\)"),
    ],
)
def test_what_has_no_gap_is_refused(as_a_learner, mu, logvar, factors, message):
    with pytest.raises(ValueError, match=message):
        mutual_information_gap(mu, logvar, factors)
