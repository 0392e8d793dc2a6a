"""Do single latent dimensions stand for single factors? The mutual information gap, for data whose factors are known.

Nothing here is learned or sampled: q(z|x) is Gaussian, so its mass in each cell of a fine grid is known exactly, and
the mutual information is that of a table.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae_utils.signatures import checked

REACH = 4.0  # standard deviations of q(z|x) that the grid covers beyond the outermost mean


@dataclass(frozen=True)
class MutualInformationGap:
    """How much better the best latent dimension knows a factor than the second best, as a share of its entropy.

    Attributes:
        gap: mean over the factors, from 0 to 1.
        gaps: one gap a factor, (F,).
        shares: mutual information of each latent with each factor, as a share of the factor's entropy, (K, F).
    """

    gap: float
    gaps: Tensor = field(repr=False, compare=False)
    shares: Tensor = field(repr=False, compare=False)


@checked
def mutual_information_gap(
    mu: Float[Tensor, "N K"], logvar: Float[Tensor, "N K"], factors: Int[Tensor, "N F"], cells: int = 100
) -> MutualInformationGap:
    """The mutual information gap (MIG) of an encoder on images whose factors are known.

    Args:
        mu, logvar: parameters of q(z|x) of each image, (N, K), K at least 2.
        factors: the number of the value that each factor has in each image, (N, F), from 0.
        cells: of the grid over each latent dimension.

    Returns:
        The gap, the gap of each factor, and all shares of information, without unit. A factor that no latent knows, or
        that two know equally well, has a gap of 0; one latent that knows two factors is not held against it. With few
        images for the values of a factor, all information comes out too high, as from any table of few counts.

    Raises:
        ValueError: fewer than 2 latents or cells, counts that differ, or a factor that is the same in all images.

    Source: Chen, Li, Grosse & Duvenaud (2018), arXiv:1802.04942, equation 6; the grid takes the place of the sampling
        in its appendix, and can only lose information.
    """
    information, entropies = latent_information(mu, logvar, factors, cells)
    if mu.shape[1] < 2:
        raise ValueError(f"a gap needs at least 2 latent dimensions, received {mu.shape[1]}")
    shares = information / entropies  # (K, F)
    best, second = shares.topk(2, dim=0).values
    gaps = best - second
    return MutualInformationGap(gaps.mean().item(), gaps, shares)


@checked
@torch.no_grad()
def latent_information(
    mu: Float[Tensor, "N K"], logvar: Float[Tensor, "N K"], factors: Int[Tensor, "N F"], cells: int = 100
) -> tuple[Float[Tensor, "K F"], Float[Tensor, " F"]]:
    """Mutual information of every latent dimension with every factor, and the entropies of the factors.

    Args:
        mu, logvar, factors, cells: as for `mutual_information_gap`.

    Returns:
        Mutual information I(z_j; v_k) in nats, (K, F), and entropies H(v_k) in nats, (F,).

    Raises:
        ValueError: as for `mutual_information_gap`.
    """
    if not (mu.shape == logvar.shape and len(mu) == len(factors) and len(mu) > 0):
        shapes = f"mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)}, factors {tuple(factors.shape)}"
        raise ValueError(f"mu, logvar and factors must be of the same images, received {shapes}")
    if cells < 2:
        raise ValueError(f"cells must be at least 2, received {cells}")
    if not (logvar.abs() < 1000).all() or not (mu.abs() < 1e30).all():
        raise ValueError(
            f"mu and logvar are so large, up to {mu.abs().max():g} and {logvar.abs().max():g}, that σ overflows: "
            "did the training diverge?"
        )
    mu, logvar, factors = mu.double().cpu(), logvar.double().cpu(), factors.cpu()
    numbered = []
    for index, column in enumerate(factors.T):
        values, number = column.unique(return_inverse=True)
        if len(values) < 2:
            raise ValueError(
                f"factors: factor {index} has the same value in all images, so there is nothing to know of it"
            )
        numbered.append((len(values), number))
    entropies = torch.stack([_entropy(number.bincount() / len(number), 0) for _, number in numbered])  # (F,)
    information = torch.zeros(mu.shape[1], len(numbered), dtype=mu.dtype)
    for j in range(mu.shape[1]):  # one after another: the cells of all at once would be some hundred MB
        mass = _mass_in_cells(mu[:, j], logvar[:, j], cells)  # (N, cells)
        for k, (count, number) in enumerate(numbered):
            joint = mass.new_zeros(count, cells).index_add(0, number, mass) / len(mass)  # (V, cells)  p(v, z in cell)
            # I(z; v) = H(z) + H(v) - H(z, v)
            information[j, k] = _entropy(joint.sum(0), 0) + entropies[k] - _entropy(joint.flatten(), 0)
    return information.clamp(min=0).float(), entropies.float()


def _mass_in_cells(mu: Tensor, logvar: Tensor, cells: int) -> Tensor:
    """Probability of each cell under each q(z|x) of one latent, (N, cells); the outermost take what lies beyond."""
    sigma = (0.5 * logvar).exp()  # (N,)
    low, high = (mu - REACH * sigma).min(), (mu + REACH * sigma).max()
    edges = low + (high - low) * torch.linspace(0, 1, cells + 1, dtype=mu.dtype)[1:-1]  # (cells - 1,)
    below = torch.special.ndtr((edges - mu[:, None]) / sigma[:, None])  # (N, cells - 1)
    zero, one = torch.zeros_like(below[:, :1]), torch.ones_like(below[:, :1])
    return torch.cat([zero, below, one], 1).diff(dim=1)


def _entropy(probabilities: Tensor, dim: int) -> Tensor:
    return -torch.xlogy(probabilities, probabilities).sum(dim)
