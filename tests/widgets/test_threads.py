"""Explorers in several threads, and interrupted ones: in JupyterLab a slider is served beside the cell that runs."""

import asyncio
import contextlib
import threading
import time

import ipywidgets
import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

from tests.widgets.test_base import Curve, Square, ink, pixels, visible_error
from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.plots import figure
from vae_utils.widgets import (
    LatentExplorer,
    LiveTraining,
    PosteriorExplorer,
    ReparameterizationExplorer,
    ToyExplorer,
)
from vae_utils.widgets.base import LATE, REST
from vae_utils.widgets.decoding import decode, still
from vae_utils.widgets.turns import TURN


def handle(*steps):
    """What a kernel's thread does: handle messages in an event loop, and what they put off."""

    async def run():
        for step in steps:
            step()
            await asyncio.sleep(4 * REST)

    asyncio.run(run())


def sent(explorer):
    """What the page shows; unlike `pixels`, without bringing it up to date."""
    return ink(explorer.pictures["picture"]._trait_values["value"])


def test_a_move_is_shown_that_comes_while_another_thread_draws():
    """As in JupyterLab: the first moves are handled in the main thread, later ones beside it."""
    drawing, drawn = threading.Event(), threading.Event()

    class Slow(Square):
        def render(self):
            picture = super().render()
            if self.x.value == 5:
                drawing.set()
                drawn.wait(10)
            return picture

    explorer = Slow()

    def move_further():
        drawing.wait(10)
        threading.Timer(0.1, drawn.set).start()
        explorer.x.value = 6

    threads = [
        threading.Thread(target=handle, args=[step])
        for step in (lambda: explorer.x.set_trait("value", 5), move_further)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sent(explorer)[4, 6] == 1 and explorer.note._trait_values["value"].count("x is 6") == 1


def test_a_move_is_shown_while_a_cell_holds_up_the_thread_of_the_move_before():
    explorer, held, shown = Square(), threading.Event(), threading.Event()

    def moves_then_cell():
        explorer.x.value = 4  # shown at once
        explorer.x.value = 5  # to be shown after a rest, but the cell comes first
        held.set()
        assert shown.wait(10), "not shown before the cell ended"

    def move_beside():
        held.wait(10)
        explorer.x.value = 6

    def look():
        if sent(explorer)[4, 6] == 1:
            shown.set()

    beside = threading.Thread(target=handle, args=[move_beside, look])
    beside.start()
    handle(moves_then_cell)
    beside.join(10)
    assert shown.is_set()


def test_a_cell_that_moves_sliders_for_long_is_followed():
    """Its loop, which was to show the second move, waits for the cell."""
    explorer, seen = Square(), []

    def cell():
        explorer.x.value = 4  # shown at once
        explorer.x.value = 5  # to be shown by the loop
        time.sleep(LATE + 2 * REST)
        explorer.x.value = 6
        seen.append(sent(explorer)[4, 6])

    handle(cell)
    assert seen == [1]


def together(*actions, seconds=20):
    """Do all at once, each in a thread; False if one of them waits for ever."""
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return not any(thread.is_alive() for thread in threads)


def test_linked_explorers_do_not_wait_for_each_other():
    one, other = Square(), Square()
    ipywidgets.link((one.x, "value"), (other.x, "value"))
    both = threading.Barrier(2)

    def press(explorer, x):
        with explorer.merged():  # as buttons do
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.5)
            explorer.x.value = x

    assert together(lambda: press(one, 7), lambda: press(other, 8), seconds=5)
    np.testing.assert_array_equal(pixels(one), pixels(other))


def test_noise_of_the_page_waits_for_its_turn():
    explorer, noise = ReparameterizationExplorer(), [0.5] * 25
    before = explorer.epsilon.clone()
    rolled = threading.Thread(
        target=lambda: explorer.canvas.set_trait("state", explorer.canvas.state | {"noise": noise})
    )
    with TURN:
        rolled.start()
        rolled.join(0.2)
        assert torch.equal(explorer.epsilon, before)
    rolled.join(20)
    assert explorer.epsilon.tolist() == noise


# ---- interrupts: "Interrupt the kernel" comes at any place -----------------------------------------------------------


def interrupting(function, condition):
    """The function, which is interrupted when the condition holds for the first time."""
    done = []

    def runs(*given):
        if not done and condition(*given):
            done.append(True)
            raise KeyboardInterrupt
        return function(*given)

    return runs


def test_a_move_that_was_interrupted_while_it_was_drawn_is_drawn_when_it_is_looked_at():
    explorer = Square()
    explorer.render = interrupting(explorer.render, lambda: explorer.x.value == 5)
    explorer.x.value = 5
    with pytest.raises(KeyboardInterrupt):
        pixels(explorer)
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(5, 4))
    assert visible_error(explorer) == ""


def test_a_move_that_was_interrupted_while_it_waited_is_drawn_when_it_is_looked_at(monkeypatch):
    explorer = Square()
    pixels(explorer)

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Square, "_follow", interrupted)
        with pytest.raises(KeyboardInterrupt):
            explorer.x.value = 5
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(5, 4))


def move_and_wait(slider, value):
    def move():
        with contextlib.suppress(KeyboardInterrupt):
            slider.value = value

    handle(move, lambda: None)


def test_the_page_shows_a_move_that_was_interrupted():
    explorer = Square()
    explorer.render = interrupting(explorer.render, lambda: explorer.x.value == 5)
    move_and_wait(explorer.x, 5)
    assert sent(explorer)[4, 5] == 1


def test_the_page_shows_what_the_kernel_decodes_after_an_interrupt():
    explorer = LatentExplorer(Mixed(), in_browser=False)
    explorer.model.generate = interrupting(explorer.model.generate, lambda z: z[0, 0] == 2)
    before = bytes(explorer.canvas.decoded)
    move_and_wait(explorer.sliders[0], 2.0)
    assert bytes(explorer.canvas.decoded) != before


def test_an_interrupted_band_is_still_there(monkeypatch):
    explorer = ToyExplorer()
    bands = len(explorer._upper.collections)

    def interrupted(*given, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(explorer._upper, "fill_between", interrupted)
        explorer.x.value = 0.5
        with pytest.raises(KeyboardInterrupt):
            _ = explorer.pictures["picture"].value
    assert explorer.pictures["picture"].value and visible_error(explorer) == ""
    assert len(explorer._upper.collections) == bands


def test_an_interrupted_background_leaves_its_lines_visible(monkeypatch):
    explorer = Curve()
    explorer.figure.forget_background()

    def interrupted(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(explorer.figure.canvas, "draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            explorer.figure.draw_fast()
    assert not explorer.line.get_animated(), "png() leaves out what is animated"


# ---- figures and models that two threads use -------------------------------------------------------------------------


def test_a_figure_is_drawn_whole_while_a_slider_moves_it(monkeypatch):
    """Without a lock the cell's picture gets the size that the slider's drawing sets."""
    explorer = PosteriorExplorer(in_browser=False)
    shown = explorer.snapshot()
    before, draw, moved = shown.png(), shown.canvas.draw, []

    def move():
        shown.draw_fast()

    def draw_beside():
        if not moved:
            moved.append(threading.Thread(target=move))
            moved[0].start()
            moved[0].join(0.3)
        draw()

    with monkeypatch.context() as patch:
        patch.setattr(shown.canvas, "draw", draw_beside)
        beside = shown.png()
    moved[0].join(20)
    assert beside == before


def test_a_figure_is_shown_while_a_slider_changes_what_is_on_it():
    explorer = ToyExplorer(in_browser=False)
    shown, moving = explorer.snapshot(), threading.Event()

    def move():
        for step in range(8):
            explorer.x.value = step / 4 - 1
            _ = explorer.pictures["picture"].value
        moving.set()

    problems = []

    def show():
        while not moving.is_set():
            try:
                shown.png()
            except Exception as problem:
                problems.append(problem)
                return

    assert together(move, show, seconds=60) and problems == []


def test_four_threads_make_figures_in_one_style():
    """matplotlib keeps one style for all threads, and a thread gives back the one it found."""
    before, made = dict(matplotlib.rcParams), []
    assert together(*[lambda: made.append([figure(title="A", alt="A.", size=(3, 2)) for _ in range(8)])] * 4)
    assert len(made) == 4 and dict(matplotlib.rcParams) == before


class Mixed(nn.Module):
    """A model with what training and evaluation do otherwise; notes in which mode the learner's own is."""

    latent_dim = 3

    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(nn.Linear(3, 784), nn.BatchNorm1d(784), nn.Dropout(0.5), nn.Sigmoid())
        self.seen, self.learner = [], lambda: self

    def generate(self, z):
        self.seen.append(all(part.training for part in self.learner().modules()))
        return self.parts(z).reshape(-1, 1, 28, 28)

    def encode(self, x):
        return x[:, 0, 0, :3], x[:, 0, 1, :3]


class Listed(Mixed):
    """With its parts in a list, too."""

    def __init__(self):
        super().__init__()
        self.steps = [*self.parts]

    def generate(self, z):
        for step in self.steps:
            z = step(z)
        return z.reshape(-1, 1, 28, 28)


class Renamed(Mixed):
    """With a method put into the model."""

    def __init__(self):
        super().__init__()
        self.generate = super().generate


def parametrized():
    model = Mixed()
    nn.utils.parametrizations.spectral_norm(model.parts[0])
    nn.init.constant_(model.parts[1].weight, 20.0)  # or it looks untrained
    return model


def partly_compiled():
    model = Mixed()
    model.parts = torch.compile(model.parts, backend="eager")
    return model


def compiled_in_place():
    model = Mixed()
    model.parts.compile(backend="eager")
    return model


def keeping():
    """With a number of the last step, as a loss function may leave it there."""
    model = Mixed()
    model.last = model.parts(torch.randn(4, 3)).mean()
    return model


MODELS = [Mixed, Listed, Renamed, parametrized, partly_compiled, compiled_in_place, keeping]


@pytest.mark.parametrize("made", MODELS)
def test_an_explorer_leaves_a_model_that_trains_in_training(made):
    model = made().train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    codes, twin = torch.randn(5, 3), still(model)
    before = decode(twin, codes)
    assert torch.equal(decode(twin, codes), before), "dropout is at work"
    explorer = LatentExplorer(model, in_browser=False)
    explorer.sliders[0].value = 1.0
    pixels(explorer, "decoded")
    assert all(model.seen) and all(part.training for part in model.modules())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())

    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
        for buffer in model.buffers():
            buffer.add_(1)
    now = decode(twin, codes)
    assert (now - before).abs().max() > 0.01
    model.load_state_dict({name: value * 2 for name, value in model.state_dict().items()})
    after, shown = decode(twin, codes), decode(model.eval(), codes)
    assert (now - after).abs().max() > 0.01
    torch.testing.assert_close(after, shown)


def test_a_compiled_model_is_left_in_training():
    model = Mixed().train()
    compiled = torch.compile(model, backend="eager")
    twin = still(compiled)
    codes = torch.randn(5, 3)
    assert torch.equal(decode(twin, codes), decode(twin, codes)) and compiled.training and model.training


def test_a_still_model_is_where_the_weights_are():
    model = Mixed()
    twin = still(model)
    assert model.double().parts[0].weight is twin.parts[0].weight
    assert still(model).parts is not model.parts


def test_panels_of_one_live_training_have_a_figure_each():
    images = load_images("digits")
    live = LiveTraining(images.test[:60], images.test_labels[:60])
    one, other = (live.panel(VAE(2, hidden=16), images.train[:256], negative_elbo, epochs=1) for _ in range(2))
    figures = [
        panel._draw(panel.model, fit(panel.model, images.train[:256], negative_elbo, epochs=1, progress=False))
        for panel in (one, other)
    ]
    assert figures[0] is not figures[1]
