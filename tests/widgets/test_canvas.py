"""The part of an explorer in the browser: one module of text, and the images in one sheet."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from vae_utils.models import VAE
from vae_utils.widgets import DecodedPicture, canvas
from vae_utils.widgets import controls as make
from vae_utils.widgets.canvas import FOLDER, bundle, picture_sheet

PAGES = [path.name for path in sorted(FOLDER.glob("*.js")) if "\nexport default" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_one_module_that_imports_nothing(page):
    text = bundle(page)
    assert not re.search(r"^\s*(import\s|//)", text, flags=re.MULTILINE)
    assert len(re.findall("^export default", text, flags=re.MULTILINE)) == 1
    assert text.count("export function makeDecoder") == ("makeDecoder(" in text)
    declared = re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", text, flags=re.MULTILINE)
    assert len(declared) == len(set(declared)), "two files declare one name"
    assert len(text.encode()) < 40_000


def test_the_decoder_stands_alone():
    """A page outside Jupyter shares this very file: it imports nothing and knows nothing of widgets."""
    text = (FOLDER / "decoder.js").read_text(encoding="utf-8")
    assert not re.search(r"^import ", text, flags=re.MULTILINE)
    assert "export function makeDecoder" in text and "document." not in text and "model." not in text


@pytest.mark.parametrize(("count", "greys", "form"), [(1, 9, "WEBP"), (50, 256, "PNG"), (73, 64, "WEBP")])
def test_the_sheet_holds_each_image_dark_on_light(count, greys, form):
    images = torch.randint(greys, (count, 1, 6, 5), generator=torch.Generator().manual_seed(0)) / (greys - 1)
    opened = Image.open(io.BytesIO(picture_sheet(images)))
    assert opened.format == form
    sheet = np.asarray(opened.convert("L"))
    for number in range(count):
        top, left = 6 * (number // 50), 5 * (number % 50)
        shown = 1 - sheet[top : top + 6, left : left + 5] / 255
        assert np.abs(shown - images[number, 0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_where_pillow_knows_no_webp_the_sheet_is_a_png(monkeypatch):
    monkeypatch.setattr(canvas.features, "check", lambda name: False)
    assert picture_sheet(torch.zeros(3, 1, 6, 5)).startswith(b"\x89PNG")


def test_a_picture_of_ones_own_follows_its_sliders_and_can_lead_elsewhere():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, origin, directions = VAE(3, hidden=8), torch.randn(3), torch.randn(2, 3)
    sliders = [make.slider("a", 0.0, -1, 1), make.slider("b", 0.0, -1, 1)]
    picture = DecodedPicture(model, sliders, origin, directions, alt="A picture.")
    assert picture.sliders == sliders
    rows = np.frombuffer(picture.codes, "<f4").reshape(3, 3)
    np.testing.assert_array_equal(rows, torch.cat([origin[None], directions]))
    picture.move(2 * origin, directions)
    np.testing.assert_array_equal(np.frombuffer(picture.codes, "<f4")[:3], 2 * origin)
    with pytest.raises(ValueError, match="received 1 sliders and 2 directions"):
        DecodedPicture(model, sliders[:1], origin, directions, alt="A picture.")
