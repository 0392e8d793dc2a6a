"""LatentExplorer shows what the model decodes, and its sliders reach every code."""

import asyncio

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.widgets.test_base import everything, pixels, visible_error
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.likelihoods import ContinuousBernoulli, DiscretizedLogistic, PixelGaussian
from vae_utils.models import VAE, Autoencoder
from vae_utils.widgets import LatentExplorer
from vae_utils.widgets.decoding import along

K = 5


class FakeVAE(nn.Module):
    """Each code has a picture of its own: the code's numbers, squashed into [0, 1], are its first pixels."""

    latent_dim = K

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def generate(self, z):
        images = torch.zeros(len(z), 1, 28, 28)
        images[:, 0, 5, 5 : 5 + z.shape[1]] = (z / 10 + 0.5).clamp(0, 1)
        return images

    def encode(self, x):
        mu = x[:, 0, 0, :K] * torch.tensor([1.0, 8.0, 0.1, 3.0, 2.0]) - 0.5
        return mu, torch.zeros_like(mu)


class FakeAutoencoder(FakeVAE):
    """The same without a variance."""

    def encode(self, x):
        return super().encode(x)[0]


@pytest.fixture
def images():
    """Forty random images."""
    return torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def asked(explorer, name, number=-1):
    """Press a button of the page of an explorer that the kernel decodes for."""
    explorer.canvas._handle_custom_msg({"name": name, "number": number}, [])


def fed(explorer):
    """What the page of such an explorer shows: the picture, and those of the strip."""
    canvas = explorer.canvas
    height, width = canvas.settings["size"]
    pictures = np.frombuffer(bytes(canvas.decoded) + bytes(canvas.strip), np.uint8).reshape(-1, height, width) / 255
    return pictures[0], pictures[1:]


def shows(explorer, z):
    """Whether the decoded picture is what the model makes of z, to one grey level."""
    wanted = explorer.model.generate(torch.as_tensor(z)[None])[0, 0].detach().numpy()
    return np.abs(pixels(explorer, "decoded") - wanted).max() <= 0.5 / 255 + 1e-6


def test_every_slider_moves_its_own_dimension(images):
    explorer = LatentExplorer(FakeVAE(), images, start=None)
    for dim in range(K):
        explorer.sliders[dim].value = dim - 1.5
        assert torch.equal(explorer.z[: dim + 1], torch.arange(dim + 1) - 1.5)
        assert shows(explorer, explorer.z)


def test_sliders_are_sorted_by_kl_and_all_there(images):
    model = FakeVAE()
    explorer = LatentExplorer(model, images)
    kl = kl_to_standard_normal(*model.encode(images)).mean(0)
    assert explorer.order == kl.argsort(descending=True).tolist()
    shown = [widget for widget in everything(explorer) if widget in explorer.sliders.values()]
    assert [slider.description for slider in shown] == [f"z[{dim}] ({kl[dim]:.2f})" for dim in explorer.order]
    assert LatentExplorer(model, images, order=[4, 3, 2, 1, 0]).order == [4, 3, 2, 1, 0]
    assert LatentExplorer(model).order == [0, 1, 2, 3, 4]


def test_sliders_span_three_prior_standard_deviations():
    for slider in LatentExplorer(FakeVAE()).sliders.values():
        assert (slider.min, slider.max, slider.value) == (-3, 3, 0)


def test_a_test_image_sets_the_sliders_at_the_encoders_mean_beside_the_original(images):
    model = FakeVAE()
    explorer = LatentExplorer(model, images)
    for number in (7, 39, 0):
        explorer.go_to(number)
        mu = model.encode(images[number : number + 1])[0][0]
        torch.testing.assert_close(explorer.z, mu)
        assert shows(explorer, mu)
        assert np.abs(pixels(explorer, "original") - images[number, 0].numpy()).max() < 0.1
        assert f"Test image {number}." in explorer.note.value


def test_a_code_beyond_the_sliders_makes_them_longer(images):
    model = FakeVAE()
    number = int(images[:, 0, 0, 1].argmax())
    explorer = LatentExplorer(model, images, start=number)
    assert explorer.z[1] > 6 and explorer.sliders[1].max > 6 and shows(explorer, model.encode(images)[0][number])
    explorer.reset()
    assert (explorer.sliders[1].min, explorer.sliders[1].max) == (-3, 3)


def test_buttons_reset_draw_and_go_back(images):
    explorer = LatentExplorer(FakeVAE(), images, start=3)
    code = explorer.z
    asked(explorer, "reset")
    assert torch.equal(explorer.z, torch.zeros(K)) and shows(explorer, torch.zeros(K))
    assert pixels(explorer, "original").max() < 0.2, "no test image belongs to the centre"
    asked(explorer, "draw_code")
    first = explorer.z
    asked(explorer, "draw_code")
    assert not torch.equal(first, explorer.z) and shows(explorer, explorer.z)
    asked(explorer, "go_to", 3)
    assert torch.equal(explorer.z, code) and shows(explorer, code)


def test_draws_follow_the_prior():
    explorer = LatentExplorer(FakeVAE())
    draws = []
    for _ in range(400):
        explorer.draw_code()
        draws.append(explorer.z)
    draws = torch.stack(draws)
    assert draws.mean().abs() < 0.08 and abs(draws.std() - 1) < 0.05


def test_an_autoencoder_has_no_prior_so_its_codes_set_the_scale(images):
    model = FakeAutoencoder()
    codes = model.encode(images)
    explorer = LatentExplorer(model, images)
    assert explorer.order == codes.var(0).argsort(descending=True).tolist()
    asked(explorer, "reset")
    torch.testing.assert_close(explorer.z, codes.mean(0))
    draws = []
    for _ in range(400):
        asked(explorer, "draw_code")
        draws.append(explorer.z)
    torch.testing.assert_close(torch.stack(draws).std(0), codes.std(0), rtol=0.15, atol=0.02)


def test_setting_z_moves_all_sliders_and_draws_once(images):
    explorer, calls = LatentExplorer(FakeVAE(), images), []
    decode, explorer.decode = explorer.decode, lambda z: calls.append(z) or decode(z)
    explorer.z = torch.linspace(-1, 1, K)
    assert shows(explorer, torch.linspace(-1, 1, K)) and len(calls) == 1


def test_an_error_of_the_model_is_seen_and_the_next_move_works():
    explorer = LatentExplorer(FakeVAE())
    generate = explorer.model.generate

    def fragile(z):
        if z[0, 0] > 2:
            raise RuntimeError("out of memory")
        return generate(z)

    explorer.model.generate = fragile
    explorer.sliders[0].value = 2.5
    assert "RuntimeError: out of memory" in visible_error(explorer)
    explorer.sliders[0].value = 1.5
    assert visible_error(explorer) == "" and shows(explorer, [1.5, 0, 0, 0, 0])


def test_the_snapshot_moves_one_slider_a_row(images):
    explorer = LatentExplorer(FakeVAE(), images)
    before, codes = explorer.z, []
    generate, explorer.model.generate = explorer.model.generate, lambda z: codes.append(z) or generate(z)
    made = explorer.snapshot(title="Each row moves one number", rows=3, steps=5)
    assert torch.equal(explorer.z, before)
    for row, dim in enumerate(explorer.order[:3]):
        wanted = before.repeat(5, 1)
        wanted[:, dim] = torch.linspace(-3, 3, 5)
        torch.testing.assert_close(codes[row], wanted)
    assert len(made.axes) == 3
    labels = {text.get_text().split("\n")[0] for text in made.texts}
    assert {f"z[{dim}]" for dim in explorer.order[:3]} | {"z = −3", "z = 0", "z = 3"} <= labels


@pytest.mark.parametrize("kind", [VAE, Autoencoder])
def test_real_models_work(kind):
    torch.manual_seed(0)
    model = kind(3)
    with torch.no_grad():
        model.decoder[-1 if hasattr(model.decoder[-1], "weight") else -2].bias.fill_(-4.0)  # looks trained: light pages
    images = torch.rand(4, 1, 28, 28)
    explorer = LatentExplorer(model, images)
    encoded = model.encode(images[:1])
    code = (encoded[0] if kind is VAE else encoded)[0].detach()
    torch.testing.assert_close(explorer.z, code)
    assert shows(explorer, code)


def test_bad_models_images_and_orders_are_named(images):
    with pytest.raises(ValueError, match="model is None: run the cell that trains it"):
        LatentExplorer(None)
    with pytest.raises(ValueError, match="untrained"):
        LatentExplorer(VAE(2))
    with pytest.raises(ValueError, match=r"\(40, 784\)"):
        LatentExplorer(FakeVAE(), images.flatten(1))
    with pytest.raises(ValueError, match="each of 0 to 4 once"):
        LatentExplorer(FakeVAE(), images, order=[0, 0, 1, 2, 3])
    with pytest.raises(ValueError, match="0 to 39, received 40"):
        LatentExplorer(FakeVAE(), images, start=40)


# ---- the part in the browser: what it is told. What it draws is tested in tests/browser. ----------------------------


@pytest.fixture
def model():
    """A VAE that the browser can run and that looks trained: it leaves pages light."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = VAE(K, hidden=20)
        made.decoder[-2].bias.data.fill_(-4.0)
        yield made


def test_a_model_of_the_series_is_decoded_in_the_browser(model, images):
    explorer = LatentExplorer(model, images, start=7)
    view = explorer.canvas
    assert view in everything(explorer) and explorer.pictures["decoded"] not in everything(explorer)
    assert view.sliders == list(explorer.sliders.values()) and view.settings["dims"] == explorer.order
    np.testing.assert_array_equal(np.frombuffer(view.codes, "<f4").reshape(-1, K), explorer.survey.codes)
    assert view.chosen == explorer.chosen == 7 and view.settings["plane"] is None
    assert shows(explorer, explorer.z), "the kernel's picture is there for whoever reads it"


def test_while_the_browser_decodes_a_move_costs_the_kernel_nothing(model, images):
    explorer, calls = LatentExplorer(model, images), []
    decode, explorer.decode = explorer.decode, lambda z: calls.append(z) or decode(z)

    async def drag():
        for step in range(1000):
            explorer.sliders[2].value = step / 500 - 1
            await asyncio.sleep(0)

    asyncio.run(drag())
    assert calls == []
    assert shows(explorer, explorer.z) and len(calls) == 1


class Custom(nn.Module):
    """A learner's own model: no decoder of layers, and parts that behave otherwise while training."""

    latent_dim = K

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(K, 20), nn.BatchNorm1d(20), nn.Linear(20, 784)
        self.last.bias.data.fill_(-4.0)

    def encode(self, x):
        return x.flatten(1)[:, :K], torch.zeros(len(x), K)

    def generate(self, z):
        return self.last(F.dropout(self.norm(self.first(z)), 0.5, self.training)).sigmoid().view(-1, 1, 28, 28)


def pictures_of_kernel():
    """Models that a browser would show wrong."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        likelihoods = ContinuousBernoulli(), DiscretizedLogistic(), PixelGaussian()
        models = [VAE(K, hidden=20, likelihood=likelihood) for likelihood in likelihoods]
        for model in models:
            model.decoder[-2].weight.data.mul_(9)
            model.decoder[-2].bias.data[:784].fill_(-4.0)
        inserted = VAE(K, hidden=20)
        inserted.decoder[-2].bias.data.fill_(-4.0)
        inserted.decoder.insert(1, nn.BatchNorm1d(20))
        quantized = VAE(K, hidden=20)
        quantized.decoder[-2].bias.data.fill_(-4.0)
        quantized.generate = lambda z: quantized.decode(z.round()).sigmoid()
        custom = Custom()
        return [*models, inserted.eval(), quantized, custom]


@pytest.mark.parametrize(
    "model", pictures_of_kernel(), ids=lambda model: type(getattr(model, "likelihood", model)).__name__
)
def test_what_the_browser_would_show_wrong_the_kernel_decodes_and_says_so(model, images):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    training = model.training

    async def moved():
        explorer = LatentExplorer(model, images, labels=torch.arange(40) % 10)
        explorer.sliders[1].value = 1.5
        explorer.canvas.along = explorer.order.index(1)
        await asyncio.sleep(0.1)
        return explorer

    explorer = asyncio.run(moved())
    assert explorer.canvas.layers == [] and explorer.canvas in everything(explorer)
    texts = [str(getattr(widget, "value", "")) for widget in everything(explorer)]
    assert sum("The kernel decodes these pictures" in text for text in texts) == 1
    assert explorer.error.value == ""
    picture, strip = fed(explorer)
    model.eval()
    with torch.no_grad():
        assert np.abs(picture - model.generate(explorer.z[None])[0, 0].numpy()).max() <= 0.5 / 255 + 1e-6
        codes = along(explorer.z, 1, torch.linspace(explorer.sliders[1].min, explorer.sliders[1].max, 9))
        assert np.abs(strip - model.generate(codes)[:, 0].numpy()).max() <= 0.5 / 255 + 1e-6
    model.train(training)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), "the model was changed"
    assert np.ptp(strip) > 0.02 and shows_again(explorer, picture)


def shows_again(explorer, picture):
    """Whether whoever reads the picture in Python reads the page's."""
    return np.abs(pixels(explorer, "decoded") - picture).max() <= 1 / 255 + 1e-6


def test_a_strip_is_decoded_when_it_is_another_one(model, images):
    sizes = []

    async def moved():
        explorer = LatentExplorer(model, images, in_browser=False)
        generate = explorer.model.generate
        explorer.model.generate = lambda z: sizes.append(len(z)) or generate(z)
        for step in range(5):
            explorer.sliders[explorer.order[0]].value = step / 10
            await asyncio.sleep(0.03)
        explorer.canvas.along = 1
        await asyncio.sleep(0.03)
        return explorer

    asyncio.run(moved())
    assert [size for size in sizes if size <= 10] == [1, 1, 1, 1, 1, 10]


def test_python_moves_the_sliders_and_names_the_image(model, images):
    explorer = LatentExplorer(model, images)
    explorer.go_to(9)
    torch.testing.assert_close(explorer.z, explorer.survey.codes[9])
    assert explorer.canvas.chosen == explorer.chosen == 9 and "Test image 9." in explorer.note.value
    explorer.reset()
    assert explorer.chosen is None and explorer.canvas.chosen == -1 and not explorer.z.any()


@pytest.mark.parametrize("in_browser", [True, False])
def test_a_locked_slider_stays(model, images, in_browser):
    explorer = LatentExplorer(model, images, in_browser=in_browser)
    explorer.sliders[3].value = 2.25
    explorer.lock(3)
    for move in (explorer.reset, explorer.draw_code, lambda: explorer.go_to(5)):
        move()
        assert explorer.z[3] == 2.25 and explorer.locked == [3]
    explorer.lock(3, False)
    explorer.reset()
    assert explorer.locked == [] and explorer.z[3] == 0


@pytest.mark.parametrize("kind", [VAE, Autoencoder])
def test_two_dimensions_have_a_plane_that_holds_all_codes(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, images = kind(2, hidden=20), torch.rand(60, 1, 28, 28)
    model.decoder[-2].bias.data.fill_(-4.0)
    model.encoder[-1].bias.data[0] = 5.0  # far to the right
    labels = torch.arange(60) % 10
    explorer = LatentExplorer(model, images, labels=labels)
    plane = explorer.canvas.settings["plane"]
    (left, right), (low, high) = plane["limits"]
    codes = explorer.survey.codes
    assert left <= codes[:, 0].min() and codes[:, 0].max() <= right
    assert low <= codes[:, 1].min() and codes[:, 1].max() <= high
    assert kind is Autoencoder or (left, right) == (low, high) == (-right, right)
    assert [name[0] for name in plane["names"]] == list(range(10)), "each class is named"
    places = np.array([name[1:] for name in plane["names"]])
    apart = np.abs(places[:, None] - places)[~np.eye(10, dtype=bool)] / [right - left, high - low] * 296
    assert ((apart[:, 0] > 17) | (apart[:, 1] > 19)).all(), "names lie on each other"


def test_labels_must_fit(model, images):
    with pytest.raises(ValueError, match="received 3 for 40 images"):
        LatentExplorer(model, images, labels=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="run from 0 to 11"):
        LatentExplorer(model, images, labels=torch.arange(40) % 12)
