"""Densities and probabilities of grey pixels, and what is needed to compare them: `likelihoods` builds on them.

The same reduction as in `distributions`: nats per image, summed over all dimensions but the first. Each is checked
in the tests: densities integrate to 1, probabilities sum to 1.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from vae_utils.arguments import check_pixels, same_shape
from vae_utils.distributions import _sum_but_first, bernoulli_log_likelihood
from vae_utils.signatures import checked

LEVELS = 256  # grey levels of a pixel
LOG_SCALES = (-12.0, 12.0)  # a logistic scale of e^-12 is 1/600 of a grey level; of e^12, even grey
# Bernoulli numbers B_2, B_4, ...: enough terms of the continuous Bernoulli's series for float64 up to NEAR_ZERO.
BERNOULLI_NUMBERS = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
NEAR_ZERO = 0.3


@checked(finite=False)
def continuous_bernoulli_log_normalizer(logits: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """log C: what must be added to minus the binary cross-entropy to make it a log-density on [0, 1].

    With l the logit, C = l / tanh(l / 2), which is 2 at l = 0 and grows as |l|. Near 0 a series takes over, because
    there the formula is 0 / 0 and its gradient loses its digits.

    Args:
        logits: any shape.

    Returns:
        Nats for each element, the same shape.

    Source: Loaiza-Ganem & Cunningham (2019), arXiv:1907.06845, section 3, written for logits.
    """
    near = logits.abs() < NEAR_ZERO
    size = torch.where(near, torch.ones_like(logits), logits.abs())  # the branch not taken must stay finite too
    far = size.log() + torch.log1p((-size).exp()) - (-torch.expm1(-size)).log()
    square, series = torch.where(near, logits, torch.zeros_like(logits)).square(), torch.zeros_like(logits)
    for n in range(len(BERNOULLI_NUMBERS), 0, -1):
        coefficient = (4**n - 2) * BERNOULLI_NUMBERS[n - 1] / (2 * n * math.factorial(2 * n))
        series = (series + coefficient) * square
    return torch.where(near, math.log(2) + series, far)


def continuous_bernoulli_log_likelihood(
    logits: Float[Tensor, "B ..."], x: Float[Tensor, "B ..."]
) -> Float[Tensor, " B"]:
    """Log-density of pixels under independent continuous Bernoullis: exponentials cut off to [0, 1].

    Args:
        logits: the slope of the log-density, (B, ...).
        x: pixels in [0, 1], the same shape.

    Returns:
        Nats per image, (B,): summed over all pixels; often positive, as log-densities may be.

    Raises:
        ValueError: the shapes differ, or x leaves [0, 1].

    Source: Loaiza-Ganem & Cunningham (2019), arXiv:1907.06845, section 3.
    """
    return bernoulli_log_likelihood(logits, x) + _sum_but_first(continuous_bernoulli_log_normalizer(logits))


@checked(finite=False)
def continuous_bernoulli_mean(logits: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The mean of the continuous Bernoulli, 1 / (1 - exp(-l)) - 1 / l; not the sigmoid of l, which lies further out.

    Args:
        logits: any shape.

    Returns:
        Means in (0, 1), the same shape.

    Source: Loaiza-Ganem & Cunningham (2019), arXiv:1907.06845, section 3, written for logits.
    """
    near = logits.abs() < NEAR_ZERO
    size = torch.where(near, torch.ones_like(logits), logits.abs())
    far = -1 / torch.expm1(-size) - 1 / size  # for the logit |l|; the mean for -l is 1 minus that for l
    small, series = torch.where(near, logits, torch.zeros_like(logits)), torch.zeros_like(logits)
    for n in range(len(BERNOULLI_NUMBERS), 0, -1):
        series = series * small.square() + BERNOULLI_NUMBERS[n - 1] / math.factorial(2 * n)
    return torch.where(near, 0.5 + series * small, torch.where(logits > 0, far, 1 - far))


def discretized_logistic_log_likelihood(
    mean: Float[Tensor, "B ..."], log_scale: Float[Tensor, "B ..."], x: Float[Tensor, "B ..."]
) -> Float[Tensor, " B"]:
    """Log-probability of grey levels: the mass of a logistic density in the bin around each of 256 levels.

    The first and the last bin reach to minus and plus infinity, so that the 256 masses sum to 1.

    Args:
        mean: centre of the logistic, in units where black is 1 and paper 0, (B, ...).
        log_scale: log of its scale, the same shape; taken into [-12, 12], where its gradient does not vanish.
        x: pixels in [0, 1], the same shape; taken to the nearest of the levels 0, 1/255, ..., 1.

    Returns:
        Nats per image, (B,): summed over all pixels; never positive.

    Raises:
        ValueError: the shapes differ, or x leaves [0, 1].

    Source: Salimans et al. (2017), arXiv:1701.05517, section 2.1, with one component instead of a mixture.
    """
    same_shape(mean=mean, log_scale=log_scale, x=x)
    check_pixels(x)
    scale = log_scale.clamp(*LOG_SCALES).exp()
    level = (x * (LEVELS - 1)).round()
    above, below = (((level + half) / (LEVELS - 1) - mean) / scale for half in (0.5, -0.5))
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)): three logarithms that lose no digits.
    log_below_upper = torch.where(level == LEVELS - 1, torch.zeros_like(above), F.logsigmoid(above))
    log_above_lower = torch.where(level == 0, torch.zeros_like(below), F.logsigmoid(-below))
    inside = (level > 0) & (level < LEVELS - 1)
    log_width = (-torch.expm1(-1 / ((LEVELS - 1) * scale))).log()
    return _sum_but_first(log_below_upper + log_above_lower + torch.where(inside, log_width, torch.zeros_like(above)))


@checked(finite=False)
def dequantize(x: Float[Tensor, "B ..."], generator: Generator | None = None) -> Float[Tensor, "B ..."]:
    """Spread each of 256 grey levels evenly over its own interval: (255 x + u) / 256 with u uniform on [0, 1).

    A log-density of the result, averaged over u and less 784 log 256, is a lower bound of a log-probability of x.

    Args:
        x: pixels 0, 1/255, ..., 1, any shape.
        generator: source of the noise; the global one if None.

    Returns:
        Pixels in [0, 1), the same shape.

    Raises:
        ValueError: x leaves [0, 1].

    Source: Theis et al. (2016), arXiv:1511.01844, section 3.1.
    """
    check_pixels(x)
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return ((LEVELS - 1) * x + noise) / LEVELS


@checked
def bits_per_dimension(nats: float, *, dimensions: int = 784, levels: int = 1) -> float:
    """A cost in nats per image as bits for each pixel.

    Args:
        nats: -log p(x) of an image, or a bound of it such as -ELBO.
        dimensions: pixels of the image.
        levels: for a density of dequantized pixels, the number of levels (256), whose width the density does not know;
            for a probability, 1.

    Returns:
        Bits per dimension.

    Raises:
        ValueError: a cost that is not finite, or a size below 1.
    """
    if dimensions < 1 or levels < 1:
        raise ValueError(f"dimensions and levels must be at least 1, received {dimensions} and {levels}")
    return nats / (dimensions * math.log(2)) + math.log2(levels)
