"""Exercises of notebook 06."""

import torch
import torch.nn.functional as F

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal, require

beta_of_a_mean = Predict(
    title="The β of a mean",
    difficulty=1,
    minutes=2,
    answer=128 * 128 * 3,
    tolerance=0.5,
    shown="A mean over the pixels divides the reconstruction by d, which multiplies β by d.",
    hints=[
        "Write the loss as (sum of squared errors) / d + KL. What is d here?",
        "Multiply the whole loss by d; that does not move its minimum. What stands in front of the KL now?",
    ],
    solution_text="d = 128 · 128 · 3 = 49152 values. The loss is SSE / d + KL; times d: SSE + d KL, so β = 49152.",
    mistakes={
        "That is what it would be if the KL were a mean over its dimensions too. It is a sum.": 192,
        "Those are the pixels of one colour channel. A picture has three.": 16384,
        "That is the number of latent dimensions. The mean was taken over something else.": 256,
        "That would be the sum of both terms. Here one of them is a mean over everything.": 1,
        "That is 1 / d: the weight of the reconstruction. How much larger is the weight of the KL than that?": 1
        / 49152,
    },
)


def my_sample(decoder, count, latent_dim):
    """Draw new images.  -> (count, 1, 28, 28) pixels in [0, 1]."""
    z = torch.randn(count, latent_dim)  # (count, K)  from the prior N(0, I)
    return decoder(z).sigmoid()  # logits to pixels


def _linear_decoder(z):
    """Logits that are the code itself, dimension by dimension, so that a sample can be read off its pixels."""
    return F.pad(z, (0, 784 - z.shape[1])).reshape(-1, 1, 28, 28)


def _measure_sample(function, count=4000, latent_dim=12):
    codes = []

    def decoder(z):
        codes.append(z.detach())
        return _linear_decoder(z) - 0.5  # not symmetric, so that pictures turned round are noticed

    pixels = function(decoder, count, latent_dim)
    codes.pop()  # the reference's own call, which the framework makes last
    require(codes, "Your function never calls the decoder: noise alone is no image.")
    z = torch.cat(codes).double()
    yield Quantity("The number of latent dimensions of your codes is", z.shape[1], latent_dim)
    require(z.shape[1] == latent_dim, "Your codes do not have `latent_dim` dimensions.")
    yield Quantity("The number of codes that you decode is", len(z), count)
    off = (pixels - (_linear_decoder(z) - 0.5).sigmoid()).abs().max() if len(z) == count else 1.0
    yield Quantity("The largest distance of your pixels from the sigmoid of the decoder's logits is", off, 0.0, 1e-5)
    error = 7 / z.numel() ** 0.5
    yield Quantity("The mean of the codes that you decode is", z.mean(), 0.0, error)
    yield Quantity("The variance of your codes is", z.var(), 1.0, error * 2**0.5)
    yield Quantity("The fourth moment of your codes is", z.pow(4).mean(), 3.0, error * 96**0.5, "Are they Gaussian?")
    between = (z.T.corrcoef() - torch.eye(latent_dim)).abs().max()
    yield Quantity("The largest correlation between two dimensions of your codes is", between, 0.0, 7 / count**0.5)
    yield Quantity("The number of different codes is", len(z.unique(dim=0)), count)
    again = function(decoder, count, latent_dim)
    require(not torch.equal(pixels, again), "Two calls gave the same images: draw fresh codes in every call.")


sample_from_prior = Implement(
    title="Sample from the model",
    difficulty=2,
    minutes=8,
    shown="Your images are decoded draws from N(0, I): independent dimensions, variance 1, pixels in [0, 1].",
    hints=[
        "Three steps: noise of shape (count, latent_dim), the decoder, and what turns log-odds into probabilities.",
        "`torch.randn(count, latent_dim)` draws from the prior; `.sigmoid()` turns logits into pixels.",
    ],
    solution_text="Prior, decoder, sigmoid. The encoder is not needed.",
    reference=my_sample,
    random=True,
    cases=[(_linear_decoder, 4, 3), (_linear_decoder, 7, 16)],
    measure=_measure_sample,
    mistakes={
        "The decoder gives logits. A sigmoid turns them into pixels.": lambda decoder, count, latent_dim: decoder(
            torch.randn(count, latent_dim)
        ),
        "`torch.rand` is uniform between 0 and 1. The prior is a standard normal: `torch.randn`.": (
            lambda decoder, count, latent_dim: decoder(torch.rand(count, latent_dim)).sigmoid()
        ),
        "You decode the same code count times: draw one code for each image.": (
            lambda decoder, count, latent_dim: decoder(torch.randn(1, latent_dim).repeat(count, 1)).sigmoid()
        ),
        "You decode the mean of the prior. That is one image, and no draw.": (
            lambda decoder, count, latent_dim: decoder(torch.zeros(count, latent_dim)).sigmoid()
        ),
        "You draw one number and use it for all dimensions.": (
            lambda decoder, count, latent_dim: decoder(torch.randn(count, 1).repeat(1, latent_dim)).sigmoid()
        ),
    },
)


def my_beta_loss(logits, x, mu, logvar, beta):
    """logits, x: (B, 1, 28, 28); mu, logvar: (B, K); beta: a number -> a tensor with one number."""
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))  # (B,)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)  # (B,)
    return (reconstruction + beta * kl).mean()


def _bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))


def _kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def _loss_case(batch, latent_dim, beta, seed, confident=1.0):
    x = torch.rand(batch, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    codes = normal(batch, latent_dim, seed=seed + 1), normal(batch, latent_dim, seed=seed + 2)
    return (confident * normal(batch, 1, 28, 28, seed=seed), x, *codes, beta)


beta_vae_loss = Implement(
    title="The loss of a β-VAE",
    difficulty=3,
    minutes=10,
    shown="Your loss is in nats per image: sums over pixels and latent dimensions, mean over the batch, β on the KL.",
    hints=[
        "Two numbers for each image first: cross-entropy summed over its pixels, KL summed over its dimensions.",
        "`F.binary_cross_entropy_with_logits(logits, x, reduction='none')` keeps every pixel for you to sum.",
        "Then reconstruction + beta * kl, and the mean over the batch.",
    ],
    solution_text="Sums over pixels and dimensions give two numbers an image in nats; β weighs the second; only the "
    "batch is averaged.",
    reference=my_beta_loss,
    gradients=True,
    cases=[_loss_case(2, 3, 1.0, 0), _loss_case(5, 2, 4.0, 10), _loss_case(3, 16, 0.0, 20), _loss_case(1, 4, 0.5, 30)]
    + [_loss_case(2, 3, 1.0, 40, confident=40.0)],  # where the sigmoid is rounded to 0 or 1
    mistakes={
        "The reconstruction is a mean over pixels: that trains with 784 times the β you were given.": (
            lambda logits, x, mu, logvar, beta: (
                F.binary_cross_entropy_with_logits(logits, x) + beta * _kl(mu, logvar).sum(1).mean()
            )
        ),
        "Both terms are means over their own elements: that trains with d / K times the β you were given.": (
            lambda logits, x, mu, logvar, beta: (
                F.binary_cross_entropy_with_logits(logits, x) + beta * _kl(mu, logvar).mean()
            )
        ),
        "The KL is a mean over the latent dimensions. It is a sum: every dimension is paid for.": (
            lambda logits, x, mu, logvar, beta: (_bce(logits, x) + beta * _kl(mu, logvar).mean(1)).mean()
        ),
        "That is the sum over the batch. Nats per image: average over the batch.": (
            lambda logits, x, mu, logvar, beta: (_bce(logits, x) + beta * _kl(mu, logvar).sum(1)).sum()
        ),
        "β weighs the KL, not the reconstruction.": (
            lambda logits, x, mu, logvar, beta: (beta * _bce(logits, x) + _kl(mu, logvar).sum(1)).mean()
        ),
        "β weighs the KL only, not the whole loss.": (
            lambda logits, x, mu, logvar, beta: beta * (_bce(logits, x) + _kl(mu, logvar).sum(1)).mean()
        ),
        "The KL enters with the wrong sign: you would reward the encoder for leaving the prior.": (
            lambda logits, x, mu, logvar, beta: (_bce(logits, x) - beta * _kl(mu, logvar).sum(1)).mean()
        ),
        "You left β out.": lambda logits, x, mu, logvar, beta: (_bce(logits, x) + _kl(mu, logvar).sum(1)).mean(),
        "You treat logvar as log σ: its exponential is already the variance, not the standard deviation.": (
            lambda logits, x, mu, logvar, beta: (
                _bce(logits, x) + beta * 0.5 * (mu**2 + (2 * logvar).exp() - 1 - 2 * logvar).sum(1)
            ).mean()
        ),
        "The logarithm of a rounded sigmoid is infinite. `binary_cross_entropy_with_logits` never takes it.": (
            lambda logits, x, mu, logvar, beta: (
                -(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()).sum((1, 2, 3))
                + beta * _kl(mu, logvar).sum(1)
            ).mean()
        ),
        "A sigmoid of confident logits is rounded to 0 or 1, and the cross-entropy cut off: give it the logits.": (
            lambda logits, x, mu, logvar, beta: (
                F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum((1, 2, 3))
                + beta * _kl(mu, logvar).sum(1)
            ).mean()
        ),
        "The sigmoid is applied twice: `with_logits` expects the logits themselves.": (
            lambda logits, x, mu, logvar, beta: (_bce(logits.sigmoid(), x) + beta * _kl(mu, logvar).sum(1)).mean()
        ),
    },
)


def my_kl_by_class(vae, images):
    """KL of q(z|x) to the prior in nats per image, averaged over each class of the test images: (10,)."""
    mu, logvar = vae.encode(images.test)  # (N, K) each
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)  # (N,)
    return torch.stack([kl[images.test_labels == label].mean() for label in range(len(images.classes))])


def _context():
    from vae_utils.data import Images, load_images
    from vae_utils.models import VAE

    full = load_images("digits")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        vae = VAE(3, hidden=16)
        for weight in vae.encoder.parameters():
            weight.mul_(4)  # an untrained encoder spends next to no nats, and then all answers would look alike
    few = (part[:500] for part in (full.train, full.train_labels, full.test, full.test_labels))
    return vae, Images("few", *few, full.classes)


def _kl_by(reduce):
    def wrong(vae, images):
        with torch.no_grad():
            mu, logvar = vae.encode(images.test)
            kl = _kl(mu, logvar)
        return torch.stack([reduce(kl[images.test_labels == label]) for label in range(len(images.classes))])

    return wrong


def _on_training_images(vae, images):
    with torch.no_grad():
        kl = _kl(*vae.encode(images.train)).sum(1)
    return torch.stack([kl[images.train_labels == label].mean() for label in range(len(images.classes))])


kl_by_class = Investigate(
    title="What does an image cost?",
    difficulty=3,
    minutes=15,
    tolerance=0.02,
    shown="Ten averages in nats per image, of the closed-form KL summed over latent dimensions.",
    hints=[
        "`vae.encode(images.test)` gives mu and logvar for all 2,000 test images at once, each (2000, K).",
        "Sum the KL over its dimensions first; then take the mean over the images where `images.test_labels == label`.",
    ],
    solution_text="In our run the 0 costs most, about 25 nats, and the 1 least, about 17; the others lie between 21 "
    "and 24. The costs follow the ink (correlation 0.9 over the ten classes). A likely reason: where there are more "
    "strokes, a more exact z saves more nats of reconstruction.",
    reference=my_kl_by_class,
    example=_context,
    mistakes={
        "That is the mean over the latent dimensions; an image pays for all of them.": _kl_by(lambda kl: kl.mean()),
        "Those are sums over the images of a class. They tell which class is frequent.": _kl_by(lambda kl: kl.sum()),
        "Those are the training images. Use the test images.": _on_training_images,
    },
)
