"""Exercises of notebook 05."""

import math

import torch

from vae_utils.exercises.base import (
    Implement,
    Investigate,
    Predict,
    Quantity,
    gaussian_samples,
    normal,
    require,
    slopes,
    wide_and_narrow,
)

blocked_encoder = Predict(
    title="What does the encoder of a blocked VAE learn?",
    difficulty=1,
    minutes=3,
    shown="The reconstruction is silenced, the KL is not: the encoder learns to give every image the prior.",
    hints=[
        "Draw the two terms of the loss and, for each, the path back to the encoder. Which of them goes through z?",
        "The KL is a formula in mu and logvar. What values of mu and logvar make it smallest?",
    ],
    solution_text=(
        "`'b'`. The reconstruction reaches the encoder only through z, and `sample()` cuts that path. The KL is "
        "computed from mu and logvar directly, so its gradient arrives, alone. It is smallest, zero, at mu = 0 and "
        "logvar = 0."
    ),
    answer="b",
    options={
        "a": "nothing: it keeps its random weights",
        "b": "to answer mu = 0, logvar = 0 to every image",
        "c": "what it should, only more slowly",
        "d": "to make logvar ever smaller, until there is no noise",
    },
    mistakes={
        "One of the two terms of the loss does not need z. Where does its gradient go?": "a",
        "To learn what it should, the encoder must hear which codes reconstruct well. By which path?": "c",
        "Less noise would help the reconstruction. But does the reconstruction's gradient reach logvar?": "d",
    },
)

_DIFFERENTIABLE_DRAWS = {
    "random": True,
    "gradients": True,
    "cases": [(normal(3, 2), normal(3, 2, seed=1)), (normal(1, 4), normal(1, 4, seed=1))],
}


def my_reparameterize(mu, logvar):
    """z ~ N(mu, exp(logvar)), differentiable in both.  mu, logvar: (B, K) -> (B, K)."""
    epsilon = torch.randn_like(mu)
    return mu + (0.5 * logvar).exp() * epsilon


def _measure_gaussian(f):
    mu = torch.tensor([[0.5, -2.0], [3.0, 0.0]])
    logvar = torch.tensor([[1.3, 0.4], [-1.0, 0.6]])
    yield from gaussian_samples(f, mu, logvar, mean=mu, variance=logvar.exp())
    yield from wide_and_narrow(f, -6.0, 6.0)
    # z - mu = exp(logvar / 2) epsilon, and its derivative with respect to logvar is half of itself.
    yield from slopes(f, normal(5, 3), normal(5, 3, seed=1), lambda moved: moved / 2, ("mu", "logvar"))


def _with_noise(make_noise):
    return lambda mu, logvar: mu + (0.5 * logvar).exp() * make_noise(mu)


reparameterize = Implement(
    title="Draw z so that the gradient comes through",
    difficulty=2,
    minutes=6,
    shown="Your samples have the right mean, variance and shape, fresh noise for every number, and both gradients.",
    hints=[
        "All the randomness goes into an epsilon of its own, drawn from N(0, 1), one number for each number of mu.",
        "logvar is log sigma². Its half is log sigma; `exp` takes the logarithm away.",
        "z = mu + (0.5 * logvar).exp() * epsilon, with epsilon = torch.randn_like(mu).",
    ],
    solution_text="The noise is drawn where there is nothing to learn; mu shifts it and sigma stretches it.",
    reference=my_reparameterize,
    **_DIFFERENTIABLE_DRAWS,
    measure=_measure_gaussian,
    mistakes={
        "You multiplied the noise by the variance. The standard deviation is exp(logvar / 2).": lambda mu, logvar: (
            mu + logvar.exp() * torch.randn_like(mu)
        ),
        "You multiplied the noise by logvar itself: take exp(logvar / 2).": lambda mu, logvar: (
            mu + logvar * torch.randn_like(mu)
        ),
        "The sign of logvar is turned round: a large logvar means much noise.": lambda mu, logvar: (
            mu + (-0.5 * logvar).exp() * torch.randn_like(mu)
        ),
        "`sample()` returns plain numbers; the gradient stops there. Build z from mu, logvar and a noise.": (
            lambda mu, logvar: torch.distributions.Normal(mu, (0.5 * logvar).exp()).sample()
        ),
        "You detached sigma, so logvar learns nothing: leave it in the computation.": lambda mu, logvar: (
            mu + (0.5 * logvar).exp().detach() * torch.randn_like(mu)
        ),
        "You added mu without its gradient: leave it in the computation.": lambda mu, logvar: (
            mu.detach() + (0.5 * logvar).exp() * torch.randn_like(mu)
        ),
        "You drew one noise and used it for the whole batch: draw one for every number of mu.": _with_noise(
            lambda mu: torch.randn(mu.shape[1])
        ),
        "You drew one noise an image and used it for all its dimensions: draw one for every number of mu.": _with_noise(
            lambda mu: torch.randn(len(mu), 1)
        ),
        "Pairs of rows share their noise: draw one for every number of mu.": _with_noise(
            lambda mu: torch.randn(-(-len(mu) // 2), mu.shape[1]).repeat(2, 1)[: len(mu)]
        ),
        "You drew uniform noise: `torch.rand` is uniform, `torch.randn` is N(0, 1).": _with_noise(torch.rand_like),
        "You returned the mean without noise.": lambda mu, logvar: mu + 0 * logvar,
    },
)


def my_logistic_sample(mu, logscale):
    """z ~ Logistic(mu, exp(logscale)), differentiable in both.  mu, logscale: (B, K) -> (B, K)."""
    u = torch.rand_like(mu).clamp(min=1e-7)  # torch.rand can return 0, whose logarithm is -inf
    return mu + logscale.exp() * (u.log() - (1 - u).log())


def _measure_logistic(f, draws=20_000):
    mu, logscale = torch.tensor([[0.5, -2.0]]), torch.tensor([[0.4, -0.7]])
    rows = [tensor.expand(draws, 2).contiguous() for tensor in (mu, logscale)]
    z = f(*rows).detach()
    require(not torch.equal(z, f(*rows).detach()), "Two calls return the same numbers: is there fresh noise in each?")
    require((z.var(0) > 0).all(), "All rows of the batch get the same noise. Each number needs a noise of its own.")
    share = z.sub(mu).div(logscale.exp()).sigmoid()  # uniform on [0, 1] if z is logistic
    moved = share - share.mean(0)
    together = (moved[:, 0] * moved[:, 1]).mean() / (moved[:, 0].std() * moved[:, 1].std())
    why = "Each number needs a noise of its own."
    yield Quantity("The correlation between two dimensions of your samples is", together, 0.0, 7 / draws**0.5, why)
    for p in (0.5, 0.75, 0.95, 0.25, 0.05, 0.005, 0.995):
        edge = math.log(p / (1 - p))
        yield Quantity(
            f"The share of your samples below mu {'+' if edge >= 0 else '-'} {abs(edge):.3g} exp(logscale) is",
            (share < p).double().mean(0),
            p,
            7 * (p * (1 - p) / draws) ** 0.5,
        )
    # z - mu = exp(logscale) * noise, and its derivative with respect to logscale is itself.
    yield from slopes(f, normal(5, 3), normal(5, 3, seed=1), lambda moved: moved, ("mu", "logscale"))


def _scaled(scale_of, noise_of):
    return lambda mu, logscale: mu + scale_of(logscale) * noise_of(torch.rand_like(mu).clamp(min=1e-7))


def _logit(u):
    return u.log() - (1 - u).log()


logistic_sample = Implement(
    title="Reparameterize another dice",
    difficulty=3,
    minutes=10,
    shown="Your samples follow the logistic distribution at seven quantiles, and both gradients come through.",
    hints=[
        "Any distribution whose cumulative distribution F can be inverted: draw u uniform in (0, 1), take z = F⁻¹(u).",
        "Here F(z) = sigmoid((z - mu) / scale). Solve u = F(z) for z; the inverse of the sigmoid is log(u / (1 - u)).",
        "z = mu + logscale.exp() * (u.log() - (1 - u).log()), with u = torch.rand_like(mu).",
    ],
    solution_text="u is the dice; the inverse of the cumulative distribution turns it into z by arithmetic.",
    reference=my_logistic_sample,
    **_DIFFERENTIABLE_DRAWS,
    measure=_measure_logistic,
    mistakes={
        "logscale is the logarithm of the scale, not of its square: take exp(logscale), without the half.": _scaled(
            lambda logscale: (0.5 * logscale).exp(), _logit
        ),
        "You used logscale itself as the scale: take exp(logscale).": _scaled(lambda logscale: logscale, _logit),
        "Is the noise Gaussian, or brought to variance 1? Use the inverse of the sigmoid at a uniform u, as it is.": (
            lambda mu, logscale: mu + logscale.exp() * torch.randn_like(mu)
        ),
        "The inverse of the sigmoid is missing: the sigmoid leads from z to u, and you need the way back.": _scaled(
            torch.exp, lambda u: u
        ),
        "That is log u alone; the logistic needs log(u / (1 - u)).": _scaled(torch.exp, torch.log),
        "You drew one u for the whole batch: draw one for every number of mu.": lambda mu, logscale: (
            mu + logscale.exp() * _logit(torch.rand(mu.shape[1]))
        ),
        "You drew one u for each row: draw one for every number of mu.": lambda mu, logscale: (
            mu + logscale.exp() * _logit(torch.rand(len(mu), 1).clamp(min=1e-7))
        ),
        "Your samples are detached from their parameters: let mu and logscale act by arithmetic.": (
            lambda mu, logscale: (mu + logscale.exp() * _logit(torch.rand_like(mu).clamp(min=1e-7))).detach()
        ),
    },
)


def _ratio(omega):
    """Variance of the score function's draws over that of the pathwise draws, for f(z) = sin(ωz) at μ = 0, σ = 1."""
    fading = math.exp(-2 * omega**2)
    mean = omega * math.exp(-(omega**2) / 2)
    score = (1 - (1 - 4 * omega**2) * fading) / 2 - mean**2
    pathwise = omega**2 * (1 + fading) / 2 - mean**2
    return score / pathwise


def _measure_crossover(omega):
    require(0.05 < abs(omega) < 100, "ω is a frequency between 0.05 and 100. Which one did you find?")
    why = "Above 1 the trick is better."
    yield Quantity("At your ω, the score function's variance over the trick's is", _ratio(float(omega)), 1.0, 0.09, why)
    yield Quantity("Your ω is", omega, tolerance=0.02, secret=True)


def my_crossover():
    """The ω at which both estimators of d/dμ E[sin(ωz)], z ~ N(μ, 1), have the same variance at μ = 0."""
    z = torch.linspace(-8, 8, 801, dtype=torch.float64)  # (G,)  at μ = 0 the score (z - μ) / σ² is z
    weights = torch.exp(-z.square() / 2)
    weights = weights / weights.sum()  # (G,)  a sum over the grid instead of an average over draws
    omega = torch.linspace(0.5, 2, 1501, dtype=torch.float64)[:, None]  # (W, 1)
    pathwise, score = omega * torch.cos(omega * z), torch.sin(omega * z) * z  # (W, G)
    mean = (pathwise * weights).sum(1)  # (W,)  the same for both
    ratio = ((score**2 * weights).sum(1) - mean**2) / ((pathwise**2 * weights).sum(1) - mean**2)
    return omega[ratio < 1].min().item()  # from here on the score function is the better one


crossover = Investigate(
    title="Where the trick loses",
    difficulty=4,
    minutes=15,
    shown="From ω ≈ 1.11 on the score function has the lower variance: the trick is no law of nature.",
    hints=[
        "One draw of the pathwise estimator is f'(z) = ω cos(ωz); one of the score function is sin(ωz) (z - μ)/σ².",
        "Take 1,000,000 draws z from N(0, 1) once, and compute both variances from them for many ω.",
        "Start with `for omega in torch.linspace(0.5, 2, 151)` and print the ratio of the variances; where is it 1?",
    ],
    solution_text=(
        "The slope of sin(ωz) grows with ω, its height does not. The trick multiplies by the slope, the score "
        "function by the height. With u = ω² the variances are equal where u - 1 = exp(-2u) (3u - 1): u ≈ 1.230, "
        "ω ≈ 1.109."
    ),
    reference=my_crossover,
    measure=_measure_crossover,
    mistakes={
        "That is ω². Take the square root.": 1.2302,
        "At ω = 1 the two would be equal if the exp(-2ω²) terms were gone; they are not yet.": 1.0,
        "That is ω/2π, in cycles for each unit of z; ω itself, in radians, is asked for.": 0.1765,
        "A variance cannot tell ω from -ω; the positive one is asked for.": -1.109,
    },
)
