"""Measurements of what a model learned: can its latent space be sampled, is it smooth, which dimensions are used?

Samples and paths are compared in the features of a small classifier: two pictures can differ in every pixel and still
show the same digit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.data import Images, validate_images
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.models import VAE, Classifier
from vae_utils.objectives import cross_entropy
from vae_utils.signatures import checked
from vae_utils.training import fit

Generate = Callable[[Tensor], Tensor]


@checked
def train_classifier(images: Images, seed: int = 0, epochs: int = 8) -> Classifier:
    """Train the small classifier whose features the scorecard measures with.

    Args:
        images: a labelled data set.
        seed: of the weights and of the order of the images, at least 0.
        epochs: passes over the training images, at least 1.

    Returns:
        The classifier, in eval mode, on the CPU.

    Raises:
        TypeError, ValueError: not a data set, or a seed or a number of epochs out of range.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        classifier = Classifier(len(images.classes))
    fit(classifier, images, cross_entropy, epochs=epochs, learning_rate=4e-3, seed=seed, progress=False)
    return classifier.eval()


@checked
@torch.no_grad()
def features(classifier: Classifier, x: Float[Tensor, "N 1 28 28"]) -> Float[Tensor, "N 64"]:
    """The classifier's last hidden layer, in batches and without gradients.

    Args:
        classifier: from `train_classifier`; it stays on its device.
        x: images in [0, 1], (N, 1, 28, 28), N at least 1.

    Returns:
        Features on the CPU, (N, 64), without unit.

    Raises:
        TypeError: not a classifier.
        ValueError: no images, or pixels that are not finite or not in [0, 1].
    """
    if isinstance(classifier, type) or not hasattr(classifier, "features"):
        raise TypeError(f"classifier must come from train_classifier(images), received {_kind(classifier)}")
    validate_images(x, "x")
    device = next(classifier.parameters()).device
    return torch.cat([classifier.features(batch.to(device)).cpu() for batch in x.split(1000)])


@dataclass(frozen=True)
class DensityCoverage:
    """Fidelity (`density`, can exceed 1) and completeness (`coverage`, from 0 to 1) of generated samples."""

    density: float
    coverage: float


@checked
def density_and_coverage(real: Float[Tensor, "N F"], generated: Float[Tensor, "M F"], k: int = 5) -> DensityCoverage:
    """How real the generated samples are, and how much of the real ones they cover.

    Around every real point a ball is drawn that reaches its k-th nearest real neighbour. Density is the number of
    balls a generated point lies in, over k, averaged; coverage is the share of balls that hold a generated point.

    Args:
        real: features of real images, (N, F).
        generated: features of generated images, (M, F); values are comparable only at equal N and M.
        k: which neighbour sets the radius.

    Returns:
        Density and coverage, without unit. Two independent sets from one distribution give a density of 1 and a
        coverage of 1 - (N-1)...(N-k) / ((M+N-1)...(M+N-k)), which is 0.97 for k = 5 and N = M.

    Raises:
        ValueError: k is no whole number, below 1 or not below N, or a set is empty or not finite.

    Source: Naeem, Oh, Uh, Choi & Yoo (2020), arXiv:2002.09797, equations 3 and 4.
    """
    if not 1 <= k < len(real):
        most = f"{len(real) - 1}, one less than the number of real points"
        raise ValueError(f"k must be a whole number from 1 to {most}, received {k!r}")
    real, generated = real.detach(), generated.detach()
    for name, points in (("real", real), ("generated", generated)):
        if len(points) == 0:
            raise ValueError(f"{name} must hold at least one point, received none")
    from sklearn.neighbors import NearestNeighbors

    # The nearest neighbour of a real point in its own set is the point itself, hence k + 1.
    neighbours = NearestNeighbors(n_neighbors=k + 1).fit(real.double().numpy())
    radii = torch.from_numpy(neighbours.kneighbors(real.double().numpy())[0][:, -1])  # (N,)
    # Without the matrix product, whose rounding can push a point at distance exactly r out of its ball.
    distances = torch.cdist(real.double(), generated.double(), compute_mode="donot_use_mm_for_euclid_dist")  # (N, M)
    inside = distances <= radii[:, None]
    return DensityCoverage(
        density=inside.sum().item() / (k * len(generated)), coverage=inside.any(1).double().mean().item()
    )


@dataclass(frozen=True)
class PathSmoothness:
    """Largest step over mean step along paths: 1 is perfectly even. Median and 95th percentile over the paths."""

    median: float
    p95: float
    ratios: Tensor = field(repr=False, compare=False)


@checked
@torch.no_grad()
def path_smoothness(
    generate: Generate,
    features_of: Callable[[Tensor], Tensor],
    start: Float[Tensor, "P K"],
    end: Float[Tensor, "P K"],
    steps: int = 32,
) -> PathSmoothness:
    """How evenly the picture changes along straight lines between codes.

    Args:
        generate: codes (N, K) -> images (N, 1, 28, 28).
        features_of: images (N, 1, 28, 28) -> features (N, F), in whose Euclidean distance steps are measured.
        start, end: the two ends of each path, (P, K).
        steps: equal steps a path is cut into.

    Returns:
        The ratio of the largest to the mean step: median, 95th percentile, and the value of each path (P,). It lies
        between 1 (all steps are alike) and `steps` (all of the change happens in one jump).

    Raises:
        ValueError: fewer than 2 steps, or a path along which the picture does not change at all.
    """
    if steps < 2:
        raise ValueError(f"steps must be at least 2, received {steps}")
    along = torch.linspace(0, 1, steps + 1).reshape(-1, 1, 1)
    points = torch.lerp(start, end, along)  # (steps + 1, P, K)
    found = features_of(generate(points.flatten(0, 1))).unflatten(0, points.shape[:2])  # (steps + 1, P, F)
    sizes = found.diff(dim=0).norm(dim=-1)  # (steps, P)
    if not (sizes.sum(0) > 0).all():
        raise ValueError("a path along which the features do not change has no smoothness; choose two different codes")
    ratios = sizes.amax(0) / sizes.mean(0)
    return PathSmoothness(ratios.median().item(), ratios.quantile(0.95).item(), ratios)


@checked
def local_stretch(generate: Generate, z: Float[Tensor, "N K"]) -> Float[Tensor, " N"]:
    """How far the picture moves for a small step in the latent space: the Frobenius norm of the decoder's Jacobian.

    Args:
        generate: codes (N, K) -> images (N, ...).
        z: where to measure, (N, K).

    Returns:
        Change of the pixels (Euclidean) per unit of z, root of the sum over latent directions, (N,).
    """
    squares = torch.zeros(len(z))
    for direction in torch.eye(z.shape[1]):
        tangent = direction.expand_as(z).contiguous()
        # Rows do not mix, so one product with the Jacobian of the whole batch gives each row's own column.
        _, change = torch.autograd.functional.jvp(generate, z, tangent)
        squares += change.flatten(1).square().sum(1)
    return squares.sqrt()


@checked
@torch.no_grad()
def kl_per_dimension(model: VAE, x: Float[Tensor, "N 1 28 28"]) -> Float[Tensor, " K"]:
    """Mean KL of q(z|x) to the prior in each latent dimension: which latents carry information.

    Args:
        model: a VAE.
        x: images in [0, 1], (N, 1, 28, 28), N at least 1.

    Returns:
        Nats per image and dimension, (K,).

    Raises:
        TypeError: a model whose encoder gives no distribution.
        ValueError: no images, or pixels that are not finite or not in [0, 1].
    """
    validate_images(x, "x")
    found = model.encode(x.to(next(model.parameters()).device)) if isinstance(model, nn.Module) else None
    if not isinstance(found, tuple):
        raise TypeError(f"model must be a VAE, whose encoder gives a mean and a log variance, received {_kind(model)}")
    mu, logvar = found
    return kl_to_standard_normal(mu, logvar).mean(0).cpu()


@checked
def active_units(mu: Float[Tensor, "N K"], threshold: float = 0.01) -> int:
    """Number of latent dimensions whose posterior mean varies over the data.

    Args:
        mu: posterior means of many images, (N, K), N at least 2.
        threshold: smallest variance that counts.

    Returns:
        How many of the K dimensions have a variance of mu above the threshold.

    Raises:
        ValueError: fewer than 2 images, or values that are not finite.

    Source: Burda, Grosse & Salakhutdinov (2016), arXiv:1509.00519, section 5.2 (threshold 0.01).
    """
    if len(mu) < 2:
        raise ValueError(f"mu must hold at least 2 images, received {len(mu)}")
    return int((mu.var(0) > threshold).sum())


def _kind(value: object) -> str:
    """How messages name what was received instead of a model."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
