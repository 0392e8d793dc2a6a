"""Encoders and decoders, as plain `nn.Sequential`s that can be read in one sitting.

What goes in and what comes out (B images, K latent dimensions; an encoder of a VAE has 2 K outputs):

| network        | in             | hidden                              | out                    |
|----------------|----------------|-------------------------------------|------------------------|
| `mlp_encoder`  | (B, 1, 28, 28) | 784 → 400, or widths of your own    | (B, outputs)           |
| `mlp_decoder`  | (B, K)         | 400 → 784, or widths of your own    | (B, 1, 28, 28) logits  |
| `conv_encoder` | (B, 1, 28, 28) | 16×14×14 → 32×7×7 → 128             | (B, outputs)           |
| `conv_decoder` | (B, K)         | 128 → 32×7×7 → 16×14×14             | (B, 1, 28, 28) logits  |
| the small one  | (B, K)         | 96 → 16×7×7 → 16×14×14              | (B, 1, 28, 28) logits  |

These are not residual, not normalised and not deep: on 28×28 digits two layers a side show every idea of the series.
"""

from collections.abc import Sequence

from torch import nn

from vae_utils.arguments import at_least_one

IMAGE_SHAPE = (1, 28, 28)
PIXELS = 28 * 28
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def mlp_encoder(outputs: int, hidden: int | Sequence[int] = 400, activation: str = "relu") -> nn.Sequential:
    """Images to `outputs` numbers through fully connected layers.

    Args:
        outputs: how many numbers an image becomes: K for an autoencoder, 2 K for a VAE.
        hidden: width of the hidden layer, or of each hidden layer, first to last.
        activation: "relu" or "tanh".

    Returns:
        A network (B, 1, 28, 28) -> (B, outputs).

    Raises:
        ValueError: a size is below 1, or an unknown activation.

    Source: the shape of Kingma & Welling (2014), arXiv:1312.6114, appendix C.
    """
    at_least_one(outputs=outputs)
    return nn.Sequential(nn.Flatten(), *_layers(PIXELS, widths_of(hidden), outputs, activation))


def mlp_decoder(
    latent_dim: int, hidden: int | Sequence[int] = 400, activation: str = "relu", channels: int = 1
) -> nn.Sequential:
    """Codes to pixel logits through fully connected layers.

    Args:
        latent_dim: size K of a code.
        hidden: width of the hidden layer, or of each one in the encoder's order: the decoder takes them last to first.
        activation: "relu" or "tanh".
        channels: numbers for each pixel; some likelihoods need two (see `likelihoods`).

    Returns:
        A network (B, K) -> (B, channels, 28, 28); with one channel, logits.

    Raises:
        ValueError: a size is below 1, or an unknown activation.
    """
    latent_dim, channels = at_least_one(latent_dim=latent_dim, channels=channels)
    layers = _layers(latent_dim, widths_of(hidden)[::-1], channels * PIXELS, activation)
    return nn.Sequential(*layers, nn.Unflatten(1, (channels, *IMAGE_SHAPE[1:])))


def widths_of(hidden: int | Sequence[int]) -> list[int]:
    """Widths of the hidden layers, first to last.

    Raises:
        ValueError: one is no whole number of at least 1.
    """
    widths = list(hidden) if isinstance(hidden, Sequence) else [hidden]
    return [size for width in widths for size in at_least_one(hidden=width)]


def _layers(inputs: int, widths: list[int], outputs: int, activation: str) -> list[nn.Module]:
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}, received {activation!r}")
    sizes = [inputs, *widths, outputs]
    layers: list[nn.Module] = []
    for before, after in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(before, after), ACTIVATIONS[activation]()]
    return layers[:-1]  # the last layer's outputs may be any number


def conv_encoder(outputs: int) -> nn.Sequential:
    """Images to `outputs` numbers through two strided convolutions.

    Args:
        outputs: how many numbers an image becomes: K for an autoencoder, 2 K for a VAE.

    Returns:
        A network (B, 1, 28, 28) -> (B, outputs).

    Raises:
        ValueError: `outputs` is below 1.
    """
    at_least_one(outputs=outputs)
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=4, stride=2, padding=1),  # (B, 16, 14, 14)
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=4, stride=2, padding=1),  # (B, 32, 7, 7)
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, outputs),
    )


def conv_decoder(latent_dim: int, channels: int = 1, hidden: int = 128, maps: int = 32) -> nn.Sequential:
    """Codes to pixel logits through two transposed convolutions.

    Args:
        latent_dim: size K of a code.
        channels: numbers for each pixel.
        hidden: width of the fully connected layer.
        maps: feature maps of 7×7 that it is spread out to.

    Returns:
        A network (B, K) -> (B, channels, 28, 28); with one channel, logits.

    Raises:
        ValueError: a size is below 1.
    """
    latent_dim, channels, hidden, maps = at_least_one(
        latent_dim=latent_dim, channels=channels, hidden=hidden, maps=maps
    )
    return nn.Sequential(
        nn.Linear(latent_dim, hidden),
        nn.ReLU(),
        nn.Linear(hidden, maps * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (maps, 7, 7)),
        # A kernel of 4 with a stride of 2 covers every pixel equally often, so no checkerboard is built in.
        nn.ConvTranspose2d(maps, 16, kernel_size=4, stride=2, padding=1),  # (B, 16, 14, 14)
        nn.ReLU(),
        nn.ConvTranspose2d(16, channels, kernel_size=4, stride=2, padding=1),  # (B, channels, 28, 28)
    )


def small_conv_decoder(latent_dim: int, channels: int = 1) -> nn.Sequential:
    """A `conv_decoder` of 80,000 weights instead of 210,000, for pages that carry the weights inside.

    Args:
        latent_dim: size K of a code.
        channels: numbers for each pixel.

    Returns:
        A network (B, K) -> (B, channels, 28, 28); with one channel, logits.

    Raises:
        ValueError: a size is below 1.
    """
    return conv_decoder(latent_dim, channels, hidden=96, maps=16)
