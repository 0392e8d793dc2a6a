"""A small model, small data and a quick run, for the tests that train."""

import math

import torch

from vae_utils import VAE, fit, negative_elbo
from vae_utils.data import Images

COUNT, BATCH, EPOCHS = 40, 16, 4
STEPS = math.ceil(COUNT / BATCH)


def images(count=COUNT, seed=0):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def data_set():
    labels = torch.arange(COUNT) % 10
    return Images("tiny", images(), labels, images(24, seed=1), labels[:24], tuple("0123456789"))


def vae():
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return VAE(2, hidden=8)


def weights(model):
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def train(model, loss=negative_elbo, data=None, **changed):
    arguments = {"epochs": EPOCHS, "batch_size": BATCH, "device": "cpu", "progress": False}
    return fit(model, data_set() if data is None else data, loss, **(arguments | changed))


def assert_same(model, history, whole):
    """That a run ended as another one did, bit for bit."""
    assert history == whole[1]
    assert torch.equal(weights(model), whole[0])
