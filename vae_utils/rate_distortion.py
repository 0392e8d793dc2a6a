"""Where a VAE stands between describing an image in many nats and redrawing it badly: rate, distortion, and a sweep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.evaluation import active_units, kl_per_dimension
from vae_utils.models import VAE
from vae_utils.objectives import negative_elbo
from vae_utils.signatures import checked
from vae_utils.training import evaluate, fit


@dataclass(frozen=True)
class RateDistortion:
    """A trained model's place in the rate–distortion plane, and the latents it uses.

    Attributes:
        beta: weight of the KL term it was trained with.
        rate: mean KL of q(z|x) to the prior, nats per image; at least the information that z carries about x.
        distortion: mean of -log p(x|z) under q(z|x), nats per image.
        active: latent dimensions whose mean varies over the images by more than 0.01.
        kl: the rate of each dimension, (K,).

    Source: Alemi et al. (2018), arXiv:1711.00464, section 2.
    """

    beta: float
    rate: float
    distortion: float
    active: int
    kl: Tensor = field(repr=False, compare=False)

    @property
    def negative_elbo(self) -> float:
        """Rate plus distortion: the negative ELBO, whatever β the model was trained with."""
        return self.rate + self.distortion


@checked
@torch.no_grad()
def rate_distortion(model: VAE, x: Float[Tensor, "N 1 28 28"], beta: float = 1.0, seed: int = 0) -> RateDistortion:
    """Measure rate and distortion, with one draw of z an image.

    Args:
        model: a VAE.
        x: images, (N, 1, 28, 28).
        beta: what the model was trained with, to be kept beside the numbers.
        seed: of the draws.

    Returns:
        The model's place, in nats per image.
    """
    means = evaluate(model, x, negative_elbo, seed=seed)
    mu, _ = model.encode(x.to(next(model.parameters()).device))
    return RateDistortion(beta, means["kl"], means["reconstruction"], active_units(mu), kl_per_dimension(model, x))


@checked
def sweep(
    make: Callable[[], VAE],
    train: Float[Tensor, "N 1 28 28"],
    test: Float[Tensor, "M 1 28 28"],
    betas: Sequence[float],
    seed: int = 0,
    **options: Any,
) -> tuple[list[VAE], list[RateDistortion]]:
    """Train one model for each β, all from the same weights and with the same noise, and measure them.

    Args:
        make: makes an untrained model.
        train, test: images, (N, 1, 28, 28) and (M, 1, 28, 28).
        betas: weights of the KL term.
        seed: of weights and training.
        options: of `training.fit`, such as epochs=10.

    Returns:
        The models and their places measured on `test`, in the order of `betas`.
    """
    models, places = [], []
    for beta in betas:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = make()
        fit(model, train, partial(negative_elbo, beta=beta), seed=seed, **options)
        models.append(model)
        places.append(rate_distortion(model, test, beta))
    return models, places
