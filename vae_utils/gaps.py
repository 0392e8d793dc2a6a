"""Where the distance between the ELBO and log p(x) comes from: the encoder's haste, or the shape that q is allowed.

Each image gets a q of its own, optimised by gradient steps. What that gains over the encoder's answer is the
amortization gap; what is still missing to log p(x) is the approximation gap.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.arguments import at_least_one, check_model, same_shape
from vae_utils.distributions import (
    gaussian_log_likelihood,
    reparameterize,
    standard_normal_log_density,
)
from vae_utils.importance import log_mean_weight
from vae_utils.likelihoods import likelihood_of
from vae_utils.randomness import drawing_from, first_state
from vae_utils.signatures import checked

LARGEST = 1e4  # of a mean or a log variance: beyond it densities overflow
ROWS = 1_000  # codes decoded at a time: more do not fit a processor's cache and are slower


@dataclass(frozen=True)
class Gaps:
    """Three numbers for each image, in nats, (B,), and the two distances between them.

    Attributes:
        elbo: the ELBO of the encoder's q.
        best_elbo: the ELBO of the q optimised for this image.
        log_likelihood: importance-weighted estimate of log p(x); too low on average, like every one of its kind.
    """

    elbo: Tensor
    best_elbo: Tensor
    log_likelihood: Tensor

    @property
    def amortization(self) -> Tensor:
        """What one network for all images loses against a q of its own for each image, (B,)."""
        return self.best_elbo - self.elbo

    @property
    def approximation(self) -> Tensor:
        """What a mean-field Gaussian loses even when it is optimised, (B,)."""
        return self.log_likelihood - self.best_elbo

    def __repr__(self) -> str:
        means = ", ".join(f"{name} {getattr(self, name).mean():.2f}" for name in ("amortization", "approximation"))
        return f"Gaps of {len(self.elbo)} images, mean nats: {means}"


@checked
def inference_gaps(
    model: nn.Module,
    x: Float[Tensor, "B 1 28 28"],
    *,
    samples: int = 1000,
    steps: int = 300,
    draws: int = 8,
    seed: int = 0,
) -> Gaps:
    """ELBO of the encoder, ELBO of the best q of each image, and an estimate of log p(x).

    The two ELBOs are measured with the same noise, and with other noise than the optimisation saw. For log p(x) half of
    the draws come from the encoder's q and half from the optimised one: an optimised q can be very sure of one peak of
    a posterior that has two.

    Args:
        model: has `encode` and `decode`, as `models.VAE` does; its weights are left alone.
        x: images, (B, 1, 28, 28).
        samples: draws an image from each q for each measurement.
        steps, draws: of the optimisation, see `best_gaussian`.
        seed: of all noise.

    Returns:
        The three numbers of each image.

    Raises:
        TypeError, ValueError: as `best_gaussian`.

    Source: Cremer, Li & Duvenaud (2018), arXiv:1801.03558, table 1.
    """
    _check(model, x, seed, samples=samples, steps=steps, draws=draws)
    with torch.no_grad():
        encoded = model.encode(x)
    best = best_gaussian(model, x, steps=steps, draws=draws, seed=seed)
    elbo, best_elbo = (weighted_draws(model, x, q, samples=samples, seed=seed + 1).mean(0) for q in (encoded, best))
    both = weighted_draws(model, x, encoded, best, samples=2 * samples, seed=seed + 2)
    return Gaps(elbo, best_elbo, log_mean_weight(both))


@checked
def best_gaussian(
    model: nn.Module,
    x: Float[Tensor, "B 1 28 28"],
    *,
    steps: int = 300,
    draws: int = 8,
    learning_rate: float = 0.05,
    seed: int = 0,
) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
    """The mean-field Gaussian q of each image with the highest ELBO, by gradient steps from the encoder's answer.

    Args:
        model: has `encode` and `decode`; its weights are left alone.
        x: images, (B, 1, 28, 28).
        steps: of Adam, with a step size that falls to 0 along a cosine.
        draws: of z, for each image and step.
        learning_rate: the first step size, in prior standard deviations (for mu) and nats (for logvar).
        seed: of the noise.

    Returns:
        mu and logvar, (B, K) each. A local maximum: what it gains is at most what the best q would gain.

    Raises:
        TypeError: no model, or one without `encode` or `decode`.
        ValueError: `steps` or `draws` is below 1, images out of range, or a learning rate that is not positive.

    Source: the gradient: Roeder, Wu & Duvenaud (2017), arXiv:1703.09194, section 3.
    """
    _check(model, x, seed, steps=steps, draws=draws)
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be a positive number, received {learning_rate}")
    with torch.no_grad():
        mu, logvar = (parameters.clone().requires_grad_() for parameters in model.encode(x))
    many = x.repeat(draws, 1, 1, 1)  # (draws * B, 1, 28, 28)
    optimizer = torch.optim.Adam([mu, logvar], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with drawing_from(first_state(seed, mu.device), mu.device), torch.enable_grad():
        for _ in range(steps):
            means, logvars = _for_each(draws, mu, logvar)  # (draws * B, K) each
            z = reparameterize(means, logvars)
            # q's own parameters held fixed: the gradient is the same on average, and without noise where q is exact.
            log_q = gaussian_log_likelihood(means.detach(), logvars.detach(), z)
            log_p = likelihood_of(model).log_prob(model.decode(z), many) + standard_normal_log_density(z)
            loss = (log_q - log_p).sum() / draws
            # Only these two: the weights of the model must not collect gradients.
            mu.grad, logvar.grad = torch.autograd.grad(loss, (mu, logvar))
            optimizer.step()
            schedule.step()
    if not (torch.isfinite(mu).all() and torch.isfinite(logvar).all()):
        raise ValueError(f"the search ran away with learning_rate = {learning_rate}; try 0.05")
    return mu.detach(), logvar.detach()


@checked
def weighted_draws(
    model: nn.Module,
    x: Float[Tensor, "B 1 28 28"],
    *qs: tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]],
    samples: int,
    seed: int = 0,
) -> Float[Tensor, "S B"]:
    """log p(x, z) - log q(z) of draws z from a given q: their mean estimates its ELBO, their log-mean-exp log p(x).

    With several q, draws come from each in turn, and the weight is that of their mixture: where one of them misses a
    part of the posterior that another one finds, the weights stay small.

    Args:
        model: has `decode`.
        x: images, (B, 1, 28, 28).
        qs: one or more pairs of mu and logvar, (B, K) each.
        samples: draws S an image; a multiple of the number of q.
        seed: of the noise.

    Returns:
        Nats, (S, B).

    Raises:
        ValueError: no q, or `samples` is below 1 or no multiple of their number.

    Source: Burda, Grosse & Salakhutdinov (2016), arXiv:1509.00519, equation 8; several q: Veach & Guibas (1995),
        Optimally combining sampling techniques for Monte Carlo rendering, the balance heuristic.
    """
    _check(model, x, seed, samples=samples)
    if not qs or samples % len(qs):
        raise ValueError(f"samples must be a multiple of the number of q, received {samples} for {len(qs)}")
    for mu, logvar in qs:
        same_shape(mu=mu, logvar=logvar)
        if mu.dtype != logvar.dtype:
            raise TypeError(f"mu and logvar must be of one dtype, received {mu.dtype} and {logvar.dtype}")
        if mu.ndim != 2 or len(mu) != len(x):
            raise ValueError(f"mu and logvar must be ({len(x)}, K), a row for each image, received {tuple(mu.shape)}")
        for name, values in (("mu", mu), ("logvar", logvar)):
            if not (values.abs() < LARGEST).all():
                raise ValueError(f"{name} must be finite and below {LARGEST:g} in size: did the training diverge?")
    means, logvars = (torch.stack(parameters) for parameters in zip(*qs, strict=True))  # (Q, B, K) each
    # Filled in place: results kept from each part would keep malloc from using its large blocks again.
    found = means.new_empty(samples, len(x))
    with drawing_from(first_state(seed, means.device), means.device), torch.no_grad():
        for some in torch.arange(samples).split(max(1, ROWS // len(x))):
            turn = some % len(qs)
            z = reparameterize(means[turn], logvars[turn]).flatten(0, 1)  # (s * B, K)
            log_qs = [gaussian_log_likelihood(*_for_each(len(some), *q), z) for q in qs]  # (s * B,) each
            log_q = torch.stack(log_qs).logsumexp(0) - math.log(len(qs))
            log_p = likelihood_of(model).log_prob(model.decode(z), x.repeat(len(some), 1, 1, 1))
            found[some] = (log_p + standard_normal_log_density(z) - log_q).view(len(some), len(x))
    return found


def _check(model: nn.Module, x: Tensor, seed: int, **counts: int) -> None:
    for method in ("encode", "decode"):
        check_model(model, method)
    if len(x) == 0:
        raise ValueError(f"x must hold at least one image, received {tuple(x.shape)}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, received {seed}")
    at_least_one(**counts)


def _for_each(draws: int, *parameters: Tensor) -> tuple[Tensor, ...]:
    return tuple(parameter.repeat(draws, 1) for parameter in parameters)
