"""The aggregated posterior and the parts of the KL term, where the answer is known in closed form or by integration."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_utils.aggregate import AggregatedPosterior, kl_parts
from vae_utils.distributions import kl_to_standard_normal, standard_normal_log_density


def posteriors(count: int, dimensions: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mu = 1.5 * torch.randn(count, dimensions, generator=generator)
    return mu, 0.7 * torch.randn(count, dimensions, generator=generator) - 1


def mixture(mu: torch.Tensor, logvar: torch.Tensor) -> MixtureSameFamily:
    parts = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu))), parts)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal_quantiles(count: int) -> torch.Tensor:
    """A standard normal sample without chance: the middles of `count` slices of equal mass."""
    return Normal(0.0, 1.0).icdf((torch.arange(count) + 0.5) / count)


# ---- densities against torch.distributions ---------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "dimensions"), [(1, 1), (7, 3), (3000, 5)])
def test_density_is_that_of_the_whole_mixture(count, dimensions):
    mu, logvar = posteriors(count, dimensions)
    z = 2 * torch.randn(400, dimensions, generator=dice())
    expected = mixture(mu.double(), logvar.double()).log_prob(z.double()).float()
    torch.testing.assert_close(AggregatedPosterior(mu, logvar).log_prob(z), expected, atol=1e-5, rtol=1e-5)


def test_each_dimension_alone_has_the_density_of_its_own_mixture():
    mu, logvar = posteriors(40, 3)
    z = 2 * torch.randn(50, 3, generator=dice())
    expected = torch.stack(
        [mixture(mu[:, k : k + 1], logvar[:, k : k + 1]).log_prob(z[:, k : k + 1]) for k in range(3)]
    )
    found = AggregatedPosterior(mu, logvar).log_prob_per_dimension(z)
    torch.testing.assert_close(found, expected.T, atol=1e-5, rtol=1e-5)


def test_narrow_posteriors_far_out_keep_their_digits():
    mu, logvar = 40 + posteriors(30, 4)[0], torch.full((30, 4), math.log(1e-6))
    z = mu[:10] + 1e-3 * torch.randn(10, 4, generator=dice())
    expected = mixture(mu.double(), logvar.double()).log_prob(z.double()).float()
    torch.testing.assert_close(AggregatedPosterior(mu, logvar).log_prob(z), expected, atol=1e-3, rtol=1e-5)


def test_a_component_can_be_left_out():
    mu, logvar = posteriors(12, 3)
    q = AggregatedPosterior(mu, logvar)
    z, index = q.sample(30, dice())
    for row, source in zip(range(30), index.tolist(), strict=True):
        others = [n for n in range(12) if n != source]
        expected = mixture(mu[others], logvar[others]).log_prob(z[row : row + 1])
        found = q.log_prob(z[row : row + 1], leave_out=index[row : row + 1])
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_draws_have_the_moments_of_the_mixture_and_name_their_source():
    mu, logvar = posteriors(5, 2)
    z, index = AggregatedPosterior(mu, logvar).sample(50_000, dice())
    law = mixture(mu, logvar)
    torch.testing.assert_close(z.mean(0), law.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(z.var(0), law.variance, atol=0.1, rtol=0)
    for n in range(5):
        torch.testing.assert_close(z[index == n].mean(0), mu[n], atol=0.06, rtol=0)


def test_each_image_is_drawn_once_before_any_is_drawn_twice():
    q = AggregatedPosterior(*posteriors(50, 2))
    assert sorted(q.sample(50, dice())[1].tolist()) == list(range(50))
    counts = torch.bincount(q.sample(120, dice())[1], minlength=50)
    assert counts.min() == 2 and counts.max() == 3


def test_temperature_scales_the_noise_only():
    mu, logvar = posteriors(50, 2)
    q = AggregatedPosterior(mu, logvar)
    cold, index = q.sample(50, dice(), temperature=0.0)
    torch.testing.assert_close(cold, mu[index])
    warm, hot = q.sample(50, dice())[0], q.sample(50, dice(), temperature=2.0)[0]
    torch.testing.assert_close(hot - cold, 2 * (warm - cold))


# ---- the parts of the KL term, where they are known ------------------------------------------------------------------


def test_the_parts_sum_to_the_kl_term():
    mu, logvar = posteriors(2000, 4)
    parts = kl_parts(mu, logvar, 2000, dice())
    exact = kl_to_standard_normal(mu, logvar).sum(1)
    assert parts.kl == pytest.approx(exact.mean().item(), abs=0.15)  # one draw an image: noise only
    total = parts.mutual_information + parts.total_correlation + parts.dimension_wise
    assert parts.kl == pytest.approx(total, abs=1e-9)
    assert parts.per_dimension.sum().item() == pytest.approx(parts.dimension_wise, abs=1e-9)
    assert 0 < parts.mutual_information < math.log(2000)


def test_identical_posteriors_say_nothing_about_the_image():
    mu, logvar = torch.full((500, 3), 0.7), torch.full((500, 3), -0.4)
    parts = kl_parts(mu, logvar, 500, dice())
    assert parts.mutual_information == pytest.approx(0, abs=1e-5)
    assert parts.total_correlation == pytest.approx(0, abs=1e-5)
    exact = kl_to_standard_normal(mu[0], logvar[0])
    assert parts.marginal_kl == pytest.approx(exact.sum().item(), abs=5 * parts.errors["marginal_kl"])
    for found, expected in zip(parts.per_dimension, exact, strict=True):
        assert found == pytest.approx(expected.item(), abs=0.15)


@pytest.mark.parametrize("count", [2, 100, 900])
def test_well_separated_posteriors_tell_which_image_it_was(count):
    mu = torch.arange(count)[:, None] * torch.tensor([100.0, 0.0])
    parts = kl_parts(mu, torch.zeros(count, 2), 900, dice())
    assert parts.mutual_information == pytest.approx(math.log(count), abs=1e-5)


def test_independent_dimensions_share_nothing():
    grid = torch.cartesian_prod(
        torch.tensor([-2.0, 0.1, 1.0]), torch.tensor([0.0, 3.0]), torch.tensor([-1.0, 1.0, 4.0])
    )
    parts = kl_parts(grid, torch.tensor([-1.0, 0.3, -2.0]).expand(len(grid), 3), 500, dice())
    assert parts.total_correlation == pytest.approx(0, abs=1e-5)
    assert parts.errors["total_correlation"] < 1e-5  # it is 0 at each draw, not only on average
    assert parts.dimension_wise > 0.5


def test_gaussian_mixture_that_is_the_prior():
    """mu ~ N(0, 1 - v) and variance v: q(z) = N(0, 1). All of the KL is information, 1/2 log(1 / v)."""
    v = 0.2
    mu = (1 - v) ** 0.5 * normal_quantiles(4000)[:, None]
    parts = kl_parts(mu, torch.full((4000, 1), math.log(v)), 4000, dice())
    assert parts.mutual_information == pytest.approx(0.5 * math.log(1 / v), abs=0.05)
    assert parts.marginal_kl == pytest.approx(0, abs=0.01) and parts.total_correlation == pytest.approx(0, abs=1e-5)


def test_correlated_gaussian():
    """Means on a line, as a Gaussian: q(z) is N(0, S) to the accuracy of the grid, and all parts have closed forms."""
    v, slope = 0.3, torch.tensor([0.9, 0.6])
    mu = normal_quantiles(4000)[:, None] * slope
    S = torch.outer(slope, slope) + v * torch.eye(2)
    parts = kl_parts(mu, torch.full((4000, 2), math.log(v)), 4000, dice())
    total_correlation = 0.5 * (S.diagonal().log().sum() - torch.logdet(S)).item()
    single = kl_to_standard_normal(torch.zeros(2), S.diagonal().log())
    assert parts.total_correlation == pytest.approx(total_correlation, abs=4 * parts.errors["total_correlation"])
    assert parts.dimension_wise == pytest.approx(single.sum().item(), abs=4 * parts.errors["dimension_wise"] + 0.005)
    information = 0.5 * (torch.logdet(S) - 2 * math.log(v)).item()
    assert parts.mutual_information == pytest.approx(information, abs=4 * parts.errors["mutual_information"])
    assert max(parts.errors.values()) < 0.03


def test_marginal_kl_against_integration():
    mu, logvar = posteriors(3, 2, seed=4)
    side = torch.linspace(-9, 9, 901, dtype=torch.float64)
    z = torch.cartesian_prod(side, side)
    log_q = mixture(mu.double(), logvar.double()).log_prob(z)
    exact = (log_q.exp() * (log_q - standard_normal_log_density(z))).sum().item() * (side[1] - side[0]).item() ** 2
    parts = kl_parts(mu, logvar, 30_000, dice())
    assert parts.marginal_kl == pytest.approx(exact, abs=4 * parts.errors["marginal_kl"])
    assert parts.errors["marginal_kl"] < 0.02


def test_all_images_lie_between_with_and_without_the_own_component():
    """Lesson 10's sandwich: for fresh images from N(0, 1 - v) the marginal KL is 0; N images give bounds on it."""
    v, dimensions = 0.1, 4
    above, below = [], []
    for seed in range(20):
        mu = (1 - v) ** 0.5 * torch.randn(200, dimensions, generator=dice(seed))
        q = AggregatedPosterior(mu, torch.full_like(mu, math.log(v)))
        z, index = q.sample(200, dice(seed))
        prior = standard_normal_log_density(z)
        above.append((q.log_prob(z) - prior).mean().item())
        below.append((q.log_prob(z, leave_out=index) - prior).mean().item())
    assert sum(below) / 20 < -0.1 < 0.1 < sum(above) / 20


# ---- senseless input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AggregatedPosterior(torch.zeros(3), torch.zeros(3)), "must both be .N, K.*received .3,."),
        (lambda: AggregatedPosterior(torch.zeros(3, 2), torch.zeros(3, 1)), r"received \(3, 2\) and \(3, 1\)"),
        (lambda: AggregatedPosterior(torch.zeros(0, 2), torch.zeros(0, 2)), "at least 1, received"),
        (lambda: AggregatedPosterior(torch.full((2, 2), math.nan), torch.zeros(2, 2)), "finite.*did the training"),
        (lambda: AggregatedPosterior(*posteriors(3, 2)).log_prob(torch.zeros(4, 3)), r"\(S, 2\).*received \(4, 3\)"),
        (lambda: AggregatedPosterior(*posteriors(3, 2)).log_prob_per_dimension(torch.zeros(4, 1)), r"\(S, 2\)"),
        (lambda: AggregatedPosterior(*posteriors(3, 2)).sample(0), "count must be at least 1.*received 0"),
        (lambda: AggregatedPosterior(*posteriors(3, 2)).sample(1, temperature=-1.0), "received 1, -1"),
        (
            lambda: AggregatedPosterior(*posteriors(3, 2)).log_prob(torch.zeros(4, 2), leave_out=torch.zeros(3).long()),
            "each of the 4 codes, received 3",
        ),
        (
            lambda: AggregatedPosterior(*posteriors(1, 2)).log_prob(torch.zeros(1, 2), leave_out=torch.zeros(1).long()),
            "at least 2 components, received 1",
        ),
        (lambda: kl_parts(*posteriors(3, 2), samples=1), "samples must be at least 2, received 1"),
    ],
)
def test_senseless_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
