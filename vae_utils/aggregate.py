"""The aggregated posterior q(z), the average of q(z|x) over images, and what its distance to the prior is made of.

For N images it is a mixture of N Gaussians, and all densities here are those of the whole mixture: no mini-batch
estimate, which would be biased. What remains is the noise of the draws, and the step from these N images to all images.
"""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from vae_utils.distributions import LOG_2PI, standard_normal_log_density
from vae_utils.signatures import checked

LARGEST, LARGEST_LOGVAR = 1e15, 85.0  # float32 holds the squares of smaller means, and exp(logvar) and its inverse
AT_A_TIME = 2**20  # numbers held at once, for each intermediate result


class AggregatedPosterior:
    """The mixture q(z) = mean over n of q(z|x_n), with diagonal Gaussians of equal weight.

    Args:
        mu: means of the N posteriors, (N, K).
        logvar: their log variances, (N, K).

    Raises:
        ValueError: other shapes, no posterior at all, or values that are not finite, or too large for densities.
    """

    @checked
    def __init__(self, mu: Float[Tensor, "..."], logvar: Float[Tensor, "..."]) -> None:
        if mu.ndim != 2 or mu.shape != logvar.shape or mu.numel() == 0:
            raise ValueError(
                f"mu and logvar must both be (N, K) with N and K at least 1, received {tuple(mu.shape)} and "
                f"{tuple(logvar.shape)}; take them from model.encode(images)"
            )
        if not (mu.abs() < LARGEST).all() or not (logvar.abs() < LARGEST_LOGVAR).all():
            sizes = f"{mu.abs().max():g} and {logvar.abs().max():g}"
            raise ValueError(f"mu and logvar are so large, up to {sizes}, that densities overflow: take smaller ones")
        self.mu, self.logvar = mu.detach(), logvar.detach()

    def __len__(self) -> int:
        return len(self.mu)

    @checked
    def sample(
        self, count: int, generator: Generator | None = None, temperature: float = 1.0
    ) -> tuple[Float[Tensor, "S K"], Int[Tensor, " S"]]:
        """Draw codes: an image, then a code of it.

        Args:
            count: how many; the images are drawn without repetition as long as there are enough.
            generator: source of the draws, on the CPU; the global one if None.
            temperature: factor on the standard deviations; 1 draws from q(z), 0 gives means.

        Returns:
            Codes (count, K), and the index n of the image that each comes from, (count,).

        Raises:
            ValueError: a count below 1 or a negative temperature.
        """
        if count < 1 or not temperature >= 0:
            raise ValueError(f"count must be at least 1 and temperature at least 0, received {count}, {temperature}")
        rounds = -(-count // len(self))
        index = torch.cat([torch.randperm(len(self), generator=generator) for _ in range(rounds)])[:count]
        epsilon = torch.randn(count, self.mu.shape[1], generator=generator, dtype=self.mu.dtype)
        return self.mu[index] + temperature * (0.5 * self.logvar[index]).exp() * epsilon, index

    @checked
    def log_prob(self, z: Float[Tensor, "S K"], leave_out: Int[Tensor, " L"] | None = None) -> Float[Tensor, " S"]:
        """log q(z) of the whole mixture.

        Args:
            z: codes, (S, K).
            leave_out: for each code the index of a component to be left out of the mean, (S,): with the one that
                the code was drawn from, the code is scored by the other N - 1 images.

        Returns:
            Nats per code, (S,).

        Raises:
            ValueError: another K, as many indices as codes are not given, or nothing would be left.
        """
        if leave_out is not None and (len(leave_out) != len(z) or len(self) < 2):
            raise ValueError(
                f"leave_out needs one index for each of the {len(z)} codes, received {len(leave_out)} "
                f"for z {tuple(z.shape)}, and at least 2 components, received {len(self)}"
            )
        if leave_out is not None:
            self._check_index("leave_out", leave_out)
        z = self._checked(z).double()
        mu, precision = self.mu.double(), (-self.logvar.double()).exp()
        constant = (-0.5 * (LOG_2PI + self.logvar.double() + mu.square() * precision)).sum(1)  # (N,)
        # Filled in place: results kept from each part would keep malloc from using its large blocks again.
        found = z.new_empty(len(z))
        rows = max(1, AT_A_TIME // len(self))
        for start in range(0, len(z), rows):
            piece = z[start : start + rows]
            # The square multiplied out, so that two matrix products do the work; in float64 nothing is lost by it.
            terms = constant + piece @ (mu * precision).T - 0.5 * piece.square() @ precision.T  # (rows, N)
            if leave_out is not None:
                terms.scatter_(1, leave_out[start : start + rows, None], -math.inf)
            found[start : start + rows] = terms.logsumexp(1) - math.log(len(self) - (leave_out is not None))
        return found.to(self.mu.dtype)

    @checked
    def log_prob_per_dimension(self, z: Float[Tensor, "S K"]) -> Float[Tensor, "S K"]:
        """log q(z_k) of each dimension on its own, a mixture of N one-dimensional Gaussians: nats, (S, K)."""
        z = self._checked(z)
        # Dimensions first: the sums over components then run along the memory.
        mu, halves = self.mu.T[:, None].contiguous(), 0.5 * (-self.logvar).exp().T[:, None].contiguous()  # (K, 1, N)
        constant = -0.5 * (LOG_2PI + self.logvar).T[:, None].contiguous()
        found = torch.empty_like(z)  # filled in place, as above
        rows = max(1, AT_A_TIME // self.mu.numel())
        for start in range(0, len(z), rows):
            squares = (z[start : start + rows].T[:, :, None] - mu).square_()  # (K, rows, N)
            found[start : start + rows] = (constant - squares.mul_(halves)).logsumexp(2).T
        return found - math.log(len(self))

    @checked
    def log_prob_of_sources(self, z: Float[Tensor, "S K"], index: Int[Tensor, " S"]) -> Float[Tensor, " S"]:
        """log q(z|x_n) of each code under one posterior of the mixture, that with the given index: nats, (S,)."""
        if len(index) != len(self._checked(z)):
            raise ValueError(f"index must hold one number for each of the {len(z)} codes, received {len(index)}")
        self._check_index("index", index)
        mu, logvar = self.mu[index.long()], self.logvar[index.long()]
        return -0.5 * (LOG_2PI + logvar + (z - mu).square() * (-logvar).exp()).sum(1)

    def _check_index(self, name: str, index: Tensor) -> None:
        if len(index) and not (0 <= index.min() and index.max() < len(self)):
            found = f"{index.min().item()} to {index.max().item()}"
            raise ValueError(f"{name} must hold numbers from 0 to {len(self) - 1}, received {found}")

    def _checked(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.mu.shape[1]:
            raise ValueError(f"z must be (S, {self.mu.shape[1]}), as the posteriors are, received {tuple(z.shape)}")
        return z


@dataclass(frozen=True)
class KLParts:
    """What the average KL term is spent on, in nats per image, each estimated with the same draws.

    Attributes:
        mutual_information: of code and index of the image, at most log N: what a code says about which image it is.
        total_correlation: KL from q(z) to the product of its dimensions: what the dimensions share.
        dimension_wise: sum over dimensions of KL(q(z_k) || p(z_k)): how far each alone is from the prior.
        errors: standard error of each of these and of "marginal_kl".
        per_dimension: the last one for each dimension, (K,).
    """

    mutual_information: float
    total_correlation: float
    dimension_wise: float
    errors: dict[str, float]
    per_dimension: Tensor = field(repr=False, compare=False)

    @property
    def marginal_kl(self) -> float:
        """KL(q(z) || p(z)) in nats: total correlation and dimension-wise KL together."""
        return self.total_correlation + self.dimension_wise

    @property
    def kl(self) -> float:
        """The KL term of the ELBO, averaged over the images, in nats per image: all three parts together."""
        return self.mutual_information + self.marginal_kl


@checked
def kl_parts(
    mu: Float[Tensor, "..."], logvar: Float[Tensor, "..."], samples: int = 1000, generator: Generator | None = None
) -> KLParts:
    """Split the average KL term to N(0, I) into index-code information, total correlation and dimension-wise KL.

    The three are exact expectations under the mixture of the N given posteriors, estimated with `samples` draws. They
    are no estimates for all images there might be: for those the information is larger, the marginal KL smaller.

    Args:
        mu, logvar: posteriors of N images, (N, K), from model.encode(images).
        samples: draws, one an image as long as there are enough.
        generator: source of the draws, on the CPU; the global one if None.

    Returns:
        The parts with their standard errors, in nats per image.

    Raises:
        ValueError: as `AggregatedPosterior`, or fewer than 2 samples.

    Source: Hoffman & Johnson (2016), ELBO surgery, section 2; Chen et al. (2018), arXiv:1802.04942, equation 2.
    """
    if samples < 2:
        raise ValueError(f"samples must be at least 2, received {samples}")
    q = AggregatedPosterior(mu, logvar)
    z, index = q.sample(samples, generator)
    joint, single = q.log_prob(z).double(), q.log_prob_per_dimension(z).double()
    sources = q.log_prob_of_sources(z, index).double()
    per_dimension = single + 0.5 * (LOG_2PI + z.square().double())  # (S, K)
    terms = {
        "mutual_information": sources - joint,
        "total_correlation": joint - single.sum(1),
        "dimension_wise": per_dimension.sum(1),
        "marginal_kl": joint - standard_normal_log_density(z).double(),
    }
    errors = {name: (values.std() / samples**0.5).item() for name, values in terms.items()}
    means = {name: values.mean().item() for name, values in terms.items() if name != "marginal_kl"}
    return KLParts(**means, errors=errors, per_dimension=per_dimension.mean(0))
