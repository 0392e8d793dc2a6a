"""Answers to the exercises of notebook 02."""

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from vae_utils.evaluation import density_and_coverage, features


def by_scikit_learn(real, generated, k):
    radii = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1).fit(generated).kneighbors(real)[0][:, 0]
    return np.mean(nearest <= radii)


def by_loops(real, generated, k):
    covered = 0
    for i, point in enumerate(real):
        others = torch.cat([real[:i], real[i + 1 :]])
        radius = (others - point).norm(dim=1).sort().values[k - 1]
        covered += bool(((generated - point).norm(dim=1) <= radius).any())
    return covered / len(real)


def with_radius(radius_of, distance=torch.cdist):
    def answer(real, generated, k):
        radius = radius_of(distance(real, real).sort(1).values, k)
        return (distance(real, generated) <= radius[..., None]).any(1).float().mean()

    return answer


def manhattan(a, b):
    return torch.cdist(a, b, p=1)


def joint_radius(real, generated, k):
    radius = torch.cdist(real, torch.cat([real, generated])).sort(1).values[:, k]
    return (torch.cdist(real, generated) <= radius[:, None]).any(1).float().mean()


def scores(codes_of, noise_seed=0, real_of=lambda images: images.test):
    def answer(autoencoder, classifier, images):
        with torch.no_grad():
            codes = autoencoder.encode(images.train)
            noise = torch.randn(len(images.test), codes.shape[1], generator=torch.Generator().manual_seed(noise_seed))
            pictures = autoencoder.generate(codes_of(codes, noise))
        found = density_and_coverage(features(classifier, real_of(images)), features(classifier, pictures))
        return found.density, found.coverage

    return answer


def cooled(factor):
    return lambda codes, noise: codes.mean(0) + factor * noise @ torch.linalg.cholesky(codes.T.cov()).T


RIGHT = {
    "coverage_of_one": [0.003, 6 / 2000, 5 / 2000, "0.0025", 0.01],
    "coverage": [
        by_scikit_learn,
        by_loops,
        with_radius(lambda ordered, k: ordered[:, k]),
        with_radius(lambda ordered, k: ordered.topk(k + 1, largest=False).values[:, -1]),
        lambda real, generated, k: with_radius(lambda ordered, k: ordered[:, k])(real.double(), generated.double(), k),
    ],
    "playing_safe": [
        scores(cooled(0.5)),
        scores(lambda c, n: c.mean(0) + n @ torch.linalg.cholesky(0.25 * c.T.cov()).T),
        lambda *context: np.array(scores(cooled(0.5))(*context)),
    ],
}
WRONG = {
    "coverage_of_one": [0.05, 0.0001, 0.97, 1, 1 / 2000, -0.003, 2000, 6, 5],
    "coverage": [
        joint_radius,
        with_radius(lambda ordered, k: ordered[:, k], manhattan),
        with_radius(lambda ordered, k: ordered[:, 1 : k + 1].mean(1)),
        with_radius(lambda ordered, k: ordered[:, k].mean()[None]),
        with_radius(lambda ordered, k: ordered[:, k].max()[None]),
        with_radius(lambda ordered, k: ordered[:, k] ** 2),
        with_radius(lambda ordered, k: ordered[:, 5 if len(ordered) > 5 else 1]),
        with_radius(lambda ordered, k: ordered[:, -k]),
        with_radius(lambda ordered, k: ordered[:, k] / 2),
        lambda real, generated, k: 0.5,
        lambda real, generated, k: 1 - by_scikit_learn(real, generated, k),
        lambda real, generated, k: 100 * by_scikit_learn(real, generated, k),
        lambda real, generated, k: by_scikit_learn(real, generated[:1], k),
    ],
    "playing_safe": [
        scores(cooled(0.25)),
        scores(cooled(0.5**0.5)),
        scores(cooled(0.0)),
        scores(lambda codes, noise: 0.5 * noise),
        scores(lambda codes, noise: 0.5 * (codes.mean(0) + noise @ torch.linalg.cholesky(codes.T.cov()).T)),
        scores(lambda codes, noise: codes.mean(0) + 0.5 * codes.std(0) * noise),
        scores(cooled(0.5), real_of=lambda images: images.train),
        lambda *context: scores(cooled(0.5))(*context)[0],
        (1.0, 1.0),
    ],
}
