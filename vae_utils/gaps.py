"""Where the distance between the ELBO and log p(x) comes from: the encoder's haste, or the shape that q is allowed.

Each image gets a q of its own, optimised by gradient steps. What that gains over the encoder's answer is the
amortization gap; what is still missing to log p(x) is the approximation gap.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.distributions import (
    gaussian_log_likelihood,
    reparameterize,
    standard_normal_log_density,
)
from vae_utils.importance import log_mean_weight
from vae_utils.likelihoods import likelihood_of
from vae_utils.networks import at_least_one
from vae_utils.randomness import drawing_from, first_state

ROWS = 4_000  # codes decoded at a time: more do not fit a processor's cache and are slower


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


def inference_gaps(
    model: nn.Module,
    x: Float[Tensor, "B 1 28 28"],
    *,
    samples: int = 2000,
    steps: int = 300,
    draws: int = 8,
    seed: int = 0,
) -> Gaps:
    """ELBO of the encoder, ELBO of the best q of each image, and an estimate of log p(x).

    The two ELBOs are measured with the same noise, and with other noise than the optimisation saw. Of the two
    estimates of log p(x), with draws from the encoder's q and from the best q, the higher is kept: the mean of either
    is a lower bound, and the higher one is closer (taken over the mean of the images, so that luck is not selected).

    Args:
        model: has `encode` and `decode`, as `models.VAE` does; its weights are left alone.
        x: images, (B, 1, 28, 28).
        samples: draws an image for each measurement.
        steps, draws: of the optimisation, see `best_gaussian`.
        seed: of all noise.

    Returns:
        The three numbers of each image.

    Source: Cremer, Li & Duvenaud (2018), arXiv:1801.03558, section 3.
    """
    with torch.no_grad():
        encoded = model.encode(x)
    best = best_gaussian(model, x, steps=steps, draws=draws, seed=seed)
    found = []
    for q in (encoded, best):
        log_weights = weighted_draws(model, x, *q, samples, seed=seed + 1)  # (S, B)
        found.append((log_weights.mean(0), log_mean_weight(log_weights)))
    (elbo, first), (best_elbo, second) = found
    return Gaps(elbo, best_elbo, max(first, second, key=lambda estimate: estimate.mean().item()))


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
        ValueError: `steps` or `draws` is below 1.

    Source: the gradient: Roeder, Wu & Duvenaud (2017), arXiv:1703.09194, section 3.
    """
    at_least_one(steps=steps, draws=draws)
    with torch.no_grad():
        mu, logvar = (parameters.clone().requires_grad_() for parameters in model.encode(x))
    many = x.repeat(draws, 1, 1, 1)  # (draws * B, 1, 28, 28)
    optimizer = torch.optim.Adam([mu, logvar], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with drawing_from(first_state(seed, mu.device), mu.device), torch.enable_grad():
        for _ in range(steps):
            means, logvars = mu.repeat(draws, 1), logvar.repeat(draws, 1)  # (draws * B, K)
            z = reparameterize(means, logvars)
            # q's own parameters held fixed: the gradient is the same on average, and without noise where q is exact.
            log_q = gaussian_log_likelihood(means.detach(), logvars.detach(), z)
            log_p = likelihood_of(model).log_prob(model.decode(z), many) + standard_normal_log_density(z)
            loss = (log_q - log_p).sum() / draws
            # Only these two: the weights of the model must not collect gradients.
            mu.grad, logvar.grad = torch.autograd.grad(loss, (mu, logvar))
            optimizer.step()
            schedule.step()
    return mu.detach(), logvar.detach()


@torch.no_grad()
def weighted_draws(
    model: nn.Module,
    x: Float[Tensor, "B 1 28 28"],
    mu: Float[Tensor, "B K"],
    logvar: Float[Tensor, "B K"],
    samples: int,
    *,
    seed: int = 0,
) -> Float[Tensor, "S B"]:
    """log p(x, z) - log q(z) of draws z from a given q: their mean estimates its ELBO, their log-mean-exp log p(x).

    Args:
        model: has `decode`.
        x: images, (B, 1, 28, 28).
        mu, logvar: of q, (B, K) each.
        samples: draws S an image.
        seed: of the noise.

    Returns:
        Nats, (S, B).

    Raises:
        ValueError: `samples` is below 1.

    Source: Burda, Grosse & Salakhutdinov (2016), arXiv:1509.00519, equation 8.
    """
    at_least_one(samples=samples)
    found = []
    with drawing_from(first_state(seed, mu.device), mu.device):
        for some in torch.arange(samples).split(max(1, ROWS // len(x))):
            means, logvars = mu.repeat(len(some), 1), logvar.repeat(len(some), 1)  # (s * B, K)
            z = reparameterize(means, logvars)
            log_p = likelihood_of(model).log_prob(model.decode(z), x.repeat(len(some), 1, 1, 1))
            log_w = log_p + standard_normal_log_density(z) - gaussian_log_likelihood(means, logvars, z)
            found.append(log_w.view(len(some), len(x)))
    return torch.cat(found)
