"""LinearGaussian: the one decoder of images whose log p(x), posterior and gap are known exactly.

p(z) = N(0, I) and p(x|z) = N(Wz + b, s² I), so p(x) = N(b, WWᵀ + s² I). Lesson 03 throws darts at the same model,
written out there; lesson 09 tests on this one every estimate of log p(x) that is later used where nothing is known.
Everything is in double precision.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from vae_utils.data import validate_images
from vae_utils.distributions import gaussian_log_likelihood
from vae_utils.likelihoods import Likelihood
from vae_utils.signatures import checked

Images = Float[Tensor, "B 1 28 28"]
Codes = Float[Tensor, "B K"]


class NoisyPixels(Likelihood):
    """Real-valued pixels: the decoder's output plus Gaussian noise of one variance.

    Args:
        variance: s², above 0.

    Raises:
        ValueError: it is not a positive number.
    """

    @checked
    def __init__(self, variance: float) -> None:
        super().__init__()
        if variance <= 0:
            raise ValueError(f"the noise_variance must be a positive number, received {variance}")
        self.variance = variance

    def log_prob(self, outputs: Images, x: Images) -> Float[Tensor, " B"]:
        return gaussian_log_likelihood(outputs, torch.tensor(math.log(self.variance), dtype=outputs.dtype), x)

    def mean(self, outputs: Images) -> Images:
        return outputs

    def sample(self, outputs: Images, generator: Generator | None = None) -> Images:
        return outputs + self.variance**0.5 * torch.randn(outputs.shape, generator=generator, dtype=outputs.dtype)


class LinearGaussian(nn.Module):
    """A linear decoder with Gaussian noise, and its exact answers.

    It has the `encode`, `decode` and `likelihood` of a VAE, so that whatever measures a VAE measures it. Its encoder is
    the best that a mean-field Gaussian can do: the posterior's mean, and the variances with the highest ELBO. That is
    the exact posterior if WᵀW is diagonal, and not otherwise.

    Args:
        weight: W, (784, K).
        offset: b, the mean of x, (784,).
        noise_variance: s², above 0.

    Attributes:
        precision: of the posterior, the inverse of its covariance, (K, K): the same for every x.

    Raises:
        ValueError: a noise that is not positive, or sizes that do not fit.
    """

    @checked
    def __init__(self, weight: Float[Tensor, "D K"], offset: Float[Tensor, " D"], noise_variance: float) -> None:
        super().__init__()
        if weight.ndim != 2 or offset.shape != weight.shape[:1] or len(offset) != 28 * 28:
            received = f"{tuple(weight.shape)} and {tuple(offset.shape)}"
            raise ValueError(f"weight must be (784, K) and offset (784,), received {received}")
        self.latent_dim, self.noise_variance = weight.shape[1], noise_variance
        self.likelihood = NoisyPixels(noise_variance)
        # Parameters, so that the model has a device and a precision like any other; nothing trains them.
        self.weight = nn.Parameter(weight.double(), requires_grad=False)
        self.offset = nn.Parameter(offset.double(), requires_grad=False)
        identity = torch.eye(self.latent_dim, dtype=torch.float64)
        self.precision = identity + self.weight.T @ self.weight / noise_variance

    @classmethod
    @checked
    def fit(cls, x: Images, latent_dim: int) -> "LinearGaussian":
        """The maximum-likelihood model of some images, in closed form: probabilistic PCA. Its WᵀW is diagonal.

        Args:
            x: images in [0, 1], (N, 1, 28, 28).
            latent_dim: K, from 1 to 783.

        Returns:
            The model, in double precision.

        Raises:
            ValueError: `latent_dim` is out of range, pixels leave [0, 1], or the images leave nothing for the noise.

        Source: Tipping & Bishop (1999), Probabilistic principal component analysis, equations 7 and 8.
        """
        validate_images(x, "x")
        if len(x) <= latent_dim:
            raise ValueError(f"x must hold more than latent_dim = {latent_dim} images, received {len(x)}")
        flat = x.flatten(1).double()
        if not 1 <= latent_dim < flat.shape[1]:
            raise ValueError(f"latent_dim must be from 1 to 783, received {latent_dim}")
        variances, directions = torch.linalg.eigh(torch.cov(flat.T))  # rising
        noise = variances[:-latent_dim].mean()
        if noise <= 1e-12 * variances[-1]:
            raise ValueError(
                f"x must hold more than latent_dim + 1 images, not all alike: these {len(x)} lie in {latent_dim} "
                "dimensions, which leaves nothing for the noise"
            )
        kept, axes = variances[-latent_dim:].flip(0), directions[:, -latent_dim:].flip(1)
        return cls(axes * (kept - noise).sqrt(), flat.mean(0), noise.item())

    @checked
    def turned(self, rotation: Float[Tensor, "K K"]) -> "LinearGaussian":
        """The same p(x) with other latent axes: z is replaced by a rotated z, which the prior does not notice.

        Args:
            rotation: an orthogonal matrix, (K, K).

        Raises:
            ValueError: not orthogonal.
        """
        rotation = rotation.double()
        identity = torch.eye(self.latent_dim, dtype=torch.float64)
        if rotation.shape != identity.shape or not torch.allclose(rotation.T @ rotation, identity, atol=1e-6):
            raise ValueError(f"rotation must be an orthogonal matrix of {self.latent_dim} rows and columns")
        return LinearGaussian(self.weight @ rotation, self.offset, self.noise_variance)

    @checked(finite=False)
    def decode(self, z: Codes) -> Images:
        """Codes (B, K) to the means of p(x|z), (B, 1, 28, 28): pixels, not logits."""
        return (z.double() @ self.weight.T + self.offset).view(-1, 1, 28, 28)

    @checked
    def encode(self, x: Images) -> tuple[Codes, Codes]:
        """The mean and the log variance of the mean-field q(z|x) with the highest ELBO, (B, K) each.

        Source: Bishop (2006), Pattern recognition and machine learning, section 10.1.2: the variances are the
            reciprocals of the diagonal of the precision.
        """
        mu = self.posterior_mean(x)
        return mu, -self.precision.diagonal().log().expand_as(mu)

    @checked
    def posterior_mean(self, x: Images) -> Codes:
        """The mean of p(z|x), (B, K). Its covariance is the inverse of `precision`, for every x."""
        projected = (x.flatten(1).double() - self.offset) @ self.weight / self.noise_variance  # (B, K)
        return torch.linalg.solve(self.precision, projected.T).T

    @checked
    def log_marginal(self, x: Images) -> Float[Tensor, " B"]:
        """log p(x) = log N(x; b, WWᵀ + s² I), exactly, in nats, (B,)."""
        difference = x.flatten(1).double() - self.offset  # (B, D)
        # Woodbury: nothing of size D x D is inverted.
        inner = self.weight.T @ difference.T / self.noise_variance  # (K, B)
        explained = (inner * torch.linalg.solve(self.precision, inner)).sum(0)  # (B,)
        distance = difference.square().sum(1) / self.noise_variance - explained
        pixels = self.weight.shape[0]
        volume = pixels * math.log(2 * math.pi * self.noise_variance) + torch.logdet(self.precision)
        return -0.5 * (distance + volume)

    def gap(self) -> float:
        """log p(x) - ELBO of the encoder, exactly, in nats: the same for every x, and 0 if WᵀW is diagonal."""
        return 0.5 * (self.precision.diagonal().log().sum() - torch.logdet(self.precision)).item()
