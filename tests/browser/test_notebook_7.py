"""The explorers in Jupyter Notebook 7: its pages are made of JupyterLab's parts, but hear keys before controls do."""

import numpy as np
import pytest
import torch

from .lab import LabServer, NotebookPage, write_notebook
from .models import SOURCE, namespace

OWN = """
a = controls.slider("my own", 0.0, -2, 2)
ipywidgets.VBox([a, DecodedPicture(made(3), [a], torch.zeros(3), torch.tensor([[0.0, -1.0, 0.5]]), alt="A picture.")])
"""
CELLS = [SOURCE, "LatentExplorer(made(2), images, labels=labels)", "LatentExplorer(squashed(2), images)", OWN]
STATE = """() => {
    const { content, context } = window.jupyterapp.shell.currentWidget;
    return [content.activeCellIndex, content.widgets.length, context.model.dirty];
}"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory, offline_environment):
    """A notebook with an explorer by the browser, one by the kernel, and a picture beside a slider of one's own."""
    root, private = tmp_path_factory.mktemp("notebook"), tmp_path_factory.mktemp("private")
    write_notebook(root / "explorers.ipynb", CELLS)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    with LabServer(root, private, offline_environment, application="notebook") as server:
        shown = NotebookPage(page, server, "explorers.ipynb")
        shown.run_all()
        yield shown
        page.close()


def parts(opened, place):
    """The sliders and the picture of the cell at a place."""
    cell = opened.page.locator(".jp-Cell").nth(place)
    cell.scroll_into_view_if_needed()
    return cell.locator(".widget-slider"), cell.get_by_role("img", name="decoded")


def test_this_is_notebook_7(opened):
    assert opened.page.evaluate("() => window.jupyterapp.name") == "Jupyter Notebook"


def test_a_dragged_slider_shows_what_pytorch_decodes(opened):
    sliders, picture = parts(opened, 1)
    opened.drag_slider(sliders.nth(0), 0.8)
    names, numbers = (sliders.locator(kind).all_inner_texts() for kind in (".widget-label", ".widget-readout"))
    values = {name[:4]: float(number.replace("−", "-")) for name, number in zip(names, numbers, strict=True)}
    values = dict(sorted(values.items()))
    assert list(values) == ["z[0]", "z[1]"] and max(values.values()) > 1
    with torch.no_grad():
        wanted = namespace().made(2).generate(torch.tensor([list(values.values())]))[0, 0].numpy()
    shown = 1 - opened.pixels(picture)[..., 0] / 255
    assert np.abs(shown - wanted).max() <= 1.5 / 255


@pytest.mark.parametrize("place", [1, 2, 3], ids=["by the browser", "by the kernel", "one's own"])
def test_keys_move_the_slider_and_not_the_notebook(opened, place):
    sliders, picture = parts(opened, place)
    handle, readout = sliders.first.locator(".noUi-handle"), sliders.first.locator(".widget-readout")
    handle.focus()
    before, value, (active, cells, _) = opened.pixels(picture), readout.inner_text(), opened.page.evaluate(STATE)
    for _ in range(5):
        opened.page.keyboard.press("ArrowRight")
    for _ in range(9):
        opened.page.keyboard.press("ArrowUp")
    opened.page.keyboard.press("d")
    opened.page.keyboard.press("d")
    assert float(readout.inner_text().replace("−", "-")) == pytest.approx(float(value.replace("−", "-")) + 0.14)
    opened.changed_pixels(picture, before)
    assert opened.page.evaluate(STATE)[:2] == [active, cells], "a key went to the notebook"


def test_the_notebook_keeps_its_combinations_of_keys(opened):
    sliders, _ = parts(opened, 1)
    sliders.first.locator(".noUi-handle").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = true; }")
    opened.page.keyboard.press("Control+s")
    opened.page.wait_for_function(f"() => !({STATE})()[2]")
