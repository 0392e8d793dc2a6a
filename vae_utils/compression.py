"""What a binary picture costs in bits when something other than a VAE stores it: file formats, and a table of contexts.

The rivals for "minus the ELBO in bits". Nothing here is a model of digits in particular.
"""

import io
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from vae_utils.signatures import checked

# The 12 neighbours that have been read before a pixel, row by row, as (rows down, columns right).
NEIGHBOURS = (
    (0, -1),
    (0, -2),
    (0, -3),
    (-1, -2),
    (-1, -1),
    (-1, 0),
    (-1, 1),
    (-1, 2),
    (-2, -1),
    (-2, 0),
    (-2, 1),
    (-3, 0),
)
REACH = 3
PLACES = 7  # the page is divided into 7 by 7 places, each with counts of its own
EXTRA = 0.3  # added to each count, so that what was never seen is not impossible
AT_A_TIME = 500  # pictures: a context is eight bytes a pixel


@checked
def png_bits(x: Float[Tensor, "N 1 H W"]) -> Float[Tensor, " N"]:
    """Size of each binary picture as a PNG file of its own, with one bit a pixel, headers included.

    Args:
        x: pixels 0 or 1, (N, 1, H, W).

    Returns:
        Bits, (N,).

    Raises:
        ValueError: a pixel is neither 0 nor 1.
    """
    from PIL import Image

    sizes = []
    for picture in _bytes(x):
        file = io.BytesIO()
        Image.fromarray(255 * picture).convert("1").save(file, "PNG", optimize=True)
        sizes.append(8.0 * len(file.getvalue()))
    return torch.tensor(sizes)


@checked
def zlib_bits(x: Float[Tensor, "N 1 H W"]) -> Float[Tensor, " N"]:
    """Size of each binary picture after zlib, eight pixels a byte: PNG's method without its headers.

    Args:
        x: pixels 0 or 1, (N, 1, H, W).

    Returns:
        Bits, (N,).

    Raises:
        ValueError: a pixel is neither 0 nor 1.
    """
    return torch.tensor([8.0 * len(zlib.compress(np.packbits(picture).tobytes(), 9)) for picture in _bytes(x)])


class ContextModel:
    """A probability for each pixel from counts: how often was it ink, with these 12 neighbours, in this place?

    The neighbours are those above and to the left, which a decoder has already; so this is a likelihood, and an
    arithmetic coder reaches its bits to within a few a file. It is the idea of the JBIG standard, with a place added,
    and with counts from training pictures in place of counts that adapt.

    Args:
        x: training pictures, pixels 0 or 1, (N, 1, 28, 28).

    Raises:
        ValueError: a pixel is neither 0 nor 1.

    Source: ITU-T recommendation T.82 (1993), JBIG; Langdon & Rissanen (1981), Compression of black-white images with
    arithmetic coding.
    """

    @checked
    def __init__(self, x: Float[Tensor, "N 1 28 28"]) -> None:
        size = PLACES**2 << len(NEIGHBOURS)
        counts = torch.full((2 * size,), EXTRA)
        for part in x.split(AT_A_TIME):
            _bytes(part)
            seen = 2 * self._contexts(part) + part[:, 0].long()
            counts += torch.bincount(seen.flatten(), minlength=2 * size)
        counts = counts.view(size, 2)
        self.bits_of = -(counts / counts.sum(1, keepdim=True)).log2()  # (contexts, 2)

    @checked
    def bits(self, x: Float[Tensor, "N 1 28 28"]) -> Float[Tensor, " N"]:
        """Minus the binary logarithm of the probability of each picture, (N, 1, 28, 28) -> (N,)."""
        _bytes(x)
        found = torch.empty(len(x))
        for part, bits in zip(x.split(AT_A_TIME), found.split(AT_A_TIME), strict=True):
            bits.copy_(self.bits_of[self._contexts(part), part[:, 0].long()].sum((1, 2)))
        return found

    @staticmethod
    def _contexts(x: Tensor) -> Int[Tensor, "N 28 28"]:
        padded = F.pad(x[:, 0], (REACH, REACH, REACH, 0)).long()
        part = torch.arange(28) * PLACES // 28
        contexts = (part[:, None] * PLACES + part).expand(len(x), 28, 28)
        for down, right in NEIGHBOURS:
            top, left = REACH + down, REACH + right
            contexts = 2 * contexts + padded[:, top : top + 28, left : left + 28]
        return contexts


def _bytes(x: Tensor) -> np.ndarray:
    """Pixels 0 or 1 as bytes, (N, H, W)."""
    if not ((x == 0) | (x == 1)).all():
        raise ValueError(
            f"x must hold pixels 0 and 1 only, received values from {x.min():g} to {x.max():g}; torch.bernoulli(x)"
        )
    return x[:, 0].cpu().numpy().astype(np.uint8)
