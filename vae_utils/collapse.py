"""Remedies for posterior collapse: a KL term that comes in slowly, in cycles, or is free up to a limit.

A schedule is a function from the share of training that is done, 0 to 1, to the weight β of the KL term. A loop that
counts its own steps calls it at each one; `fit_with_schedule` does so before each epoch of `training.fit`.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.arguments import whole_number
from vae_utils.data import Images
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.history import History
from vae_utils.likelihoods import likelihood_of
from vae_utils.objectives import negative_elbo
from vae_utils.plans import MOST_EPOCHS
from vae_utils.signatures import checked
from vae_utils.training import fit, latest, pick_device

Schedule = Callable[[float], float]


@checked
def annealing(warmup: float = 0.5, highest: float = 1.0) -> Schedule:
    """A schedule that rises in a straight line from 0, then stays.

    Args:
        warmup: share of training after which the weight has reached `highest`.
        highest: the weight from then on.

    Returns:
        Share of training done, 0 to 1, to β.

    Raises:
        ValueError: `warmup` is not in (0, 1], or `highest` is not positive.

    Source: Bowman et al. (2016), arXiv:1511.06349, section 3.1; Sønderby et al. (2016), arXiv:1602.02282, section 2.
    """
    return cyclical(1, warmup, highest)


@checked
def cyclical(cycles: int = 4, rise: float = 0.5, highest: float = 1.0) -> Schedule:
    """A schedule that starts again from 0 several times.

    Args:
        cycles: how many times.
        rise: share of each cycle that is spent rising; the rest stays at `highest`.
        highest: the weight at the end of each cycle.

    Returns:
        Share of training done, 0 to 1, to β.

    Raises:
        ValueError: fewer than 1 cycle, `rise` is not in (0, 1], or `highest` is not positive.

    Source: Fu et al. (2019), arXiv:1903.10145, figure 2.
    """
    if cycles < 1:
        raise ValueError(f"cycles must be at least 1, received {cycles}")
    if not 0 < rise <= 1:
        raise ValueError(f"rise (or warmup) must be a share above 0 and at most 1, received {rise}")
    if highest <= 0:
        raise ValueError(f"highest must be a positive number, received {highest}")

    @checked
    def beta(done: float) -> float:
        within = 1.0 if done >= 1 else max(0.0, done) * cycles % 1
        return highest * min(1.0, within / rise)

    return beta


@checked(finite=False)
def free_bits(model: nn.Module, x: Float[Tensor, "B 1 H W"], nats: float = 0.25) -> dict[str, Tensor]:
    """The negative ELBO in which each latent dimension's KL, averaged over the batch, costs nothing up to a limit.

    Below the limit the KL has no gradient, so nothing pulls a dimension to the prior until it carries that much.

    Args:
        model: maps images to (logits, mu, logvar, z), as `models.VAE` does.
        x: images in [0, 1], (B, 1, H, W).
        nats: the limit λ of each dimension, in nats per image.

    Returns:
        {"loss", "reconstruction", "kl"}, nats per image, (B,). The KL is the true one; the loss charges for at least λ
        in each dimension, so it is no bound any more, and is not below the negative ELBO.

    Raises:
        ValueError: `nats` is negative or not finite, or there is no image.
        TypeError: the model returns something else.

    Source: Kingma et al. (2016), arXiv:1606.04934, appendix C.8, with groups of one dimension.
    """
    if not (math.isfinite(nats) and nats >= 0):
        raise ValueError(f"nats must be a finite number of at least 0, received {nats}")
    if not len(x):
        raise ValueError("x must hold at least one image, received none")
    outputs = model(x)
    if not (isinstance(outputs, tuple) and len(outputs) == 4):
        received = f"{type(outputs).__name__} from {type(model).__name__} for x {tuple(x.shape)}"
        raise TypeError(f"model must return (logits, mu, logvar, z), as VAE does, received {received}")
    logits, mu, logvar, _ = outputs
    reconstruction = -likelihood_of(model).log_prob(logits, x)
    kl = kl_to_standard_normal(mu, logvar)  # (B, K)
    charged = kl.mean(0).clamp(min=nats).sum()  # one number: the limit holds for the average image, not for each
    return {"loss": reconstruction + charged, "reconstruction": reconstruction, "kl": kl.sum(1)}


def fit_with_schedule(
    model: nn.Module,
    images: Images | Tensor,
    schedule: Schedule,
    *,
    epochs: int = 20,
    device: str = "auto",
    callback: Callable[[nn.Module, History], object] | None = None,
    resume: History | bool | None = None,
    **options: Any,
) -> History:
    """`training.fit` on the negative ELBO with a β that the schedule sets anew before each epoch.

    Args:
        model: as in `fit`.
        images: as in `fit`.
        schedule: share of the epochs done, 0 to 1, to β.
        epochs, device, callback, resume, options: as in `fit`.

    Returns:
        The history. Its term "loss" is weighted with the β of the epoch; "reconstruction" and "kl" are not weighted,
        and their sum is the negative ELBO. A term "beta" says which β it was.

    Raises:
        TypeError, ValueError, RuntimeError: as `fit`.
    """
    epochs = whole_number("epochs", epochs, 1, MOST_EPOCHS)
    resumed = latest() if resume is True else resume
    # β lives in a tensor on the training device: steps that are recorded once and replayed read its present value.
    done = resumed.epochs if isinstance(resumed, History) else 0  # whatever else it is, `fit` refuses
    weight = torch.tensor(float(schedule(done / epochs)), device=pick_device(device))

    def loss(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        terms = negative_elbo(model, x)
        weighted = terms["reconstruction"] + weight.to(x.dtype) * terms["kl"]
        return {**terms, "loss": weighted, "beta": weight.to(x.dtype).expand(len(x))}

    def next_epoch(model: nn.Module, history: History) -> None:
        weight.fill_(float(schedule(history.epochs / epochs)))
        if callback is not None:
            callback(model, history)

    return fit(model, images, loss, epochs=epochs, device=device, callback=next_epoch, resume=resume, **options)
