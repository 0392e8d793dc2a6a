"""SigmaExplorer: each place of the slider shows the model with that σ."""

import pytest
import torch

from vae_utils.likelihoods import Bernoulli, Gaussian
from vae_utils.models import VAE
from vae_utils.widgets.sigma import SigmaExplorer

SCORES = [{"reconstruction": 5.0, "kl": 1.0}, {"reconstruction": 50.0, "kl": 20.0}, {"reconstruction": 9.0, "kl": 3.0}]


@pytest.fixture
def parts():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        likelihoods = Gaussian(0.8), Gaussian(0.1), Gaussian(0.3, learned=True)
        models = [VAE(3, hidden=16, likelihood=likelihood) for likelihood in likelihoods]
        for weight in (weight for model in models for weight in model.decoder.parameters()):
            weight.data.mul_(3)  # as after training: pixels from dark to light
        return models, torch.rand(6, 1, 28, 28)


@pytest.fixture
def explorer(parts):
    models, images = parts
    return SigmaExplorer(models, SCORES, images)


def shown(explorer):
    assert bytes(explorer.pictures["picture"].value).startswith(b"\x89PNG") and not explorer.error.value
    return torch.from_numpy(explorer._reconstruction.get_array().filled())


def test_the_models_stand_in_the_order_of_their_sigma(explorer):
    names = [name for name, _ in explorer.sigma.options]
    assert names == ["0.10", "0.30 (learned)", "0.80"] and explorer.sigma.value == 1  # 0.3 is nearest to 0.2
    for place, loss in enumerate((70, 12, 6)):
        explorer.sigma.value = place
        assert f"−ELBO {loss} nats" in explorer.note.value
        assert explorer._dot.get_ydata()[0] == loss


def test_the_picture_is_the_mean_that_the_chosen_model_decodes(explorer, parts):
    models, images = parts
    explorer.sigma.value, explorer.number.value = 0, 4
    with torch.no_grad():
        expected = models[1].generate(models[1].encode(images[4:5])[0])[0, 0]
    torch.testing.assert_close(shown(explorer), expected)


def test_drawn_pixels_are_noisier_the_larger_sigma(explorer):
    spread = []
    for place in (0, 1, 2):
        explorer.sigma.value, explorer.noisy.value = place, False
        mean = shown(explorer)
        explorer.noisy.value = True
        spread.append((shown(explorer) - mean).std().item())
    assert 0.08 < spread[0] < 0.12 and spread[0] < spread[1] < spread[2]


def test_wrong_models_are_refused(parts, as_a_learner):
    models, images = parts
    with pytest.raises(ValueError, match="received 3 models and 2 scores"):
        SigmaExplorer(models, SCORES[:2], images)
    with pytest.raises(TypeError, match="Gaussian likelihood, received Bernoulli"):
        SigmaExplorer([VAE(3, hidden=16, likelihood=Bernoulli())], SCORES[:1], images)
    with pytest.raises(ValueError, match="None: run the cell"):
        SigmaExplorer([None], SCORES[:1], images)
