"""Exercises of notebook 12."""

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict, Quantity, normal

turn_it_round = Predict(
    title="Turn it round?",
    difficulty=1,
    minutes=3,
    shown="A score that is small for simple pictures finds simple pictures, whatever its sign is called.",
    hints=[
        "Which of the strangers had a *high* −ELBO? Where do they stand after the sign is turned?",
        "A noisy page has the lowest ELBO of all. Would the new score flag it?",
    ],
    solution_text="With the sign turned round, every AUROC becomes 1 minus what it was: near 0 for swapped digits and "
    "noise, and below ½ for most held-out digits. The new detector flags what is simple: the 1, the blank page, "
    "shapes. One cannot know beforehand on which side a stranger will lie.",
    answer="b",
    options={
        "a": "a detector of strangers",
        "b": "a detector of simple pictures",
        "c": "nothing: the AUROC does not change",
        "d": "a detector of everything but 1s",
    },
    mistakes={
        "It finds one kind. Look at what becomes of the noise and of the swapped digits.": "a",
        "Turning the sign reverses the order of all scores; the AUROC becomes 1 minus what it was.": "c",
        "It is the other way round for the 1s: their score is now among the highest.": "d",
    },
)


def my_auroc(known, others):
    """known: (N,) scores; others: (M,) scores of strangers -> a tensor with one number from 0 to 1."""
    above = (others[:, None] > known[None, :]).float()  # (M, N)
    tied = (others[:, None] == known[None, :]).float()
    return (above + 0.5 * tied).mean()


def _pairs(known, others):
    return others[:, None], known[None, :]


def _halves(known, others, middle):
    """Share of right answers with a single threshold."""
    right = (others > middle).float().mean() + (known <= middle).float().mean()
    return 0.5 * right


def _tied_scores():
    random = torch.Generator().manual_seed(4)
    return tuple(torch.randint(0, 5, (count,), generator=random).float() for count in (9, 6))


area_by_counting = Implement(
    title="AUROC by counting",
    difficulty=2,
    minutes=8,
    shown="Your area is right for 5 pairs of score lists, with ties, of different lengths and far from zero.",
    hints=[
        "Compare every stranger with every known image: `others[:, None] > known[None, :]` has the shape (M, N).",
        "Turn the comparison into numbers, add one half where the two are equal, and take the mean over all pairs.",
    ],
    solution_text="For long lists sort instead of comparing all pairs; `sklearn.metrics.roc_auc_score` does.",
    reference=my_auroc,
    cases=[
        (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0])),
        (torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0])),
        (normal(12, seed=1), normal(7, seed=2) + 0.7),
        (100 + 10 * normal(5, seed=3), 95 + 10 * normal(8, seed=5)),
        _tied_scores(),
    ],
    mistakes={
        "You counted the known images that score higher: turn the comparison round.": (
            lambda known, others: 1 - my_auroc(known, others)
        ),
        "A tie counts one half, not zero.": lambda known, others: torch.gt(*_pairs(known, others)).float().mean(),
        "A tie counts one half, not one.": lambda known, others: torch.ge(*_pairs(known, others)).float().mean(),
        "You counted the pairs; divide by their number, N M.": (
            lambda known, others: my_auroc(known, others) * len(known) * len(others)
        ),
        "That is the share of right answers at one threshold. The AUROC has no threshold: it compares pairs.": (
            lambda known, others: _halves(known, others, torch.cat([known, others]).median())
        ),
        "You compared each stranger with the mean of the known; compare it with each of them.": (
            lambda known, others: (others > known.mean()).float().mean()
        ),
        "That is the difference of the mean scores. The AUROC uses only their order.": (
            lambda known, others: others.mean() - known.mean()
        ),
    },
)


def my_perplexity(indices, codes):
    """indices: (B, P) whole numbers below `codes` -> a tensor with one number from 1 to codes."""
    share = torch.bincount(indices.flatten(), minlength=codes) / indices.numel()  # (codes,)
    return torch.special.entr(share).sum().exp()  # entr(p) = -p log p, and 0 at p = 0


def _share(indices, codes):
    return torch.bincount(indices.flatten(), minlength=codes) / indices.numel()


def _entropy(share):
    return torch.special.entr(share).sum(-1)


def _by_place(indices, codes):
    return torch.stack([my_perplexity(column, codes) for column in indices.T]).mean()


def _codes(batch, places, codes, seed):
    return torch.randint(codes, (batch, places), generator=torch.Generator().manual_seed(seed))


entries_in_use = Implement(
    title="Entries in use",
    difficulty=3,
    minutes=6,
    shown="Your perplexity is 1 for a dead codebook, C for an evenly used one, and copes with entries never used.",
    hints=[
        "`torch.bincount(indices.flatten(), minlength=codes)` counts; divide by how many numbers there are.",
        "0 log 0 counts as 0: use only the shares above 0, or `torch.special.entr(share)`, which is −p log p.",
    ],
    solution_text="`entr(p)` is −p log p, and 0 at p = 0, so entries that are never used do no harm.",
    reference=my_perplexity,
    cases=[
        (torch.tensor([[0, 0], [1, 3]]), 4),
        (torch.tensor([[2, 2, 2]]), 5),
        (torch.arange(6).view(2, 3), 6),
        (_codes(20, 3, 4, seed=1) ** 2, 12),
        (_codes(9, 5, 8, seed=2), 8),
    ],
    mistakes={
        "That is the entropy; take its exponential.": lambda indices, codes: _entropy(_share(indices, codes)),
        "You took 2 to the power of an entropy in nats: use exp, or take the logarithm to base 2.": (
            lambda indices, codes: 2 ** _entropy(_share(indices, codes))
        ),
        "That is the number of different entries; the perplexity weighs them by how often they occur.": (
            lambda indices, codes: torch.tensor(float(len(indices.unique())))
        ),
        "The sign is turned round: the entropy is −Σ p log p.": (
            lambda indices, codes: (-_entropy(_share(indices, codes))).exp()
        ),
        "0 log 0 gives nan in code: leave out the entries that are never used.": (
            lambda indices, codes: (-(_share(indices, codes) * _share(indices, codes).log()).sum()).exp()
        ),
        "You averaged the perplexities of the places; all share one codebook, so count them together.": _by_place,
        "That is one over the sum of squared shares: another way to count, but not the exponential of the entropy.": (
            lambda indices, codes: 1 / _share(indices, codes).square().sum()
        ),
        "You divided by the number of images; each image has P numbers.": (
            lambda indices, codes: _entropy(_share(indices, codes) * indices.shape[1]).exp()
        ),
    },
)


def my_images(vae, size):
    """How many images it takes until VAE and images are a smaller file than xz's."""
    model_bits = 32 * sum(parameter.numel() for parameter in vae.parameters())  # both networks
    saved = size["xz, one file for all"] - size["VAE, −ELBO"]  # bits an image
    return model_bits / saved


def _decoder_only(vae, size):
    return my_images(vae.decoder, size)


def _example():
    from vae_utils.models import VAE

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(3, hidden=20), {"pixels as they are": 784.0, "xz, one file for all": 230.0, "VAE, −ELBO": 168.0}


def _within_a_hundredth(answer, *context):
    yield Quantity("Your answer is", answer, tolerance=0.01 * answer.detach().double().abs(), secret=True)


when_it_pays = Investigate(
    title="When does it pay?",
    difficulty=3,
    minutes=8,
    shown="Several times as many images as there are in MNIST.",
    hints=[
        "The model costs 32 bits for each of its numbers, once; each image saves a difference of two `size`s.",
        "`sum(p.numel() for p in vae.parameters())` numbers; divide their bits by "
        "`size['xz, one file for all'] - size['VAE, −ELBO']`.",
    ],
    solution_text="Fewer bits a number would help: weights can be stored with 8 bits, or fewer, at little loss.",
    reference=my_images,
    measure=_within_a_hundredth,
    example=_example,
    mistakes={
        "You counted the decoder only. For bits-back the receiver must compute q(z|x), and needs the encoder, too.": (
            _decoder_only
        ),
        "You counted one bit for each number; there are 32.": lambda vae, size: my_images(vae, size) / 32,
        "You counted 32 bytes for each number: 32 bits are 4 bytes, and `size` is in bits.": (
            lambda vae, size: my_images(vae, size) * 8
        ),
        "You counted 4 bytes for each number, but `size` is in bits.": lambda vae, size: my_images(vae, size) / 8,
        "That compares with pixels as they are; the rival is xz.": (
            lambda vae, size: my_images(vae, size | {"xz, one file for all": size["pixels as they are"]})
        ),
        "You divided by all the bits of an image of the VAE; only the difference to xz is saved.": (
            lambda vae, size: my_images(vae, {"xz, one file for all": size["VAE, −ELBO"], "VAE, −ELBO": 0.0})
        ),
        "The sign is turned round: xz needs more bits an image than the VAE.": lambda vae, size: -my_images(vae, size),
        "That is how many bits the model has; divide by what each image saves.": (
            lambda vae, size: 32.0 * sum(parameter.numel() for parameter in vae.parameters())
        ),
    },
)
