"""Answers to the exercises of notebook 01."""

import numpy as np
import torch
from sklearn.decomposition import PCA

from vae_utils.exercises.base import normal


def shuffled(components, mean):
    """Both signs of each component side by side, another scale, and the mean already in the first layer."""
    K = len(components)
    W1 = torch.stack([2 * components, -2 * components], 1).flatten(0, 1)
    W2 = torch.zeros(K, 2 * K)
    W2[torch.arange(K), 2 * torch.arange(K)], W2[torch.arange(K), 2 * torch.arange(K) + 1] = 0.5, -0.5
    return W1, -W1 @ mean, W2, torch.zeros(K)


def in_numpy(components, mean):
    V, m, eye = components.numpy().astype(float), mean.numpy(), np.eye(len(components))
    return np.vstack([V, -V]), np.zeros(2 * len(V)), np.hstack([eye, -eye]), -V @ m


def only_one_component(components, mean):
    W1, b1, W2, b2 = shuffled(components, mean)
    return W1, b1, W2[:1].repeat(len(components), 1), b2


def by_scikit_learn(error, train, test):
    train, test = (part.flatten(1).double().numpy() for part in (train, test))
    for K in range(1, train.shape[1] + 1):
        pca = PCA(K, svd_solver="full").fit(train)
        if np.square(pca.inverse_transform(pca.transform(test)) - test).sum(1).mean() <= error:
            return K


def numbers(error, train, test, centre_with=None, reduce=torch.Tensor.sum, largest_first=True):
    """The exercise done with a slip."""
    mean = (train if centre_with is None else centre_with).flatten(1).mean(0)
    centred = train.flatten(1) - mean
    axes = torch.linalg.eigh(centred.T @ centred)[1]
    axes = axes.flip(1) if largest_first else axes
    remaining = reduce((test.flatten(1) - mean).square(), 1).mean() - ((test.flatten(1) - mean) @ axes).square().mean(
        0
    ).cumsum(0)
    return int((remaining > error).sum()) + 1


RIGHT = {
    "linear_autoencoder_finds": ["b", " B"],
    "change_of_axes": [
        lambda encode, decode, A: (A @ encode, torch.linalg.solve(A.T, decode.T).T),
        lambda encode, decode, A: (torch.einsum("jk,kd->jd", A, encode), decode @ A.inverse()),
        lambda encode, decode, A: [A.numpy() @ encode.numpy(), decode.numpy() @ np.linalg.inv(A.numpy())],
        lambda encode, decode, A: (A.double() @ encode.double(), decode.double() @ torch.linalg.pinv(A.double())),
    ],
    "pca_inside_relu": [shuffled, in_numpy],
    "exchange_rate": [by_scikit_learn, lambda *context: torch.tensor(by_scikit_learn(*context))],
}
WRONG = {
    "linear_autoencoder_finds": ["a", "c", "d", "e", 2, True],
    "change_of_axes": [
        lambda encode, decode, A: (encode, decode),  # the reconstructions are right, the code is not
        lambda encode, decode, A: (2 * A @ encode, decode @ torch.linalg.inv(A) / 2),
        lambda encode, decode, A: (A @ encode, decode @ A.reciprocal()),
        lambda encode, decode, A: (A @ encode, torch.linalg.inv(A) @ decode),
        lambda encode, decode, A: (A @ encode, decode @ torch.linalg.inv(A), A),
        lambda encode, decode, A: (A @ encode, decode @ torch.linalg.inv(A) / torch.linalg.det(A)),
        lambda encode, decode, A: (decode @ torch.linalg.inv(A), A @ encode),
        lambda encode, decode, A: (A @ encode, decode @ torch.linalg.qr(A)[0].T),
        lambda encode, decode, A: (-A @ encode, -decode @ torch.linalg.inv(A)),
    ],
    "pca_inside_relu": [
        only_one_component,
        lambda components, mean: shuffled(components, -mean),
        lambda components, mean: shuffled(components.flip(0), mean),
        lambda components, mean: tuple(2 * part for part in shuffled(components, mean)),
        lambda components, mean: shuffled(components, mean)[:3] + (components @ mean,),
        lambda components, mean: (normal(*(2 * len(components), len(mean))), *shuffled(components, mean)[1:]),
        lambda components, mean: shuffled(components, mean)[:3],
        lambda components, mean: (shuffled(components, mean)[0].T, *shuffled(components, mean)[1:]),
        lambda components, mean: (*shuffled(components, mean)[:2], shuffled(components, mean)[2] * torch.nan, mean),
    ],
    "exchange_rate": [
        0,
        lambda error, train, test: by_scikit_learn(error, train, test) + 1,
        lambda error, train, test: by_scikit_learn(error, test, test),
        lambda error, train, test: numbers(error, train, test, reduce=torch.Tensor.mean),
        lambda error, train, test: numbers(error, train, test, largest_first=False),
        lambda error, train, test: -by_scikit_learn(error, train, test),
        lambda error, train, test: by_scikit_learn(error, train, test) / 8,
    ],
}
