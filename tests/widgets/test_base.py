"""What every explorer promises: it shows the latest value, shows errors, and leaves nothing behind."""

import asyncio
import gc
import io
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from vae_utils.plots import LessonFigure, figure
from vae_utils.widgets import Explorer
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import REST
from vae_utils.widgets.models import require_model, require_trained


class Square(Explorer):
    """A dark square whose place two sliders set; fails beyond 20."""

    def __init__(self, **settings):
        self.x, self.y = (
            ipywidgets.IntSlider(description=f"{name} (pixels)", value=value, min=0, max=27)
            for name, value in (("x", 3), ("y", 4))
        )
        self.drawn = 0
        home = self.button("Home", self.home)
        self.broken = self.button("Broken", self.fail)
        super().__init__([self.x, self.y], alt="A square.", above=[home, self.broken], **settings)

    def home(self):
        self.x.value, self.y.value = 0, 0

    def fail(self):
        self.x.value = 9
        raise RuntimeError("the <button> is broken")

    def picture(self, x, y):
        picture = torch.zeros(28, 28)
        picture[y, x] = 1.0
        return picture

    def render(self):
        self.drawn += 1
        if self.x.value > 20:
            raise ValueError(f"x = {self.x.value} is <too> far")
        self.say(f"x is {self.x.value}")
        return self.picture(self.x.value, self.y.value)


class Curve(Explorer):
    """A line whose slope a slider sets."""

    def __init__(self):
        self.slope = make.slider("slope", 0.0, -1, 1)
        self.figure, axes = figure(title="A line", alt="A line.", size=(4, 2))
        (self.line,) = axes.plot([0, 1], [0, 0])
        axes.set_ylim(-1, 1)
        self.figure.moving = [self.line]
        super().__init__([self.slope], alt="A line.", beside=False, width=400)

    def render(self):
        self.line.set_ydata([0, self.slope.value])
        return self.figure


def ink(png):
    """A picture as (28, 28) ink in [0, 1]; each image pixel must be one even square."""
    image = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("L")) / 255
    scale = image.shape[0] // 28
    blocks = image.reshape(28, scale, 28, scale)[:, 1:-1, :, 1:-1]
    assert np.ptp(blocks, axis=(1, 3)).max() == 0, "the picture was blurred"
    return 1 - blocks[:, 0, :, 0]


def pixels(explorer, view="picture"):
    """What is on the page."""
    return ink(explorer.pictures[view].value)


def press(explorer, description):
    """Click a button as the page does."""
    button = next(widget for widget in everything(explorer) if getattr(widget, "description", "") == description)
    button.click()


def everything(widget):
    """All widgets on the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def visible_error(explorer):
    """The error text, empty if the page shows none."""
    text = explorer.error.value
    assert (explorer.error.layout.display == "none") == (text == "")
    return text


def test_a_move_is_shown():
    explorer = Square()
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(3, 4))
    explorer.x.value = 11
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(11, 4))
    assert "x is 11" in explorer.note.value


def test_all_that_matters_is_on_the_page():
    explorer = Square()
    shown = list(everything(explorer))
    for part in (explorer.x, explorer.y, explorer.pictures["picture"], explorer.note, explorer.error):
        assert part in shown
    assert any("A square." in widget.value for widget in shown if isinstance(widget, ipywidgets.HTML))


def test_an_error_is_seen_and_the_next_move_works():
    explorer = Square()
    before = pixels(explorer)
    explorer.x.value = 25
    error = visible_error(explorer)
    assert "ValueError: x = 25 is &lt;too&gt; far" in error and "<too>" not in error
    assert "test_base.py, line" in error and "/" not in error.replace("</", "").replace("<br/>", ""), (
        "a path of this machine"
    )
    np.testing.assert_array_equal(pixels(explorer), before)
    explorer.x.value = 5
    assert visible_error(explorer) == ""
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(5, 4))


def test_an_error_inside_a_library_names_the_learners_line():
    """What goes wrong in a model is raised by torch, deep below the line that called it."""

    class Wrong(Square):
        def render(self):
            return super().render() if self.x.value < 9 else torch.nn.Linear(3, 784)(torch.zeros(1, 2))

    explorer = Wrong()
    explorer.x.value = 9
    error = visible_error(explorer)
    assert "in render: return super().render() if self.x.value" in error
    assert "linear.py" not in error and "base.py, line" not in error.replace("test_base.py, line", "")


def test_an_error_behind_a_button_is_seen_until_the_next_move():
    explorer = Square()
    press(explorer, "Broken")
    assert "RuntimeError: the &lt;button&gt; is broken" in visible_error(explorer)
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(9, 4))
    assert "RuntimeError" in visible_error(explorer), "reading the picture cleared the error"
    press(explorer, "Home")
    assert visible_error(explorer) == ""
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(0, 0))


def test_an_error_in_the_first_picture_reaches_the_cell():
    class Broken(Square):
        def render(self):
            raise KeyError("no such view")

    with pytest.raises(KeyError, match="no such view"):
        Broken()


def test_a_burst_of_moves_draws_little_and_shows_the_last_without_a_loop():
    explorer = Square()
    explorer.drawn = 0
    for move in range(100):
        explorer.y.value = move % 28
        explorer.x.value = move % 20
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(99 % 20, 99 % 28))
    assert explorer.drawn == 1


def test_a_burst_of_moves_in_a_kernel_ends_on_the_last_value():
    """In a kernel nobody reads the picture: it must be sent by itself."""

    async def drag():
        explorer, sent = Square(), []
        explorer.pictures["picture"].observe(lambda change: sent.append(change["new"]), names="value")
        explorer.drawn = 0
        for move in range(100):
            explorer.y.value = move % 28
            explorer.x.value = move % 20
        explorer.x.value = 13
        await asyncio.sleep(2 * REST)
        return explorer, sent

    explorer, sent = asyncio.run(drag())
    assert explorer.drawn == len(sent) == 2, "the first move at once, the rest merged"
    np.testing.assert_array_equal(ink(sent[-1]), explorer.picture(13, 99 % 28))


def test_a_single_move_in_a_kernel_is_drawn_before_the_cell_ends():
    async def move():
        explorer = Square()
        explorer.drawn = 0
        explorer.x.value = 8
        at_once = explorer.drawn
        await asyncio.sleep(2 * REST)
        explorer.x.value = 9
        return at_once, explorer.drawn

    assert asyncio.run(move()) == (1, 2)


def test_a_button_that_sets_many_controls_draws_once():
    explorer = Square()
    explorer.drawn = 0
    press(explorer, "Home")
    np.testing.assert_array_equal(pixels(explorer), explorer.picture(0, 0))
    assert explorer.drawn == 1


def test_nothing_piles_up_over_many_moves():
    explorer = Curve()
    seen, widgets = set(), len(list(everything(explorer)))
    gc.collect()
    figures = sum(issubclass(type(thing), Figure) for thing in gc.get_objects())
    for move in range(50):
        explorer.slope.value = (move + 1) / 50
        seen.add(bytes(explorer.pictures["picture"].value))
    gc.collect()
    assert len(seen) == 50, "each move must show a picture of its own"
    assert sum(issubclass(type(thing), Figure) for thing in gc.get_objects()) == figures
    assert len(list(everything(explorer))) == widgets and len(explorer.figure.axes[0].lines) == 1
    import matplotlib.pyplot

    assert matplotlib.pyplot.get_fignums() == []


def test_the_text_form_is_the_same_in_every_run():
    assert repr(Square()) == repr(Square()) == "Square: A square. (Run the cell to use it.)"
    assert "0x" not in repr(Curve())


def test_it_is_a_widget_to_the_notebook():
    assert isinstance(Square(), ipywidgets.VBox)


def test_a_snapshot_shows_the_present_state():
    explorer = Square()
    explorer.x.value = 17
    snapshot = explorer.snapshot(title="A square stands at 17")
    assert isinstance(snapshot, LessonFigure) and snapshot.alt == "A square."
    sheet = snapshot.axes[0].images[0].get_array()
    assert sheet.shape[0] % 28 == 0
    scale = sheet.shape[0] // 28
    assert sheet[4 * scale + 1, 17 * scale + 1] == 1 and sheet[4 * scale + 1, 3 * scale + 1] == 0
    assert Curve().snapshot().title == "A line"


@pytest.mark.parametrize(
    "returned, error, message",
    [
        (torch.zeros(2, 28, 28), ValueError, r"\(2, 28, 28\)"),
        (torch.full((28, 28), torch.nan), ValueError, "not finite"),
        ({"left": torch.zeros(28, 28)}, ValueError, "left"),
    ],
)
def test_a_render_that_returns_the_wrong_thing_is_told(returned, error, message):
    class Wrong(Square):
        def render(self):
            return returned

    with pytest.raises(error, match=message):
        Wrong()


def test_controls_need_descriptions():
    class Bare(Explorer):
        def render(self):
            return torch.zeros(28, 28)

    with pytest.raises(ValueError, match="description"):
        Bare([make.slider("", 0, 0, 1)], alt="Nothing.")
    with pytest.raises(ValueError, match="alt"):
        Bare([make.slider("x", 0, 0, 1)], alt="")


def test_every_control_has_its_description_and_reports_every_move():
    made = [
        make.slider("a", 0.5, 0, 1),
        make.steps("b", [1, 2, 4], 2),
        make.number("c", 0, 0, 9),
        make.choice("d", ["one", "two"], "two"),
        make.switch("e", True),
    ]
    assert [control.description for control in made] == list("abcde")
    assert [control.value for control in made] == [0.5, 2, 0, "two", True]
    assert all(control.continuous_update for control in made[:2])


def test_a_wrong_model_is_told_which_cell_to_run():
    cell = "the cell 'Train'"
    with pytest.raises(ValueError, match="model is None: run the cell 'Train' first"):
        require_model(None, "model", cell=cell)
    with pytest.raises(TypeError, match="the class Linear, not a model: run the cell 'Train'"):
        require_model(torch.nn.Linear, "model", cell=cell)
    with pytest.raises(TypeError, match=r"dict and has no generate\(...\)"):
        require_model({}, "model", cell=cell)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
@pytest.mark.parametrize("latent_dim", [2, 16, 64])
def test_a_fresh_model_looks_untrained(architecture, latent_dim):
    from vae_utils.models import VAE

    for seed in range(3):
        torch.manual_seed(seed)
        with pytest.raises(ValueError, match="untrained"):
            require_trained(VAE(latent_dim, architecture), torch.randn(8, latent_dim))


def test_importing_the_widgets_opens_none():
    """A widget that is opened at import, a shared Layout say, is unknown to a page of VS Code that is opened later."""
    ask = """
import importlib, pkgutil, ipywidgets
opened = []
ipywidgets.Widget.on_widget_constructed(opened.append)
import vae_utils.widgets
for module in pkgutil.iter_modules(vae_utils.widgets.__path__, "vae_utils.widgets."):
    importlib.import_module(module.name)
print([type(widget).__name__ for widget in opened])
vae_utils.widgets.controls.switch("f", True)
print(len(opened) > 0)
"""
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == ["[]", "True"]
