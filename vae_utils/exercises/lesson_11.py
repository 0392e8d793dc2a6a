"""Exercises of notebook 11."""

import torch

from vae_utils.exercises.base import Implement, Investigate, Predict

length_on_the_line = Predict(
    title="A quarter of the way",
    difficulty=2,
    minutes=3,
    shown="Independent draws are nearly at right angles, so the squares add up: (¾)² + (¼)² = 0.625 of a draw's "
    "squared length.",
    hints=[
        "The point is ¾ a + ¼ b. Each of its coordinates is a normal number: with which variance?",
        "Variances of independent numbers add up: (¾)² + (¼)². The squared length is 100 times that.",
    ],
    solution_text="Each coordinate has the variance 9/16 + 1/16 = 0.625, so the squared length is 62.5 on average and "
    "the length about 7.9: already close to the shortest, 7.1 in the middle.",
    answer=62.5**0.5,
    tolerance=0.3,
    mistakes={
        "That is the length of a draw, and of every point of the *arc*. The line cuts the corner.": 10,
        "That is the middle of the line. The question is a quarter of the way.": 7.07,
        "That is ¾ of the length of a alone. A quarter of b is added, nearly at right angles.": 7.5,
        "The length does not fall evenly from 10 to 7.1. Add the squares of the two parts.": 8.54,
        "That is the *squared* length.": 62.5,
    },
)


def my_transfer(model, x, labels, wanted):
    """Decode the codes of images with other labels.  -> (B, 1, 28, 28) pixels in [0, 1]."""
    mu, _ = model.encode(x, labels)  # (B, K)
    return model.generate(mu, wanted)


def _cases():
    from vae_utils.models import ConditionalVAE

    torch.manual_seed(0)
    model = ConditionalVAE(3, classes=4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)  # or labels and codes would hardly be seen in the pictures
    model.requires_grad_(False)
    x = torch.rand(5, 1, 28, 28)
    labels, wanted = torch.tensor([0, 1, 2, 3, 1]), torch.tensor([3, 2, 0, 3, 0])
    return [(model, x[:1], labels[:1], wanted[:1]), (model, x, labels, wanted)]


def _with_logits(model, x, labels, wanted):
    return model.decode(model.encode(x, labels)[0], wanted)


def _encoded_as_wanted(model, x, labels, wanted):
    return model.generate(model.encode(x, wanted)[0], wanted)


def _only_rebuilt(model, x, labels, wanted):
    return model.generate(model.encode(x, labels)[0], labels)


def _turned_round(model, x, labels, wanted):
    return model.generate(model.encode(x, wanted)[0], labels)


def _from_logvar(model, x, labels, wanted):
    return model.generate(model.encode(x, labels)[1], wanted)


def _without_style(model, x, labels, wanted):
    return model.generate(torch.zeros(len(x), model.latent_dim), wanted)


style_transfer = Implement(
    title="Transfer the style",
    difficulty=2,
    minutes=5,
    shown="Your function keeps each image's code and gives it the label that was asked for.",
    hints=[
        "Two lines: `model.encode(x, ...)` gives mu and logvar; `model.generate(z, ...)` gives pixels.",
        "The encoder needs the label that the image *has*, the decoder the one that is *wanted*.",
    ],
    solution_text="The encoder is told the true label, so that it can leave it out of the code.",
    reference=my_transfer,
    cases=_cases,
    mistakes={
        "Those are logits; `generate` gives pixels in [0, 1].": _with_logits,
        "You told the encoder the wanted label. It would read a 3 as a badly written 7, and put that into the style.": (
            _encoded_as_wanted
        ),
        "Those are reconstructions: decode with the labels that are wanted.": _only_rebuilt,
        "The labels are turned round: the encoder gets the true ones, the decoder the wanted ones.": _turned_round,
        "You decoded logvar; the code is mu, the first of the two.": _from_logvar,
        "All your images have the same style: the code of the image is missing.": _without_style,
    },
)


def my_success_by_original(reads, labels):
    """Share of transfers to the other labels that are read as asked, for each original digit: (10,)."""
    asked = torch.arange(10)[:, None]  # (10, 1)
    right = (reads == asked).double()  # (10, N)
    other = (labels[None] != asked).double()  # (10, N)  without plain reconstructions
    return torch.stack(
        [(right * other)[:, labels == digit].sum() / other[:, labels == digit].sum() for digit in range(10)]
    )


def _by(chosen, weight=lambda other: other, share=lambda right: right):
    """The shares, grouped or weighted in another way."""

    def wrong(reads, labels):
        asked = torch.arange(10)[:, None]
        right = share((reads == asked).double())
        other = weight((labels[None] != asked).double())
        found = [chosen(right * other, labels, digit).sum() / chosen(other, labels, digit).sum() for digit in range(10)]
        return torch.stack(found)

    return wrong


def _of_original(values, labels, digit):
    return values[:, labels == digit]


def _of_asked(values, labels, digit):
    return values[digit]


def _example():
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 10
    asked = torch.arange(10)[:, None].expand(10, 200)
    fails = torch.rand(10, 200, generator=random) < 0.05 + 0.05 * labels + 0.02 * asked
    reads = torch.where(fails, (asked + 1 + torch.randint(0, 8, (10, 200), generator=random)) % 10, asked)
    return reads, labels


success_by_original = Investigate(
    title="Whose style, or which digit?",
    difficulty=3,
    minutes=12,
    shown="By the digit shown the shares lie within a tenth; by the digit asked for, they differ by about a third. "
    "What is asked for matters more than whose style it is.",
    hints=[
        "`reads == torch.arange(10)[:, None]` is (10, 2000): whether the judge reads what was asked.",
        "For each digit take the columns with `labels == digit`, and of these the nine rows that ask for another.",
    ],
    solution_text="Nine rows for each original digit; the tenth would be its own reconstruction, no transfer.",
    reference=my_success_by_original,
    tolerance=0.006,
    example=_example,
    mistakes={
        "You counted the row that asks for the image's own digit, too: that is a reconstruction, no transfer.": _by(
            _of_original, weight=torch.ones_like
        ),
        "That is by the digit *asked for*. Wanted is the share by the digit that the image shows.": _by(_of_asked),
        "That is by the digit asked for, with reconstructions in it. Wanted is the share by the image's own digit.": (
            _by(_of_asked, weight=torch.ones_like)
        ),
        "Those are the shares that were *not* read as asked.": _by(_of_original, share=lambda right: 1 - right),
        "Those are per cent: a share lies between 0 and 1.": lambda reads, labels: (
            100 * my_success_by_original(reads, labels)
        ),
        "Those are the plain reconstructions only; take the nine other labels.": _by(
            _of_original, weight=lambda other: 1 - other
        ),
    },
)
