"""Losses, models, arguments and devices that are wrong: refused by name, or a stop before the bad step."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tests.runs import EPOCHS, STEPS, data_set, images, train, vae, weights
from vae_utils import VAE, Autoencoder, Classifier, cross_entropy, devices, fit, negative_elbo, negative_iwae_bound
from vae_utils.checkpoints import load_checkpoint, save_checkpoint
from vae_utils.data import Images
from vae_utils.devices import pick_device
from vae_utils.distributions import gaussian_log_likelihood, kl_between_gaussians, kl_to_standard_normal, reparameterize
from vae_utils.importance import effective_sample_size, log_mean_weight
from vae_utils.log_likelihood import log_likelihood
from vae_utils.models import ConditionalVAE
from vae_utils.plans import match_precision
from vae_utils.run import takes_labels
from vae_utils.training import evaluate

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
        (lambda model, x: negative_elbo(model, x) | {3: torch.zeros(len(x))}, "terms of a loss have names.*received 3"),
        (lambda model, x: negative_elbo(model, x) | {"n": torch.ones(len(x)).long()}, '"n" must .* torch.int64'),
        (lambda model, x: (term for term in [x]), "received generator"),
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
    def needs_a_name(model, x, *, beta):
        return negative_elbo(model, x, beta)

    for loss in (
        lambda x: x,
        lambda model, x, labels, more: x,
        lambda: 0,
        lambda *all: 0,
        torch.sum,
        dict,
        needs_a_name,
    ):
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


def test_sizes_of_numpy_are_taken_and_kept_as_pythons(as_a_learner, tmp_path):
    """Their products would overflow, and no card could hold them."""
    eight = np.int8(100)
    for model in (
        VAE(eight, hidden=np.int64(5)),
        VAE(np.uint8(3), hidden=[np.int8(100), eight]),
        Autoencoder(eight, "conv"),
        ConditionalVAE(np.int32(2), eight),
        Classifier(eight),
    ):
        assert torch.equal(weights(load_checkpoint(save_checkpoint(model, tmp_path / "model"))), weights(model))
    assert VAE(2).sample(np.int64(3)).shape == (3, 1, 28, 28)
    assert negative_iwae_bound(vae(), images(3), np.int8(50))["loss"].shape == (3,)
    assert log_likelihood(vae(), images(3), np.int8(50), at_a_time=np.int8(100)).shape == (3,)
    with pytest.raises(ValueError, match="latent_dim must be a whole number of at least 1, received np.float64"):
        VAE(np.float64(2))


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
    monkeypatch.setattr(devices, "_fault", lambda device: "")
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
        x = match_precision(model, images(), torch.device("mps"))
    assert x.dtype == next(model.parameters()).dtype == torch.float32


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


def test_a_layer_without_a_gradient_does_no_harm():
    model = vae()
    model.spare = nn.Linear(2, 2)
    before = model.spare.weight.detach().clone()
    train(model)
    assert torch.equal(before, model.spare.weight)


def test_a_loss_that_changes_its_terms_is_refused():
    calls = []

    def loss(model, x):
        calls.append(None)
        terms = negative_elbo(model, x)
        return terms if len(calls) < 3 else {"loss": terms["loss"]}

    model = vae()
    with pytest.raises(ValueError, match=r"the same terms at every call: .*'kl'.* before, now \['loss'\]"):
        train(model, loss)


def test_a_loss_that_changes_its_images_changes_nothing_else():
    def loss(model, x):
        x.mul_(0.5)
        return negative_elbo(model, x)

    data = data_set()
    before = data.train.clone(), data.test.clone()
    train(vae(), loss, data)
    assert torch.equal(data.train, before[0]) and torch.equal(data.test, before[1])


def test_a_loss_that_spoils_its_graph_leaves_the_weights():
    def loss(model, x):
        spread = model.encode(x)[1].exp()
        terms = {"loss": (spread.square() + spread.exp()).sum(1)}
        spread.add_(1)
        return terms

    model = vae()
    before = weights(model)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        train(model, loss)
    assert torch.equal(before, weights(model)) and model.training


# Row 18: extreme codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [negative_elbo, partial(negative_iwae_bound, samples=3)])
@pytest.mark.parametrize("value", [-1000.0, -90.0, 90.0, 1000.0, math.nan])
def test_any_log_variance_gives_a_finite_loss_and_gradient_or_a_clear_stop(loss, value):
    model = vae()
    with torch.no_grad():
        model.encoder[-1].weight[2:], model.encoder[-1].bias[2:] = 0, value
    before = weights(model)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = train(model, loss, epochs=1)
    if history.stopped:
        assert "training stopped in epoch 1: the" in str(told[0].message)
        if math.isfinite(value):
            assert torch.equal(before, weights(model))
    else:
        assert weights(model).isfinite().all() and math.isfinite(history.train["loss"][0])
    assert bool(history.stopped) == (not value < 50)


def test_densities_are_right_where_a_variance_is_nothing():
    mean, tiny = torch.zeros(1, 2), torch.full((1, 2), -1000.0, requires_grad=True)
    density = gaussian_log_likelihood(mean, tiny, mean)
    torch.testing.assert_close(density, torch.tensor([1000 - math.log(2 * math.pi)]))
    density.sum().backward()
    torch.testing.assert_close(tiny.grad, torch.full((1, 2), -0.5))
    assert gaussian_log_likelihood(mean, tiny, mean + 1) == -math.inf
    assert (kl_between_gaussians(mean, tiny, mean, tiny) == 0).all()
    assert (kl_to_standard_normal(mean, tiny) > 499).all()


# Models ---------------------------------------------------------------------------------------------------------------


def test_models_that_cannot_be_trained_are_refused():
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(4))
    for model, message in (
        (vae().to("meta"), "the weights encoder.1.weight of the model hold no numbers yet"),
        (lazy, "the weights 1.weight of the model hold no numbers yet; .*call it once"),
        (vae().requires_grad_(False), r"all weights of the model are frozen; .*requires_grad_\(True\)"),
    ):
        with pytest.raises(ValueError, match=message):
            train(model)


def test_frozen_weights_stay_and_the_others_learn():
    model = vae()
    model.decoder.requires_grad_(False)
    frozen, free = [weights(part) for part in (model.decoder, model.encoder)]
    train(model)
    assert torch.equal(frozen, weights(model.decoder)) and not torch.equal(free, weights(model.encoder))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sums_over_many_images_do_not_overflow_in_half_precision(dtype):
    """150 images of 600 nats are more than 65504, the largest number of float16."""
    model = vae().to(dtype)
    with pytest.warns(UserWarning, match="images are converted"):
        history = train(
            model, lambda model, x: {"loss": 600 + model(x)[1].sum(1)}, images(150), batch_size=150, epochs=1
        )
    assert history.train["loss"][0] == pytest.approx(600, rel=0.01)


def test_images_in_any_order_of_memory_give_the_same_run(whole):
    data = data_set()
    turned = Images("tiny", data.train.transpose(2, 3).contiguous().transpose(2, 3), data.train_labels, data.test,
                    data.test_labels, data.classes)  # fmt: skip
    model = vae()
    assert train(model, data=turned) == whole[1] and torch.equal(weights(model), whole[0])


def test_no_gradient_is_left_in_the_images():
    x = images().requires_grad_()
    train(vae(), data=x)
    assert x.grad is None and x.requires_grad


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_training_where_gradients_are_off_says_so(context):
    with context(), pytest.raises(ValueError, match="leave out .detach.*no_grad"):
        train(vae())


def test_steps_far_too_large_stop_with_finite_weights():
    model = vae()
    with pytest.warns(RuntimeWarning, match="Try a smaller learning_rate"):
        history = train(model, learning_rate=1e30)
    assert history.stopped and weights(model).isfinite().all()


# Rows 21, 22 and 26 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "a", None, True])
def test_seeds_out_of_range_are_refused_everywhere(as_a_learner, seed):
    x = images(2)
    for call in (
        lambda: train(vae(), data=x, batch_size=2, seed=seed),
        lambda: evaluate(vae(), x, negative_elbo, seed=seed),
        lambda: log_likelihood(vae(), x, 2, seed=seed),
    ):
        with pytest.raises(ValueError, match="seed must be a whole number from 0 to 9223372036854775807, received"):
            call()


@pytest.mark.parametrize("beta", [-0.1, math.nan, math.inf, None, "1", torch.ones(2)])
def test_a_senseless_beta_is_refused(as_a_learner, beta):
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0, received"):
        train(vae(), partial(negative_elbo, beta=beta))


@pytest.mark.parametrize("latent_dim", [0, -1, 1.5, "2", None])
def test_a_code_without_dimensions_is_refused(as_a_learner, latent_dim):
    for make in (VAE, Autoencoder):
        with pytest.raises(ValueError, match="latent_dim must be a whole number of at least 1, received"):
            make(latent_dim)


def test_no_draws_are_no_estimate(as_a_learner):
    for call in (log_mean_weight, effective_sample_size):
        with pytest.raises(ValueError, match=r"at least one draw, .* received \(0, 3\); take some"):
            call(torch.zeros(0, 3))
        with pytest.raises(TypeError, match="log_weights must be a floating-point tensor, received list"):
            call([1.0])
    for samples in (0, -1):
        with pytest.raises(ValueError, match=f"samples must be a whole number of at least 1, received {samples}"):
            log_likelihood(vae(), images(2), samples)


def test_one_image_and_one_class_are_enough():
    one = Images("one", images(1), torch.zeros(1).long(), images(1), torch.zeros(1).long(), ("a",))
    for loss, model in ((negative_elbo, vae()), (cross_entropy, Classifier(1))):
        if loss is negative_elbo:
            assert train(model, loss, one, batch_size=1).epochs == EPOCHS
        assert math.isfinite(
            evaluate(model, one.test, loss, one.test_labels if loss is cross_entropy else None)["loss"]
        )
    assert log_likelihood(vae(), images(1), 2).shape == (1,)
    assert reparameterize(torch.zeros(1, 2), torch.zeros(1, 2)).shape == (1, 2)


def test_a_card_that_does_not_work_is_passed_over_or_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    real = torch.empty

    def broken(*size, device=None, **more):
        if torch.device(device or "cpu").type == "cuda":
            raise RuntimeError("CUDA error: out of memory\nCompile with ...")
        return real(*size, device=device, **more)

    monkeypatch.setattr(torch, "empty", broken)
    with pytest.warns(RuntimeWarning, match=r"cuda does not work \(CUDA error: out of memory\); going on with the CPU"):
        assert pick_device() == torch.device("cpu")
    with pytest.raises(
        RuntimeError, match=r"device 'cuda:7' does not work \(CUDA error: out of memory\); here: cuda, cpu"
    ):
        pick_device("cuda:7")


@pytest.mark.parametrize("device", ["gpu", "meta", "", 3, None, ["cpu"]])
def test_what_is_no_device_is_refused(as_a_learner, device):
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu', 'cuda' or 'mps' .on this machine: .*received"):
        train(vae(), device=device)
