"""Charts for the browser: tables fit their controls, frames are sent when asked for, and what goes wrong is seen."""

import numpy as np
import pytest
import torch

from vae_utils.data import Images
from vae_utils.models import Autoencoder
from vae_utils.widgets import (
    BlendExplorer,
    BottleneckExplorer,
    BoundExplorer,
    OutlierExplorer,
    PriorExplorer,
    RateDistortionExplorer,
    ReparameterizationExplorer,
    SigmaExplorer,
    SliceExplorer,
)
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, Pictures, by, dots, line
from vae_utils.widgets.chart_view import ChartView, places
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import require_images, require_rebuilding
from vae_utils.widgets.toy import toy_tables

AXES = Axis("x", 0, 1), Axis("y", 0, 1)


def view(marks, controls, **given):
    return ChartView(controls, [Chart(*AXES, marks, "a chart")], alt="A chart.", **given)


def entry(view, name, *indices):
    """What the page looks up in a table at these places of its controls."""
    table = view.tables[name]
    row = np.ravel_multi_index(indices, table["shape"]) if indices else 0
    if "texts" in table:
        return table["texts"][row]
    numbers = np.frombuffer(view.numbers, "<f4")
    return numbers[table["start"] + row * table["size"] :][: table["size"]].tolist()


def test_a_control_has_as_many_places_as_values():
    assert places(make.slider("a", 0.0, -1, 1, 0.05)) == 41
    assert places(make.steps("a", [1, 2, 5], 1)) == places(make.choice("a", ["x", "y", "z"], "x")) == 3
    assert places(make.switch("a")) == 2 and places(make.number("a", 0, 0, 9)) == 10


def test_the_page_finds_the_entry_for_what_the_controls_say():
    controls = {"a": make.steps("a", [1, 2, 5], 1), "b": make.switch("b")}
    values = torch.arange(24.0).view(3, 2, 4)
    made = view(
        [line([0, 1, 2, 3], by(values, "a", "b"), colour="#000")], controls, note=["n ", by(["p", "q", "r"], "a")]
    )
    (mark,) = made.settings["panels"][0]["marks"]
    assert entry(made, mark["y"]["table"], 2, 1) == values[2, 1].tolist() and mark["x"] == [0, 1, 2, 3]
    assert made.settings["note"][0] == "n " and entry(made, made.settings["note"][1]["table"], 1) == "q"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (by(torch.zeros(4, 5), "a"), r"needs the axes \[3\] first, received \(4, 5\)"),
        (by(torch.zeros(3, 5), "c"), "a table is by 'c'; the controls are a"),
    ],
)
def test_a_table_that_does_not_fit_its_controls_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        view([dots([0], table, colour="#000")], {"a": make.steps("a", [1, 2, 5], 1)})


class Powers(FramesExplorer):
    """Powers of a number that the kernel is asked for; it knows none of 7."""

    def __init__(self, **given):
        self.power, self.number = make.steps("power", [1, 2], 1), make.number("number", 3, 0, 9)
        controls = {"power": self.power, "number": self.number}
        super().__init__(controls, asks=["number"], alt="A grey square.", **given)

    def frames(self):
        if self.number.value == 7:
            raise ValueError("no powers of <seven>")
        powers = torch.tensor([self.number.value, self.number.value**2])
        pictures = (powers / 100).view(2, 1, 1, 1).expand(2, 1, 4, 4)
        panels = [Pictures(by(torch.arange(2)[:, None], "power"), "a square", "square", "square")]
        return Frames(panels, [by([str(power) for power in powers.tolist()], "power")], pictures)

    def render(self):
        self.say(str(self.number.value**self.power.value))
        return torch.full((4, 4), self.number.value**self.power.value / 100)


def test_frames_are_sent_when_asked_for_and_say_of_what_they_are():
    explorer = Powers()
    note = explorer.canvas.settings["note"][0]["table"]
    assert entry(explorer.canvas, note, 1) == "9" and explorer.canvas.tables["asked"] == {"number": 3}
    sheet = explorer.canvas.sheet
    explorer.power.value = 2  # the browser looks that up
    assert explorer.canvas.sheet == sheet
    explorer.number.value = 8
    assert entry(explorer.canvas, note, 1) == "64" and explorer.canvas.tables["asked"] == {"number": 8}
    assert explorer.canvas.sheet != sheet and ">64<" in explorer.note.value


def test_an_error_is_seen_and_the_next_move_works():
    explorer = Powers()
    explorer.number.value = 7
    assert "ValueError: no powers of &lt;seven&gt;" in explorer.error.value
    assert explorer.canvas.tables["asked"] == {"number": 3}, "the page still says that it waits"
    explorer.number.value = 5
    assert explorer.error.value == "" and explorer.canvas.tables["asked"] == {"number": 5}


def test_without_a_browser_the_kernel_draws_and_says_so():
    explorer = Powers(in_browser=False)
    assert explorer.canvas is None
    notices = [
        child.value for child in explorer.children[0].children[0].children if "role" in getattr(child, "value", "")
    ]
    assert any("The kernel draws this" in notice for notice in notices)
    before = explorer.pictures["picture"].value
    explorer.power.value = 2
    assert explorer.pictures["picture"].value != before


def test_the_page_finds_everything_when_it_is_made(monkeypatch):
    """What came after the view had been opened could come too late for it."""
    opened = {}
    monkeypatch.setattr(ChartView, "open", lambda self: opened.update(self.get_state()))
    made = view([line([0, 1], by(torch.ones(2)), colour="#000")], {"a": make.switch("a")}, state={"n": 1})
    assert opened["numbers"] == made.numbers and opened["tables"] == made.tables and opened["state"] == {"n": 1}


def test_what_is_sent_is_small():
    assert sum(table.numel() for table in toy_tables().values()) * 4 < 100_000
    known = {"a": torch.randn(2000), "b": torch.randn(2000)}
    strangers = {kind: {name: torch.randn(2000) for name in known} for kind in "pqrs"}
    outliers = OutlierExplorer(known, strangers).canvas
    assert len(outliers.numbers) + len(str(outliers.tables)) < 150_000


def test_values_that_a_control_cannot_show_are_refused():
    for wrong in (
        lambda: make.slider("a", 3, 0, 1),
        lambda: make.number("a", -1, 0, 5),
    ):
        with pytest.raises(ValueError, match="a must be between 0 and ., received"):
            wrong()


DATA = Images(
    "tiny", torch.rand(4, 1, 28, 28), torch.arange(4), torch.rand(4, 1, 28, 28), torch.arange(4), tuple("0123")
)


@pytest.mark.parametrize(
    "made",
    [
        lambda: BlendExplorer(Autoencoder(2), lambda x: x.sum((1, 2, 3)), DATA),
        lambda: BottleneckExplorer({2: Autoencoder(2)}, torch.eye(784)[:2], torch.zeros(784), DATA),
        lambda: BoundExplorer(torch.zeros(5, 4), DATA),
        lambda: SliceExplorer(
            Autoencoder(2), DATA, torch.arange(4), corners=(0, 1, 2), values=torch.rand(2, 2), extent=(0, 1), label=""
        ),
    ],
)
def test_a_whole_data_set_in_the_place_of_images_is_refused_with_advice(as_a_learner, made):
    with pytest.raises(
        TypeError, match=r"images is the whole data set 'tiny': hand over its pictures, .* images\.test"
    ):
        made()


def test_no_images_and_untrained_autoencoders_are_refused():
    with pytest.raises(ValueError, match=r"must be \(N, 1, H, W\) with N >= 1, received \(0, 1, 28, 28\)"):
        require_images(torch.zeros(0, 1, 28, 28))
    images = torch.rand(9, 1, 28, 28)
    require_rebuilding("model", images.mean(0).expand_as(images), images)
    for bad in (images - 5, images * torch.nan):
        with pytest.raises(ValueError, match="model looks untrained: .* Run the cell that trains it"):
            require_rebuilding("model", bad, images)


def test_a_hundred_moves_draw_nothing_in_the_kernel_until_it_is_asked():
    explorer, drawn = ReparameterizationExplorer(), []
    explorer.pictures["picture"].observe(drawn.append, names="value")
    for move in range(100):
        explorer.mu.value = -1 + move / 100
    assert not drawn
    assert "μ = −0.01" in explorer.note.value and len(drawn) == 1, "whoever reads gets the last value"


def test_every_explorer_says_how_the_kernel_draws_it():
    for explorer in (
        PriorExplorer,
        SigmaExplorer,
        BoundExplorer,
        OutlierExplorer,
        BlendExplorer,
        BottleneckExplorer,
        RateDistortionExplorer,
    ):
        assert "in_browser" in explorer.__init__.__annotations__ and issubclass(explorer, FramesExplorer)
