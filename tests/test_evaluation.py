"""The measurements, against cases whose answer is known in closed form or by brute force."""

import math

import pytest
import torch

from vae_utils.data import Images
from vae_utils.evaluation import (
    active_units,
    density_and_coverage,
    features,
    kl_per_dimension,
    local_stretch,
    path_smoothness,
    train_classifier,
)
from vae_utils.models import VAE, Autoencoder, Classifier
from vae_utils.scorecard import Scorecard


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- density and coverage --------------------------------------------------------------------------------------------


def brute_force(real: torch.Tensor, generated: torch.Tensor, k: int) -> tuple[float, float]:
    """Naeem et al. (2020), equations 3 and 4, with loops."""
    balls = []
    for i, point in enumerate(real):
        others = sorted(math.dist(point, other) for j, other in enumerate(real) if j != i)
        balls.append((point, others[k - 1]))
    inside = [[math.dist(point, fake) <= radius for fake in generated] for point, radius in balls]
    return sum(map(sum, inside)) / (k * len(generated)), sum(map(any, inside)) / len(real)


@pytest.mark.parametrize(("k", "shift"), [(1, 0.0), (3, 0.5), (5, 1.5)])
def test_density_and_coverage_equal_the_definition(k, shift):
    real, generated = normal(30, 3), normal(40, 3, seed=1) + shift
    found = density_and_coverage(real, generated, k)
    density, coverage = brute_force(real.double(), generated.double(), k)
    assert found.density == pytest.approx(density)
    assert found.coverage == pytest.approx(coverage)


def test_two_sets_of_one_distribution_reach_the_theoretical_values():
    found = density_and_coverage(normal(1500, 8), normal(1500, 8, seed=1), 5)
    n, k = 1500, 5
    expected = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    assert found.coverage == pytest.approx(expected, abs=0.02)  # spread of the estimate about 0.005
    assert found.density == pytest.approx(1, abs=0.05)


def test_one_real_point_repeated_is_dense_and_covers_almost_nothing():
    real = normal(200, 4)
    found = density_and_coverage(real, real[:1].repeat(200, 1), 5)
    assert found.coverage < 0.1 and found.density > 0.5


def test_far_away_points_score_zero():
    found = density_and_coverage(normal(50, 4), normal(50, 4) + 100, 5)
    assert (found.density, found.coverage) == (0, 0)


def test_points_on_the_edge_of_a_ball_count():
    real = torch.tensor([[0.0], [1.0], [3.0]])
    assert density_and_coverage(real, torch.tensor([[-1.0]]), 1).coverage == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("real", "generated", "k", "message"),
    [
        (normal(5, 2), normal(5, 2), 5, "k must be a whole number from 1 to 4"),
        (normal(5, 2), normal(5, 2), 0, "received 0"),
        (normal(5, 2), normal(5, 2), 2.5, "k must be a whole number, received 2.5"),
        (normal(5, 2), normal(0, 2), 1, "generated must hold at least one point"),
        (normal(5, 2), normal(5, 2) / 0, 1, "generated must be finite"),
    ],
)
def test_density_and_coverage_refuse(as_a_learner, real, generated, k, message):
    with pytest.raises(ValueError, match=message):
        density_and_coverage(real, generated, k)


# ---- continuity ------------------------------------------------------------------------------------------------------


def as_images(z: torch.Tensor) -> torch.Tensor:
    return z.reshape(-1, 1, 1, z.shape[1])


def test_a_straight_decoder_is_perfectly_smooth():
    found = path_smoothness(as_images, lambda x: x.flatten(1), normal(6, 3), normal(6, 3, seed=1), steps=10)
    torch.testing.assert_close(found.ratios, torch.ones(6))
    assert found.median == pytest.approx(1, abs=1e-4) and found.p95 == pytest.approx(1, abs=1e-4)


def test_one_jump_gives_the_number_of_steps():
    def jump(z):
        return (z > 0.55).float().reshape(-1, 1, 1, 1)

    found = path_smoothness(jump, lambda x: x.flatten(1), torch.zeros(3, 1), torch.ones(3, 1), steps=10)
    torch.testing.assert_close(found.ratios, torch.full((3,), 10.0))


def test_uneven_steps_give_the_ratio_computed_by_hand():
    found = path_smoothness(
        lambda z: as_images(z**2), lambda x: x.flatten(1), torch.zeros(1, 1), torch.ones(1, 1), steps=4
    )
    assert found.median == pytest.approx((1 - 0.75**2) / 0.25)


def test_path_smoothness_refuses_paths_that_go_nowhere_and_single_steps():
    with pytest.raises(ValueError, match="do not change"):
        path_smoothness(as_images, lambda x: x.flatten(1), torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="received 1"):
        path_smoothness(as_images, lambda x: x.flatten(1), torch.zeros(2, 3), torch.ones(2, 3), steps=1)


def test_local_stretch_is_the_norm_of_the_jacobian():
    model = VAE(3, hidden=16).double()
    z = normal(5, 3).double()
    expected = [torch.autograd.functional.jacobian(lambda code: model.generate(code[None]), row).norm() for row in z]
    torch.testing.assert_close(local_stretch(model.generate, z).double(), torch.stack(expected), rtol=1e-5, atol=0)


def test_local_stretch_of_a_linear_decoder():
    found = local_stretch(lambda z: (2 * z).reshape(-1, 1, 1, 3), normal(4, 3))
    torch.testing.assert_close(found, torch.full((4,), 2 * math.sqrt(3)))


# ---- latent dimensions -----------------------------------------------------------------------------------------------


def test_kl_per_dimension_averages_over_images():
    model, x = VAE(4, hidden=16), torch.rand(9, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    mu, logvar = model.encode(x)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).mean(0)
    torch.testing.assert_close(kl_per_dimension(model, x), expected.detach(), rtol=1e-4, atol=1e-6)


def test_active_units_counts_means_that_vary_by_more_than_the_threshold():
    mu = normal(4000, 5) * torch.tensor([1.0, 0.2, 0.05, 0.0, 0.0]) + torch.tensor([0.0, 0.0, 0.0, 0.0, 7.0])
    assert active_units(mu) == 2
    assert active_units(mu, threshold=0.001) == 3
    with pytest.raises(ValueError, match="received 1"):
        active_units(mu[:1])
    mu[3, 1] = math.nan
    with pytest.raises(ValueError, match="mu must be finite"):
        active_units(mu)


@pytest.mark.parametrize(
    ("wrong", "received"), [(None, "NoneType"), (Autoencoder(2, hidden=8), "Autoencoder"), (VAE, "the class VAE")]
)
def test_other_models_are_refused_by_name(as_a_learner, wrong, received):
    x = torch.rand(3, 1, 28, 28)
    with pytest.raises(TypeError, match=f"model must be a VAE, .* received {received}"):
        kl_per_dimension(wrong, x)
    with pytest.raises(TypeError, match=rf"classifier must come from train_classifier\(images\), received {received}"):
        features(wrong, x)
    with pytest.raises(TypeError, match=f"classifier must .* received {received}"):
        Scorecard(wrong, x)


# ---- the classifier --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stripes() -> Images:
    """Two classes that a classifier can learn at once: ink on the left or on the right."""
    labels = torch.arange(400) % 2
    x = 0.1 * torch.rand(400, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x[labels == 0, :, :, 4:8] += 0.8
    x[labels == 1, :, :, 20:24] += 0.8
    return Images("stripes", x[:300], labels[:300], x[300:], labels[300:], ("left", "right"))


def test_train_classifier_learns_repeats_and_leaves_the_random_state_alone(stripes):
    before = torch.get_rng_state()
    first = train_classifier(stripes, epochs=2)
    assert torch.equal(torch.get_rng_state(), before)
    accuracy = (first(stripes.test).argmax(1) == stripes.test_labels).float().mean()
    assert accuracy > 0.95 and not first.training
    torch.manual_seed(123)
    second = train_classifier(stripes, epochs=2)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_features_come_in_the_order_of_the_images():
    classifier, x = Classifier(3), torch.rand(2300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = features(classifier, x)
    assert found.shape == (2300, 64) and not found.requires_grad
    torch.testing.assert_close(found[2100:2105], classifier.features(x[2100:2105]).detach())
