"""The decoder that reads along: its masks, its probabilities, and its draws."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from vae_utils import negative_elbo
from vae_utils.autoregressive import AutoregressiveVAE, MaskedDecoder


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_a_pixel_depends_on_z_and_on_the_pixels_before_it_only():
    decoder, z, x = MaskedDecoder(2, 4, 512), torch.randn(1, 2), torch.rand(1, 1, 4, 4)
    jacobian = torch.autograd.functional.jacobian(lambda x: decoder(z, x), x).reshape(16, 16)
    assert torch.equal(jacobian.triu(), torch.zeros(16, 16))
    assert (jacobian.tril(-1).abs().sum(1)[1:] > 0).all(), "a pixel hears nothing of those before it"
    from_z = torch.autograd.functional.jacobian(lambda z: decoder(z, x), z).reshape(16, 2)
    assert (from_z.abs().sum(1) > 0).all(), "a pixel hears nothing of z"


def test_the_probabilities_of_all_pictures_sum_to_one():
    decoder, z = MaskedDecoder(2, 3, 40), torch.randn(1, 2)
    pictures = torch.tensor(list(itertools.product([0.0, 1.0], repeat=9))).reshape(-1, 1, 3, 3)
    logits = decoder(z.expand(len(pictures), 2), pictures)
    log_p = -F.binary_cross_entropy_with_logits(logits, pictures, reduction="none").sum((1, 2, 3))
    assert log_p.double().exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_draws_have_the_probabilities_that_the_decoder_states():
    model = AutoregressiveVAE(2, side=2, hidden=24)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(2)
    z = torch.tensor([[0.5, -1.0]])
    pictures = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).reshape(-1, 1, 2, 2)
    logits = model.decoder(z.expand(16, 2), pictures)
    expected = (-F.binary_cross_entropy_with_logits(logits, pictures, reduction="none").sum((1, 2, 3))).exp()
    drawn = model.generate(z.expand(20_000, 2), torch.Generator().manual_seed(0))
    number = (drawn.flatten(1) @ torch.tensor([8.0, 4.0, 2.0, 1.0])).long()
    found = number.bincount(minlength=16) / len(drawn)
    torch.testing.assert_close(found, expected.detach(), atol=0.02, rtol=0)  # six standard errors at most


def test_it_takes_the_losses_of_a_vae():
    terms = negative_elbo(AutoregressiveVAE(3, hidden=32), torch.rand(5, 1, 28, 28).round())
    assert {name: term.shape for name, term in terms.items()} == dict.fromkeys(("loss", "reconstruction", "kl"), (5,))


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="side must be a whole number of at least 1, received 0"):
        AutoregressiveVAE(2, side=0)
