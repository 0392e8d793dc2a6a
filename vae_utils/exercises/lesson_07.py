"""Exercises of notebook 07."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity

sigma_of_a_sum_of_squares = Predict(
    title="The σ nobody chose",
    difficulty=1,
    minutes=3,
    answer=math.sqrt(0.5),
    tolerance=0.01,
    shown="The Gaussian divides the squared error by 2σ². That factor is 1 where σ² = 1/2.",
    hints=[
        "Write minus the Gaussian log-likelihood of an image. What stands in front of the squared error?",
        "Set 1 / (2σ²) equal to the factor in that loss, and solve for σ.",
    ],
    solution_text="1 / (2σ²) = 1, so σ² = 1/2 and σ = 0.71: most of the way from paper to ink, for each pixel.",
    mistakes={
        "That is σ², the variance. The question is σ.": 0.5,
        "With that σ the factor in front of the squared error would be 1/2. Look for the ½ in the density.": 1.0,
        "You solved σ² = 2 or σ = √2: the factor stands in the denominator.": (1.35, 2.05),
        "A standard deviation is not negative.": (-math.inf, -1e-9),
    },
)


def my_best_sigma(x, mean):
    """The one σ that makes images most likely, given their decoded means.  x, mean: (B, 1, 28, 28) -> ()."""
    return (x - mean).square().mean().sqrt()  # over all pixels of all images


def _pair(batch, seed):
    generator = torch.Generator().manual_seed(seed)
    x, mean = torch.rand(2, batch, 1, 28, 28, generator=generator)
    scale = torch.linspace(0.1, 1, batch).view(-1, 1, 1, 1)
    return x, x + scale * (mean - 0.3)  # errors that differ from image to image and do not average to 0


def _is_the_top(function):
    x, mean = _pair(4, 9)
    sigma = torch.as_tensor(function(x, mean)).double().reshape(())
    log_sigma = sigma.log().detach().requires_grad_()
    error = (x - mean).double().square().mean()
    (0.5 * error * (-2 * log_sigma).exp() + log_sigma).backward()
    says = "The slope of -log p(x|z) per pixel over log σ, at your σ, is"
    why = "At the best σ that slope is 0: a smaller and a larger one are both worse."
    yield Quantity(says, log_sigma.grad, expected=0.0, tolerance=1e-3, why=why)


best_sigma = Implement(
    title="The best σ in closed form",
    difficulty=2,
    minutes=8,
    shown="Your σ is the root mean squared error, where the slope of the log-likelihood is zero.",
    hints=[
        "Write -log p(x|z) of all pixels as a function of σ: a sum of squares over 2σ², and N log σ for N pixels.",
        "The derivative is -SSE / σ³ + N / σ. Set it to zero.",
    ],
    solution_text="-SSE/σ³ + N/σ = 0 gives σ² = SSE/N: the mean squared error over all pixels of all images.",
    reference=my_best_sigma,
    cases=[_pair(1, 0), _pair(3, 1), _pair(5, 2)],
    measure=_is_the_top,
    mistakes={
        "That is σ², the mean squared error. Take the root.": lambda x, mean: (x - mean).square().mean(),
        "The squared errors are summed over the pixels of an image; σ belongs to a single pixel.": (
            lambda x, mean: (x - mean).square().sum((1, 2, 3)).mean().sqrt()
        ),
        "That is the mean absolute error: the best scale of a Laplace density, not of a Gaussian.": (
            lambda x, mean: (x - mean).abs().mean()
        ),
        "You average the roots of the images. One σ for all pixels: average first, then take the root.": (
            lambda x, mean: (x - mean).square().mean((1, 2, 3)).sqrt().mean()
        ),
        "That is the spread of the errors around their own mean. An error that is always the same still costs.": (
            lambda x, mean: (x - mean).std(unbiased=False)
        ),
        "That is the spread of the images, as if nothing had been decoded.": lambda x, mean: x.std(unbiased=False),
        "There is a factor ½ too much: it cancels when the derivative is set to zero.": (
            lambda x, mean: (0.5 * (x - mean).square().mean()).sqrt()
        ),
    },
)


def my_level_log_probability(mean, sigma, levels):
    """log P(level) under N(mean, sigma²) cut into 256 bins.  mean, sigma, levels (0 ... 255): (N,) -> (N,)."""
    upper = ((levels + 0.5) / 255 - mean) / sigma  # (N,)  edges of the bin around levels / 255
    lower = ((levels - 0.5) / 255 - mean) / sigma
    upper = torch.where(levels == 255, torch.inf, upper)  # the outermost bins have no outer edge
    lower = torch.where(levels == 0, -torch.inf, lower)
    return (torch.special.ndtr(upper) - torch.special.ndtr(lower)).log()  # ndtr: P(z < its argument), z ~ N(0, 1)


def _levels_case(mean, sigma, levels):
    return tuple(torch.tensor(part, dtype=torch.float64) for part in (mean, sigma, levels))


def _cut(mean, sigma, levels, first=0.5, last=0.5, count=255, open_ends=True):
    upper, lower = ((levels + last) / count - mean) / sigma, ((levels - first) / count - mean) / sigma
    if open_ends:
        upper, lower = torch.where(levels == 255, torch.inf, upper), torch.where(levels == 0, -torch.inf, lower)
    return (torch.special.ndtr(upper) - torch.special.ndtr(lower)).clamp(min=1e-300).log()


def _density(mean, sigma, levels):
    return -0.5 * ((levels / 255 - mean) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)


def _sums_to_one(function):
    levels = torch.arange(256, dtype=torch.float64)
    for mean, sigma in ((0.0, 0.1), (0.7, 0.02)):
        log_p = function(torch.full_like(levels, mean), torch.full_like(levels, sigma), levels)
        total = torch.as_tensor(log_p).exp().sum()
        says = f"For mean {mean:g} and sigma {sigma:g}, your 256 probabilities sum to"
        yield Quantity(says, total, expected=1.0, tolerance=1e-6, why="A probability of levels sums to 1.")


level_log_probability = Implement(
    title="A Gaussian for grey levels",
    difficulty=4,
    minutes=12,
    shown="Your 256 probabilities sum to 1, wherever the mean lies, and agree with the areas under the density.",
    hints=[
        "The probability of a level is the area of the density over its bin, from half a level below to half above.",
        "Areas are differences of the cumulative distribution: `torch.special.ndtr` of (edge - mean) / sigma.",
        "The bin of level 0 starts at minus infinity and that of level 255 ends at plus infinity.",
    ],
    solution_text="Two edges for each level; the outer edges of levels 0 and 255 are infinite, where ndtr is 0 or 1.",
    reference=my_level_log_probability,
    cases=[
        _levels_case([0.5], [0.1], [120.0]),
        _levels_case([0.5, 0.1, 0.9, 0.3], [0.1, 0.3, 0.05, 1.0], [128.0, 3.0, 250.0, 90.0]),
        _levels_case([0.02, 0.97, -0.2, 1.3], [0.05, 0.1, 0.3, 0.2], [0.0, 255.0, 0.0, 255.0]),
        _levels_case([0.02, 0.5], [0.005, 0.003], [0.0, 128.0]),
        _levels_case([0.5, 0.3], [0.02, 0.2], [96.0, 40.0]),  # e^-21.6: a number added inside the log would show
    ],
    per_row=True,
    measure=_sums_to_one,
    mistakes={
        "That is a density, not a probability: take the area over the bin of the level.": _density,
        "That is the density times the width of a bin: close for inner levels, wrong at 0 and 255.": (
            lambda mean, sigma, levels: _density(mean, sigma, levels) - math.log(255)
        ),
        "The outermost bins are cut off. The first begins at minus infinity, the last ends at plus infinity.": (
            lambda mean, sigma, levels: _cut(mean, sigma, levels, open_ends=False)
        ),
        "That is the probability, not its logarithm.": lambda mean, sigma, levels: _cut(mean, sigma, levels).exp(),
        "Your bins begin at the level. Put the level in the middle of its bin: half a level to each side.": (
            lambda mean, sigma, levels: _cut(mean, sigma, levels, first=0, last=1)
        ),
        "Your bins are twice as wide as a level: they overlap, and the sum is about 2.": (
            lambda mean, sigma, levels: _cut(mean, sigma, levels, first=1, last=1)
        ),
        "You take levels / 256. The pixels of this lesson are levels / 255.": (
            lambda mean, sigma, levels: _cut(mean, sigma, levels, count=256)
        ),
        "sigma is already a standard deviation; you use it as a variance.": (
            lambda mean, sigma, levels: _cut(mean, sigma.sqrt(), levels)
        ),
        "You use it as a log variance: sigma is the standard deviation itself.": (
            lambda mean, sigma, levels: _cut(mean, (0.5 * sigma).exp(), levels)
        ),
    },
)


def my_hidden_beta(model, images, sigma):
    """The β of the calibrated model that a decoder with a fixed sigma amounts to: (sigma / RMSE)²."""
    mu, _ = model.encode(images.test)  # (N, K)  reconstruct from the means
    error = (images.test - model.generate(mu)).square().mean()  # the σ² that fits these reconstructions
    return sigma**2 / error


def _context():
    from vae_utils.data import Images, load_images
    from vae_utils.likelihoods import Gaussian
    from vae_utils.models import VAE

    full = load_images("digits")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAE(3, hidden=16, likelihood=Gaussian(0.6))
    # Pale pages and other ink in each test image: training images, or a mean over images, give other numbers.
    list(model.decoder.parameters())[-1].data.fill_(-3.0)
    test = full.test[:300] * torch.linspace(0.3, 1, 300)[:, None, None, None], full.test_labels[:300]
    return model, Images("few", full.train[:300], full.train_labels[:300], *test, full.classes), 0.6


def _beta_by(formula, split="test"):
    def wrong(model, images, sigma):
        x = getattr(images, split)
        with torch.no_grad():
            errors = x - model.generate(model.encode(x)[0])
        return formula(errors, sigma)

    return wrong


def _relative(answer, *context):
    # Relative to the answer: the right one is near 6, and several wrong ones lie close together below 0.2.
    tolerance = 0.003 * torch.as_tensor(answer).detach().double().abs()
    yield Quantity("Your answer is", answer, tolerance=tolerance, secret=True)


hidden_beta = Investigate(
    title="The β hidden in a σ",
    difficulty=3,
    minutes=10,
    measure=_relative,
    shown="σ² / MSE: how many times heavier the KL weighs than with the σ that fits these reconstructions.",
    hints=[
        "Which σ would fit these reconstructions? You know it in closed form.",
        "The same σ² β trains the same networks. One side: β = 1 and the σ used. Other side: the σ that fits.",
    ],
    solution_text="σ²β is all that the networks see. One side: 0.4² · 1. Other side: s²β, where s² is the mean squared "
    "error of the reconstructions. So β = 0.4² / s², about 5.4 here.",
    reference=my_hidden_beta,
    example=_context,
    mistakes={
        "That is the ratio of the two σ. The trade is in σ².": _beta_by(lambda e, s: s / e.square().mean().sqrt()),
        "That is the reciprocal: a σ that is too large makes the KL heavier, not lighter.": _beta_by(
            lambda e, s: e.square().mean() / s**2
        ),
        "That is the σ² that fits these reconstructions. How many times does the square of the σ used contain it?": (
            _beta_by(lambda e, s: e.square().mean())
        ),
        "That is the σ that fits these reconstructions: the first half. Now keep σ²β the same on both sides.": _beta_by(
            lambda e, s: e.square().mean().sqrt()
        ),
        "You compare with σ = 1. Compare with the σ that fits these reconstructions.": lambda model, images, sigma: (
            sigma**2
        ),
        "The error is summed over the pixels; σ belongs to a single pixel.": _beta_by(
            lambda e, s: s**2 / e.square().sum((1, 2, 3)).mean()
        ),
        "There is a factor 2 too much: both σ stand with the same ½.": _beta_by(
            lambda e, s: 2 * s**2 / e.square().mean()
        ),
        "That is the mean absolute error, squared. The Gaussian's σ² is the mean of the squares.": _beta_by(
            lambda e, s: s**2 / e.abs().mean() ** 2
        ),
        "Those are the training images. Take the error on the test images.": _beta_by(
            lambda e, s: s**2 / e.square().mean(), split="train"
        ),
    },
)
