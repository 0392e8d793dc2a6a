"""A codebook in place of a Gaussian: the middle of a VQ-VAE.

The encoder's output is replaced by the nearest entry of a learned table. It is not the whole model: encoder, decoder
and the prior over the entries are made where they are used.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae_utils.arguments import at_least_one
from vae_utils.signatures import checked

COMMITMENT = 0.25  # weight of the encoder's part of the penalty; van den Oord et al. found 0.1 to 2 to do as well


class VectorQuantizer(nn.Module):
    """Replace each vector by the nearest one of a learned codebook, and pass gradients straight through.

    Args:
        codes: how many entries C the codebook has.
        dim: numbers D in each.

    Raises:
        ValueError: a size below 1.

    Source: van den Oord, Vinyals & Kavukcuoglu (2017), arXiv:1711.00937, equations 1 to 3.
    """

    @checked
    def __init__(self, codes: int, dim: int) -> None:
        super().__init__()
        at_least_one(codes=codes, dim=dim)
        self.codebook = nn.Parameter(torch.randn(codes, dim))

    @checked
    def nearest(self, h: Float[Tensor, "B P D"]) -> Int[Tensor, "B P"]:
        """Which entry is nearest to each vector, (B, P, D) -> (B, P); the first of several that are as near."""
        # |h - e|² without |h|², which is the same for all entries.
        return (self.codebook.square().sum(1) - 2 * h @ self.codebook.T).argmin(-1)

    @checked
    def forward(
        self, h: Float[Tensor, "B P D"]
    ) -> tuple[Float[Tensor, "B P D"], Int[Tensor, "B P"], Float[Tensor, " B"]]:
        """Quantize P vectors an image.

        Args:
            h: what the encoder says, (B, P, D).

        Returns:
            The entries, (B, P, D), with the gradient of the identity towards h and none towards the codebook; their
            numbers, (B, P); and the penalty that draws entries to vectors and, less strongly, vectors to entries,
            squared distance summed over P and D, (B,).
        """
        indices = self.nearest(h)
        entries = self.codebook[indices]
        to_vectors = (entries - h.detach()).square().sum((1, 2))
        to_entries = (h - entries.detach()).square().sum((1, 2))
        return h + (entries - h).detach(), indices, to_vectors + COMMITMENT * to_entries


@checked
def perplexity(indices: Int[Tensor, "..."], codes: int) -> float:
    """How many entries are in use, counted as the exponential of the entropy of their frequencies.

    Args:
        indices: numbers of entries, of any shape.
        codes: how many entries the codebook has.

    Returns:
        From 1 (always the same one) to `codes` (all equally often).

    Raises:
        ValueError: no numbers, or one that is no entry's.
    """
    at_least_one(codes=codes)
    if indices.numel() == 0 or indices.min() < 0 or indices.max() >= codes:
        received = f"{indices.min().item()} to {indices.max().item()}" if indices.numel() else "none"
        raise ValueError(f"indices must be numbers from 0 to {codes - 1}, received {received}")
    share = torch.bincount(indices.flatten(), minlength=codes).double() / indices.numel()
    return torch.special.entr(share).sum().exp().item()
