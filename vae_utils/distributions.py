"""Densities and divergences of the lessons, in nats, each checked in the tests against `torch.distributions`.

One parametrization everywhere: a diagonal Gaussian is `mu` and `logvar` = log σ², a Bernoulli is its `logits`.
One reduction everywhere: a log-likelihood is summed over all dimensions but the first. A KL divergence is
returned per latent dimension, because the lessons look at single dimensions; `.sum(-1)` gives nats per image.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from vae_utils.arguments import check_pixels, check_tensors, same_shape

LOG_2PI = math.log(2 * math.pi)


def reparameterize(
    mu: Float[Tensor, "*batch"], logvar: Float[Tensor, "*batch"], generator: Generator | None = None
) -> Float[Tensor, "*batch"]:
    """Draw z ~ N(mu, exp(logvar)) so that gradients reach both parameters.

    Args:
        mu: means, any shape, usually (B, K).
        logvar: log variances, the same shape.
        generator: source of the noise; the global one if None.

    Returns:
        One sample for each element, the same shape.

    Raises:
        ValueError: the shapes differ.

    Source: Kingma & Welling (2014), arXiv:1312.6114, section 2.4.
    """
    same_shape(mu=mu, logvar=logvar)
    epsilon = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
    return mu + (0.5 * logvar).exp() * epsilon


def kl_to_standard_normal(mu: Float[Tensor, "*batch"], logvar: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """KL( N(mu, exp(logvar)) || N(0, 1) ) of each latent dimension on its own.

    Args:
        mu: means, usually (B, K).
        logvar: log variances, the same shape.

    Returns:
        Nats per dimension, the same shape; `.sum(-1)` is nats per image.

    Raises:
        ValueError: the shapes differ.

    Source: Kingma & Welling (2014), arXiv:1312.6114, appendix B.
    """
    same_shape(mu=mu, logvar=logvar)
    # expm1(l) - l keeps the digits that exp(l) - 1 - l loses where the posterior is close to the prior.
    return 0.5 * (mu.square() + torch.expm1(logvar) - logvar)


def kl_between_gaussians(
    mu_q: Float[Tensor, "*batch"],
    logvar_q: Float[Tensor, "*batch"],
    mu_p: Float[Tensor, "*batch"],
    logvar_p: Float[Tensor, "*batch"],
) -> Float[Tensor, "*batch"]:
    """KL( N(mu_q, exp(logvar_q)) || N(mu_p, exp(logvar_p)) ) of each dimension on its own.

    Args:
        mu_q, logvar_q: parameters of the first Gaussian, usually (B, K).
        mu_p, logvar_p: parameters of the second, the same shape.

    Returns:
        Nats per dimension, the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    same_shape(mu_q=mu_q, logvar_q=logvar_q, mu_p=mu_p, logvar_p=logvar_p)
    difference = logvar_q - logvar_p
    return 0.5 * (_squared_in_variances(mu_q - mu_p, logvar_p) + torch.expm1(difference) - difference)


def bernoulli_log_likelihood(logits: Float[Tensor, "B ..."], x: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
    """Log-probability of pixels under independent Bernoulli distributions; minus the binary cross-entropy.

    For x strictly between 0 and 1 (grey pixels) the value is a usable loss but no normalised log-likelihood.

    Args:
        logits: log-odds of a pixel being 1, (B, ...).
        x: pixels in [0, 1], the same shape.

    Returns:
        Nats per image, (B,): summed over all pixels.

    Raises:
        ValueError: the shapes differ (nothing is broadcast), or x leaves [0, 1].

    Source: Kingma & Welling (2014), arXiv:1312.6114, appendix C.1.
    """
    same_shape(logits=logits, x=x)
    check_pixels(x)
    return -_sum_but_first(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))


def gaussian_log_likelihood(
    mean: Float[Tensor, "B ..."], logvar: Float[Tensor, "..."], x: Float[Tensor, "B ..."]
) -> Float[Tensor, " B"]:
    """Log-density of x under independent Gaussians.

    Args:
        mean: means, (B, ...).
        logvar: log variances, the shape of the means or a single number (shape ()).
        x: where to evaluate, the shape of the means.

    Returns:
        Nats per row, (B,): summed over all dimensions but the first.

    Raises:
        ValueError: the shapes differ.
    """
    same_shape(mean=mean, x=x)
    check_tensors(mean=mean, logvar=logvar)
    if logvar.ndim:
        same_shape(mean=mean, logvar=logvar)
    return _sum_but_first(-0.5 * (LOG_2PI + logvar + _squared_in_variances(x - mean, logvar)))


def standard_normal_log_density(z: Float[Tensor, "B K"]) -> Float[Tensor, " B"]:
    """Log-density of codes under the prior p(z) = N(0, I).

    Args:
        z: codes, (B, K).

    Returns:
        Nats per code, (B,).

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: codes without a dimension to sum over.
    """
    check_tensors(z=z)
    if z.ndim == 0:
        raise ValueError("z must be codes, (B, K), received a single number; reshape it with z.reshape(1, 1)")
    return -0.5 * (LOG_2PI + z.square()).sum(-1)


def _squared_in_variances(difference: Tensor, logvar: Tensor) -> Tensor:
    """difference² / σ²; where there is no difference it is 0, also for a σ² so small that 1 / σ² is infinite."""
    exponent = torch.where(difference == 0, 0.0, -logvar) if logvar.ndim else -logvar
    return difference.square() * exponent.exp()


def _sum_but_first(terms: Tensor) -> Tensor:
    return terms.flatten(1).sum(1) if terms.ndim > 1 else terms
