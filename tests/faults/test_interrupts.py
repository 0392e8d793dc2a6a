"""Ctrl-C, errors and second thoughts in the middle of a run: nothing is lost, and the run goes on bit for bit."""

import os
import signal
import sys
import threading
import time

import pytest
import torch

from tests.runs import COUNT, EPOCHS, STEPS, assert_same, images, train, vae, weights
from vae_utils import History, negative_elbo, run
from vae_utils.saved_runs import load_run, save_run
from vae_utils.training import evaluate


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as in a terminal and in a notebook; the workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
        ({"data": images(COUNT, seed=7)}, "digest of the images was .*, now .*; or start anew without resume"),
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
    for wrong in (True, "yes", 3, {"loss": [1.0]}):
        with pytest.raises(ValueError, match="resume must be the history that fit returned.*received .*: start anew"):
            train(vae(), resume=wrong)


def test_two_interrupts_at_any_line_of_a_step_and_resumed_is_the_same_run(whole):
    """The second one does not wait, unless the weights are just being changed: then half a step would be done."""
    file, steps = run.__file__, ("finish_epoch", "_plain_step", "_find_gradients", "checked_terms")

    def tracer(at=None):
        seen = []

        def trace(frame, event, argument):
            if frame.f_code.co_filename != file or frame.f_code.co_name not in steps:
                return None
            if event == "line":
                seen.append(frame.f_lineno)
                if len(seen) == at:
                    signal.raise_signal(signal.SIGINT)
                    signal.raise_signal(signal.SIGINT)
            return trace

        return trace, seen

    def traced(at=None, **changed):
        trace, seen = tracer(at)
        sys.settrace(trace)
        try:
            return train(model, **changed), seen
        finally:
            sys.settrace(None)

    model = vae()
    _, places = traced()
    assert len(places) > 200
    lines = set()
    for at in range(1, len(places), 11):
        model = vae()
        history, _ = traced(at)
        lines.add(places[at - 1])
        train(model, resume=history)
        assert_same(model, history, whole)
    assert len(lines) > 15


def test_interrupts_between_the_update_and_its_bookkeeping_wait(whole, monkeypatch):
    """Where a cut would be worst: the weights have moved and nobody knows yet."""
    step, calls = torch.optim.Adam.step, []

    def interrupted(self, *arguments):
        calls.append(None)
        if len(calls) == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    model = vae()
    history = train(model)
    assert history.interrupted and history.run.step == 5 - STEPS
    train(model, resume=history)
    assert_same(model, history, whole)


@pytest.mark.parametrize("when", [1, 2, EPOCHS])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), "two signals"])
def test_an_interrupt_in_the_callback_keeps_the_epoch(whole, when, error):
    def callback(model, history):
        if history.epochs == when and not isinstance(error, str):
            raise error
        if history.epochs == when:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    model = vae()
    history = train(model, callback=callback)
    assert history.epochs == when and history.interrupted == (when < EPOCHS)
    assert_same(model, train(model, resume=history), whole)


def test_an_interrupt_of_a_run_in_a_callback_ends_both(whole):
    ended = []

    def callback(model, history):
        if history.epochs == 2:
            ended.append(train(vae(), sends_sigint_in_call(2)))

    model = vae()
    history = train(model, callback=callback)
    assert ended[0].interrupted and ended[0].epochs == 0
    assert history.interrupted and history.epochs == 2
    assert_same(model, train(model, resume=history), whole)


# Errors of the learner's own functions ------------------------------------------------------------------------------


def raises_after(epochs):
    def callback(model, history):
        if history.epochs == epochs:
            raise ZeroDivisionError("a bug in the callback")

    return callback


def test_after_an_error_in_the_callback_nothing_is_lost(whole):
    model = vae().eval()
    with pytest.raises(ZeroDivisionError, match="a bug in the callback") as caught:
        train(model, callback=raises_after(3))
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["3 epochs are done and kept: mend it and call fit(..., resume=True)"]
    assert not model.training
    history = train(model.train(), resume=True)
    assert history.epochs == EPOCHS
    assert_same(model, history, whole)


def test_a_callback_that_empties_the_history_does_not_train_for_ever():
    calls = []

    def callback(model, history):
        calls.append(None)
        history.train.clear()
        assert len(calls) <= EPOCHS

    train(vae(), callback=callback)
    assert len(calls) == EPOCHS


@pytest.mark.parametrize("call", [1, 2, STEPS + 1, STEPS + 3])
def test_after_an_error_in_the_loss_nothing_is_lost(whole, call):
    model = vae()
    with pytest.raises(ZeroDivisionError):
        train(model, fails_in_call(call, ZeroDivisionError("in the loss")))
    assert_same(model, train(model, resume=True), whole)


def test_the_latest_run_is_that_of_this_very_model_or_none(whole):
    model, other = vae(), vae()
    history = train(model, sends_sigint_in_call(2))
    with pytest.raises(ValueError, match="if the latest run was that of this very model; received True: start anew"):
        train(other, resume=True)
    assert train(model, resume=True) is history
    assert_same(model, history, whole)
    assert train(model, resume=True) is history  # finished: nothing to do
    assert_same(model, history, whole)
    assert train(vae(), resume=False).epochs == EPOCHS


def test_weights_that_changed_meanwhile_are_noticed(whole):
    model = vae()
    history = train(model, sends_sigint_in_call(6))
    before = weights(model)
    with torch.no_grad():
        model.encoder[1].bias[0] += 1e-6
    changed = weights(model)
    with pytest.raises(ValueError, match="the weights of the model changed since the run was interrupted"):
        train(model, resume=history)
    assert torch.equal(weights(model), changed)
    torch.nn.utils.vector_to_parameters(before, model.parameters())
    assert_same(model, train(model, resume=history), whole)


def test_a_training_cell_run_twice_is_a_fresh_run(whole):
    """Row 24: the cell makes its model and trains it."""
    for _ in range(2):
        model = vae()
        assert_same(model, train(model), whole)


def test_a_run_that_was_saved_goes_on_in_another_program(whole, tmp_path):
    first, second = vae(), vae()
    save_run(train(first, sends_sigint_in_call(6)), tmp_path / "run")
    history = load_run(tmp_path / "run", second, "cpu")
    assert_same(second, train(second, resume=history), whole)
    with pytest.raises(ValueError, match="digest of the images was"):
        history = load_run(tmp_path / "run", second, "cpu")
        train(second, resume=history, data=images(COUNT, seed=8))


# Several runs at once -----------------------------------------------------------------------------------------------


def test_a_model_is_not_trained_by_two_runs_at_once(whole):
    model, told = vae(), []

    def callback(*_):
        with pytest.raises(RuntimeError, match="this model is being trained already"):
            train(model)
        worker = threading.Thread(target=lambda: told.append(pytest.raises(RuntimeError, train, model)))
        worker.start()
        worker.join()

    assert_same(model, train(model, callback=callback), whole)
    assert len(told) == EPOCHS and "stop that run first" in str(told[0].value)
    train(model)  # and afterwards it may be


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
