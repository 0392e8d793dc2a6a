"""Answers to the exercises of notebook 11."""

import torch
import torch.nn.functional as F

from vae_utils.exercises.lesson_11 import my_success_by_original, my_transfer


def by_hand(model, x, labels, wanted):
    flags = F.one_hot(labels, model.classes).float()
    mu = model.head[1](torch.cat([model.head[0](model.encoder(x)), flags], dim=1))[:, : model.latent_dim]
    return torch.sigmoid(model.decoder(torch.cat([mu, F.one_hot(wanted, model.classes).float()], dim=1)))


def one_by_one(model, x, labels, wanted):
    return torch.cat([my_transfer(model, x[i : i + 1], labels[i : i + 1], wanted[i : i + 1]) for i in range(len(x))])


def counted(reads, labels):
    found = []
    for digit in range(10):
        images = [n for n in range(len(labels)) if labels[n] == digit]
        right = sum(int(reads[asked, n] == asked) for n in images for asked in range(10) if asked != digit)
        found.append(right / (9 * len(images)))
    return found


RIGHT = {
    "length_on_the_line": [7.9, 62.5**0.5, "7.9", torch.tensor(7.91)],
    "style_transfer": [
        by_hand,
        one_by_one,
        lambda model, x, labels, wanted: model.decode(model.encode(x, labels)[0], wanted).sigmoid(),
    ],
    "success_by_original": [
        counted,
        lambda reads, labels: torch.tensor(counted(reads, labels)).double(),
        lambda reads, labels: [round(share, 2) for share in counted(reads, labels)],
    ],
}
WRONG = {
    "length_on_the_line": [7.07, 10, -7.9, 5, 0, 8.75, 62.5],
    "style_transfer": [
        lambda model, x, labels, wanted: my_transfer(model, x, labels, wanted).round(),
        lambda model, x, labels, wanted: my_transfer(model, x.flip(0), labels, wanted),
        lambda model, x, labels, wanted: my_transfer(model, x, labels, wanted.flip(0)),
        lambda model, x, labels, wanted: my_transfer(model, 1 - x, labels, wanted),
        lambda model, x, labels, wanted: my_transfer(model, x, labels, wanted).clamp(0.01, 0.99),
        lambda model, x, labels, wanted: my_transfer(model, x, 0 * labels, wanted),
        lambda model, x, labels, wanted: my_transfer(model, x, labels, wanted[:1].expand_as(wanted)),
        lambda model, x, labels, wanted: model.generate(model.encode(x, labels)[0][:1].expand(len(x), -1), wanted),
        lambda model, x, labels, wanted: model(x, wanted)[0].sigmoid(),
        lambda model, x, labels, wanted: model.generate(model.encode(x, labels), wanted),
        lambda model, x, labels, wanted: x,
    ],
    "success_by_original": [
        lambda reads, labels: [100 * share for share in counted(reads, labels)],
        lambda reads, labels: sorted(counted(reads, labels)),
        lambda reads, labels: counted(reads, labels)[::-1],
        lambda reads, labels: sum(counted(reads, labels)) / 10,
        lambda reads, labels: [sum(counted(reads, labels)) / 10] * 10,
        lambda reads, labels: [share * 9 / 10 for share in counted(reads, labels)],
        lambda reads, labels: my_success_by_original(reads, labels.roll(1)),
        lambda reads, labels: (reads == labels).float().mean(1),
        lambda reads, labels: my_success_by_original(reads.T[:10].T, labels[:10]),
    ],
}
