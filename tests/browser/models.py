"""Models that the tests and the notebooks that they open make alike: the source is run here and in a cell there."""

from types import SimpleNamespace

# Not trained, but as if: weights large enough for pixels from white to black.
SOURCE = """
import ipywidgets, torch
from vae_utils import VAE, load_images
from vae_utils.likelihoods import ContinuousBernoulli
from vae_utils.widgets import *
from vae_utils.widgets import controls

def made(size, kind="mlp"):
    torch.manual_seed(0)
    model = VAE(size, kind)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(4)
    return model

def squashed(size):
    model = made(size)
    model.decoder.insert(1, torch.nn.Hardtanh(-9, 9))
    return model

def grey(size):
    torch.manual_seed(0)
    model = VAE(size, likelihood=ContinuousBernoulli())
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(4)
    return model

digits = load_images("digits")
images, labels = digits.test[:120], digits.test_labels[:120]
"""


def namespace() -> SimpleNamespace:
    """What the source defines."""
    names = {}
    exec(SOURCE, names)
    return SimpleNamespace(**names)
