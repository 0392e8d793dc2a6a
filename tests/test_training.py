"""The trainer: repeatable, interruptible, honest about bad losses, and the same as the plain loop."""

import math
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from torch import nn

from vae_utils import VAE, Autoencoder, Classifier, History, cross_entropy, fit, negative_elbo, reconstruction_error
from vae_utils.data import Images, load_images
from vae_utils.run import takes_labels
from vae_utils.training import _match_precision, evaluate, pick_device

COUNT, BATCH, EPOCHS = 40, 16, 4
STEPS = math.ceil(COUNT / BATCH)


def images(count=COUNT, seed=0):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def data_set():
    labels = torch.arange(COUNT) % 10
    return Images("tiny", images(), labels, images(24, seed=1), labels[:24], tuple("0123456789"))


def vae():
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return VAE(2, hidden=8)


def weights(model):
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def train(model, loss=negative_elbo, data=None, **changed):
    arguments = {"epochs": EPOCHS, "batch_size": BATCH, "device": "cpu", "progress": False}
    return fit(model, data_set() if data is None else data, loss, **(arguments | changed))


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as in a terminal and in a notebook; the workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole():
    """Weights and history of a run nobody disturbed."""
    model = vae()
    history = train(model)
    return weights(model), history


def assert_same(model, history, whole):
    assert history == whole[1]
    assert torch.equal(weights(model), whole[0])


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


def test_the_model_comes_back_in_its_mode_and_place():
    for mode in (True, False):
        model = vae().train(mode)
        train(model)
        assert model.training is mode
        evaluate(model, images(), negative_elbo)
        assert model.training is mode
        assert next(model.parameters()).device.type == "cpu"
        with pytest.raises(RuntimeError, match="on purpose"):
            train(model, fails_in_call(2, RuntimeError("on purpose")))
        assert model.training is mode


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


def test_runs_in_threads_do_not_share_random_numbers(whole):
    models, results = [vae() for _ in range(3)], {}
    state = torch.get_rng_state()

    def work(index):
        results[index] = train(models[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(3):
        assert_same(models[index], results[index], whole)
    assert torch.equal(state, torch.get_rng_state())


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
    with pytest.raises(ValueError, match="40 images, received 39 labels"):
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


# Interrupts -----------------------------------------------------------------------------------------------------------


def fails_in_call(number, error):
    """The negative ELBO, whose call `number` (from 1, test batches counted) raises."""
    calls = []

    def loss(model, x):
        calls.append(len(x))
        terms = negative_elbo(model, x)  # draws its noise first
        if len(calls) == number:
            raise error
        return terms

    return loss


def sends_sigint_in_call(number, times=1):
    calls = []

    def loss(model, x):
        calls.append(len(x))
        terms = negative_elbo(model, x)
        if len(calls) == number:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return terms

    return loss


# An epoch is STEPS = 3 calls to train and one to measure the test images.
@pytest.mark.parametrize("call", range(1, (STEPS + 1) * EPOCHS + 1))
def test_interrupted_anywhere_and_resumed_is_the_same_run(whole, call):
    model = vae()
    handler = signal.getsignal(signal.SIGINT)
    history = train(model, sends_sigint_in_call(call))
    assert signal.getsignal(signal.SIGINT) is handler
    assert model.training
    if call < (STEPS + 1) * EPOCHS - 1:  # later, there is nothing left to do
        assert history.interrupted
    assert history.epochs == (call + (call % (STEPS + 1) == STEPS)) // (STEPS + 1)
    assert train(model, resume=history) is history
    assert not history.interrupted
    assert_same(model, history, whole)


@pytest.mark.parametrize("call", range(1, (STEPS + 1) * EPOCHS + 1))
def test_cut_off_inside_a_step_and_resumed_is_the_same_run(whole, call):
    """As by a second Ctrl-C, which does not wait: also in the first step of an epoch and among the test images."""
    model = vae()
    history = train(model, fails_in_call(call, KeyboardInterrupt()))
    assert history.interrupted and history.epochs == (call - 1) // (STEPS + 1)
    train(model, resume=history)
    assert_same(model, history, whole)


def test_a_second_interrupt_does_not_wait_for_the_step(whole):
    model, handler = vae(), signal.getsignal(signal.SIGINT)
    before = weights(model)
    history = train(model, sends_sigint_in_call(1, times=2))
    assert history.interrupted and history.run.step == 0
    assert torch.equal(before, weights(model))
    assert signal.getsignal(signal.SIGINT) is handler
    history = train(model, sends_sigint_in_call(1, times=2), resume=history)  # and again
    train(model, resume=history)
    assert_same(model, history, whole)


@pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process on Windows")
def test_a_real_signal_from_outside_is_waited_for(whole):
    model = vae()

    def loss(model, x):
        time.sleep(0.02)
        return negative_elbo(model, x)

    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    history = train(model, loss)
    timer.join()
    assert history.interrupted
    train(model, resume=history)
    assert_same(model, history, whole)


def test_interrupted_again_and_again_is_the_same_run(whole):
    model = vae()
    history = train(model, sends_sigint_in_call(2))
    for call in (1, 3, 2):
        history = train(model, sends_sigint_in_call(call), resume=history)
    train(model, resume=history)
    assert_same(model, history, whole)


def test_in_another_thread_training_works_and_an_interrupt_is_kept_too(whole):
    model, results = vae(), []
    handler = signal.getsignal(signal.SIGINT)

    def work():
        results.append(train(model, fails_in_call(5, KeyboardInterrupt())))
        assert signal.getsignal(signal.SIGINT) is handler
        results.append(train(model, resume=results[0]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(results) == 2 and results[0] is results[1]
    assert_same(model, results[0], whole)


def test_the_handler_of_ctrl_c_is_put_back():
    handler = signal.getsignal(signal.SIGINT)
    train(vae())
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(RuntimeError, match="on purpose"):
        train(vae(), fails_in_call(2, RuntimeError("on purpose")))
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_that_is_not_pythons_is_left_alone(whole, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    model = vae()
    assert_same(model, train(model), whole)


def test_interrupts_leave_the_mode_and_the_random_state():
    model, before = vae().eval(), torch.get_rng_state()
    train(model, fails_in_call(2, KeyboardInterrupt()))
    train(model, sends_sigint_in_call(2))
    assert not model.training and torch.equal(before, torch.get_rng_state())


def test_resuming_a_finished_run_does_nothing(whole):
    model = vae()
    history = train(model)
    assert train(model, resume=history) is history
    assert_same(model, history, whole)


def test_without_resume_a_run_starts_afresh():
    model = vae()
    history = train(model, sends_sigint_in_call(5))
    again = train(model)
    assert again is not history and again.epochs == EPOCHS and history.epochs == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 5}, "epochs was 4, now 5"),
        ({"seed": 1}, "seed was 0, now 1"),
        ({"batch_size": 8, "learning_rate": 1.0}, "batch_size was 16, now 8; learning_rate was 0.002, now 1.0"),
        ({"data": images(41)}, "images was 40, now 41"),
    ],
)
def test_a_resumed_run_keeps_its_arguments(changed, message):
    model = vae()
    history = train(model, sends_sigint_in_call(2))
    with pytest.raises(ValueError, match=message):
        train(model, resume=history, **changed)


def test_a_history_of_another_model_is_refused(as_a_learner):
    history = train(vae(), sends_sigint_in_call(2))
    for wrong in (history, History()):
        with pytest.raises(ValueError, match="for this very model; start anew without resume"):
            train(vae(), resume=wrong)
    with pytest.raises(ValueError, match="resume=history; received True"):
        train(vae(), resume=True)


# Bad losses -----------------------------------------------------------------------------------------------------------


def turns_bad(call, spoil):
    calls = []

    def loss(model, x):
        terms = negative_elbo(model, x)
        calls.append(weights(model))
        if len(calls) == call:
            terms["loss"] = spoil(terms["loss"])
        return terms

    loss.weights_before_each_call = calls
    return loss


def gradient_of_the_root_of_zero(loss):
    return loss + (loss - loss).sqrt()  # 0 to add, and no derivative


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda loss: loss * math.nan, "the loss became nan in step 2"),
        (lambda loss: loss + math.inf, "the loss became inf in step 2"),
        (gradient_of_the_root_of_zero, "the gradient became NaN or infinite in step 2"),
    ],
)
def test_training_stops_before_a_bad_step(spoil, what):
    model, loss = vae(), turns_bad(STEPS + 3, spoil)
    with pytest.warns(RuntimeWarning, match=f"training stopped in epoch 2: {what}.*Try a smaller learning_rate"):
        history = train(model, loss)
    assert torch.equal(weights(model), loss.weights_before_each_call[-1])
    assert weights(model).isfinite().all()
    assert history.epochs == 1 and not history.interrupted and what in history.stopped
    assert model.training
    with pytest.raises(ValueError, match="this run cannot be resumed: training stopped"):
        train(model, resume=history)


def test_a_first_loss_that_is_nan_leaves_the_model_as_it_was():
    model = vae()
    before = weights(model)
    with pytest.warns(RuntimeWarning, match="in epoch 1: the loss became nan in step 1"):
        history = train(model, turns_bad(1, lambda loss: loss * math.nan))
    assert torch.equal(before, weights(model)) and history.epochs == 0
    with pytest.raises(ValueError, match="nothing to plot"):
        history.plot()


def test_an_encoder_that_explodes_stops_the_run():
    model = vae()
    with torch.no_grad():
        model.encoder[-1].bias[2:] = 1000.0
    with pytest.warns(RuntimeWarning, match="the loss became"):
        history = train(model)
    assert history.stopped and (model.encoder[-1].bias[2:] == 1000).all()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda model, x: model(x)[1].sum(), 'a dict with the key "loss".*received Tensor'),
        (lambda model, x: None, "received NoneType"),
        (lambda model, x: {"elbo": model(x)[1]}, r"received a dict with \['elbo'\]"),
        (lambda model, x: {"loss": model(x)[1].mean()}, r'the term "loss" .* shape \(16,\), received \(\); sum over'),
        (lambda model, x: {"loss": model(x)[1]}, r'the term "loss" .* received \(16, 2\)'),
        (lambda model, x: {"loss": 3.0}, 'the term "loss" .* received float'),
        (lambda model, x: negative_elbo(model, x) | {"kl": torch.tensor(1.0)}, r'the term "kl" .* received \(\)'),
        (lambda model, x: {"loss": torch.zeros(len(x))}, "does not depend on the weights"),
        (lambda model, x: {"loss": negative_elbo(model, x)["loss"].detach()}, "leave out .detach"),
    ],
)
def test_losses_of_the_wrong_form_are_refused(loss, message):
    model = vae()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        train(model, loss)
    assert torch.equal(before, weights(model)) and model.training


def test_losses_of_the_wrong_signature_are_refused():
    for loss in (lambda x: x, lambda model, x, labels, more: x, lambda: 0):
        with pytest.raises(ValueError, match=r"loss must take \(model, x\) or \(model, x, labels\)"):
            train(vae(), loss)
    assert takes_labels(cross_entropy) and not takes_labels(negative_elbo)
    assert not takes_labels(lambda model, x, beta=2.0: x)


def test_labels_need_a_data_set():
    with pytest.raises(ValueError, match="this loss takes labels: give fit a data set from load_images"):
        train(Classifier(), cross_entropy, data=images())


# Bad arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs must be a whole number from 1 to 1000000, received 0"),
        ("epochs", -2, "received -2"),
        ("epochs", 2.0, "received 2.0"),
        ("epochs", True, "received True"),
        ("batch_size", 0, "batch_size must be .* received 0"),
        ("batch_size", 41, r"batch_size must be a whole number from 1 to 40 \(the number of images\), received 41"),
        ("seed", -1, "seed must be a whole number from 0 to .* received -1"),
        ("seed", 2**63, "received 9223372036854775808"),
        ("learning_rate", 0.0, "learning_rate must be a positive number, received 0.0"),
        ("learning_rate", math.nan, "received nan"),
        ("learning_rate", math.inf, "received inf"),
        ("learning_rate", "a", "learning_rate must be a positive number, received 'a'"),
        ("device", "gpu", "device must be 'auto', 'cpu', 'cuda' or 'mps' .*, received 'gpu'"),
        ("device", None, "received None"),
    ],
)
def test_arguments_out_of_range_are_refused(as_a_learner, name, value, message):
    model = vae()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        train(model, **{name: value})
    assert torch.equal(before, weights(model))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.rand(40, 784), r"\(N, 1, 28, 28\), received \(40, 784\)"),
        (255 * torch.rand(40, 1, 28, 28), r"\[0, 1\], received values"),
        (torch.full((40, 1, 28, 28), math.nan), "image 0 holds NaN"),
        (torch.zeros(0, 1, 28, 28), "holds no images"),
    ],
)
def test_bad_images_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        train(vae(), data=data)
    with pytest.raises(ValueError, match=message):
        evaluate(vae(), data, negative_elbo)


def test_whole_numbers_of_numpy_are_taken(as_a_learner):
    numpys = train(
        vae(), epochs=np.int64(1), batch_size=np.int32(20), seed=np.int64(3), learning_rate=np.float64(0.001)
    )
    plain = train(vae(), epochs=1, batch_size=20, seed=3, learning_rate=0.001)
    assert numpys.train == plain.train


def test_other_bad_arguments_are_named(as_a_learner):
    with pytest.raises(TypeError, match=r"callback must be a function callback\(model, history\), received 3"):
        train(vae(), callback=3)
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, received 0"):
        evaluate(vae(), images(3), negative_elbo, batch_size=0)


def test_one_image_is_enough():
    assert train(vae(), data=images(1), batch_size=1, epochs=1).epochs == 1
    assert train(vae(), data=images(1), batch_size=1, epochs=30).epochs == 30


def test_a_device_that_is_absent_is_named_with_those_present(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "cuda:1", "mps"):
        with pytest.raises(RuntimeError, match=rf"device '{device}' is not on this machine \(here: cpu\)"):
            train(vae(), device=device)
    assert pick_device("auto") == torch.device("cpu")


def test_the_fastest_device_is_picked(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == torch.device("mps") and pick_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == torch.device("cuda") and pick_device("cuda:1") == torch.device("cuda:1")


def test_images_take_the_models_precision_and_that_is_said(whole):
    model = vae()
    with pytest.warns(UserWarning, match="images are torch.float64, the model is torch.float32"):
        history = train(model, data=images().double())
    with pytest.warns(UserWarning, match="images are torch.float32, the model is torch.float64"):
        assert train(vae().double()).train["loss"] == pytest.approx(history.train["loss"], rel=0.02)


def test_float64_on_mps_goes_on_in_float32_and_that_is_said():
    model = vae().double()
    with pytest.warns(UserWarning, match="MPS has no float64"):
        x = _match_precision(model, images(), torch.device("mps"))
    assert x.dtype == next(model.parameters()).dtype == torch.float32


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


def test_a_layer_without_a_gradient_does_no_harm():
    model = vae()
    model.spare = nn.Linear(2, 2)
    before = model.spare.weight.detach().clone()
    train(model)
    assert torch.equal(before, model.spare.weight)


@pytest.mark.parametrize("call", [fit, evaluate])
@pytest.mark.parametrize(("model", "received"), [(None, "NoneType"), (VAE, "the class VAE"), (nn.ReLU(), "ReLU")])
def test_what_is_no_model_is_refused(as_a_learner, call, model, received):
    with pytest.raises(TypeError, match=f"model must be a model with weights.*received {received}"):
        call(model, torch.rand(4, 1, 28, 28), negative_elbo)


def test_a_loss_that_was_called_already_is_refused(as_a_learner):
    model, x = VAE(2), torch.rand(4, 1, 28, 28)
    with pytest.raises(TypeError, match="loss must be a function, received dict"):
        fit(model, x, negative_elbo(model, x))


def test_evaluate_does_not_take_labels_for_beta(as_a_learner):
    model, x = VAE(2), torch.rand(1, 1, 28, 28)
    with pytest.raises(ValueError, match="negative_elbo takes no labels"):
        evaluate(model, x, negative_elbo, torch.tensor([5]))
    with pytest.raises(ValueError, match="cross_entropy takes labels"):
        evaluate(Classifier(), x, cross_entropy)


def test_a_run_can_be_stopped_from_outside_and_gone_on_with(whole):
    model, asked = vae(), []

    def stop():
        asked.append(None)
        return len(asked) == STEPS + 2

    history = train(model, stop=stop)
    assert history.interrupted and history.epochs == 1
    assert_same(model, train(model, resume=history), whole)
