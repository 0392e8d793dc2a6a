"""decoder.js makes the pictures that PyTorch makes: in Chromium, on a page without Jupyter, to one grey level."""

import base64

import numpy as np
import pytest
import torch
from torch import nn

from vae_utils.interpolation import interpolate
from vae_utils.models import VAE, Autoencoder
from vae_utils.widgets.canvas import FOLDER
from vae_utils.widgets.export import export_decoder

LOAD = """async (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    window.tested = await import(url);
}"""
DECODE = """([layers, weights, precision, codes]) => {
    const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
    const decoder = window.tested.makeDecoder(layers, new DataView(bytes.buffer), precision);
    return codes.map((code) => [...decoder.decode(code)]);
}"""
SERIES = [
    *(
        (f"{kind} of {size}", lambda kind=kind, size=size: VAE(size, kind))
        for kind in ("mlp", "conv")
        for size in (2, 16, 50)
    ),
    *(
        (f"tanh mlp of {size}", lambda size=size: VAE(size, hidden=(200, 200), activation="tanh"))
        for size in (2, 16, 50)
    ),
    ("autoencoder", lambda: Autoencoder(16)),
]


class Odd(nn.Module):
    """Strides, margins and gaps that no decoder of the series has, other in height and width, and no biases."""

    latent_dim = 3

    def __init__(self):
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Linear(3, 24, bias=False),
            nn.Tanh(),
            nn.Unflatten(1, (4, 2, 3)),
            nn.ConvTranspose2d(4, 3, (3, 2), stride=(3, 2), padding=(2, 0), output_padding=(2, 1), bias=False),
            nn.Sigmoid(),
            nn.ConvTranspose2d(3, 2, 3, stride=1, dilation=(1, 2), padding=1),
            nn.ConvTranspose2d(2, 1, 1, stride=2, output_padding=1),
        )

    def generate(self, z):
        return self.decoder(z)


@pytest.fixture
def in_chromium(page):
    """in_chromium(model, codes): the pictures of codes, (B, H * W), decoded in a page."""
    page.evaluate(LOAD, (FOLDER / "decoder.js").read_text(encoding="utf-8"))

    def decode(model, codes):
        exported = export_decoder(model, codes)
        weights = base64.b64encode(exported.weights).decode()
        return np.array(page.evaluate(DECODE, [exported.layers, weights, exported.precision, codes.tolist()]))

    return decode


@pytest.mark.parametrize(
    ("name", "make"), [*SERIES, ("odd", Odd)], ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_browsers_pictures_are_pytorchs(in_chromium, name, make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, codes = make(), None
        for weight in model.decoder.parameters():
            weight.data.mul_(3)  # as after training: pixels from white to black
        codes = torch.cat([torch.randn(6, model.latent_dim), torch.zeros(1, model.latent_dim)])
    with torch.no_grad():
        wanted = model.generate(codes).flatten(1).numpy()
    assert name == "odd" or np.ptp(wanted) > 0.5, "the pictures are even grey and would agree whatever happens"
    shown = in_chromium(model, codes)
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).max() <= 1 / 255


def test_weights_of_32_bits_are_read_too(in_chromium):
    model = VAE(3, hidden=8)
    model.decoder[0].weight.data.mul_(1e6)
    model.decoder[2].weight.data.mul_(1e-6)
    codes = torch.randn(4, 3)
    assert export_decoder(model, codes).precision == "float32"
    wanted = model.generate(codes).detach().flatten(1).numpy()
    assert np.abs(in_chromium(model, codes) - wanted).max() <= 1 / 255


@pytest.mark.parametrize("browser_can", [True, False])
def test_each_half_precision_number_is_read_as_numpy_reads_it(page, browser_can):
    page.evaluate(LOAD, (FOLDER / "decoder.js").read_text(encoding="utf-8"))
    if not browser_can:
        page.evaluate("() => { delete globalThis.Float16Array; }")
    halves = np.arange(65536, dtype=np.uint16)
    text = page.evaluate(
        """(text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const numbers = new Uint8Array(window.tested.unpackHalf(bytes.buffer).buffer);
            let found = '';
            for (let at = 0; at < numbers.length; at += 32768)
                found += String.fromCharCode(...numbers.subarray(at, at + 32768));
            return btoa(found);
        }""",
        base64.b64encode(halves.tobytes()).decode(),
    )
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(text), "<f4"), halves.view("<f2").astype(np.float32))


def test_an_unknown_layer_is_named(page):
    page.evaluate(LOAD, (FOLDER / "decoder.js").read_text(encoding="utf-8"))
    with pytest.raises(Exception, match='cannot run a layer of type "gelu"'):
        page.evaluate("() => window.tested.makeDecoder([{type: 'gelu', inputs: 2}], new ArrayBuffer(0))")


def test_the_pages_arc_is_pythons(page):
    """The way of the Interpolator, written twice: here and in the browser."""
    text = (FOLDER / "interpolate.js").read_text(encoding="utf-8")
    start, end = text.index("export function between"), text.index("async function render")
    page.evaluate(LOAD, text[start:end])
    a, b = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    for first, second in ((a, b), (a, 2 * a), (a, -a), (torch.zeros(9), b)):
        for way in ("lerp", "slerp"):
            for t in (0, 0.3, 0.5, 1):
                found = page.evaluate(
                    "([a, b, t, way]) => window.tested.between(a, b, t, way, [])",
                    [first.tolist(), second.tolist(), t, way],
                )
                torch.testing.assert_close(
                    torch.tensor(found, dtype=torch.float32), interpolate(first, second, t, way), rtol=1e-4, atol=1e-5
                )
