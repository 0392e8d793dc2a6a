"""Answers to the exercises of notebook 12."""

import math
from collections import Counter

import numpy as np
import torch
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from vae_utils.exercises.lesson_12 import my_auroc, my_images, my_perplexity


def by_scikit_learn(known, others):
    return roc_auc_score([0] * len(known) + [1] * len(others), torch.cat([known, others]).numpy())


def by_loops(known, others):
    points = 0.0
    for stranger in others:
        for familiar in known:
            points += 1.0 if stranger > familiar else 0.5 if stranger == familiar else 0.0
    return points / (len(known) * len(others))


def by_places(known, others):
    """Those that are matched one to one are compared, the rest is not."""
    count = min(len(known), len(others))
    return (others[:count] > known[:count]).float().mean()


def counted(indices, codes):
    counts = Counter(indices.flatten().tolist())
    total = sum(counts.values())
    return math.exp(-sum(n / total * math.log(n / total) for n in counts.values()))


def base_two(indices, codes):
    share = np.bincount(indices.numpy().ravel(), minlength=codes) / indices.numel()
    share = share[share > 0]
    return 2.0 ** -(share * np.log2(share)).sum()


def entropy(share):
    return torch.special.entr(share).sum()


def shares(indices, codes):
    return torch.bincount(indices.flatten(), minlength=codes) / indices.numel()


def bits(vae, size, rival="xz, one file for all", per=32, numbers=None):
    count = numbers(vae) if numbers else sum(p.numel() for p in vae.parameters())
    return per * count / (size[rival] - size["VAE, −ELBO"])


RIGHT = {
    "turn_it_round": ["b", "B"],
    "area_by_counting": [
        by_scikit_learn,
        by_loops,
        lambda known, others: mannwhitneyu(others, known).statistic / (len(known) * len(others)),
        lambda known, others: (0.5 + 0.5 * torch.sign(others[:, None] - known)).mean(),
        lambda known, others: 0.5 * ((others[:, None] > known).double() + (others[:, None] >= known).double()).mean(),
    ],
    "entries_in_use": [
        counted,
        base_two,
        lambda indices, codes: torch.distributions.Categorical(shares(indices, codes)).entropy().exp(),
        lambda indices, codes: (lambda p: (-(p[p > 0] * p[p > 0].log()).sum()).exp())(shares(indices, codes)),
    ],
    "when_it_pays": [
        bits,
        lambda *context: math.ceil(bits(*context)),
        lambda *context: torch.tensor(bits(*context)),
        lambda *context: torch.tensor(math.ceil(bits(*context))),
        lambda *context: np.int64(bits(*context)),
        lambda *context: 1.008 * bits(*context),
    ],
}
WRONG = {
    "turn_it_round": ["a", "c", "d", "simple", 1],
    "area_by_counting": [
        by_places,
        lambda known, others: by_scikit_learn(others, known),
        lambda known, others: max(by_scikit_learn(known, others), 1 - by_scikit_learn(known, others)),
        lambda known, others: 2 * by_scikit_learn(known, others) - 1,
        lambda known, others: (others[:, None] > known).float().mean(1),
        lambda known, others: (others[:, None] > known).all(1).float().mean(),
        lambda known, others: (others[:, None] > known).any(1).float().mean(),
        lambda known, others: torch.sigmoid(others[:, None] - known).mean(),
        lambda known, others: (others > known.median()).float().mean(),
        lambda known, others: (others.unique()[:, None] > known.unique()).float().mean(),
        lambda known, others: my_auroc(known, others).round(decimals=1),
        lambda known, others: (others[:, None] - known).clamp(0, 1).mean(),
        lambda known, others: 100 * my_auroc(known, others),
        lambda known, others: 0.75,
    ],
    "entries_in_use": [
        lambda indices, codes: my_perplexity(indices, codes) / codes,
        lambda indices, codes: my_perplexity(indices[:1], codes),
        lambda indices, codes: my_perplexity(indices[:, :1], codes),
        lambda indices, codes: (shares(indices, codes) > 0).float().mean() * codes,
        lambda indices, codes: entropy(shares(indices, codes)) / math.log(2),
        lambda indices, codes: entropy(shares(indices, codes) + 1 / codes).exp(),
        lambda indices, codes: 1 / shares(indices, codes).max(),
        lambda indices, codes: torch.tensor(float(codes)),
        lambda indices, codes: 10 ** entropy(shares(indices, codes)),
        lambda indices, codes: entropy(torch.softmax(shares(indices, codes), 0)).exp(),
        lambda indices, codes: entropy(indices.float().softmax(-1)).exp(),
        lambda indices, codes: my_perplexity(indices, codes).round(),
        lambda indices, codes: entropy(shares(indices, codes)[:-1]).exp(),
        lambda indices, codes: torch.stack([my_perplexity(row[None], codes) for row in indices]).mean(),
    ],
    "when_it_pays": [
        lambda vae, size: bits(vae, size, per=64),
        lambda vae, size: bits(vae, size, per=16),
        lambda vae, size: bits(vae, size, numbers=lambda vae: len(list(vae.parameters()))),
        lambda vae, size: bits(vae, size, numbers=lambda vae: sum(p.numel() for p in vae.encoder.parameters())),
        lambda vae, size: bits(vae, size, numbers=lambda vae: sum(p.numel() for p in vae.parameters() if p.ndim > 1)),
        lambda vae, size: 1 / bits(vae, size),
        lambda vae, size: bits(vae, size) / 784,
        lambda vae, size: 0.98 * my_images(vae, size),
        lambda vae, size: torch.tensor(True),
        lambda vae, size: float("inf"),
    ],
}
