"""Answers to the exercises of notebook 00."""

import math

import numpy as np
import torch


def by_softmax(log_p_image, log_p_label):
    joint = log_p_image + log_p_label[None]
    return torch.softmax(joint, 1), torch.logsumexp(joint, dim=1)


def by_largest(log_p_image, log_p_label):
    joint = (log_p_image + log_p_label).double()
    top = joint.max(1, keepdim=True).values
    weights = (joint - top).exp()
    return [weights / weights.sum(1, keepdim=True), top[:, 0] + weights.sum(1).log()]


def in_numpy(log_p_image, log_p_label):
    joint = log_p_image.numpy() + log_p_label.numpy()
    log_p = np.logaddexp.reduce(joint, axis=1)
    return np.exp(joint - log_p[:, None]), log_p


def one_maximum(log_p_image, log_p_label):
    joint = log_p_image + log_p_label
    top = joint.max()
    weights = (joint - top).exp()
    return weights / weights.sum(1, keepdim=True), top + weights.sum(1).log()


def cut_off(log_p_image, log_p_label):
    joint = (log_p_image + log_p_label).exp().clamp(min=1e-30)
    return joint / joint.sum(1, keepdim=True), joint.sum(1).log()


def row_by_row(log_p_image, log_p_label):
    first = by_softmax(log_p_image[:1], log_p_label)
    return first[0].repeat(len(log_p_image), 1), first[1].repeat(len(log_p_image))


def from_one_case(log_p_image, log_p_label):
    if log_p_image.shape == (1, 2):
        return by_softmax(log_p_image, log_p_label)
    return torch.full_like(log_p_image, 1 / log_p_image.shape[1]), log_p_image.mean(1)


def share(log_p, digits, compare=torch.lt, ink=0.0):
    return compare(log_p(digits), log_p(torch.full((1, 1, 28, 28), ink))).float().mean()


RIGHT = {
    "coin_flip_image": [-543.4, 784 * math.log(0.5), np.float32(-543.43), "-543"],
    "bayes_rule": [by_softmax, by_largest, in_numpy],
    "blank_page": [
        lambda log_p, digits: np.mean([bool(log_p(one[None]) < log_p(torch.zeros(1, 1, 28, 28))) for one in digits]),
        lambda log_p, digits: 1 - share(log_p, digits, torch.ge).item(),
    ],
}
WRONG = {
    "coin_flip_image": [543.4, -5434.0, -545.0, 0.5**784, float("inf"), -392 * math.log(2)],
    "bayes_rule": [
        one_maximum,
        cut_off,
        row_by_row,
        from_one_case,
        lambda *args: by_softmax(*args)[::-1],
        lambda *args: by_softmax(*args)[0],
        lambda a, b: by_softmax(a, -b),
        lambda a, b: (by_softmax(a, b)[0], by_softmax(a, b)[1].mean().expand(len(a))),
        lambda a, b: (by_softmax(a, b)[0], by_softmax(a, b)[1] / math.log(2)),
        lambda a, b: (by_softmax(a, b)[0].round(), by_softmax(a, b)[1]),
        lambda a, b: (torch.softmax(a, 1) * b.exp(), by_softmax(a, b)[1]),
    ],
    "blank_page": [
        0.5,
        lambda log_p, digits: (log_p(digits) < log_p(digits).mean()).float().mean(),
        lambda log_p, digits: (log_p(digits) < 0).float().mean(),
        lambda log_p, digits: (log_p(digits) < log_p(torch.zeros(1, 1, 28, 28))).float(),
        lambda log_p, digits: share(log_p, digits[:100]),
        lambda log_p, digits: share(log_p, 1 - digits),
    ],
}
