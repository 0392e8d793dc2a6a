"""What goes wrong with a widget, tried on every explorer of the package: errors, bursts of moves, wrong arguments."""

import asyncio
import gc
import io
from collections import Counter

import ipywidgets
import matplotlib.pyplot
import numpy as np
import pytest
import torch
from PIL import Image

from vae_utils import widgets
from vae_utils.data import Images
from vae_utils.evaluation import DensityCoverage
from vae_utils.likelihoods import Gaussian
from vae_utils.models import VAE, Autoencoder, Classifier
from vae_utils.plots import LessonFigure, figures
from vae_utils.rate_distortion import RateDistortion
from vae_utils.widgets.base import REST, Explorer

# Matplotlib is handed arrays: of a tensor NumPy complains, once more at each move.
pytestmark = pytest.mark.filterwarnings("error:__array__:DeprecationWarning")
CELL = {"cell": "the cell 'Train it'"}


def light(model):
    """As if trained: it leaves pages light, and what it draws differs from code to code."""
    for weight in model.decoder.parameters():
        weight.data.mul_(4)
    return model


def arguments():
    """What each explorer is made of: class -> (positional arguments, keyword arguments)."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images, labels = torch.rand(60, 1, 28, 28), torch.arange(60) % 10
        vae = light(VAE(3))
        data = Images("test", images, labels, images, labels, tuple("0123456789"))
        autoencoders = {K: Autoencoder(K, hidden=16) for K in (1, 4)}
        for model in autoencoders.values():
            model.decoder[2].bias.data.copy_(images.mean(0).flatten())
        components = torch.linalg.qr(torch.randn(784, 8)).Q.T.contiguous()
        gaussians = [light(VAE(3, likelihood=Gaussian(sigma))) for sigma in (0.1, 0.3, 0.8)]
        scores = [{"reconstruction": 100.0 * n, "kl": 5.0 + n} for n in range(3)]
        places = [RateDistortion(beta, rate, 99 - rate, 3, torch.ones(3)) for beta, rate in ((0.5, 30.0), (2.0, 9.0))]
        plane = {"corners": (2, 0, 7), "values": torch.rand(6, 6), "extent": (-0.5, 1.5), "label": "value"}
        draws = {name: lambda n, t, dice: t * torch.randn(n, 3, generator=dice) for name in "ab"}
        measured = {name: {t: DensityCoverage(t / 2, t / 3) for t in (0.0, 1.0)} for name in "ab"}
        ink = {name: {"nats": torch.randn(50), "ink": torch.rand(50)} for name in "xy"}

        def log_p(x):
            return -x.sum((1, 2, 3))

        return {
            "BlendExplorer": ((Classifier(), log_p, (images > 0.5).float()), CELL),
            "BottleneckExplorer": ((autoencoders, components, images.flatten(1).mean(0), images), CELL),
            "BoundExplorer": ((-100 + torch.randn(100, 2), images[:2]), {}),
            "DrawingPad": ((vae, data), CELL),
            "Interpolator": ((vae, images), CELL),
            "LatentExplorer": ((vae, images), CELL),
            "OutlierExplorer": ((ink["x"], {"other": ink["y"]}), {}),
            "PosteriorExplorer": ((), {}),
            "PriorExplorer": ((vae, draws, measured), CELL),
            "RateDistortionExplorer": (([vae, vae], places, images), CELL),
            "ReparameterizationExplorer": ((), {}),
            "SigmaExplorer": ((gaussians, scores, images), CELL),
            "SliceExplorer": ((vae, images, labels), plane | CELL),
            "ToyExplorer": ((), {}),
        }


MADE_OF = arguments()
TAKES_MODEL = [name for name, (given, _) in MADE_OF.items() if given and not isinstance(given[0], torch.Tensor | dict)]
TAKES_IMAGES = {
    name: place
    for name, (given, _) in MADE_OF.items()
    for place, argument in enumerate(given)
    if isinstance(argument, torch.Tensor) and argument.ndim == 4
}


def made(name, **changes):
    """An explorer whose pictures the kernel makes, if it has a choice."""
    given, named = MADE_OF[name]
    kind = getattr(widgets, name)
    if name != "DrawingPad":
        changes = {"in_browser": False} | changes
    return kind(*given, **named | changes)


def control(explorer):
    """A slider of an explorer, and two values of it."""
    found = [part for part in vars(explorer).values() if isinstance(part, ipywidgets.Widget)]
    found += list(getattr(explorer, "sliders", {}).values())
    for slider in found:
        if isinstance(slider, ipywidgets.FloatSlider | ipywidgets.IntSlider | ipywidgets.FloatLogSlider):
            low, high = slider.min, slider.max
            if isinstance(slider, ipywidgets.FloatLogSlider):
                low, high = slider.base**low, slider.base**high
            return slider, [low, high] if isinstance(slider, ipywidgets.IntSlider) else [low, low + 0.75 * (high - low)]
        if isinstance(slider, ipywidgets.SelectionSlider):
            values = [option[1] if isinstance(option, tuple) else option for option in slider.options]
            return slider, [values[0], values[-1]]
    raise AssertionError(f"{type(explorer).__name__} has no slider")


def shown(explorer):
    """All that is on the page."""
    if explorer._fed:
        return bytes(explorer.canvas.decoded)
    return [bytes(picture.value) for picture in explorer.pictures.values()], explorer.note.value


def alike(one, other):
    """Whether the same is shown; figures whose artists moved in another order may differ by a shade."""
    if isinstance(one, bytes):
        return one == other
    pairs = zip(
        *([np.asarray(Image.open(io.BytesIO(png))).astype(float) for png in seen[0]] for seen in (one, other)),
        strict=True,
    )
    return one[1] == other[1] and all(np.abs(a - b).mean() < 0.5 for a, b in pairs)


def drawing(explorer):
    """The method that makes what is on the page, by its name."""
    return "feed" if explorer._fed else "render"


@pytest.fixture(params=MADE_OF)
def name(request):
    """Name of an explorer."""
    return request.param


def test_every_explorer_is_among_these():
    kinds = {name for name in widgets.__all__ if issubclass(getattr(widgets, name), Explorer)}
    assert kinds - {"Explorer"} == set(MADE_OF)


def test_a_burst_of_moves_draws_a_few_times_and_ends_on_the_last_value(name):
    async def burst():
        explorer = made(name)
        slider, (first, last) = control(explorer)
        method, calls = drawing(explorer), []
        draw = getattr(explorer, method)
        setattr(explorer, method, lambda: calls.append(1) or draw())
        for move in range(100):
            slider.value = (first, last)[move % 2]
        await asyncio.sleep(4 * REST)
        return explorer, len(calls), shown(explorer)

    explorer, calls, seen = asyncio.run(burst())
    assert 1 <= calls <= 4
    getattr(explorer, "feed" if explorer._fed else "draw")()
    assert alike(shown(explorer), seen), "what was on the page is not what belongs to the last value"


def test_an_error_is_seen_and_the_next_move_works(name):
    async def fail():
        explorer = made(name)
        slider, (first, last) = control(explorer)
        slider.value = first
        await asyncio.sleep(4 * REST)
        before, method = shown(explorer), drawing(explorer)
        draw = getattr(explorer, method)

        def broken():
            raise RuntimeError("the device is gone")

        setattr(explorer, method, broken)
        slider.value = last
        await asyncio.sleep(4 * REST)
        assert "RuntimeError: the device is gone" in explorer.error._trait_values["value"]
        assert explorer.error.layout.display is None
        setattr(explorer, method, draw)
        slider.value = first
        await asyncio.sleep(4 * REST)
        assert explorer.error.value == "" and explorer.error.layout.display == "none"
        assert alike(shown(explorer), before)

    asyncio.run(fail())


def test_nothing_piles_up_over_fifty_drawn_moves(monkeypatch, name):
    monkeypatch.setattr(figures, "LIVE_DPI", 12)  # what is kept does not depend on how finely it is drawn

    async def moved():
        explorer = made(name)
        slider, values = control(explorer)
        for drawn in explorer._last.values():
            for axes in drawn.axes if isinstance(drawn, LessonFigure) else ():
                axes.set_axis_off()  # texts take most of the time of a drawing
                if legend := axes.get_legend():
                    legend.set_visible(False)

        async def kept_after(moves):
            for move in range(moves):
                slider.value = values[move % 2]
                explorer.feed() if explorer._fed else shown(explorer)  # whoever reads a picture has it drawn
                await asyncio.sleep(0)
            await asyncio.sleep(2 * REST)  # what waits for its turn is not kept
            gc.collect()
            return Counter(map(type, gc.get_objects()))

        await kept_after(6)  # matplotlib prepares some things once
        before = await kept_after(2)
        more = await kept_after(50) - before
        assert more.total() < 25, f"of these there are more after fifty moves: {more.most_common(5)}"
        assert matplotlib.pyplot.get_fignums() == []

    gc.collect()
    gc.freeze()  # what was there before need not be looked through again and again
    try:
        asyncio.run(moved())
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("name", TAKES_MODEL)
def test_before_the_model_is_made_it_says_what_to_run(as_a_learner, name):
    given, named = MADE_OF[name]
    nothing = [None] * len(given[0]) if isinstance(given[0], list) else None
    with pytest.raises(ValueError, match="run the cell 'Train it'"):
        getattr(widgets, name)(nothing, *given[1:], **named)


@pytest.mark.parametrize(("name", "place"), TAKES_IMAGES.items())
def test_wrong_images_are_named(as_a_learner, name, place):
    given, named = MADE_OF[name]
    images = given[place]
    labels = torch.zeros(len(images), dtype=torch.int64)
    whole = Images("mine", images, labels, images, labels, tuple("0123456789"))
    for wrong, error, message in (
        (whole, TypeError, "the whole data set 'mine'.*images.test"),
        (images.numpy(), TypeError, "must be a tensor"),
        (images.flatten(1), ValueError, r"must be \(N, 1, H, W\)"),
        (images * torch.nan, ValueError, "not finite"),
        (images * 255, ValueError, r"must lie in \[0, 1\], received .* to 25.*: divide bytes by 255"),
        (images - 0.5, ValueError, r"must lie in \[0, 1\], received -0.[45]"),
    ):
        with pytest.raises(error, match=message):
            getattr(widgets, name)(*given[:place], wrong, *given[place + 1 :], **named)


def test_the_pad_wants_a_whole_data_set(as_a_learner):
    vae, data = MADE_OF["DrawingPad"][0]
    with pytest.raises(TypeError, match="must be a whole data set, from load_images"):
        widgets.DrawingPad(vae, data.test)
