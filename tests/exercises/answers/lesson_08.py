"""Answers to the exercises of notebook 08."""

import math

import torch
import torch.nn.functional as F


def one_by_one(kl, nats):
    total = 0.0
    for column in kl.T:
        mean = column.mean()
        total = total + (mean if mean > nats else torch.tensor(float(nats)))
    return total


def gaps(information):
    best = information.sort(dim=0, descending=True).values
    return best[0] - best[1]


def gap_by_hand(information, entropies):
    total = 0.0
    for factor in range(information.shape[1]):
        column = sorted(information[:, factor].tolist())
        total += (column[-1] - column[-2]) / entropies[factor].item()
    return total / information.shape[1]


RIGHT = {
    "where_it_collapses": [12.5, 0.5 / 0.2**2, "12.5", torch.tensor(12.45)],
    "free_bits_charge": [
        one_by_one,
        lambda kl, nats: torch.maximum(kl.mean(0), torch.tensor(nats)).sum(),
        lambda kl, nats: (nats + F.relu(kl.mean(dim=0) - nats)).sum(),
        lambda kl, nats: torch.where(kl.mean(0) > nats, kl.mean(0), nats).sum(),
    ],
    "mutual_information_gap": [
        gap_by_hand,
        lambda information, entropies: (gaps(information) / entropies).mean(),
        lambda information, entropies: gaps(information.double() / entropies.double()).mean(),
        lambda information, entropies: gaps(information / entropies).mean().item(),
    ],
    "two_nats": [12.236, 12.2, torch.tensor(12.24), 0.1 ** (1 / 3) * math.exp(-4 / 3) / 0.01],
}
WRONG = {
    "where_it_collapses": [12.0, 25.0, 6.25, -12.5, 0.02, 0.2, 1 / 12.5],
    "free_bits_charge": [
        lambda kl, nats: F.relu(kl.mean(0) - nats).sum() + nats,
        lambda kl, nats: kl.mean(0).clamp(min=nats),
        lambda kl, nats: kl.mean(1).clamp(min=nats).sum(),
        lambda kl, nats: kl.mean().clamp(min=nats) * kl.shape[1],
        lambda kl, nats: kl.median(0).values.clamp(min=nats).sum(),
        lambda kl, nats: kl.mean(0).clamp(min=0.5).sum(),
        lambda kl, nats: kl.mean(0).clamp(min=nats).max(),
        lambda kl, nats: kl.mean(0).detach().clamp(min=nats).sum() + 0 * kl.sum(),
        # The right charge with the gradient of the KL everywhere.
        lambda kl, nats: kl.mean(0).sum() + (kl.mean(0).clamp(min=nats) - kl.mean(0)).sum().detach(),
        # F.softplus never reaches the limit.
        lambda kl, nats: (nats + F.softplus(kl.mean(0) - nats)).sum(),
        lambda kl, nats: kl[0].clamp(min=nats).sum(),
        lambda kl, nats: -kl.mean(0).clamp(min=nats).sum(),
    ],
    "mutual_information_gap": [
        lambda information, entropies: (gaps(information) / entropies).median(),
        lambda information, entropies: (gaps(information) / entropies).max(),
        lambda information, entropies: (gaps(information) / entropies)[0],
        lambda information, entropies: gaps(information / entropies),
        lambda information, entropies: gaps(information).mean() / entropies.mean(),
        lambda information, entropies: (gaps(information) / entropies.exp()).mean(),
        lambda information, entropies: (gaps(information) * entropies).mean(),
        lambda information, entropies: (gaps(information) / information.sum(0)).mean(),
        lambda information, entropies: -(gaps(information) / entropies).mean(),
        lambda information, entropies: ((information[0] - information[1]).abs() / entropies).mean(),
        lambda information, entropies: (information.std(0) / entropies).mean(),
        lambda information, entropies: (information.unique(dim=0).topk(2, dim=0).values[0] / entropies).mean(),
        lambda information, entropies: (
            torch.stack([c.unique().flip(0)[:2].diff()[0].abs() for c in information.T]) / entropies
        ).mean(),  # two that share the largest value leave no gap
        lambda information, entropies: (
            (information.amax(0) - information.masked_fill(information == information.amax(0), -torch.inf).amax(0))
            / entropies
        ).mean(),
    ],
    "two_nats": [12.0, 12.5, 0.12236, -12.236, 1.0, 10.0, 4.6, [12.236, 12.236]],
}
