"""Answers to the exercises of notebook 07."""

import math

import torch
from torch.distributions import Normal

from vae_utils.exercises.lesson_07 import my_best_sigma, my_hidden_beta, my_level_log_probability


def by_distribution(mean, sigma, levels):
    """With torch.distributions, and the edges of all bins in one table."""
    edges = torch.cat([torch.tensor([-math.inf]), (torch.arange(255) + 0.5) / 255, torch.tensor([math.inf])]).double()
    normal = Normal(mean, sigma)
    upper, lower = edges[levels.long() + 1], edges[levels.long()]
    above = torch.where(upper.isinf(), 1.0, normal.cdf(upper.clamp(-9, 9)))
    below = torch.where(lower.isinf(), 0.0, normal.cdf(lower.clamp(-9, 9)))
    return (above - below).log()


def by_loops(mean, sigma, levels):
    def below(edge, m, s):
        return 0.5 * (1 + math.erf((edge - m) / s / math.sqrt(2)))

    found = []
    for m, s, level in zip(mean.tolist(), sigma.tolist(), levels.tolist(), strict=True):
        upper = 1.0 if level == 255 else below((level + 0.5) / 255, m, s)
        p = upper - (0.0 if level == 0 else below((level - 0.5) / 255, m, s))
        found.append(math.log(p) if p > 0 else -math.inf)
    return found


def shared_tails(mean, sigma, levels):
    """The tails are shared out by dividing by what lies inside: it sums to 1, and the edge levels are still wrong."""
    cdf = Normal(mean, sigma).cdf
    inside = cdf(torch.tensor(255.5 / 255)) - cdf(torch.tensor(-0.5 / 255))
    return ((cdf((levels + 0.5) / 255) - cdf((levels - 0.5) / 255)) / inside).log()


def hidden(formula, split="test"):
    def answer(model, images, sigma):
        x = getattr(images, split)
        with torch.no_grad():
            return formula(x - model.generate(model.encode(x)[0]), sigma)

    return answer


RIGHT = {
    "sigma_of_a_sum_of_squares": [2**-0.5, 0.707, "0.71", torch.tensor(0.5).sqrt()],
    "best_sigma": [
        lambda x, mean: torch.nn.functional.mse_loss(mean, x).sqrt(),
        lambda x, mean: math.sqrt(((x.double() - mean.double()) ** 2).mean().item()),
        lambda x, mean: (x - mean).flatten().norm() / x.numel() ** 0.5,
        lambda x, mean: (((mean - x).numpy().astype(float) ** 2).mean()) ** 0.5,
    ],
    "level_log_probability": [by_distribution, by_loops],
    "hidden_beta": [
        hidden(lambda e, s: (s / e.square().mean().sqrt()) ** 2),
        hidden(lambda e, s: e.numel() * s * s / float((e.double() ** 2).sum())),
    ],
}
WRONG = {
    "sigma_of_a_sum_of_squares": [0.25, 2.0, 0.8, 0.69, -0.707, 0.0, "half"],
    "best_sigma": [
        lambda x, mean: (x - mean).square().mean((1, 2, 3)).sqrt(),  # one σ for each image
        lambda x, mean: (x - mean).abs().max(),
        lambda x, mean: (x - mean).square().mean().sqrt().log(),
        lambda x, mean: (x - mean).square().mean((2, 3)).amax().sqrt(),
        lambda x, mean: (x - mean)[:1].square().mean().sqrt(),
        lambda x, mean: (x - mean).square().median().sqrt(),
        lambda x, mean: (x - mean).std(),
        lambda x, mean: -my_best_sigma(x, mean),
        lambda x, mean: my_best_sigma(x, mean)[None],
        lambda x, mean: my_best_sigma(x, mean) * (784 / 783),
        lambda x, mean: 0.4,
    ],
    "level_log_probability": [
        shared_tails,
        lambda mean, sigma, levels: by_distribution(mean, sigma, levels) / math.log(2),  # in bits
        lambda mean, sigma, levels: by_distribution(mean, sigma, 255 - levels),
        lambda mean, sigma, levels: by_distribution(mean, sigma, levels).sum(),
        lambda mean, sigma, levels: by_distribution(mean, sigma, levels).clamp(min=-20),
        lambda mean, sigma, levels: -by_distribution(mean, sigma, levels),
        lambda mean, sigma, levels: (by_distribution(mean, sigma, levels).exp() + 1e-12).log(),
        lambda mean, sigma, levels: by_distribution(mean, sigma, levels)[:1].expand_as(levels),
        lambda mean, sigma, levels: by_distribution(mean * 255, sigma * 255, levels),
        lambda mean, sigma, levels: my_level_log_probability(mean, sigma.clamp(min=0.01), levels),
        lambda mean, sigma, levels: my_level_log_probability(mean.clamp(0, 1), sigma, levels),
        lambda mean, sigma, levels: my_level_log_probability(mean, sigma, levels).log_softmax(0),
        lambda mean, sigma, levels: torch.where(levels == 0, Normal(mean, sigma).log_prob(levels / 255), -5.0),
    ],
    "hidden_beta": [
        hidden(lambda e, s: s**2 / e.square().mean(), split="train"),
        hidden(lambda e, s: (s**2 / e.square().mean((1, 2, 3))).mean()),
        hidden(lambda e, s: s**2 / e.var()),
        hidden(lambda e, s: (s / e.std()) ** 4),
        hidden(lambda e, s: -(s**2) / e.square().mean()),
        hidden(lambda e, s: s**2 / e.square().mean((1, 2, 3))),
        lambda model, images, sigma: sigma**2 / images.test.square().mean(),
        lambda model, images, sigma: 1.05 * my_hidden_beta(model, images, sigma),
        784.0,
    ],
}
