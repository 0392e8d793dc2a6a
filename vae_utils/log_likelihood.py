"""How good a model is in nats: log p(x) of images, estimated by importance sampling with the encoder.

The estimate is too low on average, by less the more draws are taken: it is the bound of Burda et al. with many draws.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.arguments import at_least_one, check_model
from vae_utils.data import validate_images
from vae_utils.objectives import log_weights
from vae_utils.randomness import drawing_from, first_state


@torch.no_grad()
def log_likelihood(
    model: nn.Module, x: Float[Tensor, "N 1 28 28"], samples: int = 5000, *, seed: int = 0, at_a_time: int = 1_000
) -> Float[Tensor, " N"]:
    """Estimate log p(x) of each image with draws z from q(z|x).

    Args:
        model: has `encode` and `decode`, as `models.VAE` does; stays on its device; the images are moved to it batch
            by batch.
        x: binary images, (N, 1, 28, 28); on grey ones the number is no log-likelihood.
        samples: draws an image.
        seed: of the draws; the global random state is left alone.
        at_a_time: how many images are decoded at once; a GPU is faster with 100,000, a processor with what fits its
            cache.

    Returns:
        Nats, (N,), float64, on the CPU. The spread over images, `.std() / N ** 0.5`, is the standard error of the mean;
        the noise of the draws is within it.

    Raises:
        TypeError: not a model with `encode` and `decode`.
        ValueError: images of the wrong shape or range, a count below 1, or a seed out of range.

    Source: Burda, Grosse & Salakhutdinov (2016), arXiv:1509.00519, equation 8 and section 5 (5,000 draws).
    """
    check_model(model, "encode")
    validate_images(x, "x")
    samples, at_a_time = at_least_one(samples=samples, at_a_time=at_a_time)
    weight, was_training = next(model.parameters()), model.training
    draws = min(samples, at_a_time)  # of one image at once
    # Filled in place: results kept from each part would keep malloc from using its large blocks again.
    estimates = torch.empty(len(x), dtype=torch.float64)
    size = max(1, at_a_time // draws)
    with drawing_from(first_state(seed, weight.device), weight.device):
        model.eval()
        try:
            for batch, estimate in zip(x.split(size), estimates.split(size), strict=True):
                batch, total = batch.to(weight), None
                for start in range(0, samples, draws):
                    weights = log_weights(model, batch, min(draws, samples - start)).logsumexp(0)  # (B,)
                    total = weights if total is None else torch.logaddexp(total, weights)
                estimate.copy_(total.cpu().double() - math.log(samples))
        finally:
            model.train(was_training)
    return estimates
