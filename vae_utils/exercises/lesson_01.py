"""Exercises of notebook 01."""

import math

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal

linear_autoencoder_finds = Predict(
    title="What a linear autoencoder finds",
    difficulty=1,
    minutes=3,
    shown="The sheet is determined by the images, the axes on it are not.",
    hints=[
        "The loss sees the reconstruction only. Which changes of the weights leave every reconstruction as it is?",
        "Double every number of the code, and halve the decoder's weights: what happens to the loss?",
    ],
    solution_text="`b`. For any invertible matrix A, the encoder A W and the decoder V A⁻¹ reconstruct as W and V "
    "do, so the loss cannot single out the principal components. But only the sheet that they span has the least "
    "error, and there are no other minima for gradient descent to end in.",
    answer="b",
    options={
        "a": "the first six principal components, in order",
        "b": "six other pictures that span the same sheet",
        "c": "another sheet with a somewhat higher error: a local minimum",
        "d": "it depends on the seed whether the sheet is found",
    },
    mistakes={
        "What in the loss would make the network prefer these six pictures to mixtures of them?": "a",
        "The loss is not convex, true. But not every such landscape has bad minima: think of saddles.": "c",
        "Something depends on the seed, but ask whether it is the sheet or something else.": "d",
    },
)


def my_change_of_axes(encode, decode, A):
    """encode: (K, D), decode: (D, K), A: (K, K) invertible -> new encode (K, D), new decode (D, K)."""
    return A @ encode, decode @ torch.linalg.inv(A)


# Not symmetric, not orthogonal and of determinant 5, so that a transpose is not an inverse.
_MIX = torch.tensor([[2.0, 1.0], [-1.0, 2.0]])

change_of_axes = Implement(
    title="Change the axes of the code",
    difficulty=2,
    minutes=5,
    shown="Your autoencoder has the code A z and, on 3 sizes, the old reconstructions: the loss cannot tell.",
    hints=[
        "The new code is A z with z = encode @ x. Which matrix takes x there in one step?",
        "The decoder receives A z now. It must undo A before it does what it did.",
        "decode @ inverse(A) @ A @ encode is decode @ encode.",
    ],
    solution_text="The encoder gets A from the left, the decoder its inverse from the right, and the two cancel in the "
    "middle. The transpose would do for rotations only.",
    reference=my_change_of_axes,
    cases=[
        (torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]]), _MIX),
        (normal(2, 5, seed=1), normal(5, 2, seed=2), _MIX),
        (normal(3, 7, seed=3), normal(7, 3, seed=4), normal(3, 3, seed=5) + 3 * torch.eye(3)),
    ],
    mistakes={
        "The transpose undoes a rotation only. A may also stretch: take the inverse.": lambda encode, decode, A: (
            A @ encode,
            decode @ A.T,
        ),
        "Multiplying both by A does not cancel: the decoder has to undo A.": lambda encode, decode, A: (
            A @ encode,
            decode @ A,
        ),
        "You changed the encoder only, so the reconstructions changed.": lambda encode, decode, A: (A @ encode, decode),
        "The reconstructions are right, but the new code is the inverse of A times z.": lambda encode, decode, A: (
            torch.linalg.inv(A) @ encode,
            decode @ A,
        ),
        "The reconstructions are right, but the new code is Aᵀ z. A z was asked for.": lambda encode, decode, A: (
            A.T @ encode,
            decode @ torch.linalg.inv(A).T,
        ),
    },
)


def my_pca_encoder(components, mean):
    """components: (K, D), mean: (D,) -> W1 (2K, D), b1 (2K,), W2 (K, 2K), b2 (K,)."""
    K = len(components)
    W1 = torch.cat([components, -components])  # the hidden units are relu(a) and relu(-a), with a = V x
    W2 = torch.cat([torch.eye(K), -torch.eye(K)], dim=1)  # relu(a) - relu(-a) = a
    return W1, torch.zeros(2 * K), W2, -components @ mean


def _codes(f):
    """What the network computes, compared with PCA's code: many weights do it, so the weights are not compared."""
    for K, D, seed in ((1, 2, 0), (3, 8, 1), (5, 6, 2)):
        components = torch.linalg.qr(normal(D, K, seed=seed))[0].T
        mean = normal(D, seed=seed + 10)
        W1, b1, W2, b2 = f(components, mean)
        x = torch.cat([3 * normal(40, D, seed=seed + 20), mean[None], torch.zeros(1, D)])
        z = (x @ W1.T + b1).relu() @ W2.T + b2
        yield Quantity(
            f"With {K} components of {D} pixels, a code that your network computes is",
            z,
            expected=(x - mean) @ components.T,
            tolerance=1e-4,
            why="It should be V (x - m) for every image.",
        )


def _changed(change):
    """The reference with its four results changed."""
    return lambda components, mean: change(*my_pca_encoder(components, mean))


pca_inside_relu = Implement(
    title="PCA inside a ReLU network",
    difficulty=4,
    minutes=12,
    shown="Your ReLU network computes PCA's code for 126 inputs of 3 sizes: it contains the linear encoder.",
    hints=[
        "A ReLU lets the positive part of a number through. Which second unit lets the negative part through?",
        "relu(a) - relu(-a) = a. You have two units for each number of the code.",
        "V (x - m) = V x - V m: give the first layer the rows of V and of -V, and leave V m to b2.",
    ],
    solution_text="Each row of V gets two hidden units, relu(a) and relu(-a) with a = V x; the second layer subtracts "
    "them, and its bias subtracts V m. (The mean may as well go into b1, with both signs.) On images, whose pixels are "
    "bounded, one unit and a large bias do it too: relu(a + c) − c; for unbounded x only two units do.",
    reference=my_pca_encoder,
    measure=_codes,
    mistakes={
        "Only the positive part of the code comes through: subtract relu(-a) from relu(a).": _changed(
            lambda W1, b1, W2, b2: (W1, b1, W2.clamp(min=0), b2)
        ),
        "You left out the mean. V (x - m) = V x - V m.": _changed(lambda W1, b1, W2, b2: (W1, b1, W2, 0 * b2)),
        "relu(a) + relu(-a) is the absolute value of a: subtract.": _changed(
            lambda W1, b1, W2, b2: (W1, b1, W2.abs(), b2)
        ),
        "The mean has the wrong sign: V x - V m.": _changed(lambda W1, b1, W2, b2: (W1, b1, W2, -b2)),
        "The mean is subtracted twice, in b1 and again in b2.": _changed(
            lambda W1, b1, W2, b2: (W1, torch.cat([b2, -b2]), W2, b2)
        ),
        "The second K units compute -a, so their biases need the other sign.": _changed(
            lambda W1, b1, W2, b2: (W1, torch.cat([b2, b2]), W2, 0 * b2)
        ),
        "All signs are turned round: W2 should give relu(a) - relu(-a).": _changed(
            lambda W1, b1, W2, b2: (W1, b1, -W2, b2)
        ),
    },
)


def my_exchange_rate(error, train, test):
    """Smallest K with which PCA, fitted to train, has at most this error on test."""
    mean = train.flatten(1).mean(0)
    centred = train.flatten(1) - mean
    components = torch.linalg.eigh(centred.T @ centred)[1].flip(1)  # columns, largest eigenvalue first
    codes = (test.flatten(1) - mean) @ components  # (N, 784)
    left = codes.square().mean(0)  # a test image's squared length along each component
    remaining = left.sum() - left.cumsum(0)  # the error with K = 1, 2, ... components
    return int((remaining > error).sum()) + 1


def _example():
    """Small images whose test set varies more than the training set, so that no slip hits the right answer."""
    spread = torch.linspace(2.0, 0.5, 24)
    train = (normal(400, 24, seed=1) * spread + 0.5).view(400, 1, 4, 6)
    test = (normal(300, 24, seed=2) * 1.4 * spread + 0.5).view(300, 1, 4, 6)
    return 20.0, train, test


exchange_rate = Investigate(
    title="How many numbers of PCA is one number of the autoencoder worth?",
    difficulty=3,
    minutes=8,
    shown="PCA pays about two numbers for each one of the autoencoder at K = 8.",
    hints=[
        "`squared_error(pca(images.test, K), images.test).mean()` is PCA's error with K numbers.",
        "Try K = 8, 9, 10, ... until the error is no longer above `ae_error[8]`.",
        "`next(K for K in range(785) if squared_error(pca(images.test, K), images.test).mean() <= ae_error[8])`",
    ],
    solution_text="The errors fall with K, so count the K for which PCA is still worse, and add one.",
    reference=my_exchange_rate,
    tolerance=0.1,
    example=_example,
    mistakes={
        "That is the last K at which PCA is still worse: one more is needed.": lambda error, train, test: (
            my_exchange_rate(error, train, test) - 1
        ),
        "That is the answer on the training digits. The autoencoder's error was measured on the test digits.": (
            lambda error, train, test: my_exchange_rate(error, train, train)
        ),
        "That is K = 8 itself; PCA is worse than the autoencoder there.": 8,
        "That is the next K on the curve. Try those in between, too.": lambda error, train, test: (
            2 ** math.ceil(math.log2(my_exchange_rate(error, train, test)))
        ),
    },
)
