"""RateDistortionExplorer: the slider chooses a model, and everything shown is that model's."""

import pytest
import torch

from vae_utils.models import VAE
from vae_utils.rate_distortion import rate_distortion
from vae_utils.widgets import RateDistortionExplorer


@pytest.fixture
def parts():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        models, images = [VAE(3, hidden=16) for _ in range(3)], torch.rand(12, 1, 28, 28)
        with torch.no_grad():
            for model in models:
                for weight in model.parameters():
                    weight.mul_(8)
    places = [rate_distortion(model, images, beta) for model, beta in zip(models, (0.25, 1.0, 16.0), strict=True)]
    return models, places, images


def test_the_slider_chooses_the_model(parts):
    explorer = RateDistortionExplorer(*parts)
    pictures = set()
    for index, place in enumerate(parts[1]):
        explorer.model.value = index
        assert f"β = {place.beta:g}: rate {place.rate:.1f}" in explorer.note.value
        assert f"{place.active} of 3 latents" in explorer.note.value
        assert explorer._dot.get_xydata()[0] == pytest.approx([place.rate, place.distortion])
        pictures.add(bytes(explorer.pictures["picture"].value))
    assert len(pictures) == 3 and not explorer.error.value


def test_models_come_in_any_order_and_are_sorted_by_beta(parts):
    models, places, images = parts
    explorer = RateDistortionExplorer([models[2], models[0], models[1]], [places[2], places[0], places[1]], images)
    assert explorer.places == places
    for found, model in zip(explorer.models, models, strict=True):  # found shares its weights with the learner's own
        assert next(found.parameters()) is next(model.parameters())
    assert [name for name, _ in explorer.model.options] == ["0.25", "1", "16"]


def test_the_rows_are_images_reconstructions_and_samples(parts):
    explorer = RateDistortionExplorer(*parts)
    explorer.model.value, explorer.first.value = 2, 4
    explorer.draw()
    sheet = torch.as_tensor(explorer._pictures.get_array().filled())
    height, width = (sheet.shape[0] + 12) // 3, (sheet.shape[1] + 6) // 6

    def shown(row, column):
        tile = sheet[row * height : row * height + 84, column * width : column * width + 84]
        return tile.reshape(28, 3, 28, 3)[:, 1, :, 1][1:-1, 1:-1]  # inside of the frame

    model, x = parts[0][2], parts[2][4:10]
    epsilon, prior = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    mu, logvar = (part.detach() for part in model.encode(x))
    expected = [x, model.generate(mu + (0.5 * logvar).exp() * epsilon), model.generate(prior)]
    for row, pictures in enumerate(expected):
        torch.testing.assert_close(shown(row, 5).float(), pictures[5, 0, 1:-1, 1:-1].detach(), atol=1e-4, rtol=0)


def test_other_samples_are_other(parts):
    explorer = RateDistortionExplorer(*parts)
    before = bytes(explorer.pictures["picture"].value)
    explorer._roll()
    explorer.draw()
    assert bytes(explorer.pictures["picture"].value) != before


def test_what_cannot_be_shown_is_refused(parts):
    models, places, images = parts
    with pytest.raises(ValueError, match="2 models and 3 places: run the cell that trains"):
        RateDistortionExplorer(models[:2], places, images)
    with pytest.raises(ValueError, match="at least 6, received 5"):
        RateDistortionExplorer(models, places, images[:5])
