"""A VAE whose decoder reads along: each pixel is predicted from z and from all pixels before it.

Such a decoder can model images without any z, which is what makes it interesting: notebook 08 uses it to make the
posterior collapse. It is one masked hidden layer, not a PixelCNN, and made for small pictures.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from vae_utils.arguments import at_least_one
from vae_utils.distributions import reparameterize
from vae_utils.signatures import checked


class MaskedDecoder(nn.Module):
    """Logits of every pixel from z and from the pixels before it, row by row, through one hidden layer.

    The hidden units are sorted: the first see no pixel, the last nearly all, and each pixel listens to those that
    have not seen it yet. So one pass gives p(x_i | x_1, ..., x_(i-1), z) for all i at once.

    Args:
        latent_dim: number of latent dimensions K.
        side: height and width S of the pictures.
        hidden: width of the hidden layer.

    Raises:
        ValueError: a size below 1.

    Source: Germain, Gregor, Murray & Larochelle (2015), arXiv:1502.03509, section 3, with z as a further input.
    """

    @checked
    def __init__(self, latent_dim: int, side: int, hidden: int) -> None:
        super().__init__()
        latent_dim, side, hidden = at_least_one(latent_dim=latent_dim, side=side, hidden=hidden)
        pixels = side**2
        self.from_z, self.from_pixels = nn.Linear(latent_dim, hidden), nn.Linear(pixels, hidden)
        self.to_pixels = nn.Linear(hidden, pixels)
        seen = torch.arange(hidden) * pixels // hidden  # unit h sees the pixels 0 ... seen[h] - 1
        pixel = torch.arange(pixels)
        self.register_buffer("sees", (pixel[None, :] < seen[:, None]).float())  # (hidden, pixels)
        self.register_buffer("heard", (seen[None, :] <= pixel[:, None]).float())  # (pixels, hidden)

    def forward(self, z: Float[Tensor, "B K"], x: Float[Tensor, "B 1 S S"]) -> Float[Tensor, "B 1 S S"]:
        """Codes (B, K) and the pictures (B, 1, S, S) that are read along, to logits (B, 1, S, S)."""
        context = F.linear(x.flatten(1), self.from_pixels.weight * self.sees, self.from_pixels.bias)
        hidden = F.relu(context + self.from_z(z))
        return F.linear(hidden, self.to_pixels.weight * self.heard, self.to_pixels.bias).reshape(x.shape)


class AutoregressiveVAE(nn.Module):
    """A VAE for binary pictures with a `MaskedDecoder`; works with every loss that takes a `models.VAE`'s outputs.

    Args:
        latent_dim: number of latent dimensions K.
        side: height and width S of the pictures; 28 for those of `load_images`.
        hidden: width of the decoder's hidden layer; the encoder's is a quarter of it.

    Raises:
        ValueError: a size below 1.

    Source: Chen et al. (2017), arXiv:1611.02731, section 2, on why such a decoder may leave z unused.
    """

    @checked
    def __init__(self, latent_dim: int, side: int = 28, hidden: int = 400) -> None:
        super().__init__()
        latent_dim, side, hidden = at_least_one(latent_dim=latent_dim, side=side, hidden=hidden)
        self.latent_dim, self.side = latent_dim, side
        narrow = max(hidden // 4, 1)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(side**2, narrow), nn.ReLU(), nn.Linear(narrow, 2 * latent_dim)
        )
        self.decoder = MaskedDecoder(latent_dim, side, hidden)

    def encode(self, x: Float[Tensor, "B 1 S S"]) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Pictures (B, 1, S, S) to the mean and the log variance of q(z|x), each (B, K)."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu, logvar

    def forward(
        self, x: Float[Tensor, "B 1 S S"]
    ) -> tuple[Float[Tensor, "B 1 S S"], Float[Tensor, "B K"], Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Pictures (B, 1, S, S) to (logits (B, 1, S, S) given z and the pixels before, mu, logvar, z, each (B, K))."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar)
        return self.decoder(z, x), mu, logvar, z

    @checked
    @torch.no_grad()
    def generate(self, z: Float[Tensor, "B K"], generator: Generator | None = None) -> Float[Tensor, "B 1 S S"]:
        """Draw one binary picture for each code, pixel by pixel: S² passes through the decoder.

        Args:
            z: codes, (B, K).
            generator: source of the pixels' randomness; the global one if None.

        Returns:
            Pixels 0 or 1, (B, 1, S, S): a sample of p(x|z), not its mean, which has no simple form here.
        """
        x = z.new_zeros(len(z), self.side**2)
        noise = torch.rand(x.shape, generator=generator, dtype=z.dtype).to(z.device)
        for pixel in range(x.shape[1]):
            probability = self.decoder(z, x.reshape(-1, 1, self.side, self.side)).flatten(1)[:, pixel].sigmoid()
            x[:, pixel] = (noise[:, pixel] < probability).to(z.dtype)
        return x.reshape(-1, 1, self.side, self.side)
