"""Exercises of notebook 11: right answers written otherwise pass, and wrong ones that nobody planted do not."""

import pytest
import torch
import torch.nn.functional as F

from vae_utils import exercises
from vae_utils.exercises.lesson_11 import _example


def _by_hand(model, x, labels, wanted):
    flags = F.one_hot(labels, model.classes).float()
    mu = model.head[1](torch.cat([model.head[0](model.encoder(x)), flags], dim=1))[:, : model.latent_dim]
    return torch.sigmoid(model.decoder(torch.cat([mu, F.one_hot(wanted, model.classes).float()], dim=1)))


def test_a_transfer_by_hand_passes():
    assert exercises.style_transfer.check(_by_hand).passed


@pytest.mark.parametrize(
    "wrong",
    [
        lambda model, x, labels, wanted: model.generate(model.encode(x, labels)[0], wanted).round(),
        lambda model, x, labels, wanted: model.generate(model.encode(x.flip(0), labels)[0], wanted),
        lambda model, x, labels, wanted: model.generate(model.encode(x, labels)[0][:1].expand(len(x), -1), wanted),
        lambda model, x, labels, wanted: model(x, wanted)[0].sigmoid(),
        lambda model, x, labels, wanted: x,
    ],
)
def test_other_wrong_transfers_fail(wrong):
    assert not exercises.style_transfer.check(wrong).passed


def test_shares_counted_one_by_one_pass_and_percents_do_not():
    reads, labels = _example()
    counted = []
    for digit in range(10):
        images = [n for n in range(len(labels)) if labels[n] == digit]
        right = sum(int(reads[asked, n] == asked) for n in images for asked in range(10) if asked != digit)
        counted.append(right / (9 * len(images)))
    assert exercises.success_by_original.check(counted, reads, labels).passed
    assert not exercises.success_by_original.check([100 * share for share in counted], reads, labels).passed
    assert not exercises.success_by_original.check(sorted(counted), reads, labels).passed


@pytest.mark.parametrize(("answer", "right"), [(7, True), (50**0.5, True), (8, False), (10, False), (-7, False)])
def test_the_length_half_way(answer, right):
    assert exercises.length_half_way.check(answer).passed == right
