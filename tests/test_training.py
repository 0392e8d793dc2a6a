"""The trainer: repeatable, and the same as the plain loop. What happens when something goes wrong is in `faults`."""

import math
import warnings

import pytest
import torch
from matplotlib.text import Text

from vae_utils import VAE, Autoencoder, Classifier, History, cross_entropy, fit, negative_elbo, reconstruction_error
from vae_utils.data import Images, load_images
from vae_utils.training import evaluate

from .runs import BATCH, COUNT, EPOCHS, STEPS, assert_same, data_set, images, train, vae, weights

# Repeatable -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_run_bit_for_bit(whole):
    torch.manual_seed(987)
    model = vae()
    assert_same(model, train(model), whole)


def test_another_seed_gives_another_run(whole):
    model = vae()
    history = train(model, seed=1)
    assert history != whole[1] and not torch.equal(weights(model), whole[0])


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(vae())
    assert torch.equal(before, torch.get_rng_state())
    evaluate(vae(), images(), negative_elbo)
    assert torch.equal(before, torch.get_rng_state())

    with pytest.raises(ValueError, match="loss must return"):
        train(vae(), lambda model, x: torch.rand(len(x)))
    assert torch.equal(before, torch.get_rng_state())


def test_training_is_in_train_mode_and_measuring_in_eval_mode():
    modes = []

    def loss(model, x):
        modes.append((len(x), model.training, torch.is_grad_enabled()))
        return negative_elbo(model, x)

    train(vae().eval(), loss, epochs=2, callback=lambda model, history: model.eval())
    epoch = [(16, True, True), (16, True, True), (8, True, True), (24, False, False)]
    assert modes == epoch * 2


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    seen = []

    def loss(model, x):
        if model.training:
            seen.append(x)
        return reconstruction_error(model, x)

    torch.manual_seed(0)
    train(Autoencoder(2, hidden=4), loss, epochs=2)
    first, second = torch.cat(seen[:STEPS]).flatten(1), torch.cat(seen[STEPS:]).flatten(1)
    assert (
        sorted(first.sum(1).tolist()) == sorted(second.sum(1).tolist()) == sorted(images().flatten(1).sum(1).tolist())
    )
    assert not torch.equal(first, second)


# What it computes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False])
def test_the_plain_loop_gives_the_same_numbers(whole, fused):
    """Adam, the one-cycle schedule, the order and the noise, written out; fused or not, to the last digits."""
    model, data = vae(), data_set()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, fused=fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=EPOCHS * STEPS, pct_start=0.2, cycle_momentum=False
    )
    recorded = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(EPOCHS):
            total = 0.0
            for chosen in torch.randperm(COUNT).split(BATCH):
                loss = negative_elbo(model, data.train[chosen])["loss"].mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(chosen)
            recorded.append(total / COUNT)
    assert recorded == pytest.approx(whole[1].train["loss"], rel=1e-6)
    tolerance = {"rtol": 0, "atol": 0} if fused else {"rtol": 1e-4, "atol": 1e-6}
    torch.testing.assert_close(weights(model), whole[0], **tolerance)


def test_evaluate_is_the_mean_over_all_images():
    model, x = vae(), images()
    received = evaluate(model, x, negative_elbo, batch_size=7, seed=3)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        batches = [negative_elbo(model, batch) for batch in x.split(7)]
    for name in ("loss", "reconstruction", "kl"):
        assert received[name] == pytest.approx(torch.cat([batch[name] for batch in batches]).double().mean().item())
    assert received == evaluate(model, x, negative_elbo, batch_size=7, seed=3)
    assert received != evaluate(model, x, negative_elbo, batch_size=7, seed=4)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_evaluate_with_labels_and_without_enough_of_them():
    torch.manual_seed(0)
    model, data = Classifier(10), data_set()
    expected = cross_entropy(model, data.train, data.train_labels)["loss"].mean().item()
    received = evaluate(model, data.train, cross_entropy, data.train_labels, batch_size=9)
    assert received["loss"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"40 images, received shape \(39,\)"):
        evaluate(model, data.train, cross_entropy, data.train_labels[1:])


def test_test_losses_are_measured_with_the_same_noise_every_epoch():
    model, data = vae(), data_set()
    measured = []
    history = train(model, callback=lambda model, _: measured.append(evaluate(model, data.test, negative_elbo, seed=0)))
    for name in ("loss", "reconstruction", "kl"):
        assert history.test[name] == [means[name] for means in measured]


def test_a_tensor_of_images_has_no_test_losses():
    history = train(vae(), data=images())
    assert history.test == {} and set(history.train) == {"loss", "reconstruction", "kl"}
    assert all(len(means) == EPOCHS == history.epochs for means in history.train.values())


def test_the_recorded_terms_add_up(whole):
    history = whole[1]
    for part in (history.train, history.test):
        for loss, reconstruction, kl in zip(part["loss"], part["reconstruction"], part["kl"], strict=True):
            assert loss == pytest.approx(reconstruction + kl, rel=1e-5)
            assert reconstruction > 300  # nats per image, not per pixel


def test_training_learns_from_real_digits():
    digits = load_images("digits")
    torch.manual_seed(0)
    model = VAE(8, hidden=64)
    before = evaluate(model, digits.test, negative_elbo)["loss"]
    history = fit(model, digits.train[:2000], negative_elbo, epochs=3, learning_rate=5e-3, device="cpu", progress=False)
    after = evaluate(model, digits.test, negative_elbo)["loss"]
    assert before > 500 and after < 250  # nats per image
    assert history.train["loss"] == sorted(history.train["loss"], reverse=True)


def test_a_classifier_learns_its_labels():
    digits = load_images("digits")
    small = Images("d", digits.train[:1500], digits.train_labels[:1500], digits.test[:500], digits.test_labels[:500],
                   digits.classes)  # fmt: skip
    torch.manual_seed(0)
    model = Classifier()
    history = fit(model, small, cross_entropy, epochs=3, device="cpu", progress=False)
    assert history.test["loss"][-1] < 1.0 < math.log(10)
    assert (model(small.test).argmax(1) == small.test_labels).float().mean() > 0.7


# Callbacks ------------------------------------------------------------------------------------------------------------


def test_a_callback_is_called_after_every_epoch_and_does_not_change_the_run(whole):
    model, calls = vae(), []

    def callback(received, history):
        assert received is model
        calls.append(history.epochs)
        received.sample(3)
        torch.rand(5)
        torch.manual_seed(99)
        received.eval()

    with torch.random.fork_rng():
        assert_same(model, train(model, callback=callback), whole)
    assert calls == [1, 2, 3, 4]


def test_a_callback_may_train_another_model(whole):
    model, other = vae(), vae()
    assert_same(model, train(model, callback=lambda *_: train(other, epochs=1)), whole)


# Around it ------------------------------------------------------------------------------------------------------------


def test_the_bar_tells_the_losses(capsys, whole):
    model = vae()
    assert_same(model, train(model, progress=True), whole)
    err = capsys.readouterr().err
    assert "4/4" in err and f"loss train {whole[1].train['loss'][-1]:.2f}, test {whole[1].test['loss'][-1]:.2f}" in err
    train(vae())
    assert capsys.readouterr().err == ""


def test_a_quiet_run_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(vae())
        train(vae(), epochs=1, data=images(1), batch_size=1)


def test_a_history_tells_its_last_losses(whole):
    history = whole[1]
    assert history.epochs == 4 and "run" not in repr(history)
    assert history.summary() == f"loss train {history.train['loss'][-1]:.2f}, test {history.test['loss'][-1]:.2f}"
    assert History().summary() == "" and History().epochs == 0


def test_a_history_draws_itself(whole):
    assert whole[1].plot(title="It learns", alt="A falling line").axes
    words = " ".join(text.get_text() for text in whole[1].plot().findobj(Text)).split()
    assert whole[1].summary() in " ".join(words)


def test_a_run_can_be_stopped_from_outside_and_gone_on_with(whole):
    model, asked = vae(), []

    def stop():
        asked.append(None)
        return len(asked) == STEPS + 2

    history = train(model, stop=stop)
    assert history.interrupted and history.epochs == 1
    assert_same(model, train(model, resume=history), whole)
