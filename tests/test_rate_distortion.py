"""Rate and distortion, against a model whose rate and distortion are known."""

import math

import pytest
import torch

from vae_utils import VAE
from vae_utils.rate_distortion import rate_distortion, sweep


def test_a_model_set_by_hand_stands_where_it_should():
    model, x = VAE(3, hidden=8), torch.ones(50, 1, 28, 28)
    x[:25] = 0
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        # The first hidden unit is 1 for a full picture and 0 for an empty one; it moves the first mean by 2.
        model.encoder[1].weight[0] = 1 / 784
        model.encoder[-1].weight[0, 0] = 2
        model.encoder[-1].bias[3:] = -1.0  # log variances
        model.decoder[2].bias.fill_(0.3)
    place = rate_distortion(model, x, beta=4.0)
    base = 0.5 * (math.exp(-1) - 1 + 1)
    torch.testing.assert_close(place.kl, torch.tensor([base + 0.5 * 4 / 2, base, base]))
    assert place.rate == pytest.approx(3 * base + 1, rel=1e-5)
    assert place.distortion == pytest.approx(392 * (math.log1p(math.exp(0.3)) + math.log1p(math.exp(-0.3))), rel=1e-5)
    assert place.negative_elbo == place.rate + place.distortion
    assert (place.active, place.beta) == (1, 4.0)


def test_a_sweep_trades_rate_for_distortion_and_repeats():
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()
    x = torch.cat([x, 1 - x]).repeat(64, 1, 1, 1)
    options = {"betas": (0.5, 4.0, 500.0), "epochs": 12, "batch_size": 16, "progress": False, "learning_rate": 1e-2}
    before = torch.get_rng_state()
    models, places = sweep(lambda: VAE(2, hidden=16), x, x[:16], **options)
    assert torch.equal(torch.get_rng_state(), before)
    assert [place.beta for place in places] == [0.5, 4.0, 500.0] and len(models) == 3
    assert places[0].rate > places[1].rate > places[2].rate and places[0].distortion < places[2].distortion
    assert places[2].rate < 0.1
    again = sweep(lambda: VAE(2, hidden=16), x, x[:16], **options)[1]
    assert again == places
