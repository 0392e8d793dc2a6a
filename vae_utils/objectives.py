"""What is minimised: functions `loss(model, x) -> terms`, ready for `training.fit`.

Terms are named tensors of shape (B,), in nats per image: summed over dimensions, not yet averaged over the batch.
The term "loss" is the one whose batch mean is minimised; the others are recorded beside it.
"""

import math

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.distributions import bernoulli_log_likelihood, kl_to_standard_normal

Terms = dict[str, Tensor]


def reconstruction_error(model: nn.Module, x: Float[Tensor, "B 1 28 28"]) -> Terms:
    """Binary cross-entropy between images and their reconstructions: the loss of a plain autoencoder.

    Args:
        model: maps images to logits of the same shape, as `models.Autoencoder` does.
        x: images in [0, 1], (B, 1, 28, 28).

    Returns:
        {"loss", "reconstruction"}, the same numbers twice, nats per image, (B,).

    Raises:
        TypeError: the model returns something else.
    """
    logits = model(x)
    if not isinstance(logits, Tensor):
        raise TypeError(
            f"model must return logits, as Autoencoder does; {type(model).__name__} returns {type(logits).__name__}: "
            "for a VAE use negative_elbo"
        )
    reconstruction = -bernoulli_log_likelihood(logits, x)
    return {"loss": reconstruction, "reconstruction": reconstruction}


def negative_elbo(model: nn.Module, x: Float[Tensor, "B 1 28 28"], beta: float = 1.0) -> Terms:
    """The negative evidence lower bound with one sample of z an image: reconstruction + beta * KL.

    Args:
        model: maps images to (logits, mu, logvar, z), as `models.VAE` does.
        x: images in [0, 1], (B, 1, 28, 28).
        beta: weight of the KL term; 1 is the bound, other values are the β-VAE.

    Returns:
        {"loss", "reconstruction", "kl"}, nats per image, (B,); the KL is closed-form and unweighted.

    Raises:
        TypeError: the model returns something else.
        ValueError: beta is negative or not finite.

    Source: Kingma & Welling (2014), arXiv:1312.6114, equation 10; β: Higgins et al. (2017), equation 4.
    """
    if not (math.isfinite(beta) and beta >= 0):
        raise ValueError(f"beta must be a finite number of at least 0, received {beta}")
    outputs = model(x)
    if not (isinstance(outputs, tuple) and len(outputs) == 4):
        raise TypeError(
            f"model must return (logits, mu, logvar, z), as VAE does; {type(model).__name__} returns "
            f"{type(outputs).__name__}: for an autoencoder use reconstruction_error"
        )
    logits, mu, logvar, _ = outputs
    reconstruction = -bernoulli_log_likelihood(logits, x)
    kl = kl_to_standard_normal(mu, logvar).sum(-1)
    return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}


def cross_entropy(model: nn.Module, x: Float[Tensor, "B 1 28 28"], labels: Int[Tensor, " B"]) -> Terms:
    """Negative log-probability of the right class.

    Args:
        model: maps images to class logits (B, C).
        x: images in [0, 1], (B, 1, 28, 28).
        labels: class numbers from 0 to C - 1, (B,).

    Returns:
        {"loss"}, nats per image, (B,).
    """
    return {"loss": F.cross_entropy(model(x), labels, reduction="none")}
