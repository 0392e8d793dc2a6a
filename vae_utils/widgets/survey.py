"""What the encoder makes of a set of images: their codes, and how much each latent dimension is used."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_utils.distributions import kl_to_standard_normal
from vae_utils.widgets.decoding import still

RANGE = 3.0  # prior standard deviations to each side: 99.7 % of the prior's mass a dimension
MOST_IMAGES = 2000  # that an explorer uses, and sends to the browser


@dataclass(frozen=True)
class Survey:
    """The codes of images, and the scale of the latent space that they live in.

    codes: (N, K) codes, of a VAE the means; None without images.
    use: (K,) how much each dimension is used; None without images.
    measure: what `use` is, with its unit.
    centre, spread: (K,) where the codes lie: of a VAE the prior's mean and standard deviation.
    has_prior: the model is a VAE, so that codes come from a standard normal prior.
    """

    codes: Tensor | None
    use: Tensor | None
    measure: str
    centre: Tensor
    spread: Tensor
    has_prior: bool

    def order(self, order: Sequence[int] | None = None) -> list[int]:
        """Dimensions, the most used first, or in a given order if that holds each once."""
        dims = list(range(len(self.centre)))
        if order is not None:
            if sorted(order) != dims:
                raise ValueError(f"order must hold each of 0 to {len(dims) - 1} once, received {list(order)}")
            return list(order)
        return dims if self.use is None else self.use.argsort(descending=True, stable=True).tolist()

    def reach(self, dim: int) -> tuple[float, float]:
        """From where to where a slider goes: three standard deviations to each side."""
        centre, reach = float(self.centre[dim]), RANGE * max(float(self.spread[dim]), 1e-3)
        return centre - reach, centre + reach


@torch.no_grad()
def survey(model: nn.Module, images: Tensor | None = None) -> Survey:
    """Encode images once.

    Args:
        model: has `latent_dim`, and `encode`, which gives codes or the pair (mu, logvar).
        images: (N, 1, H, W) images, or None.

    Raises:
        ValueError: the images have another shape, or there are none.
    """
    model, device = still(model), next(model.parameters()).device
    centre, spread = torch.zeros(model.latent_dim), torch.ones(model.latent_dim)
    if images is None:
        found = model.encode(torch.zeros(1, 1, 28, 28, device=device))
        return Survey(None, None, "", centre, spread, isinstance(found, tuple))
    if images.ndim != 4 or not len(images):
        raise ValueError(f"images must be (N, 1, 28, 28) with N >= 1, received {tuple(images.shape)}")
    parts = []
    for batch in images.split(1000):
        encoded = model.encode(batch.to(device))
        parts.append(encoded if isinstance(encoded, tuple) else (encoded,))
    codes = torch.cat([part[0].cpu() for part in parts])
    if len(parts[0]) == 2:
        logvar = torch.cat([part[1].cpu() for part in parts])
        use = kl_to_standard_normal(codes, logvar).mean(0)
        return Survey(codes, use, "KL (nats per image)", centre, spread, True)
    use = codes.var(0, correction=0)
    return Survey(codes, use, "variance of the codes", codes.mean(0), use.sqrt(), False)
