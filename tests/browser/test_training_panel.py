"""The buttons of a TrainingPanel, pressed with the mouse while it trains beside the notebook."""

PANEL = """
import torch
from vae_utils import VAE, load_images, negative_elbo
from vae_utils.widgets import LiveTraining

digits = load_images("digits")
torch.manual_seed(0)
panel = LiveTraining(digits.test[:100], digits.test_labels[:100]).panel(
    VAE(2, hidden=32), digits.train[:1000], negative_elbo, epochs=300
)
panel
"""


def test_a_run_is_started_stopped_and_gone_on_with(open_notebook):
    notebook = open_notebook("panel.ipynb", cells=[PANEL, "print('history:', panel.wait().epochs)"])
    notebook.run_through("import torch")
    output = notebook.page.locator(".jp-OutputArea-output:has(button)")
    status = output.locator("[role=status]")
    output.get_by_role("button", name="Start").click()
    picture = output.locator("img")
    picture.wait_for(timeout=60_000)
    first = notebook.pixels(picture)
    notebook.changed_pixels(picture, first)  # it goes on drawing while nothing is pressed
    output.get_by_role("button", name="Stop").click()
    status.filter(has_text="Stopped after").wait_for(timeout=60_000)
    output.get_by_role("button", name="Go on").click()
    status.filter(has_text="nats per image").wait_for(timeout=60_000)
    output.get_by_role("button", name="Stop").click()
    status.filter(has_text="nothing is lost").wait_for(timeout=60_000)
    notebook.run_cell("panel.wait()")
    printed = notebook.page.locator(".jp-OutputArea-output", has_text="history:")
    assert 2 <= int(printed.inner_text().split()[-1]) < 300
