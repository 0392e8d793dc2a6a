"""What is minimised: functions `loss(model, x) -> terms`, ready for `training.fit`.

Terms are named tensors of shape (B,), in nats per image: summed over dimensions, not yet averaged over the batch.
The term "loss" is the one whose batch mean is minimised; the others are recorded beside it.
"""

import math
from numbers import Real

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.arguments import at_least_one, range_of
from vae_utils.data import validate_images, validate_labels
from vae_utils.distributions import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    kl_to_standard_normal,
    reparameterize,
    standard_normal_log_density,
)
from vae_utils.importance import log_mean_weight
from vae_utils.likelihoods import Bernoulli, ContinuousBernoulli, likelihood_of

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
        ValueError: images out of range, or outputs that look like probabilities.
    """
    logits = _call(model, x)
    if not isinstance(logits, Tensor):
        raise TypeError(
            f"model must return logits, as Autoencoder does; {type(model).__name__} returns {type(logits).__name__}: "
            "for a VAE use negative_elbo"
        )
    _refuse_probabilities(logits)
    reconstruction = -bernoulli_log_likelihood(logits, x)
    return {"loss": reconstruction, "reconstruction": reconstruction}


def negative_elbo(model: nn.Module, x: Float[Tensor, "B 1 28 28"], beta: float = 1.0) -> Terms:
    """The negative evidence lower bound with one sample of z an image: reconstruction + beta * KL.

    The reconstruction is -log p(x|z) of the model's likelihood (see `likelihoods`), Bernoulli if it names none.

    Args:
        model: maps images to (logits, mu, logvar, z), as `models.VAE` does.
        x: images in [0, 1], (B, 1, 28, 28).
        beta: weight of the KL term; 1 is the bound, other values are the β-VAE.

    Returns:
        {"loss", "reconstruction", "kl"}, nats per image, (B,); the KL is closed-form and unweighted.

    Raises:
        TypeError: the model returns something else.
        ValueError: beta is negative or not finite, images out of range, or outputs that look like probabilities.

    Source: Kingma & Welling (2014), arXiv:1312.6114, equation 10; β: Higgins et al. (2017), equation 4.
    """
    return _elbo_terms(model, _call(model, x), x, beta)


def negative_conditional_elbo(
    model: nn.Module, x: Float[Tensor, "B 1 28 28"], labels: Int[Tensor, " B"], beta: float = 1.0
) -> Terms:
    """The negative evidence lower bound on log p(x|y), the log-likelihood of images given their class.

    Args:
        model: maps images and labels to (logits, mu, logvar, z), as `models.ConditionalVAE` does.
        x: images in [0, 1], (B, 1, 28, 28).
        labels: class numbers, (B,).
        beta: weight of the KL term.

    Returns:
        {"loss", "reconstruction", "kl"}, nats per image, (B,), as `negative_elbo`.

    Raises:
        TypeError: the model returns something else.
        ValueError: beta is negative or not finite, images or labels out of range.

    Source: Sohn, Lee & Yan (2015), Learning structured output representation using deep conditional generative models,
    equation 4, with a prior that does not depend on the label.
    """
    validate_images(x, "x")
    validate_labels(labels, len(x), getattr(model, "classes", None))
    return _elbo_terms(model, _call(model, x, labels), x, beta)


def _elbo_terms(model: nn.Module, outputs: object, x: Tensor, beta: float) -> Terms:
    if not (_is_number(beta) and math.isfinite(beta) and beta >= 0):
        raise ValueError(f"beta must be a finite number of at least 0, received {beta!r}")
    if not (isinstance(outputs, tuple) and len(outputs) == 4):
        raise TypeError(
            f"model must return (logits, mu, logvar, z), as VAE does; {type(model).__name__} returns "
            f"{type(outputs).__name__}: for an autoencoder use reconstruction_error"
        )
    logits, mu, logvar, _ = outputs
    _check_outputs(model, logits, mu, x, len(x))
    reconstruction = -likelihood_of(model).log_prob(logits, x)
    kl = kl_to_standard_normal(mu, logvar).sum(-1)
    return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}


def log_weights(model: nn.Module, x: Float[Tensor, "B 1 28 28"], samples: int) -> Float[Tensor, "S B"]:
    """log p(x, z) - log q(z|x) of several draws z from q(z|x): each is an unbiased estimate of the ELBO.

    Args:
        model: has `encode` and `decode`, as `models.VAE` does.
        x: images in [0, 1], (B, 1, 28, 28); log p(x|z) is that of the model's likelihood; that of a
            Bernoulli is a probability only if they are binary.
        samples: how many draws S an image.

    Returns:
        Nats, (S, B); gradients reach encoder and decoder through the draws.

    Raises:
        TypeError: the model has no `encode` that returns (mu, logvar).
        ValueError: `samples` is below 1, images out of range, or outputs that look like probabilities.

    Source: Burda et al. (2016), arXiv:1509.00519, equation 8.
    """
    (samples,) = at_least_one(samples=samples)
    validate_images(x, "x")
    encoded = model.encode(x) if hasattr(model, "encode") and not isinstance(model, type) else None
    if not (isinstance(encoded, tuple) and len(encoded) == 2):
        name = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model must have encode(x) -> (mu, logvar), as VAE does; received {name}: use a VAE")
    mu, logvar = (parameters.repeat(samples, 1) for parameters in encoded)  # (S * B, K)
    z = reparameterize(mu, logvar)
    logits = model.decode(z)
    _check_outputs(model, logits, mu, x, samples * len(x))
    log_likelihood = likelihood_of(model).log_prob(logits, x.repeat(samples, 1, 1, 1))  # (S * B,)
    log_ratio = standard_normal_log_density(z) - gaussian_log_likelihood(mu, logvar, z)
    return (log_likelihood + log_ratio).view(samples, len(x))


def negative_iwae_bound(model: nn.Module, x: Float[Tensor, "B 1 28 28"], samples: int = 5) -> Terms:
    """The negative importance-weighted bound: -log of the mean weight of several draws from q(z|x).

    With one draw it is an estimate of the negative ELBO; with more it comes closer to -log p(x), from above.

    Args:
        model: has `encode` and `decode`, as `models.VAE` does.
        x: images in [0, 1], (B, 1, 28, 28).
        samples: how many draws an image.

    Returns:
        {"loss"}, nats per image, (B,).

    Raises:
        TypeError, ValueError: as `log_weights`.

    Source: Burda et al. (2016), arXiv:1509.00519, equation 8; its gradient: section 3.
    """
    return {"loss": -log_mean_weight(log_weights(model, x, samples))}


def cross_entropy(model: nn.Module, x: Float[Tensor, "B 1 28 28"], labels: Int[Tensor, " B"]) -> Terms:
    """Negative log-probability of the right class.

    Args:
        model: maps images to class logits (B, C).
        x: images in [0, 1], (B, 1, 28, 28).
        labels: class numbers from 0 to C - 1, (B,).

    Returns:
        {"loss"}, nats per image, (B,).

    Raises:
        TypeError: labels that are not int64.
        ValueError: images or labels out of range, or logits of another shape.
    """
    logits = _call(model, x)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(x):
        received = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"model must return class logits, ({len(x)}, C), as Classifier does, received {received}")
    validate_labels(labels, len(x), logits.shape[1])
    return {"loss": F.cross_entropy(logits, labels, reduction="none")}


def _call(model: nn.Module, x: Tensor, *labels: Tensor) -> object:
    """What a model returns for images; nothing that is no model or no image reaches it."""
    if isinstance(model, type) or not callable(model):
        received = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model must be a model, such as VAE(2), received {received}; run its cell first")
    validate_images(x, "x")
    return model(x, *labels)


def _check_outputs(model: nn.Module, logits: Tensor, mu: Tensor, x: Tensor, count: int) -> None:
    """Refuse what would be broadcast, and probabilities where logits are expected."""
    if not isinstance(mu, Tensor) or mu.ndim != 2 or len(mu) != count:
        received = tuple(mu.shape) if isinstance(mu, Tensor) else type(mu).__name__
        raise ValueError(f"mu and logvar must have a row for each image, ({count}, K), received {received}")
    if not isinstance(logits, Tensor) or logits.ndim != 4 or len(logits) != count or logits.shape[2:] != x.shape[2:]:
        received = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(
            f"the decoder must return ({count}, channels, 28, 28), received logits {received}, x {tuple(x.shape)}"
        )
    if isinstance(likelihood_of(model), Bernoulli | ContinuousBernoulli):
        _refuse_probabilities(logits)


def _refuse_probabilities(logits: Tensor) -> None:
    """Logits of images are never all between 0 and 1, unless they are all the same; probabilities always are."""
    found = range_of(logits) if isinstance(logits, Tensor) else None
    if found and 0 <= found[0] < found[1] <= 1:
        raise ValueError(
            f"the model must return logits, any number; received values from {found[0]:.3g} to {found[1]:.3g}, which "
            "look like probabilities: leave out the sigmoid at the end of the decoder"
        )


def _is_number(value: object) -> bool:
    """Also a tensor of one number, which may wait for a GPU as any number taken from it does."""
    return isinstance(value, Real) or (isinstance(value, Tensor) and value.numel() == 1)
