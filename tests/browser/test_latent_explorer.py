"""The explorers that decode in the browser, as learners meet them: with mouse and keyboard, the kernel busy or gone."""

import re
import time

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from vae_utils.interpolation import interpolate
from vae_utils.plots import CLASS_COLOURS

from .lab import NotebookPage, write_notebook
from .models import SOURCE, namespace

# Draws that the page makes from now on, counted; drawn pictures are what a render costs.
COUNT_DRAWS = """() => {
    window.draws = 0;
    const put = CanvasRenderingContext2D.prototype.putImageData;
    CanvasRenderingContext2D.prototype.putImageData = function (...given) {
        window.draws++;
        return put.apply(this, given);
    };
}"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Moves over the plane, as the mouse makes them, all in one turn of the page's event loop.
MOVES = """(canvas, [first, end]) => {
    const box = canvas.getBoundingClientRect();
    for (let move = first; move < end; move++) {
        const at = { clientX: box.left + 60 + (move % 200), clientY: box.top + 150, buttons: 1, bubbles: true };
        canvas.dispatchEvent(new PointerEvent('pointermove', at));
    }
}"""


# What changes in an element from now on, but for what is painted on its canvases.
WATCH = """(root) => {
    window.changes = [];
    const told = ({ target, type, attributeName }) =>
        `${type} ${attributeName} of ${target.className || target.nodeName}`;
    new MutationObserver((all) => window.changes.push(...all.map(told)))
        .observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


@pytest.fixture(scope="module")
def own():
    """The models of the notebooks, made here."""
    return namespace()


CELLS = {
    "mlp": "LatentExplorer(made(4), images)",
    "conv": "LatentExplorer(made(4, 'conv'), images)",
    "three": "explorer = LatentExplorer(made(3), images)\nexplorer",
    "plane": "LatentExplorer(made(2), images, labels=labels)",
    "between": "Interpolator(made(5), images, start=4, end=9)",
    "kernel": "LatentExplorer(squashed(2), images, labels=labels)",
    "grey": "LatentExplorer(grey(2), images, labels=labels)",
    "fifty": "LatentExplorer(made(50), images)",
    "own": """
a, b = controls.slider("towards A", 0.0, -2, 2), controls.slider("towards B", 0.0, -2, 2)
origin, directions = torch.tensor([0.5, 0.0, -0.5]), torch.tensor([[1.0, 0.0, 0.25], [0.0, -1.0, 0.5]])
ipywidgets.VBox([a, b, DecodedPicture(made(3), [a, b], origin, directions, alt="A picture.")])
""",
    "read": "print(explorer.chosen, explorer.locked, [round(value, 3) for value in explorer.z.tolist()])",
    "go": "explorer.go_to(5)",
    "busy": "import time\ntime.sleep(3600)",
}


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """One notebook with all explorers, run once; the test that ends its kernel comes last."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    write_notebook(lab.root / "explorers.ipynb", [SOURCE, *CELLS.values()])
    opened = NotebookPage(page, lab, "explorers.ipynb")
    opened.run_through(CELLS["own"])
    yield opened
    page.close()
    lab.delete_sessions()


class Explored:
    """An explorer on the notebook's page."""

    def __init__(self, notebook, name):
        self.notebook, self.page = notebook, notebook.page
        self.cell = self.page.locator(".jp-Cell").nth(1 + list(CELLS).index(name))
        self.cell.scroll_into_view_if_needed()
        self.root = self.cell.locator(".jp-OutputArea-output")
        self.canvas = self.root.locator(".vae-explorer")
        self.sliders, self.labels = (
            self.root.locator(".widget-slider"),
            self.root.locator(".widget-slider .widget-label"),
        )

    @property
    def prompt(self):
        """The number before the cell; [*] while it runs."""
        return self.cell.locator(".jp-InputPrompt").inner_text()

    def picture(self, label):
        """The ink, 0 to 1, of the picture with this accessible name, two frames from now."""
        self.page.evaluate(TWO_FRAMES)
        self.canvas.locator("[aria-busy]").wait_for(state="detached")  # strips are drawn over some frames
        shown = self.notebook.pixels(self.canvas.get_by_role("img", name=label))
        assert (shown[..., :3] == shown[..., :1]).all(), "grey"
        return 1 - shown[..., 0] / 255

    @property
    def decoded(self):
        return self.picture("decoded")

    def dims(self):
        """The latent dimensions in the order of the sliders."""
        return [int(re.match(r"z\[(\d+)\]", text)[1]) for text in self.labels.all_text_contents()]

    def values(self):
        """What stands beside the sliders, in their order."""
        return [float(text.replace("−", "-")) for text in self.root.locator(".widget-readout").all_text_contents()]

    def code(self):
        """The code that the sliders say, in the model's order."""
        return torch.tensor([value for _, value in sorted(zip(self.dims(), self.values(), strict=True))])

    def drag(self, index, fraction):
        self.notebook.drag_slider(self.sliders.nth(index), fraction)
        self.page.evaluate(TWO_FRAMES)

    def press(self, name):
        self.canvas.get_by_role("button", name=name, exact=True).click()
        self.page.evaluate(TWO_FRAMES)

    def ask(self, name):
        """Press a button that the kernel answers to."""
        self.press(name)
        self.notebook.answered()

    def strip(self, label):
        """The strip with this name, once the kernel has sent it."""
        self.canvas.get_by_role("img", name=label).wait_for()
        self.notebook.answered()
        return self.picture(label)

    def shows(self, model, code):
        """Whether the decoded picture is that of a code."""
        return same(self.decoded, model, code)

    def stands_at(self, model, code, seconds=60):
        """Whether the sliders stand at a code, now or soon, and the picture is theirs.

        They go in steps of 0.01: those of ipywidgets 8 move to the nearest, those of 7 keep what they were set to and
        write it rounded.
        """
        until = time.monotonic() + seconds
        while not (
            (self.code() - code).abs().max() < 0.0051 and (self.shows(model, self.code()) or self.shows(model, code))
        ):
            if time.monotonic() > until:
                return False
        return True


def same(shown, model, code):
    """Whether a picture is what PyTorch decodes, to one grey level and the rounding of the canvas."""
    with torch.no_grad():
        wanted = model.generate(torch.as_tensor(code, dtype=torch.float32)[None])[0, 0].numpy()
    return np.abs(shown - wanted).max() <= 1.5 / 255


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_dragged_slider_shows_what_pytorch_decodes(notebook, own, kind):
    explored, model = Explored(notebook, kind), own.made(4, kind)
    mu, logvar = model.encode(own.images)
    kl = (0.5 * (mu**2 + logvar.exp() - 1 - logvar)).mean(0)
    assert explored.dims() == kl.argsort(descending=True).tolist()
    assert explored.stands_at(model, mu[0])
    explored.press("Reset to 0")
    assert explored.shows(model, torch.zeros(4)) and explored.values() == [0, 0, 0, 0]
    explored.drag(1, 0.8)
    values, code = explored.values(), explored.code()
    assert values[1] > 1 and values[0] == values[2] == values[3] == 0
    assert explored.shows(model, code)
    dim = explored.dims()[1]
    strip = explored.picture(f"9 pictures, along z[{dim}]")
    for index, value in enumerate(np.linspace(-3, 3, 9)):
        code[dim] = value
        assert same(strip_part(strip, index), model, code)


def strip_part(strip, index):
    """One picture of a strip."""
    return strip[:, 29 * index : 29 * index + 28]


def test_browser_and_python_tell_each_other(notebook, own):
    explored, model = Explored(notebook, "three"), own.made(3)
    explored.press("Reset to 0")
    explored.drag(0, 1.0)
    dim = explored.dims()[0]
    explored.press(f"Lock z[{dim}]")
    explored.press("Draw from the prior")
    drawn = explored.values()
    assert drawn[0] == 3 and drawn[1] != 0 and drawn[2] != 0, "all but the locked slider were drawn"
    explored.press("Reset to 0")
    assert explored.values() == [3, 0, 0]
    notebook.run_cell(CELLS["read"])
    printed = f"None [{dim}] {[3.0 if index == dim else 0.0 for index in range(3)]}"
    expect(Explored(notebook, "read").root).to_have_text(printed, timeout=30_000)
    explored.press(f"Unlock z[{dim}]")
    notebook.run_cell(CELLS["go"])
    assert explored.stands_at(model, model.encode(own.images[5:6])[0][0])
    assert np.abs(explored.picture("test image 5") - own.images[5, 0].numpy()).max() <= 1 / 255


def test_the_keyboard_alone_reaches_and_moves_everything(notebook):
    explored, page = Explored(notebook, "plane"), notebook.page
    explored.press("Reset to 0")
    handle, before = explored.root.locator(".noUi-handle, .ui-slider-handle").first, explored.decoded
    handle.focus()
    assert handle.get_attribute("aria-label") == explored.labels.first.text_content()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert explored.values()[0] > 0 and np.abs(explored.decoded - before).max() > 0
    names = []
    while len(names) < 12 and not (names and names[-1].startswith("Latent plane")):
        page.keyboard.press("Tab")
        names.append(page.evaluate("() => document.activeElement.ariaLabel || document.activeElement.textContent"))
    assert {"Reset to 0", "Draw from the prior", "Go to it"} <= set(names) and names[-1].startswith("Latent plane")
    focus = page.evaluate("() => getComputedStyle(document.activeElement).outline")
    assert "solid" in focus and "3px" in focus, "the focus cannot be seen"
    before = explored.code()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.evaluate(TWO_FRAMES)
    moved = explored.code() - before
    assert moved[1] > 0.05 and moved[0] < -0.3


def test_the_plane_is_dragged_over(notebook, own):
    explored, model = Explored(notebook, "plane"), own.made(2)
    plane = explored.canvas.get_by_role("application")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    notebook.page.mouse.move(box["x"] + 200, box["y"] + 150)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 260, box["y"] + 60, steps=5)
    notebook.page.mouse.up()
    shown, code = explored.decoded, explored.code()
    assert (code > 0.5).all()
    with torch.no_grad():
        near = model.generate(code[None])[0, 0].numpy()
    assert np.abs(shown - near).mean() < 0.01, "the sliders' numbers are rounded to two places"
    colours = notebook.pixels(plane)[..., :3].reshape(-1, 3)
    for digit, colour in enumerate(CLASS_COLOURS):
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (colours == wanted).all(1).sum() > 10, f"no point has the colour of {digit}"


def test_a_burst_of_moves_draws_the_last_one_once(notebook):
    explored = Explored(notebook, "plane")
    plane = explored.canvas.get_by_role("application")
    plane.scroll_into_view_if_needed()
    notebook.page.evaluate(TWO_FRAMES)
    notebook.page.evaluate(COUNT_DRAWS)
    plane.evaluate(MOVES, [0, 100])
    burst = explored.decoded
    assert 1 <= notebook.page.evaluate("() => window.draws") <= 10 * 2, "a frame draws the picture and a strip of 9"
    plane.evaluate(MOVES, [0, 1])
    assert (explored.decoded != burst).any()
    plane.evaluate(MOVES, [99, 100])
    assert (explored.decoded == burst).all(), "after the burst another picture than that of its last move was on screen"


def test_a_move_changes_nothing_on_the_page_but_the_picture_and_the_mark(notebook):
    """Whatever else is set anew, even to what it was, costs each frame the layout of the page."""
    explored = Explored(notebook, "mlp")
    explored.sliders.nth(1).locator("[role=slider]").focus()
    notebook.page.keyboard.press("End")
    before = explored.decoded
    explored.canvas.evaluate(WATCH)
    for _ in range(5):
        notebook.page.keyboard.press("ArrowLeft")
    assert (explored.decoded != before).any()
    assert set(notebook.page.evaluate("() => window.changes")) == {"attributes style of vae-mark"}


def test_no_handle_has_a_layer_of_its_own(notebook):
    """The browser goes through all layers in each frame: with one for each handle, that took half of its time."""
    explored, layers = Explored(notebook, "fifty"), []
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.on("LayerTree.layerTreeDidChange", lambda told: layers.append(told["layers"]) if "layers" in told else None)
    session.send("LayerTree.enable")
    explored.drag(3, 0.7)
    explored.drag(3, 0.4)
    notebook.page.wait_for_function(TWO_FRAMES)
    nodes = [layer["backendNodeId"] for layer in layers[-1] if "backendNodeId" in layer]
    owners = [session.send("DOM.describeNode", {"backendNodeId": node})["node"] for node in nodes]
    session.detach()
    classes = [" ".join(owner.get("attributes", [])) for owner in owners]
    assert any("vae-pixels" in each for each in classes), "the explorer's canvases have layers"
    assert not [each for each in classes if "noUi" in each]


def test_nothing_is_left_behind_by_a_thousand_moves(notebook):
    explored = Explored(notebook, "plane")
    plane = explored.canvas.get_by_role("application")
    session = notebook.page.context.new_cdp_session(notebook.page)

    def used():
        notebook.page.evaluate(TWO_FRAMES)
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"], session.send("Memory.getDOMCounters")

    def move(times):
        for _ in range(times // 20):
            plane.evaluate(MOVES, [0, 20])
            notebook.page.evaluate(TWO_FRAMES)

    move(100)
    for _ in range(3):  # a leak grows each time; JupyterLab, which saves and lists files meanwhile, does so once
        bytes_before, counted_before = used()
        move(1000)
        bytes_after, counted_after = used()
        grown = {what: counted_after[what] - counted_before[what] for what in ("nodes", "jsEventListeners")}
        if bytes_after - bytes_before < 1_000_000 and max(grown.values()) < 60:
            break
    else:
        pytest.fail(f"after 1,000 moves more than before, three times: {bytes_after - bytes_before} bytes, {grown}")


@pytest.mark.parametrize("name", ["kernel", "grey"])
def test_what_the_browser_cannot_run_the_kernel_decodes_with_all_that_the_others_have(notebook, own, name):
    explored, model = Explored(notebook, name), own.squashed(2) if name == "kernel" else own.grey(2)
    expect(explored.root.get_by_role("note")).to_contain_text("The kernel decodes these pictures")
    explored.ask("Reset to 0")
    assert explored.stands_at(model, torch.zeros(2))
    explored.drag(1, 0.9)
    dim = explored.dims()[1]
    assert explored.stands_at(model, explored.code()) and explored.code()[dim] > 1
    strip, code = explored.strip(f"9 pictures, along z[{dim}]"), explored.code()
    for index, value in enumerate(np.linspace(-3, 3, 9)):
        code[dim] = value
        assert same(strip_part(strip, index), model, code)
    explored.press(f"Lock z[{dim}]")
    held = explored.values()[1]
    plane = explored.canvas.get_by_role("application")
    plane.scroll_into_view_if_needed()
    plane.click(position={"x": 90, "y": 250})
    explored.notebook.answered()
    assert explored.values()[1] == held and explored.stands_at(model, explored.code())
    explored.press(f"Unlock z[{dim}]")
    explored.ask("Draw from the prior")
    assert explored.values()[1] != held and explored.stands_at(model, explored.code())
    explored.canvas.get_by_role("spinbutton", name="test image").fill("17")
    notebook.page.keyboard.press("Enter")
    assert explored.stands_at(model, model.encode(own.images[17:18])[0][0].detach())


def test_all_of_fifty_sliders_can_be_reached(notebook, own):
    explored, model = Explored(notebook, "fifty"), own.made(50)
    assert explored.sliders.count() == 50 and sorted(explored.dims()) == list(range(50))
    explored.press("Reset to 0")
    explored.drag(49, 0.95)
    assert explored.values()[49] > 2.4 and explored.stands_at(model, explored.code())
    explored.sliders.nth(48).locator("[role=slider]").focus()
    notebook.page.keyboard.press("End")
    assert explored.values()[48] == 3 and explored.stands_at(model, explored.code())


def test_an_explorer_of_ones_own_decodes_in_the_browser(notebook, own):
    explored, model = Explored(notebook, "own"), own.made(3)
    assert explored.shows(model, torch.tensor([0.5, 0.0, -0.5]))
    explored.drag(0, 0.8)
    explored.drag(1, 0.3)
    a, b = explored.values()
    assert a > 0.5 and b < -0.5
    assert explored.shows(model, torch.tensor([0.5 + a, -b, -0.5 + 0.25 * a + 0.5 * b]))


def test_all_answers_while_the_kernel_is_busy_and_after_it_is_gone(notebook, own):
    explored, model, between = Explored(notebook, "three"), own.made(3), own.made(5)
    codes, ends = model.encode(own.images)[0].detach(), between.encode(own.images[[4, 9]])[0].detach()
    notebook.start_cell(CELLS["busy"])
    for state, fraction, number, way in (("busy", 0.9, 17, "lerp"), ("gone", 0.1, 18, "slerp")):
        if state == "gone":
            assert Explored(notebook, "busy").prompt == "[*]:", "the kernel was not busy"
            notebook.shut_kernel_down()
        explored.press("Reset to 0")  # a draw of the round before may lie where the drag leads
        before = explored.decoded
        explored.drag(0, fraction)
        assert np.abs(explored.decoded - before).max() > 0.1
        explored.press("Reset to 0")
        assert explored.shows(model, torch.zeros(3)) and explored.values() == [0, 0, 0]
        explored.canvas.get_by_role("spinbutton", name="test image").fill(str(number))
        notebook.page.keyboard.press("Enter")
        assert explored.stands_at(model, codes[number])
        assert np.abs(explored.picture(f"test image {number}") - own.images[number, 0].numpy()).max() <= 1 / 255
        explored.press("Draw from the prior")
        assert (explored.code() - codes[number]).abs().max() > 0.1

        interpolator = Explored(notebook, "between")
        interpolator.root.get_by_role("combobox").select_option(index=0 if way == "lerp" else 1)
        interpolator.drag(0, fraction)
        place = interpolator.values()[0]
        assert interpolator.shows(between, interpolate(*ends, place, way))
        strip = interpolator.picture(f"9 pictures, {way}")
        for index in (0, 4, 8):
            assert same(strip_part(strip, index), between, interpolate(*ends, index / 8, way))
