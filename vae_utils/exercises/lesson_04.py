"""Exercises of notebook 04."""

import math

import torch
from torch.distributions import Normal

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal, require
from vae_utils.toy import ToyModel

what_rose = Predict(
    title="What rose?",
    difficulty=2,
    minutes=3,
    shown="With the decoder frozen, log p(x) is frozen, so the ELBO can only rise by what the gap falls.",
    hints=[
        "Which of the quantities depend on the encoder at all? log p(x) = ∫ p(x|z) p(z) dz has no q in it.",
        "log p(x) = ELBO + KL(q ‖ posterior), and its left side is fixed. ELBO = reconstruction − KL(q ‖ prior).",
    ],
    solution_text="`'b'`. log p(x) depends on the decoder and the prior alone, and both stood still. ELBO + gap "
    "= log p(x), so the gap fell by 3 nats. The reconstruction rose by 3 + 2 = 5 nats: it paid for the dearer KL term, "
    "and more.",
    answer="b",
    options={
        "a": "mean log p(x) of the test images rose by 3 nats",
        "b": "the divergence from q to the posterior fell by 3 nats; log p(x) is what it was",
        "c": "the divergence from q to the posterior rose by 2 nats",
        "d": "the reconstructions got better by 1 nat",
    },
    mistakes={
        "The decoder is frozen. Look for q in p(x) = ∫ p(x|z) p(z) dz.": "a",
        "You mixed up two divergences: the 2 nats belong to the one from q to the *prior*.": "c",
        "Check the sign: reconstruction = ELBO + KL(q ‖ prior), and both went up.": "d",
    },
)


def my_elbo(log_joint, mu, logvar, samples):
    """One estimate of the ELBO from `samples` draws, in nats: a tensor of shape ()."""
    sigma = (0.5 * logvar).exp()
    z = mu + sigma * torch.randn(samples, dtype=mu.dtype)  # (S,)
    log_q = -0.5 * (math.log(2 * math.pi) + logvar + ((z - mu) / sigma) ** 2)  # (S,)
    return (log_joint(z) - log_q).mean()


def _elbo_with(average=torch.mean, spread=lambda logvar: (0.5 * logvar).exp(), log_q=None, draws=None):
    """A wrong `my_elbo`: another average, another width of the draws, another log q, another number of draws."""

    def wrong(log_joint, mu, logvar, samples):
        z = mu + spread(logvar) * torch.randn(draws or samples, dtype=mu.dtype)
        right = Normal(mu, (0.5 * logvar).exp()).log_prob(z)
        return average(log_joint(z) - (log_q(z, mu, logvar, right) if log_q else right))

    return wrong


def _log_mean(log_w):
    return log_w.logsumexp(0) - math.log(len(log_w))


def _at_the_mean(log_joint, mu, logvar, samples):
    return log_joint(mu) - Normal(mu, (0.5 * logvar).exp()).log_prob(mu)


def _width_as_logvar(log_joint, mu, logvar, samples):
    q = Normal(mu, logvar.exp())
    z = q.sample((samples,))
    return (log_joint(z) - q.log_prob(z)).mean()


# x, mu, logvar on the straight decoder, where log w is a polynomial of degree two in the noise: each case has another
# mixture of its terms, so that no wrong formula is right on all of them.
_CASES = ((0.8, 0.3, -1.2), (-1.0, -0.2, -2.5), (2.0, 1.5, -0.4))
_NOISE, _SLOPE, _SAMPLES = 0.5, 1.5, 60_000


def _measure_elbo(f):
    toys = [ToyModel(_NOISE, "line") for _ in _CASES]
    joints = [lambda z, x=case[0], toy=toy: toy.log_joint(x, z) for case, toy in zip(_CASES, toys, strict=True)]
    qs = [(torch.tensor(mu).double(), torch.tensor(logvar).double()) for _, mu, logvar in _CASES]
    few, many = (torch.stack([f(joints[0], *qs[0], samples) for _ in range(20)]) for samples in (30, 3000))
    require(  # the right ratio is 1 to 10; relative, so that a sum is not taken for a lack of draws
        many.std() * few.mean().abs() <= few.std() * many.mean().abs() / 3.2,
        "A hundred times the `samples` should scatter ten times less; your estimates stay as unsteady as before.",
    )
    for (x, mu, logvar), joint, q, toy in zip(_CASES, joints, qs, toys, strict=True):
        # log w = constant + linear ε + square ε², with z = mu + sigma ε
        sigma = math.exp(logvar / 2)
        square = 0.5 - 0.5 * sigma**2 * (1 + _SLOPE**2 / _NOISE**2)
        linear = sigma * (-mu + _SLOPE * (x - _SLOPE * mu) / _NOISE**2)
        error = 7 * math.sqrt((linear**2 + 2 * square**2) / _SAMPLES)
        says = f"For q = N({mu:g}, exp({logvar:g})), your estimate from {_SAMPLES:,} draws is"
        yield Quantity(says, f(joint, *q, _SAMPLES), toy.elbo(x, mu, logvar), error)
    one = torch.stack([f(joints[0], *qs[0], 1) for _ in range(100)])
    yield Quantity("The mean of 100 one-draw estimates is", one.mean(), toys[0].elbo(*_CASES[0]), one.std().item() / 2)
    require(one.std() > 0, "Every call returns the same number: is there fresh noise in each call?")


elbo_from_samples = Implement(
    title="The ELBO from samples",
    difficulty=3,
    minutes=8,
    seconds=30,
    shown="From many draws your estimate is the exact ELBO of three q, and more draws make it steadier.",
    hints=[
        "Three steps: draw z ~ N(mu, exp(logvar)) of shape (samples,), compute log p(x, z) − log q(z), average.",
        "`q = torch.distributions.Normal(mu, (0.5 * logvar).exp())` has `q.sample((samples,))` and `q.log_prob(z)`.",
    ],
    solution_text="The average of the *logs*. The log of the average is another bound, closer to log p(x): "
    "notebook 09.",
    reference=my_elbo,
    random=True,
    cases=lambda: [
        (ToyModel(_NOISE, "line").log_prior, torch.tensor(0.3).double(), torch.tensor(-1.2).double(), 5),
        (ToyModel(_NOISE, "wave").log_prior, torch.tensor(0.5), torch.tensor(-1.0), 1),
    ],
    measure=_measure_elbo,
    mistakes={
        "You left out log q(z); without it the best q is a spike.": _elbo_with(log_q=lambda z, m, v, right: 0 * z),
        "You added log q(z); it is subtracted.": _elbo_with(log_q=lambda z, m, v, right: -right),
        "You used logvar as the standard deviation; that is exp(logvar / 2).": _elbo_with(spread=lambda v: v),
        "Your draws have the standard deviation exp(logvar): the factor 0.5 is missing.": _elbo_with(spread=torch.exp),
        "Your q has the standard deviation exp(logvar): the factor 0.5 is missing, in the draws and in log q.": (
            _width_as_logvar
        ),
        "Your log q lacks its −½ log 2π.": _elbo_with(log_q=lambda z, m, v, right: right + 0.5 * math.log(2 * math.pi)),
        "Your log q lacks its −log σ.": _elbo_with(log_q=lambda z, m, v, right: right + 0.5 * v),
        "In your log q the term with z lacks the square or the ½, or is not divided by σ².": _elbo_with(
            log_q=lambda z, m, v, right: right - 0.5 * ((z - m) ** 2 / v.exp())
        ),
        "You subtracted log p(z), the prior, where log q(z) belongs.": _elbo_with(
            log_q=lambda z, m, v, right: Normal(0.0, 1.0).log_prob(z)
        ),
        "You took the log of the average weight. The ELBO is the average of the logs.": _elbo_with(_log_mean),
        "You summed over the draws; average them.": _elbo_with(torch.sum),
        "You evaluated at z = mu alone. The ELBO averages over draws from q; at the mean it is no bound.": _at_the_mean,
        "You made one draw, whatever `samples` says.": _elbo_with(draws=1),
    },
)


def my_kl(mu_q, logvar_q, mu_p, logvar_p):
    """KL(q || p) of each dimension, in nats.  Four tensors (B, K) -> (B, K)"""
    squares = (mu_q - mu_p) ** 2 + logvar_q.exp()  # E_q[(z - mu_p)²]
    return 0.5 * (squares / logvar_p.exp() - 1 + logvar_p - logvar_q)


kl_of_two_gaussians = Implement(
    title="The KL between any two Gaussians",
    difficulty=3,
    minutes=10,
    shown="Your KL matches the closed form on 4 shapes, with its gradients, and is the KL term when p is N(0, 1).",
    hints=[
        "Write log q(z) − log p(z) and average under q. The only new average is that of (z − mu_p)².",
        "E_q[(z − mu_p)²] = (mu_q − mu_p)² + sigma_q². Divide it by 2 sigma_p², and mind log sigma_p − log sigma_q.",
    ],
    solution_text="With mu_p = 0 and logvar_p = 0 this is the KL term of the lesson.",
    reference=my_kl,
    cases=[
        tuple(torch.tensor([pair]) for pair in ((0.5, 0.0), (1.3, 0.0), (-0.4, 2.0), (0.6, 0.0))),
        tuple(normal(1, 1, seed=seed) for seed in (9, 10)) + (torch.zeros(1, 1), torch.zeros(1, 1)),
        tuple(normal(4, 3, seed=seed) for seed in range(4)),
        tuple(normal(2, 7, seed=seed) for seed in range(4, 8)),
    ],
    per_row=True,
    gradients=True,
    mistakes={
        "That is KL(p ‖ q): the average is taken under q.": lambda a, b, c, d: my_kl(c, d, a, b),
        "You forgot the factor 1/2.": lambda a, b, c, d: 2 * my_kl(a, b, c, d),
        "That is the KL from q to N(0, 1): p has a mean and a variance of its own.": (
            lambda a, b, c, d: 0.5 * (a**2 + b.exp() - 1 - b)
        ),
        "The squared distance of the means must be divided by sigma_p².": (
            lambda a, b, c, d: 0.5 * ((a - c) ** 2 + (b - d).exp() - 1 + d - b)
        ),
        "sigma_q² must be divided by sigma_p².": (
            lambda a, b, c, d: 0.5 * ((a - c) ** 2 / d.exp() + b.exp() - 1 + d - b)
        ),
        "The −1 is missing: at q = p the KL must be 0.": lambda a, b, c, d: my_kl(a, b, c, d) + 0.5,
        "The two log-variances have the wrong signs.": (
            lambda a, b, c, d: 0.5 * (((a - c) ** 2 + b.exp()) / d.exp() - 1 - d + b)
        ),
        "log sigma is half of logvar: with the factor ½ outside, the logvars stand inside without another one.": (
            lambda a, b, c, d: 0.5 * (((a - c) ** 2 + b.exp()) / d.exp() - 1 + 0.5 * (d - b))
        ),
        "logvar is log sigma²: sigma² = exp(logvar).": lambda a, b, c, d: my_kl(a, 2 * b, c, 2 * d),
        "The distance of the means stands squared.": (
            lambda a, b, c, d: 0.5 * (((a - c).abs() + b.exp()) / d.exp() - 1 + d - b)
        ),
        "The sign is turned round: a KL is never negative.": lambda a, b, c, d: -my_kl(a, b, c, d),
        "You summed over the dimensions: keep one number for each.": lambda a, b, c, d: my_kl(a, b, c, d).sum(-1),
        "You averaged over the batch: keep one number for each image and dimension.": (
            lambda a, b, c, d: my_kl(a, b, c, d).mean(0)
        ),
    },
)


def my_x():
    """Where the best ELBO with mu = 0 stops being the best of all, by halving an interval."""
    mu = torch.linspace(0, 2, 201, dtype=torch.float64)[:, None]  # (M, 1)
    sigma = torch.linspace(0.1, 1.2, 221, dtype=torch.float64)  # (S,)
    mean_f, mean_f2 = (mu**2 + sigma**2) / 2, (mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4) / 4  # E_q[f], E_q[f²]
    kl = 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()
    low, high = 0.5, 2.0
    while high - low > 1e-3:
        x = (low + high) / 2
        elbo = -(x**2 - 2 * x * mean_f + mean_f2) / (2 * 0.4**2) - kl  # (M, S)  without its constants
        low, high = (x, high) if elbo[0].max() > elbo[50:].max() else (low, x)  # the middle, or mu of 0.5 and more
    return high


def _measure_x(answer):
    """How much better the side is at the learner's x: a number that shows what is wrong and does not give x away."""
    mu = torch.linspace(0, 2, 201, dtype=torch.float64)[:, None]
    sigma = torch.linspace(0.1, 1.2, 221, dtype=torch.float64)
    mean_f, mean_f2 = (mu**2 + sigma**2) / 2, (mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4) / 4
    elbo = (2 * answer.double() * mean_f - mean_f2) / (2 * 0.4**2) - 0.5 * (mu**2 + sigma**2) + sigma.log()
    advantage = elbo[50:].max() - elbo[0].max()
    why = "Below 0 the middle still wins at your x, above 0 one side does."
    says = f"At your x = {answer.item():.4g}, the best ELBO on one side minus the best in the middle (nats) is"
    yield Quantity(says, advantage, 0.0, 0.025, why)
    yield Quantity("Your x is", answer, answer, 0.01)  # never wrong: it tells the planted mistakes apart


where_it_lets_go = Investigate(
    title="Where does it let go?",
    difficulty=4,
    minutes=15,
    shown="The posterior has two peaks from x = 0.16 on, but q stays in the middle until one peak is worth more.",
    hints=[
        "At one x: a table of `square.elbo(x, 0.0, logvar)` over logvar, and one over mu from 0.5 to 2 as well. "
        "Compare the two largest numbers. A coarse table is enough to see which is larger.",
        "At x = 0.5 the middle wins, at x = 2 the side. Halve the interval until it is shorter than 0.01. "
        "`fit_q` from two starts (mu = 0, and mu = 1) does the job of the tables.",
    ],
    solution_text="For this decoder E_q[f] and E_q[f²] are polynomials (E[z⁴] = mu⁴ + 6 mu² sigma² + 3 sigma⁴), so one "
    "table of mu and sigma serves all x. The answer is about 0.97, and q jumps there: from mu = 0 to a mu of 1.1.",
    reference=my_x,
    measure=_measure_x,
    mistakes={
        "From there on the posterior has two peaks. Two peaks are not enough: compare the ELBOs.": 0.16,
        "That is where it happens with noise 0.3; the exercise has noise 0.4.": 0.695,
        "That is where it happens with noise 0.5; the exercise has noise 0.4.": 1.259,
        "That is the mu to which q jumps. The x at which it jumps was asked for.": 1.105,
        "From there on a q on one side is a maximum of its own; it is not the highest yet.": 0.853,
        "At x = 0.5 the best q sits in the middle still.": 0.5,
        "At x = 2 the best q has left the middle long ago.": 2.0,
    },
)
