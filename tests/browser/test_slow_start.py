"""A page that took longer to start than anywidget waits, as on a slow machine, hears the kernel all the same."""

import re

import pytest
from playwright.sync_api import expect

from vae_utils.widgets.canvas import FOLDER

from .lab import NotebookPage, write_notebook
from .models import SOURCE

FED = "LatentExplorer(squashed(2), images, labels=labels)"
PAD = "pad = DrawingPad(made(4), digits)\ndisplay(pad)\npad.draw_strokes([[0.3, 0.2, 0.5, 0.8]])"
DRAW = "pad.draw_strokes([[0.3, 0.2, 0.5, 0.8], [0.2, 0.5, 0.8, 0.5]])"
# Modules need longer than the two seconds that anywidget waits.
SLOW = """
    const address = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (made) => address(made.type !== "text/javascript" ? made :
        new Blob(["await new Promise((done) => setTimeout(done, 2500));", made], { type: made.type }));
"""


# The kernel's answer with all traits comes after a stroke was drawn; `title` had been missed.
ASKED = """async (source) => {
    const { hear } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    class Model {
        attributes = { _model_name: "AnyModel", value: [], title: "old" };
        heard = [];
        comm = { on_msg: (handler) => { this.handler = handler; }, send: (message) => { this.asked = message; } };
        get(name) { return this.attributes[name]; }
        set(name, value) { this.attributes[name] = value; this.heard.forEach((each) => each(this)); }
        on(_, heard) { this.heard.push(heard); }
        off() { this.heard = []; }
        async _handle_comm_msg({ content: { data } }) { Object.assign(this.attributes, data.state); }
    }
    class Deaf extends Model {
        async _handle_comm_msg() { throw new Error("Failed to initialize"); }
    }
    const model = new Deaf();
    await hear(model);
    model.attributes.value = [[0.1, 0.2]];
    const told = (state) => model.handler({ content: { data: { method: "update", state } } });
    await told({ _model_name: "AnyModel", value: [], title: "new" });
    const { value, title } = model.attributes;
    await told({ value: [] });
    const undone = model.attributes.value;
    await told({ _model_name: "AnyModel", value: [[0.3, 0.4]], title: "newer" });
    return [model.asked.method, value, title, undone, model.attributes.value, model.attributes.title];
}"""


@pytest.fixture
def notebook(lab, browser):
    """A notebook with an explorer that the kernel decodes for and a pad, in a slow page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(SLOW)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    write_notebook(lab.root / "slow.ipynb", [SOURCE, FED, PAD, DRAW])
    opened = NotebookPage(page, lab, "slow.ipynb")
    opened.run_through(PAD)
    yield opened
    page.close()
    lab.delete_sessions()


def test_pages_that_started_late_show_what_the_kernel_sends(notebook):
    page, pad = notebook.page, notebook.page.locator(".vae-pad")
    expect(pad).to_have_attribute("aria-label", re.compile("^Drawing pad with 1 stroke "), timeout=20_000)
    assert any("Failed to initialize model" in complaint for complaint in page.complaints), "they were not late"
    notebook.run_cell(DRAW)
    expect(pad).to_have_attribute("aria-label", re.compile("^Drawing pad with 2 strokes "), timeout=20_000)

    decoded = page.get_by_role("img", name="decoded")
    before = notebook.settled_pixels(decoded)
    notebook.drag_slider(page.locator(".widget-slider:visible").first, 0.95)
    notebook.changed_pixels(decoded, before, seconds=20)


def test_what_was_drawn_while_it_asked_is_kept(page):
    source = (FOLDER / "hearing.js").read_text(encoding="utf-8")
    assert page.evaluate(ASKED, source) == [
        *("request_state", [[0.1, 0.2]], "new"),
        *([], [[0.3, 0.4]], "newer"),  # what comes later is believed
    ]
