"""What p(x|z) is: what the numbers that leave a decoder say about pixels. One small module for each choice.

A likelihood is made once and handed to the model, `VAE(16, likelihood=Gaussian(0.2))`: the decoder then gets as many
output channels as it needs, `negative_elbo` scores with it, and what it learns itself is trained with the model.
Channel 0 says where the pixel should be, as a logit or, for the logistic, in pixel units; channel 1 is a width.

| likelihood            | channels | log_prob is the logarithm of                                  |
|-----------------------|----------|---------------------------------------------------------------|
| `Bernoulli`           | 1        | a probability for pixels 0 and 1; no density for grey pixels  |
| `ContinuousBernoulli` | 1        | a density on [0, 1]                                           |
| `Gaussian`            | 1        | a density on the real line, one σ for all pixels              |
| `PixelGaussian`       | 2        | a density on the real line, a σ for each pixel                |
| `DiscretizedLogistic` | 2        | a probability of the levels 0, 1/255, ..., 1                  |
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from vae_utils.distributions import bernoulli_log_likelihood, gaussian_log_likelihood
from vae_utils.grey_pixels import (
    LEVELS,
    LOG_SCALES,
    continuous_bernoulli_log_likelihood,
    continuous_bernoulli_mean,
    discretized_logistic_log_likelihood,
)
from vae_utils.signatures import checked, received

Outputs = Float[Tensor, "B C H W"]
Pixels = Float[Tensor, "B 1 H W"]


class Likelihood(nn.Module):
    """What the outputs of a decoder say about pixels.

    Attributes:
        channels: how many numbers the decoder gives for each pixel.
        levels: what `bits_per_dimension` must know: 256 if `log_prob` is a log-density, 1 if a log-probability.
    """

    channels = 1
    levels = LEVELS

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        """log p(x|z), from a decoder's outputs (B, C, H, W) and images x in [0, 1], (B, 1, H, W).

        Returns: nats per image, (B,). Raises: ValueError, where shapes differ or x leaves the range of the likelihood.
        """
        raise NotImplementedError(f"{type(self).__name__} must define log_prob(self, outputs, x)")

    @checked(finite=False)
    def mean(self, outputs: Outputs) -> Pixels:
        """The mean image of p(x|z), (B, 1, H, W)."""
        return outputs[:, :1].sigmoid()

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        """Images drawn from p(x|z), pixel by pixel; those of a Gaussian may leave [0, 1].

        Args:
            outputs: of a decoder, (B, C, H, W).
            generator: source of the draws, on the device of the outputs; the global one if None.

        Returns: pixels, (B, 1, H, W).
        """
        raise NotImplementedError(f"{type(self).__name__} must define sample(self, outputs)")


class Bernoulli(Likelihood):
    """A coin for each pixel. For grey pixels its `log_prob` is minus the cross-entropy, a loss and no log-density."""

    levels = 1

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        return bernoulli_log_likelihood(outputs, x)

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        return (_uniform(outputs, generator) < self.mean(outputs)).to(outputs.dtype)


class ContinuousBernoulli(Likelihood):
    """The cross-entropy, made a density on [0, 1] by dividing by its integral."""

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        return continuous_bernoulli_log_likelihood(outputs, x)

    @checked(finite=False)
    def mean(self, outputs: Outputs) -> Pixels:
        return continuous_bernoulli_mean(outputs)

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        u, size = _uniform(outputs, generator), outputs.abs().clamp(min=1e-4)  # below that it is uniform to the eye
        x = -torch.log1p(u * torch.expm1(-size)) / size  # inverse of the distribution function for -|l|
        return torch.where(outputs > 0, 1 - x, x)


class Gaussian(Likelihood):
    """A Gaussian for each pixel, with one σ for all pixels and images: given, or learned from a first value.

    Args:
        sigma: the standard deviation, in units where black is 1 and paper 0.
        learned: whether it is a parameter of the model.

    Raises:
        ValueError: sigma is not a positive number.

    Source: Rybkin et al. (2021), arXiv:2006.13202, for the learned σ.
    """

    # Adam moves a number by about the learning rate a step, and log σ has a long way to go.
    STRIDE = 10

    @checked(finite=False)
    def __init__(self, sigma: float, learned: bool = False) -> None:
        super().__init__()
        _positive(sigma=sigma)
        start = torch.tensor(math.log(sigma) / self.STRIDE)
        if learned:
            self.log_sigma_over_stride = nn.Parameter(start)
        else:
            self.register_buffer("log_sigma_over_stride", start)

    @property
    def log_sigma(self) -> Float[Tensor, ""]:
        """log σ, with its gradient if it is learned."""
        return self.STRIDE * self.log_sigma_over_stride

    @property
    def sigma(self) -> float:
        """σ, as a number."""
        return self.log_sigma.exp().item()

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        return gaussian_log_likelihood(self.mean(outputs), 2 * self.log_sigma, x)

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        return self.mean(outputs) + self.log_sigma.exp() * _normal(outputs, generator)


class PixelGaussian(Likelihood):
    """A Gaussian for each pixel whose σ the decoder chooses, down to a smallest one.

    Args:
        smallest_sigma: a floor that σ bends to softly, so that a gradient is left.

    Raises:
        ValueError: it is not a positive number.

    Source: Kingma & Welling (2014), arXiv:1312.6114, appendix C.2.
    """

    channels = 2

    @checked(finite=False)
    def __init__(self, smallest_sigma: float = 1e-4) -> None:
        super().__init__()
        _positive(smallest_sigma=smallest_sigma)
        self.least = 2 * math.log(smallest_sigma)

    def logvar(self, outputs: Outputs) -> Pixels:
        """log σ² of each pixel, (B, 1, H, W)."""
        return self.least + F.softplus(outputs[:, 1:] - self.least)

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        return gaussian_log_likelihood(self.mean(outputs), self.logvar(outputs), x)

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        return self.mean(outputs) + (0.5 * self.logvar(outputs)).exp() * _normal(outputs, generator)


class DiscretizedLogistic(Likelihood):
    """A probability for each of 256 grey levels: bins of a logistic density whose centre and scale the decoder sets.

    The centre may leave [0, 1]: that is how a pixel becomes surely paper, whatever the scale.

    Source: Salimans et al. (2017), arXiv:1701.05517, section 2.1, with one component instead of a mixture.
    """

    channels = 2
    levels = 1

    def centre_and_log_scale(self, outputs: Outputs) -> tuple[Pixels, Pixels]:
        """Of each pixel's logistic density, in pixel units, (B, 1, H, W) both; outputs of 0 are centred at 1/2."""
        return 0.5 + outputs[:, :1], outputs[:, 1:]

    @checked(finite=False)
    def log_prob(self, outputs: Outputs, x: Pixels) -> Float[Tensor, " B"]:
        return discretized_logistic_log_likelihood(*self.centre_and_log_scale(outputs), x)

    @checked(finite=False)
    def mean(self, outputs: Outputs) -> Pixels:
        # The integral of P(X > t) over t in [0, 1]: the mean over the levels, to within half a level.
        centre, log_scale = self.centre_and_log_scale(outputs)
        scale = log_scale.clamp(*LOG_SCALES).exp()
        return (scale * (F.softplus(centre / scale) - F.softplus((centre - 1) / scale))).clamp(0, 1)

    @checked(finite=False)
    def sample(self, outputs: Outputs, generator: Generator | None = None) -> Pixels:
        centre, log_scale = self.centre_and_log_scale(outputs)
        noise = _uniform(outputs, generator).clamp(1e-7, 1 - 1e-7).logit()
        drawn = centre + log_scale.clamp(*LOG_SCALES).exp() * noise
        return (drawn * (LEVELS - 1)).round().clamp(0, LEVELS - 1) / (LEVELS - 1)


def likelihood_of(model: nn.Module) -> Likelihood:
    """The likelihood of a model; that of one without the attribute, such as lesson 06 writes, is Bernoulli."""
    return getattr(model, "likelihood", None) or Bernoulli()


def made(likelihood: object) -> Likelihood:
    """The same likelihood; its class or its name is refused, with the next step.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"likelihood must be made first, as in Gaussian(0.2), received {received(likelihood)}")
    return likelihood


def _uniform(outputs: Tensor, generator: Generator | None) -> Tensor:
    return torch.rand(outputs[:, :1].shape, generator=generator, dtype=outputs.dtype, device=outputs.device)


def _normal(outputs: Tensor, generator: Generator | None) -> Tensor:
    return torch.randn(outputs[:, :1].shape, generator=generator, dtype=outputs.dtype, device=outputs.device)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, received {value}; pixels lie in [0, 1], try 0.2")
