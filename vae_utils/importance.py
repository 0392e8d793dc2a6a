"""Estimates of p(x) from weighted draws, with weights p(x, z) / q(z) that are kept as logarithms.

With q = p(z), the prior, the weight is the likelihood p(x|z) alone. This is no sampler: it only does the sums that
`exp` would overflow or round to zero.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.arguments import check_tensors


def log_mean_weight(log_weights: Float[Tensor, "S ..."]) -> Float[Tensor, "..."]:
    """Logarithm of the mean weight: the estimate of log p(x).

    The mean weight is unbiased for p(x); its logarithm is too low for log p(x) on average (Jensen's inequality).

    Args:
        log_weights: log p(x, z) - log q(z) in nats of S draws z from q, (S, ...).

    Returns:
        Nats, (...).

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: no draws.

    Source: Burda et al. (2016), arXiv:1509.00519, equation 8.
    """
    _some_draws(log_weights)
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))


def effective_sample_size(log_weights: Float[Tensor, "S ..."]) -> Float[Tensor, "..."]:
    """How many equally weighted draws the weighted ones are worth: (sum of weights)² / (sum of squared weights).

    It is itself an estimate from the same draws: when all of them miss the posterior, it still says about 1.

    Args:
        log_weights: logarithms of the weights of S draws, up to a constant, (S, ...).

    Returns:
        Between 1 and S, (...); NaN where all weights are 0.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: no draws.

    Source: Owen (2013), Monte Carlo theory, methods and examples, section 9.3.
    """
    _some_draws(log_weights)
    shares = torch.softmax(log_weights, dim=0)  # sum to 1
    return 1 / shares.square().sum(dim=0)


def _some_draws(log_weights: Tensor) -> None:
    check_tensors(log_weights=log_weights)
    if log_weights.ndim == 0 or len(log_weights) == 0:
        raise ValueError(
            f"log_weights must hold at least one draw, (S, ...), received {tuple(log_weights.shape)}; take some"
        )
