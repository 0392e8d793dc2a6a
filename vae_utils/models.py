"""The models of the lessons: forward passes only. Images and codes that do not fit are refused by name.

`arguments` are those that a model was made with, so that `checkpoints` can make another one like it.
A model knows nothing of losses (`objectives`), of optimisers (`training`) or of pictures (`plots`).
Decoders end in logits; `generate` turns them into pixels in [0, 1].
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from vae_utils.arguments import at_least_one, fitting_codes
from vae_utils.data import fitting_images, validate_labels
from vae_utils.distributions import reparameterize
from vae_utils.likelihoods import Bernoulli, Likelihood, made
from vae_utils.networks import (
    conv_decoder,
    conv_encoder,
    mlp_decoder,
    mlp_encoder,
    small_conv_decoder,
    widths_of,
)

CONV_DECODERS = {"conv": conv_decoder, "conv-small": small_conv_decoder}  # their encoders are the same


class _EncoderDecoder(nn.Module):
    """What autoencoders and VAEs share: an encoder, and a decoder from codes to pixel logits."""

    numbers_per_dimension: int  # how many the encoder gives for each dimension of a code

    def __init__(
        self,
        latent_dim: int,
        architecture: str = "mlp",
        hidden: int | Sequence[int] = 400,
        activation: str = "relu",
        *,
        channels: int = 1,
    ) -> None:
        super().__init__()
        (latent_dim,) = at_least_one(latent_dim=latent_dim)
        self.latent_dim = latent_dim
        outputs = self.numbers_per_dimension * latent_dim
        if not isinstance(architecture, str):
            raise ValueError(f"architecture must be a word such as 'mlp' or 'conv', received {architecture!r}")
        if architecture == "mlp":
            self.encoder = mlp_encoder(outputs, hidden, activation)
            self.decoder = mlp_decoder(latent_dim, hidden, activation, channels)
        elif architecture in CONV_DECODERS:
            self.encoder, self.decoder = conv_encoder(outputs), CONV_DECODERS[architecture](latent_dim, channels)
        else:
            names = ", ".join(map(repr, ("mlp", *CONV_DECODERS)))
            raise ValueError(f"architecture must be one of {names}, received {architecture!r}")
        self.arguments = {
            "latent_dim": latent_dim,
            "architecture": architecture,
            "hidden": widths_of(hidden) if isinstance(hidden, Sequence) else widths_of(hidden)[0],
            "activation": activation,
        }

    def decode(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B 1 28 28"]:
        """Codes (B, K) to pixel logits (B, 1, 28, 28)."""
        return self.decoder(fitting_codes(z, self))

    def generate(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B 1 28 28"]:
        """Codes (B, K) to pixels in [0, 1], (B, 1, 28, 28): the mean of p(x|z), not a sample of its pixels."""
        return self.decode(z).sigmoid()


class Autoencoder(_EncoderDecoder):
    """An image becomes one code; the code becomes an image.

    Args:
        latent_dim: size K of the code.
        architecture: "mlp", "conv" or "conv-small" (see `networks`).
        hidden: width of the hidden layer of the "mlp", or of each hidden layer of its encoder.
        activation: of the "mlp", "relu" or "tanh".

    Raises:
        ValueError: a size below 1, an unknown architecture or activation.
    """

    numbers_per_dimension = 1

    def encode(self, x: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B K"]:
        """Images (B, 1, 28, 28) to codes z (B, K)."""
        return self.encoder(fitting_images(x, self))

    def forward(self, x: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B 1 28 28"]:
        """Images to the logits of their reconstructions, both (B, 1, 28, 28)."""
        return self.decode(self.encode(x))


class VAE(_EncoderDecoder):
    """An image becomes a Gaussian over codes; a draw from it becomes an image.

    Args:
        latent_dim: number of latent dimensions K.
        architecture: "mlp", "conv" or "conv-small" (see `networks`).
        hidden: width of the hidden layer of the "mlp", or of each hidden layer of its encoder.
        activation: of the "mlp", "relu" or "tanh".
        likelihood: what p(x|z) is (see `likelihoods`); it is made part of the model, so that what it learns is trained.

    Raises:
        ValueError, TypeError: a size below 1, an unknown architecture or activation; something that is no likelihood.

    Source: Kingma & Welling (2014), arXiv:1312.6114; Rezende et al. (2014), arXiv:1401.4082.
    """

    numbers_per_dimension = 2  # a mean and a log variance

    def __init__(
        self,
        latent_dim: int,
        architecture: str = "mlp",
        hidden: int | Sequence[int] = 400,
        activation: str = "relu",
        *,
        likelihood: Likelihood | None = None,
    ) -> None:
        likelihood = Bernoulli() if likelihood is None else made(likelihood)
        super().__init__(latent_dim, architecture, hidden, activation, channels=likelihood.channels)
        self.likelihood = likelihood

    def decode(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B C 28 28"]:
        """Codes (B, K) to what the likelihood needs for each pixel, (B, C, 28, 28): usually one channel, the logits."""
        return self.decoder(fitting_codes(z, self))

    def generate(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B 1 28 28"]:
        """Codes (B, K) to pixels in [0, 1], (B, 1, 28, 28): the mean of p(x|z), not a sample of its pixels."""
        return self.likelihood.mean(self.decode(z))

    def encode(self, x: Float[Tensor, "B 1 28 28"]) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Images (B, 1, 28, 28) to the mean and the log variance of q(z|x), each (B, K)."""
        mu, logvar = self.encoder(fitting_images(x, self)).chunk(2, dim=1)
        return mu, logvar

    def forward(
        self, x: Float[Tensor, "B 1 28 28"]
    ) -> tuple[Float[Tensor, "B C 28 28"], Float[Tensor, "B K"], Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Images (B, 1, 28, 28) to (logits (B, C, 28, 28), mu (B, K), logvar (B, K), z (B, K)), with one draw of z."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar)
        return self.decode(z), mu, logvar, z

    @torch.no_grad()
    def sample(self, count: int, generator: Generator | None = None) -> Float[Tensor, "B 1 28 28"]:
        """Decode `count` draws from the prior N(0, I): pixels in [0, 1], (count, 1, 28, 28).

        Args:
            count: how many images.
            generator: source of the draws, on the CPU; the global one if None.

        Returns:
            Pixels, not binarized: the means of p(x|z).

        Raises:
            ValueError: `count` is below 1.
        """
        at_least_one(count=count)
        weight = next(self.parameters())
        # Drawn on the CPU so that one seed gives the same codes on every device.
        z = torch.randn(count, self.latent_dim, generator=generator, dtype=weight.dtype)
        return self.generate(z.to(weight.device))


class ConditionalVAE(nn.Module):
    """A VAE of images given their class: p(x|y) with p(z) the same for all classes, so that z is left the style.

    Args:
        latent_dim: number of latent dimensions K.
        classes: number of classes C; a label enters encoder and decoder as C numbers, one of them 1.
        architecture: "mlp", "conv" or "conv-small" (see `networks`).

    Raises:
        ValueError: a size below 1 or an unknown architecture; later, labels that are no class (see `validate_labels`).

    Source: Kingma, Rezende, Mohamed & Welling (2014), arXiv:1406.5298, model M2 with all labels known; Sohn, Lee & Yan
    (2015), Learning structured output representation using deep conditional generative models.
    """

    def __init__(self, latent_dim: int, classes: int = 10, architecture: str = "mlp") -> None:
        super().__init__()
        latent_dim, classes = at_least_one(latent_dim=latent_dim, classes=classes)
        self.latent_dim, self.classes = latent_dim, classes
        self.arguments = {"latent_dim": latent_dim, "classes": classes, "architecture": architecture}
        # The encoder and the decoder of an autoencoder: features of the image here, a code with a label there.
        self.encoder = Autoencoder(64, architecture).encoder
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(64 + classes, 2 * latent_dim))
        self.decoder = Autoencoder(latent_dim + classes, architecture).decoder

    def encode(
        self, x: Float[Tensor, "B 1 28 28"], labels: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Images (B, 1, 28, 28) and class numbers (B,) to mean and log variance of q(z|x, y), each (B, K)."""
        features = self.head[0](self.encoder(fitting_images(x, self)))
        mu, logvar = self.head[1](self._with_label(features, labels)).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z: Float[Tensor, "B K"], labels: Int[Tensor, " B"]) -> Float[Tensor, "B 1 28 28"]:
        """Codes (B, K) and class numbers (B,) to pixel logits (B, 1, 28, 28)."""
        return self.decoder(self._with_label(fitting_codes(z, self), labels))

    def generate(self, z: Float[Tensor, "B K"], labels: Int[Tensor, " B"]) -> Float[Tensor, "B 1 28 28"]:
        """Codes (B, K) and class numbers (B,) to pixels in [0, 1], (B, 1, 28, 28)."""
        return self.decode(z, labels).sigmoid()

    def forward(
        self, x: Float[Tensor, "B 1 28 28"], labels: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B 1 28 28"], Float[Tensor, "B K"], Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Images and class numbers to (logits (B, 1, 28, 28), mu (B, K), logvar (B, K), z (B, K))."""
        mu, logvar = self.encode(x, labels)
        z = reparameterize(mu, logvar)
        return self.decode(z, labels), mu, logvar, z

    def _with_label(self, numbers: Tensor, labels: Tensor) -> Tensor:
        validate_labels(labels, len(numbers), self.classes)
        # Not F.one_hot, which waits for the GPU to see whether a label is out of range.
        flags = labels[:, None] == torch.arange(self.classes, device=labels.device)
        return torch.cat([numbers, flags.to(numbers.dtype)], dim=1)


class Classifier(nn.Module):
    """A small classifier; its last hidden layer gives the features of the scorecard.

    Args:
        classes: number of classes.

    Raises:
        ValueError: fewer than 1 class; later, images that do not fit (see `fitting_images`).
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        (classes,) = at_least_one(classes=classes)
        self.arguments = {"classes": classes}
        self.body = mlp_encoder(64, hidden=256)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(64, classes))

    def features(self, x: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B 64"]:
        """Images (B, 1, 28, 28) to features (B, 64), after the activation."""
        return self.body(fitting_images(x, self)).relu()

    def forward(self, x: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B classes"]:
        """Images (B, 1, 28, 28) to class logits (B, classes)."""
        return self.head(self.body(fitting_images(x, self)))
