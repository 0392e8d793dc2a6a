"""TrainingPanel: start, stop, go on; nothing is lost, and what goes wrong is on screen."""

import threading
import time

import pytest
import torch

from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.widgets import LiveTraining


@pytest.fixture(scope="module")
def images():
    return load_images("digits")


def live(images):
    return LiveTraining(images.test[:60], images.test_labels[:60])


def vae(latent_dim=2):
    torch.manual_seed(3)
    return VAE(latent_dim, hidden=16)


def until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_stopped_and_gone_on_with_is_the_same_run(images):
    whole = vae()
    expected = fit(whole, images.train[:2000], negative_elbo, epochs=6, progress=False)

    panel = live(images).panel(vae(), images.train[:2000], negative_elbo, epochs=6)
    assert not panel.running and panel.history is None and panel.stop.disabled
    panel.start.click()
    until(lambda: panel.picture.value)  # after the first epoch
    assert panel.start.disabled and not panel.stop.disabled
    panel.stop.click()
    history = panel.wait()
    assert history.interrupted and 1 <= history.epochs < 6
    assert "nothing is lost" in panel.line.value and panel.start.description == "Go on"
    assert not panel.start.disabled and panel.stop.disabled

    panel.start.click()
    assert panel.wait() is history and history == expected
    for one, other in zip(panel.model.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)
    assert "Done: 6 epochs" in panel.line.value and panel.start.description == "Train more"


def test_what_it_shows_changes_with_every_epoch(images):
    shown = []
    panel = live(images).panel(vae(), images.train[:256], negative_elbo, epochs=3)
    panel.picture.observe(lambda change: shown.append(change["new"]), names="value")
    panel.start.click()
    panel.wait()
    assert len(set(shown)) == len(shown) == 3
    assert panel.picture.layout.display == ""


def test_pressing_start_twice_makes_one_run(images):
    panel = live(images).panel(vae(), images.train[:2000], negative_elbo, epochs=2)
    panel.start.click()
    first = panel._thread
    panel.start.click()
    assert panel._thread is first
    panel.wait()


def test_two_threads_that_press_start_make_one_run(images, monkeypatch):
    panel, runs = live(images).panel(vae(), images.train[:2000], negative_elbo, epochs=1), []
    say, run = panel._say, panel._run
    monkeypatch.setattr(panel, "_say", lambda *given, **named: (time.sleep(0.05), say(*given, **named)))
    monkeypatch.setattr(panel, "_run", lambda: (runs.append(None), run()))
    threads = [threading.Thread(target=panel.start.click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    panel.wait()
    assert len(runs) == 1 and panel.history.epochs == 1


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (lambda: vae(3), negative_elbo, "latent_dim must be 2, received 3"),
        (vae, lambda model, x: {"loss": x.sum() * torch.nan}, "one number an image"),
        (vae, lambda model, x: {"loss": negative_elbo(model, x)["loss"] * torch.nan}, "the loss became nan in step 1"),
    ],
)
@pytest.mark.filterwarnings("ignore:training stopped")
def test_what_goes_wrong_is_on_screen(images, model, loss, message):
    panel = live(images).panel(model(), images.train[:256], loss, epochs=2)
    panel.start.click()
    panel.wait()
    assert message in panel.line.value
    assert not panel.start.disabled and panel.stop.disabled


def test_a_run_that_cannot_go_on_is_started_anew(images):
    panel = live(images).panel(vae(), images.train[:2000], negative_elbo, epochs=3)
    panel.start.click()
    until(lambda: panel.picture.value)
    panel.stop.click()
    assert panel.wait().interrupted
    with torch.no_grad():
        panel.model.decoder[0].weight.add_(0.01)  # as another cell that trains it does
    panel.start.click()
    panel.wait()
    assert "CannotResume: the weights of the model changed" in panel.line.value
    assert panel.history.interrupted and panel.start.description == "Start"
    panel.start.click()
    assert panel.wait().epochs == 3 and "Done: 3 epochs" in panel.line.value


def test_a_run_whose_picture_failed_goes_on(images):
    panel, failing = live(images).panel(vae(), images.train[:2000], negative_elbo, epochs=5), []
    draw = panel._draw

    def drawn(model, history):
        if history.epochs == 3 and not failing:
            failing.append(history.epochs)
            raise ValueError("no such colour")
        if history.epochs == 1:
            panel.stop.click()
        return draw(model, history)

    panel._draw = drawn
    panel.start.click()
    history = panel.wait()
    assert history.interrupted and history.epochs == 1
    panel.start.click()
    assert panel.wait() is history
    assert "ValueError: no such colour" in panel.line.value and panel.start.description == "Go on"
    panel.start.click()
    assert panel.wait() is history and history.epochs == 5 and "Done: 5 epochs" in panel.line.value
