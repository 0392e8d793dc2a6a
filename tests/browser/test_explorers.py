"""Sliders as a learner meets them: in JupyterLab, in a browser, moved with the mouse."""

import pytest

TINY = """
import io
import ipywidgets, numpy
from PIL import Image

picture, level = ipywidgets.Image(format="png"), ipywidgets.FloatSlider(min=0, max=255, value=0)
def draw(change=None):
    png = io.BytesIO()
    Image.fromarray(numpy.full((8, 8), level.value, numpy.uint8)).save(png, "PNG")
    picture.value = png.getvalue()
level.observe(draw, "value")
draw()
ipywidgets.VBox([level, picture])
"""


def test_a_dragged_slider_changes_the_picture(open_notebook):
    """The tools of these tests by themselves: a slider that sets the grey level of a picture."""
    notebook = open_notebook("tiny.ipynb", cells=[TINY])
    notebook.run_all()
    output = notebook.page.locator(".jp-OutputArea-output")
    picture, slider = output.locator("img"), output.locator(".widget-slider")
    before = notebook.pixels(picture)
    assert (before[..., :3] == 0).all()
    notebook.drag_slider(slider, 1.0)
    notebook.changed_pixels(picture, before)
    notebook.page.wait_for_function("() => document.querySelector('.widget-readout').innerText === '255.00'")
    notebook.page.wait_for_timeout(500)
    assert (notebook.pixels(picture)[..., :3] == 255).all()


def test_a_failing_cell_is_reported(open_notebook):
    """Run All stops at an error, and the test that ran it says where."""
    notebook = open_notebook("broken.ipynb", cells=["x = 1", "x / 0"])
    with pytest.raises(AssertionError, match="cell 2: ZeroDivisionError"):
        notebook.run_all()
