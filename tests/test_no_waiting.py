"""No loss of the series waits for a GPU, so each can be recorded there. Tensors without numbers stand for a GPU's."""

import functools

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from vae_utils import VAE, Autoencoder, Classifier, likelihoods, objectives
from vae_utils.collapse import free_bits
from vae_utils.models import ConditionalVAE

IMAGES, LABELS = (8, 1, 28, 28), (8,)
ELBO = objectives.negative_elbo
LOSSES = {
    "elbo": (lambda: VAE(2), ELBO),
    "elbo, convolutional": (lambda: VAE(2, "conv"), ELBO),
    "beta": (lambda: VAE(2), functools.partial(ELBO, beta=4.0)),
    "iwae": (lambda: VAE(2), objectives.negative_iwae_bound),
    "autoencoder": (lambda: Autoencoder(2), objectives.reconstruction_error),
    "free bits": (lambda: VAE(2), free_bits),
    "classifier": (Classifier, objectives.cross_entropy),
    "conditional": (lambda: ConditionalVAE(2), objectives.negative_conditional_elbo),
    "continuous Bernoulli": (lambda: VAE(2, likelihood=likelihoods.ContinuousBernoulli()), ELBO),
    "Gaussian": (lambda: VAE(2, likelihood=likelihoods.Gaussian(0.1)), ELBO),
    "learned sigma": (lambda: VAE(2, likelihood=likelihoods.Gaussian(0.1, learned=True)), ELBO),
    "sigma of each pixel": (lambda: VAE(2, likelihood=likelihoods.PixelGaussian()), ELBO),
    "logistic": (lambda: VAE(2, likelihood=likelihoods.DiscretizedLogistic()), ELBO),
}


@pytest.fixture
def gpu(monkeypatch):
    """Everything made within it is on a pretended GPU, and asking for a number is an error."""
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 2)  # what `capture.refusing_to_wait` sets
    with FakeTensorMode(), torch.device("cuda"):
        yield


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_asks_for_no_number(name, gpu):
    make, loss = LOSSES[name]
    inputs = [torch.empty(IMAGES)]
    if name in ("classifier", "conditional"):
        inputs.append(torch.zeros(LABELS, dtype=torch.int64))
    terms = loss(make(), *inputs)
    assert all(term.shape == LABELS and term.device.type == "cuda" for term in terms.values())


def test_a_loss_that_asks_for_one_is_noticed(gpu):
    terms = ELBO(VAE(2), torch.empty(IMAGES))
    with pytest.raises(DataDependentOutputException):
        terms["loss"].mean().item()
