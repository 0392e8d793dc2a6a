"""SliceExplorer: sliders are places on the plane through three codes."""

import pytest
import torch

from vae_utils.models import VAE, Autoencoder
from vae_utils.widgets import SliceExplorer


class Trained(Autoencoder):
    """An autoencoder that passes for trained: its decoder answers differently to different codes."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__(latent_dim, hidden=16)
        with torch.no_grad():
            for weight in self.decoder.parameters():
                weight.mul_(20)


@pytest.fixture
def explorer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, images = Trained(5), torch.rand(12, 1, 28, 28)
        labels = torch.arange(12) % 10
        values = torch.rand(6, 6)
    return SliceExplorer(model, images, labels, corners=(2, 0, 7), values=values, extent=(-0.5, 1.5), label="value")


@pytest.mark.parametrize(("a", "b", "corner"), [(0, 0, 2), (1, 0, 0), (0, 1, 7)])
def test_the_corners_are_the_codes_of_the_three_images(explorer, a, b, corner):
    explorer.a.value, explorer.b.value = a, b
    torch.testing.assert_close(explorer.z[0], explorer.codes[corner])
    assert explorer.nearest()[0] == corner
    assert bytes(explorer.pictures["picture"].value).startswith(b"\x89PNG")
    assert "nearest is 0.0 away" in explorer.note.value


def test_places_between_mix_the_codes(explorer):
    explorer.a.value, explorer.b.value = 0.25, 0.5
    first, second, third = explorer.codes[[2, 0, 7]]
    torch.testing.assert_close(explorer.z[0], 0.25 * first + 0.25 * second + 0.5 * third)


def test_the_picture_is_what_the_model_decodes_there(explorer):
    explorer.a.value, explorer.b.value = -0.3, 1.2
    shown = bytes(explorer.pictures["picture"].value)
    expected = explorer.model.generate(explorer.z)[0, 0]
    torch.testing.assert_close(torch.as_tensor(explorer._decoded.get_array().filled()), expected.detach())
    explorer.a.value = 1.4
    assert bytes(explorer.pictures["picture"].value) != shown and not explorer.error.value


def test_the_sliders_are_named_after_the_digits_they_lead_to(explorer):
    assert (explorer.a.description, explorer.b.description) == ("towards the 0", "towards the 7")


def test_a_vae_is_taken_by_its_means():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, images = VAE(3, hidden=16), torch.rand(9, 1, 28, 28)
        with torch.no_grad():
            for weight in model.decoder.parameters():
                weight.mul_(20)
    values = torch.rand(4, 4)
    made = SliceExplorer(
        model, images, torch.arange(9), corners=(0, 1, 2), values=values, extent=(0.0, 1.0), label="value"
    )
    torch.testing.assert_close(made.codes, model.encode(images)[0].detach())


def test_wrong_corners_and_models_are_refused(as_a_learner, explorer):
    rest = {"values": torch.rand(4, 4), "extent": (0.0, 1.0), "label": "value"}
    with pytest.raises(ValueError, match="three different images from 0 to 11"):
        SliceExplorer(explorer.model, explorer.images, explorer.labels, corners=(0, 0, 1), **rest)
    with pytest.raises(ValueError, match="received .0, 1, 12."):
        SliceExplorer(explorer.model, explorer.images, explorer.labels, corners=(0, 1, 12), **rest)
    with pytest.raises(ValueError, match="one for each of the 12 images, received 10"):
        SliceExplorer(explorer.model, explorer.images, explorer.labels[:10], corners=(0, 1, 2), **rest)
    with pytest.raises(ValueError, match="None"):
        SliceExplorer(None, explorer.images, explorer.labels, corners=(0, 1, 2), **rest)
