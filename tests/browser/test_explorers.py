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
    assert (notebook.settled_pixels(picture)[..., :3] == 255).all()


LATENT_EXPLORER = """
import torch
from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.widgets import LatentExplorer

digits = load_images("digits")
torch.manual_seed(0)
model = VAE(latent_dim=4)
history = fit(model, digits.train[:1000], negative_elbo, epochs=2)
LatentExplorer(model, digits.test[:50])
"""
# The output of a cell that shows the LatentExplorer, and the picture that its sliders change.
EXPLORER = ".jp-OutputArea-output:has(.widget-slider):has(.vae-explorer)"
DECODED = "canvas[aria-label='decoded from the sliders']"


def change_from_end_to_end(notebook):
    """Drag the first slider of the first explorer to both ends; returns how far its last picture's pixels are apart."""
    explorer = notebook.page.locator(EXPLORER).first
    slider, picture = explorer.locator(".widget-slider").first, explorer.locator(DECODED)
    notebook.drag_slider(slider, 0.02)
    left = notebook.settled_pixels(picture)
    assert left[..., :3].std() > 10, "the picture is blank"
    notebook.drag_slider(slider, 0.98)
    notebook.changed_pixels(picture, left)
    right = notebook.settled_pixels(picture)
    assert right.shape == left.shape
    return abs(right[..., :3].astype(float) - left[..., :3]).mean()


def test_the_latent_explorer_follows_its_slider(open_notebook):
    notebook = open_notebook("explorer.ipynb", cells=[LATENT_EXPLORER])
    notebook.run_all()
    assert change_from_end_to_end(notebook) > 2


@pytest.mark.timeout(900)
def test_lesson_06_runs_and_its_latent_sliders_change_the_picture(open_notebook):
    """As a learner does it: open, Run All, drag the slider of the most used latent dimension from end to end."""
    notebook = open_notebook("06_build_a_vae.ipynb")
    notebook.run_all(seconds=600)
    assert change_from_end_to_end(notebook) > 5, "of 255 grey levels, on average over the picture"


def test_a_failing_cell_is_reported(open_notebook):
    """Run All stops at an error, and the test that ran it says where."""
    notebook = open_notebook("broken.ipynb", cells=["x = 1", "x / 0"])
    with pytest.raises(AssertionError, match="cell 2: ZeroDivisionError"):
        notebook.run_all()
