"""LiveTraining: one figure, redrawn in place."""

import pytest
import torch

from vae_utils.data import load_images
from vae_utils.history import History
from vae_utils.models import VAE
from vae_utils.widgets import LiveTraining
from vae_utils.widgets import live as module


@pytest.fixture(params=["without pictures"])
def shown(monkeypatch, request):
    """What was displayed: ("new" or "update", png, alt); the pictures, which take a second each, only if asked for."""
    events = []

    def note(kind, figure):
        events.append((kind, figure.png() if request.param == "with pictures" else b"", figure.alt))

    class Handle:
        def update(self, figure):
            note("update", figure)

    def display(figure, display_id):
        assert display_id is True
        note("new", figure)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return events


@pytest.fixture(scope="module")
def few():
    images = load_images("digits")
    return images.test[:60], images.test_labels[:60]


def run(live, model, epochs):
    history = History()
    for epoch in range(epochs):
        history.record({"loss": 200.0 - epoch}, {"loss": 201.0 - epoch})
        live(model, history)


@pytest.mark.parametrize("shown", ["with pictures"], indirect=True)
def test_the_first_drawing_is_shown_and_the_next_ones_replace_it(shown, few):
    live, model = LiveTraining(*few), VAE(2, hidden=16)
    run(live, model, 3)
    assert [kind for kind, _, _ in shown] == ["new", "update", "update"]
    assert len({png for _, png, _ in shown}) == 3
    assert "After 3 epochs" in shown[-1][2] and "train 198, test 199" in shown[-1][2]


def test_every_skips_epochs_but_never_the_first_or_the_last(shown, few):
    run(LiveTraining(*few, every=3, epochs=8), VAE(2, hidden=16), 8)
    assert [alt.split()[1] for _, _, alt in shown] == ["1", "3", "6", "8"]


def test_the_same_draws_are_decoded_each_time_and_the_random_state_is_left_alone(shown, few):
    live, model = LiveTraining(*few), VAE(2, hidden=16)
    noise, before = live.noise.clone(), torch.get_rng_state()
    run(live, model, 2)
    assert torch.equal(live.noise, noise) and torch.equal(torch.get_rng_state(), before)
    assert noise.shape == (module.SAMPLES, 2)


def test_the_number_of_artists_does_not_grow(shown, few):
    live, model = LiveTraining(*few), VAE(2, hidden=16)
    run(live, model, 1)
    artists = [len(axes.get_children()) for axes in live.figure.axes]
    run(live, model, 6)
    assert [len(axes.get_children()) for axes in live.figure.axes] == artists


def test_wrong_use_is_refused(few):
    with pytest.raises(ValueError, match="received 3"):
        LiveTraining(*few)(VAE(3, hidden=16), History({"loss": [1.0]}))
    with pytest.raises(ValueError, match="no epoch"):
        LiveTraining(*few)(VAE(2, hidden=16), History())
    with pytest.raises(ValueError, match="received 0"):
        LiveTraining(*few, every=0)
    with pytest.raises(ValueError, match="at least 10, and labels one for each, received 9 images and 9 labels"):
        LiveTraining(few[0][:9], few[1][:9])
    with pytest.raises(ValueError, match="and 10 labels"):
        LiveTraining(few[0], few[1][:10])
