"""Exercises of notebook 02."""

import functools

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, normal

coverage_of_one = Predict(
    title="One perfect picture",
    difficulty=1,
    minutes=3,
    answer=0.003,
    factor=5,
    shown="One picture lies in its own ball and in those of the few digits that count it among their five nearest: "
    "about 6 of 2,000.",
    hints=[
        "Coverage counts balls that hold a generated image. In how many of the 2,000 balls does one real digit lie?",
        "On average a point lies in the balls of about k = 5 others, and in its own.",
    ],
    solution_text="A point lies in about k = 5 balls of others and in its own, so about 6 / 2000 = 0.003 are met.",
    mistakes={
        "That would be the score of a generator that meets nearly every kind of digit. This one knows a single "
        "picture.": (0.5, 1.0),
        "A tenth would be all digits of one class. One picture does not stand for its class: its ball is small.": 0.1,
        "It is more than nothing: the picture is a real one, so it lies in its own ball at least.": 0.0,
        "That counts its own ball only, 1 of 2,000. It lies in the balls of some other digits, too: of how many, on "
        "average?": 1 / 2000,
        "Coverage is a share: divide the number of balls by 2,000.": (1.5, 2000.0),
    },
)


def my_coverage_of(real, generated, k):
    """real: (N, F); generated: (M, F); k: a whole number -> coverage, a number from 0 to 1."""
    distances = torch.cdist(real, real)  # (N, N)
    radius = distances.sort(1).values[:, k]  # (N,)  column 0 is the point itself, at distance 0
    inside = torch.cdist(real, generated) <= radius[:, None]  # (N, M)
    return inside.any(1).float().mean()


def _coverage_with(radius_at=0, reduce=None, swap=False, centre_on_generated=False):
    def wrong(real, generated, k):
        if swap:
            real, generated = generated, real
        centres = generated if centre_on_generated else real
        radius = torch.cdist(centres, centres).sort(1).values[:, k + radius_at]
        inside = torch.cdist(real, generated) <= (radius[None, :] if centre_on_generated else radius[:, None])
        return reduce(inside, k) if reduce else inside.any(1).float().mean()

    return wrong


coverage = Implement(
    title="Coverage",
    difficulty=3,
    minutes=10,
    shown="Yours counts the balls around real points that hold a generated one, with the k-th neighbour as the radius.",
    hints=[
        "`torch.cdist(real, real)` holds all distances between real points; sort each row.",
        "The first entry of a sorted row is the point's distance to itself, 0. The k-th neighbour is at index k.",
        "Then ask for each real point whether any generated one is within its radius, and take the share.",
    ],
    solution_text="Index 0 of a sorted row is the point itself, so index k is its k-th neighbour. Then one question "
    "for each ball: is any generated point inside?",
    reference=my_coverage_of,
    cases=[
        (torch.tensor([[0.0], [1.0], [3.0], [7.0]]), torch.tensor([[0.4], [0.5]]), 1),
        (normal(40, 2, seed=1), 0.5 * normal(30, 2, seed=2) + 0.6, 3),
        (normal(60, 8, seed=3), 0.7 * normal(80, 8, seed=4), 5),
        (normal(25, 3, seed=5), normal(10, 3, seed=6) + 1.0, 2),
    ],
    mistakes={
        "Your radius is one neighbour too small: a point's nearest neighbour in its own set is itself.": (
            _coverage_with(radius_at=-1)
        ),
        "Your radius is one neighbour too large.": _coverage_with(radius_at=1),
        "That is the share of generated points that lie in a ball (precision). Coverage counts real points.": (
            _coverage_with(reduce=lambda inside, k: inside.any(0).float().mean())
        ),
        "That is the density: it counts in how many balls each generated point lies.": (
            _coverage_with(reduce=lambda inside, k: inside.float().sum() / (k * inside.shape[1]))
        ),
        "You counted pairs. A ball that holds ten generated points is covered once.": (
            _coverage_with(reduce=lambda inside, k: inside.float().mean())
        ),
        "You counted the covered balls: divide by how many balls there are.": (
            _coverage_with(reduce=lambda inside, k: inside.any(1).float().sum())
        ),
        "You swapped the two sets: the balls are drawn around the real points.": _coverage_with(swap=True),
        "Your balls are drawn around generated points (that is recall). Draw them around the real ones.": (
            _coverage_with(centre_on_generated=True)
        ),
    },
)


def my_density_and_coverage_when_safe(autoencoder, classifier, images):
    """Density and coverage of the fitted Gaussian at temperature 0.5."""
    from vae_utils.evaluation import density_and_coverage, features

    with torch.no_grad():
        train_codes = autoencoder.encode(images.train)  # (8000, K)
        factor = torch.linalg.cholesky(train_codes.T.cov())
        noise = torch.randn(len(images.test), train_codes.shape[1], generator=torch.Generator().manual_seed(0))
        pictures = autoencoder.generate(train_codes.mean(0) + 0.5 * noise @ factor.T)
    found = density_and_coverage(features(classifier, images.test), features(classifier, pictures))
    return found.density, found.coverage


def _at_temperature(temperature, order=(0, 1), centred=True):
    def wrong(autoencoder, classifier, images):
        from vae_utils.evaluation import density_and_coverage, features

        with torch.no_grad():
            codes = autoencoder.encode(images.train)
            factor = torch.linalg.cholesky(codes.T.cov())
            noise = torch.randn(len(images.test), codes.shape[1], generator=torch.Generator().manual_seed(0))
            centre = codes.mean(0) if centred else torch.zeros(codes.shape[1])
            pictures = autoencoder.generate(centre + temperature * noise @ factor.T)
        found = density_and_coverage(features(classifier, images.test), features(classifier, pictures))
        pair = (found.density, found.coverage)
        return tuple(pair[place] for place in order)

    return wrong


@functools.cache  # the tests ask for it once for every planted wrong answer
def _context():
    from vae_utils.data import Images, load_images
    from vae_utils.evaluation import train_classifier
    from vae_utils.models import Autoencoder
    from vae_utils.objectives import reconstruction_error
    from vae_utils.training import fit

    full = load_images("digits")
    images = Images(
        "few", full.train[:1500], full.train_labels[:1500], full.test[:400], full.test_labels[:400], full.classes
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        autoencoder = Autoencoder(8, hidden=100)
        fit(autoencoder, images, reconstruction_error, epochs=20, progress=False)
    return autoencoder, train_classifier(images, epochs=8), images


playing_safe = Investigate(
    title="Playing safe",
    difficulty=3,
    minutes=10,
    tolerance=0.02,
    shown="At half the spread the pictures are safer: density rises, and coverage tells what was given up for it.",
    hints=[
        "Everything you need is above: `train_codes`, `factor`, `noise`. The temperature multiplies the noise only.",
        "`found = density_and_coverage(real, features(classifier, pictures))`, then `(found.density, found.coverage)`.",
    ],
    solution_text="Density rises and coverage falls: the draws keep to the middle, where digits are common, and the "
    "rarer kinds are no longer met.",
    reference=my_density_and_coverage_when_safe,
    example=_context,
    mistakes={
        "Those are the two numbers at temperature 1: multiply the noise by 0.5.": _at_temperature(1.0),
        "Those are the two numbers at temperature 2. A temperature of 0.5 shrinks the noise.": _at_temperature(2.0),
        "The two numbers are swapped: density first, then coverage.": _at_temperature(0.5, order=(1, 0)),
    },
)
