"""`@checked` says by name what does not fit a signature, also where nobody enforces jaxtyping."""

import math

import pytest
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from vae_utils.models import VAE, Autoencoder
from vae_utils.signatures import checked

pytestmark = pytest.mark.usefixtures("as_a_learner")


@checked
def measure(
    x: Float[Tensor, "N 1 28 28"],
    codes: Float[Tensor, "N K"],
    labels: Int[Tensor, " N"] | None = None,
    k: int = 5,
    scale: float = 1.0,
    way: str = "line",
    generator: Generator | None = None,
    model: VAE | None = None,
    network: nn.Module | None = None,
) -> float:
    """Adds up."""
    if k == 7:
        raise RuntimeError("mat1 and mat2\ncannot be multiplied")
    if k == 8:
        raise ValueError("k may not be 8")
    return float(x.sum() + codes.sum() + scale)


@checked(finite=False)
def formula(start: Float[Tensor, "*B K"], end: Float[Tensor, "*B K"], whole: Float[Tensor, "B ..."]) -> Tensor:
    return start + end


@checked(finite=False)
def repeated(x: Float[Tensor, "N K"], times: int, model: nn.Module | None) -> Tensor:
    return x.repeat(times, 1)


@checked(strict=False)
def drawn(axes: object, points: Float[Tensor, "N 2"], columns: int = 1) -> float:
    return points.sum() / columns


def test_what_can_be_drawn_is_and_what_cannot_is_told():
    assert drawn(None, torch.ones(3).numpy(), 2.0) == 1.5
    with pytest.raises(TypeError, match="drawn cannot work with axes = None, points = a list; what failed inside was"):
        drawn(None, [1.0])
    with pytest.raises(TypeError, match="drawn cannot work with .*points = a tensor .2,. of float32, columns = 'two'"):
        drawn(None, torch.ones(2), "two")


IMAGES, CODES = torch.ones(3, 1, 28, 28), torch.ones(3, 2)
ROWS = torch.ones(4, 5, 2)


class MyVAE(nn.Module):
    """A class of the learner's own."""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"labels": torch.zeros(3, dtype=torch.int64), "k": 2, "scale": 3, "generator": torch.Generator()},
        {"scale": torch.tensor(2.0), "model": VAE(2)},
        {"model": MyVAE()},
        {"codes": CODES.double()},
    ],
)
def test_what_fits_passes(more):
    assert measure(**{"x": IMAGES, "codes": CODES, **more}) > 0


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"x": [1.0]}, TypeError, "x must be a tensor, received a list; convert it with torch.as_tensor(...).float()"),
        (
            {"x": IMAGES.long()},
            TypeError,
            "x must hold float32 or float64, received torch.int64; convert it with",
        ),
        ({"x": IMAGES.half()}, TypeError, "received torch.float16"),
        (
            {"x": IMAGES.flatten(1)},
            ValueError,
            "x must have the shape (N, 1, 28, 28), received (3, 784); reshape",
        ),
        ({"x": torch.ones(3, 1, 32, 32)}, ValueError, "received (3, 1, 32, 32)"),
        ({"x": IMAGES[:2]}, ValueError, "codes (3, 2) does not fit x: N is 2 there and 3 here"),
        ({"x": IMAGES * math.nan}, ValueError, "x must be finite"),
        ({"x": IMAGES.to("meta")}, ValueError, "x holds no numbers"),
        ({"labels": torch.zeros(3)}, TypeError, "labels must hold whole numbers, received torch.float32"),
        ({"k": 1.5}, ValueError, "k must be a whole number, received 1.5"),
        ({"k": True}, ValueError, "k must be a whole number, received True"),
        ({"k": 2**63}, ValueError, "k must be a whole number that fits into 64 bits"),
        ({"scale": "3"}, TypeError, "scale must be a number, received '3'"),
        ({"scale": math.inf}, ValueError, "scale must be a finite number, received inf"),
        ({"way": 3}, TypeError, "way must be of the type str, received 3"),
        ({"generator": 0}, TypeError, "generator must be of the type Generator, received 0"),
        ({"network": VAE}, TypeError, "network must be a model, such as VAE(2), received the class VAE; run its cell"),
        ({"k": 8}, ValueError, "k may not be 8"),
        (
            {"k": 7},
            ValueError,
            "measure cannot work with x = a tensor (3, 1, 28, 28) of float32, codes = a",
        ),
        ({"k": 7}, ValueError, "k = 7; what failed inside was RuntimeError: mat1 and mat2"),
    ],
)
def test_what_does_not_fit_is_named(more, error, words):
    with pytest.raises(error) as found:
        measure(**{"x": IMAGES, "codes": CODES, **more})
    assert words in str(found.value), found.value


def test_axes_without_a_number_of_their_own():
    assert formula(ROWS, ROWS * math.nan, ROWS).shape == ROWS.shape
    assert formula(ROWS[0, 0], ROWS[0, 0], ROWS[:, 0, 0]).shape == (2,)
    with pytest.raises(ValueError, match=r"end \(5, 2\) does not fit start: B is \(4, 5\) there and \(5,\) here"):
        formula(ROWS, ROWS[0], ROWS)
    with pytest.raises(ValueError, match="K is 2 there and 1 here"):
        formula(ROWS, ROWS[..., :1], ROWS)
    with pytest.raises(ValueError, match=r"start must have the shape \(B, K\), received \(\)"):
        formula(torch.tensor(1.0), ROWS, ROWS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((CODES.long(), 1, None), "x must hold float32"),
        ((CODES[0], 1, None), "x must have the shape"),
        ((CODES.to("meta"), 1, None), "x holds no numbers"),
        ((CODES, 2**63, None), "times must be a whole number that fits"),
        ((CODES, 1, VAE), "model must be"),
    ],
)
def test_after_a_call_that_fits_the_next_is_checked_as_well(arguments, words):
    for model in (None, MyVAE()):
        assert repeated(CODES, 1, model).shape == CODES.shape
        with pytest.raises((TypeError, ValueError), match=words.replace("(", r"\(")):
            repeated(*arguments)


def test_a_vae_is_measured_and_an_autoencoder_is_not():
    from vae_utils.evaluation import kl_per_dimension

    assert kl_per_dimension(VAE(2, hidden=4), IMAGES).shape == (2,)
    with pytest.raises(TypeError, match="model must be a VAE, whose encoder gives"):
        kl_per_dimension(Autoencoder(2, hidden=4), IMAGES)
    assert kl_per_dimension.__doc__.startswith("Mean KL")
