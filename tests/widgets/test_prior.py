"""PriorExplorer: what is shown comes from the chosen density at the slider's temperature."""

import pytest
import torch

from vae_utils.checkpoints import load_checkpoint
from vae_utils.evaluation import DensityCoverage
from vae_utils.models import VAE
from vae_utils.widgets import PriorExplorer
from vae_utils.widgets.prior import COLUMNS, ROWS

SOURCES = {
    "prior": lambda count, temperature, generator: temperature * torch.randn(count, 3, generator=generator),
    "far": lambda count, temperature, generator: 5 + temperature * torch.randn(count, 3, generator=generator),
}
MEASURED = {
    "prior": {1.0: DensityCoverage(0.6, 0.5), 0.5: DensityCoverage(0.8, 0.3)},
    "far": {0.5: DensityCoverage(0.2, 0.1), 1.0: DensityCoverage(0.3, 0.2)},
}


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = VAE(3, hidden=16)
    with torch.no_grad():
        for weight in vae.parameters():
            weight.mul_(8)
    return vae


@pytest.fixture
def explorer(model):
    return PriorExplorer(model, SOURCES, MEASURED)


def shown(explorer, place):
    """The inside of one picture on the sheet, (26, 26)."""
    assert bytes(explorer.pictures["picture"].value).startswith(b"\x89PNG") and not explorer.error.value
    sheet = torch.as_tensor(explorer._pictures.get_array().filled())
    top, left = (place // COLUMNS) * 61, (place % COLUMNS) * 61
    return sheet[top : top + 56, left : left + 56].reshape(28, 2, 28, 2)[:, 1, :, 1][1:-1, 1:-1].float()


@pytest.mark.parametrize("name", list(SOURCES))
@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_the_pictures_are_decoded_draws(explorer, model, name, temperature):
    explorer.source.value, explorer.temperature.value = name, temperature
    codes = SOURCES[name](ROWS * COLUMNS, temperature, torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model.generate(codes)[:, 0, 1:-1, 1:-1]
    for place in (0, 9, 31):
        torch.testing.assert_close(shown(explorer, place), expected[place], atol=1e-4, rtol=0)


def test_the_dot_stands_on_the_curve_of_the_chosen_density(explorer):
    for name, temperature, density, coverage in (
        ("prior", 1.0, 0.6, 0.5),
        ("far", 0.5, 0.2, 0.1),
        ("prior", 0.7, 0.72, 0.38),
    ):
        explorer.source.value, explorer.temperature.value = name, temperature
        assert f"{name}, temperature {temperature:.2f}: density {density:.2f}, coverage {coverage:.2f}" in (
            explorer.note.value
        )
        assert explorer._dot.get_xydata()[0] == pytest.approx([temperature, coverage])
        assert explorer._lines[name].get_color() != explorer._lines[{"prior": "far", "far": "prior"}[name]].get_color()


def test_nothing_is_claimed_where_nothing_was_measured(explorer):
    explorer.temperature.value = 1.3
    assert "not measured there" in explorer.note.value and not explorer._dot.get_visible()


def test_what_is_sent_to_the_browser_stays_small():
    """As in lesson 10: three densities, 1,440 pictures. Those of its model, trained for moments, take a fifth more."""
    model = load_checkpoint("vae-mnist-k16")

    def draw(spread):
        """Codes that keep their spread at temperature 0, as those of a mixture or of the aggregated posterior do."""
        return lambda n, t, dice: spread * torch.randn(n, 16, generator=dice) + t * torch.randn(n, 16, generator=dice)

    sources = {name: draw(spread) for name, spread in (("prior", 0.0), ("mixture", 0.8), ("posterior", 1.0))}
    explorer = PriorExplorer(model, sources, dict.fromkeys(sources, MEASURED["prior"]))
    sent = sum(len(part) for part in (explorer.canvas.sheet, explorer.canvas.numbers))
    assert sent < 230_000


def test_other_draws_are_other(explorer):
    before = shown(explorer, 3)
    explorer._roll()
    explorer.draw()
    assert not torch.equal(before, shown(explorer, 3))


def test_measurements_come_in_any_order(model):
    explorer = PriorExplorer(model, SOURCES, dict(reversed(MEASURED.items())))
    assert list(explorer.measured) == list(SOURCES)
    assert explorer.measured == {name: dict(sorted(MEASURED[name].items())) for name in SOURCES}


def test_wrong_input_is_refused(model):
    with pytest.raises(ValueError, match="None: run the cell"):
        PriorExplorer(None, SOURCES, MEASURED)
    with pytest.raises(ValueError, match="measured must hold the sources"):
        PriorExplorer(model, SOURCES, {"prior": MEASURED["prior"]})
    with pytest.raises(ValueError, match="two temperatures at least, received 1"):
        PriorExplorer(model, SOURCES, {**MEASURED, "far": {1.0: DensityCoverage(1.0, 1.0)}})
    with torch.random.fork_rng(), pytest.raises(ValueError, match="looks untrained"):
        PriorExplorer(VAE(3, hidden=16), SOURCES, MEASURED)
