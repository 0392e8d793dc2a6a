"""A page that took longer to start than anywidget waits, as on a slow machine, hears the kernel all the same."""

import re

import pytest
from playwright.sync_api import expect

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
