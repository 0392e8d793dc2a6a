"""Images and labels that are none: refused with the value received and the next step, in one place."""

import math
import subprocess
import sys
from functools import partial
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from vae_utils import VAE, Autoencoder, Classifier, cross_entropy, fit, load_images, negative_elbo, reconstruction_error
from vae_utils.arguments import range_of
from vae_utils.data import Images, validate_images
from vae_utils.distributions import bernoulli_log_likelihood
from vae_utils.evaluation import features, kl_per_dimension
from vae_utils.grey_pixels import dequantize
from vae_utils.linear import LinearGaussian
from vae_utils.log_likelihood import log_likelihood
from vae_utils.models import ConditionalVAE
from vae_utils.objectives import negative_conditional_elbo, negative_iwae_bound
from vae_utils.training import evaluate


def data_set(**changed):
    parts = {
        "name": "tiny",
        "train": torch.rand(4, 1, 28, 28),
        "train_labels": torch.tensor([0, 1, 1, 0]),
        "test": torch.rand(2, 1, 28, 28),
        "test_labels": torch.tensor([1, 0]),
        "classes": ("a", "b"),
    }
    return Images(**(parts | changed))


# Rows 8, 9, 14, 16, 17: one place -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_labels": torch.tensor([0, 1, 1])}, r"train_labels must be one label an image: 4 images.*\(3,\)"),
        ({"test_labels": torch.tensor([[1], [0]])}, r"test_labels must be one .*2 images.*\(2, 1\)"),
        ({"train_labels": torch.tensor([0, 1, 255, 0])}, "from 0 to 1, received values from 0 to 255"),
        ({"test_labels": torch.tensor([0, -1])}, "from 0 to 1, received values from -1 to 0"),
        ({"train": torch.rand(4, 784)}, r"tiny: train must have the shape \(N, 1, 28, 28\), received \(4, 784\)"),
        ({"test": 255 * torch.ones(2, 1, 28, 28)}, r"tiny: test must lie in \[0, 1\], received values from 255 to 255"),
        ({"test": torch.zeros(0, 1, 28, 28), "test_labels": torch.zeros(0).long()}, "tiny: test holds no images"),
    ],
)
def test_a_data_set_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        data_set(**change)


def test_labels_of_another_type_are_refused(as_a_learner):
    for labels, kind in ((torch.ones(4).byte(), "torch.uint8"), (torch.rand(4), "torch.float32"), ([0, 1], "list")):
        with pytest.raises(TypeError, match=f"train_labels must be an int64 tensor, received {kind}"):
            data_set(train_labels=labels)


@pytest.mark.parametrize("classes", [3, None, "ab", (), (0, 1), {"a": 0, "b": 1}])
def test_classes_that_have_no_names_are_refused(as_a_learner, classes):
    with pytest.raises(TypeError, match="classes of Images must be the names of the classes, .*received"):
        data_set(classes=classes)
    with pytest.raises(TypeError, match="name of Images must be a word, received None"):
        data_set(name=None)


def test_one_class_is_enough():
    assert data_set(train_labels=torch.zeros(4).long(), test_labels=torch.zeros(2).long(), classes=("a",)).classes


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(3, 784), r"received \(3, 784\); reshape it"),
        (torch.rand(28, 28), r"received \(28, 28\); reshape it"),
        (torch.rand(3, 28, 28), r"received \(3, 28, 28\); reshape it"),
        (torch.rand(3, 28, 28, 1), r"received \(3, 28, 28, 1\); reshape it"),
        (torch.rand(3, 1, 32, 32), r"received \(3, 1, 32, 32\); resize"),
        (torch.rand(49, 1, 32, 32), r"received \(49, 1, 32, 32\); resize"),
        (torch.rand(3, 3, 28, 28), r"received \(3, 3, 28, 28\); resize"),
        (torch.tensor(0.5), r"received \(\); resize"),
        (torch.zeros(0, 1, 28, 28), "holds no images"),
        (torch.rand(2, 1, 28, 28) * 255, r"must lie in \[0, 1\], received values from .* to 25.*divide bytes by 255"),
        (torch.rand(2, 1, 28, 28) - 0.5, r"must lie in \[0, 1\], received values from -0.*undo a standardization"),
    ],
)
def test_bad_images_are_refused_with_what_was_received(images, message):
    with pytest.raises(ValueError, match=message):
        validate_images(images)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_refused_with_its_image(bad):
    images = torch.rand(5, 1, 28, 28)
    images[3, 0, 4, 4] = bad
    with pytest.raises(ValueError, match="samples must be finite; image 3 holds NaN or infinity"):
        validate_images(images, "samples")


def test_other_types_are_refused(as_a_learner):
    x = torch.zeros(2, 1, 28, 28)
    for images, message in (
        (x.byte(), "received torch.uint8; for bytes"),
        (x.to(torch.complex64), "received torch.complex64"),
        (x.to_sparse(), "received torch.sparse_coo"),
        (x.numpy(), "received ndarray; torch.as_tensor"),
        ([x], "received list"),
        ((image for image in x), "received generator"),
        (None, "received NoneType"),
    ):
        with pytest.raises(TypeError, match=message):
            validate_images(images)
    with pytest.raises(ValueError, match="holds no numbers, as it is on the meta device"):
        validate_images(x.to("meta"))


def test_a_whole_data_set_is_no_batch(as_a_learner):
    with pytest.raises(
        TypeError, match="images must be a tensor of images, received the whole data set; pass images.test"
    ):
        validate_images(load_images("digits"))


def test_good_images_pass_untouched():
    for images in (torch.zeros(1, 1, 28, 28), torch.ones(2, 1, 28, 28).double(), torch.rand(3, 1, 28, 28)):
        before = images.clone()
        validate_images(images)
        assert torch.equal(before, images)


def test_any_way_to_lie_in_memory_will_do():
    x = torch.rand(4, 1, 28, 28)
    for images in (
        x.transpose(2, 3),
        x.flip(0)[::2],
        x.half(),
        x.bfloat16(),
        x.clone().requires_grad_(),
        x.expand(4, -1, -1, -1),
    ):
        validate_images(images)


@pytest.mark.parametrize("name", ["cifar", "MNIST", "", None, 3, ["mnist"]])
def test_an_unknown_name_is_refused_with_the_known_ones(as_a_learner, name):
    with pytest.raises(ValueError, match="unknown data set .*; choose one of 'digits', 'shapes', 'mnist', 'fashion"):
        load_images(name)


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:-1], lambda content: content[:-1] + b"x"]
)
def test_a_damaged_file_of_the_package_is_named(monkeypatch, tmp_path, damage):
    content = (files("vae_utils") / "data_files" / "mnist_10k.npz").read_bytes()
    (tmp_path / "data_files").mkdir()
    (tmp_path / "data_files" / "mnist_10k.npz").write_bytes(damage(content))
    monkeypatch.setattr("vae_utils.data.files", lambda package: tmp_path)
    with pytest.raises(OSError, match="mnist_10k.npz is damaged; install the package again"):
        load_images("digits")


# The same answers from everything that takes images -----------------------------------------------------------------

CALLS = {
    "fit": lambda x: fit(VAE(2, hidden=4), x, negative_elbo, epochs=1, batch_size=2, device="cpu", progress=False),
    "evaluate": lambda x: evaluate(VAE(2, hidden=4), x, negative_elbo),
    "log_likelihood": lambda x: log_likelihood(VAE(2, hidden=4), x, 2),
    "negative_elbo": lambda x: negative_elbo(VAE(2, hidden=4), x),
    "negative_iwae_bound": lambda x: negative_iwae_bound(VAE(2, hidden=4), x, 2),
    "reconstruction_error": lambda x: reconstruction_error(Autoencoder(2, hidden=4), x),
    "cross_entropy": lambda x: cross_entropy(Classifier(2), x, torch.tensor([0, 1])),
    "conditional": lambda x: negative_conditional_elbo(ConditionalVAE(2, 2), x, torch.tensor([0, 1])),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_everything_that_takes_images_refuses_bad_ones(as_a_learner, call):
    x = torch.rand(2, 1, 28, 28)
    call(x)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], received values from .* to 25"):
        call(x * 255)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], received values from -1"):
        call((x - x.mean()) / x.std())
    with pytest.raises(ValueError, match="must be finite; image 1 holds NaN"):
        call(torch.cat([x[:1], x[1:] * math.nan]))
    with pytest.raises(ValueError, match=r"must have the shape \(N, 1, 28, 28\), received \(2, 784\)"):
        call(x.flatten(1))
    with pytest.raises(ValueError, match="holds no images"):
        call(x[:0])
    with pytest.raises(TypeError, match="received ndarray"):
        call(x.numpy())


def test_pixels_out_of_range_have_no_bernoulli_likelihood():
    for value, received in ((255.0, "0 to 255"), (-0.5, "-0.5 to 0"), (math.nan, "nan")):
        with pytest.raises(ValueError, match=rf"x must be pixels in \[0, 1\], received {received}"):
            bernoulli_log_likelihood(torch.zeros(1, 2), torch.tensor([[0.0, value]]))


def test_a_likelihood_works_where_numbers_cannot_be_looked_at():
    logits, x = torch.randn(5, 3), torch.rand(5, 3)
    received = torch.func.vmap(lambda logit, pixel: bernoulli_log_likelihood(logit[None], pixel[None]))(logits, x)
    torch.testing.assert_close(received[:, 0], bernoulli_log_likelihood(logits, x))
    assert bernoulli_log_likelihood(logits.to("meta"), x.to("meta")).shape == (5,)


# Forward passes, and what looks at images without a loss -------------------------------------------------------------

VAE_2 = VAE(2, hidden=4).eval()
PASSES = {
    "VAE.encode": lambda x: VAE_2.encode(x),
    "VAE.forward": lambda x: VAE_2(x),
    "VAE.encode, without gradients": torch.no_grad()(lambda x: VAE(2, hidden=4).encode(x)),
    "convolutions": lambda x: VAE(2, "conv").eval()(x),
    "Autoencoder.encode": lambda x: Autoencoder(2, hidden=4).eval().encode(x),
    "Autoencoder.forward": lambda x: Autoencoder(2, hidden=4).eval()(x),
    "ConditionalVAE.encode": lambda x: ConditionalVAE(2, 2).eval().encode(x, torch.zeros(2).long()),
    "ConditionalVAE.forward": lambda x: ConditionalVAE(2, 2).eval()(x, torch.zeros(2).long()),
    "Classifier.forward": lambda x: Classifier(2).eval()(x),
    "Classifier.features": lambda x: Classifier(2).eval().features(x),
    "features": partial(features, Classifier(2)),
    "kl_per_dimension": partial(kl_per_dimension, VAE(2, hidden=4)),
}


@pytest.mark.parametrize("call", PASSES.values(), ids=PASSES)
def test_every_forward_pass_refuses_bad_images(as_a_learner, call):
    x = torch.rand(2, 1, 28, 28)
    call(x)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], received values from .* to 25.*divide bytes by 255"):
        call(x * 255)
    with pytest.raises(ValueError, match="x must be finite(; image 1|, and) holds NaN"):
        call(torch.cat([x[:1], x[1:] * math.nan]))
    with pytest.raises(ValueError, match=r"x must have the shape \((N|B), 1, 28, 28\), received \(2, 784\); reshape"):
        call(x.flatten(1))
    for images in (load_images("digits"), x.numpy(), (255 * x).byte()):
        with pytest.raises(TypeError, match=r"x must .*(pass images.test|torch.as_tensor|\.float\(\))"):
            call(images)


@pytest.mark.parametrize("name", [name for name in PASSES if name not in ("features", "kl_per_dimension")])
def test_images_of_another_precision_are_refused(as_a_learner, name):
    with pytest.raises(
        TypeError, match=r"x must be float32, .* received float64; convert it with x.to\(torch.float32\)"
    ):
        PASSES[name](torch.rand(2, 1, 28, 28).double())


def test_images_in_the_precision_of_the_weights_pass(as_a_learner):
    VAE(2, hidden=4).double()(torch.rand(2, 1, 28, 28).double())
    with torch.autocast("cpu", torch.bfloat16):
        assert VAE(2, hidden=4)(torch.rand(2, 1, 28, 28))[0].dtype == torch.bfloat16
    assert VAE(2, hidden=4).encode(torch.rand(0, 1, 28, 28))[0].shape == (0, 2)


def test_a_training_step_looks_at_the_first_image_only(as_a_learner, monkeypatch):
    model, looked = VAE(2, hidden=4), []
    monkeypatch.setattr("vae_utils.data.range_of", lambda tensor: looked.append(len(tensor)) or range_of(tensor))
    x = torch.rand(3, 1, 28, 28)
    model(x)
    model.eval()(x)
    with torch.no_grad():
        model.train()(x)
    assert looked == [1, 3, 3]
    with pytest.raises(ValueError, match="x must lie in"):
        model(x * 255)


def test_forward_passes_are_compiled_in_one_piece():
    """By themselves, as the checks of signatures that tests enforce cannot be compiled; `fullgraph` refuses a look."""
    code = (
        "import torch; from vae_utils.models import *; x = torch.rand(3, 1, 28, 28)\n"
        "for model in (VAE(2, hidden=4), VAE(2, 'conv').eval(), Autoencoder(2).eval(), Classifier(2).eval()):\n"
        "    torch.compile(model, backend='eager', fullgraph=True)(255 * x)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-2000:]


def test_forward_passes_are_transformed_and_run_without_numbers():
    model, x, z = VAE(2, hidden=4).eval(), torch.rand(3, 1, 28, 28), torch.randn(3, 2)
    for function, given in ((lambda x: model.encode(x)[0], x), (model.decode, z)):
        each = torch.func.vmap(lambda one, function=function: function(one[None])[0])(given)
        torch.testing.assert_close(each, function(given))
        assert torch.func.jacrev(function)(given[:1]).shape == (*function(given[:1]).shape, 1, *given.shape[1:])
    assert model.to("meta").encode(x.to("meta"))[0].shape == (3, 2)


def test_what_is_made_of_images_refuses_bytes(as_a_learner):
    x = torch.rand(8, 1, 28, 28)
    for call in (dequantize, partial(LinearGaussian.fit, latent_dim=2)):
        call(x)
        for wrong in (x * 255, x - 0.5, x * math.nan):
            with pytest.raises(ValueError, match="x must (be|lie)"):
                call(wrong)


# Codes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [VAE(3, hidden=4), VAE(3, "conv"), Autoencoder(3, hidden=4), ConditionalVAE(3, 2)],
    ids=["VAE", "convolutions", "Autoencoder", "ConditionalVAE"],
)
def test_codes_that_do_not_fit_are_refused(as_a_learner, model):
    z, labels = torch.randn(2, 3), [torch.zeros(2).long()] * isinstance(model, ConditionalVAE)
    for method in (model.decode, model.generate):

        def call(z, method=method):
            return method(z, *labels)

        call(z)
        for wrong, message in (
            (torch.randn(2, 5), r"\(N, 3\) for this model, received \(2, 5\); try torch.randn\(8, 3\)"),
            (torch.randn(3), r"received \(3,\); one code alone is z\[None\]"),
            (torch.randn(2, 1, 3), r"received \(2, 1, 3\)"),
        ):
            with pytest.raises(ValueError, match=f"z must be codes .*{message}"):
                call(wrong)
        for wrong, message in (
            (z.numpy(), r"tensor of codes \(N, 3\), received ndarray; convert it with torch.as_tensor"),
            ((z, z), "received tuple; take mu of"),
            (None, "received NoneType"),
            (z.double(), r"float32, .* received float64; convert it with z.to\(torch.float32\)"),
            (z.long(), "float32, .* received int64"),
        ):
            with pytest.raises(TypeError, match=f"z must be a?.*{message}"):
                call(wrong)


# Labels ---------------------------------------------------------------------------------------------------------------


def evaluated(labels):
    return evaluate(Classifier(3), torch.rand(4, 1, 28, 28), cross_entropy, labels)


@pytest.mark.parametrize(
    "call",
    [
        evaluated,
        partial(cross_entropy, Classifier(3), torch.rand(4, 1, 28, 28)),
        partial(negative_conditional_elbo, ConditionalVAE(2, 3), torch.rand(4, 1, 28, 28)),
    ],
)
def test_everything_that_takes_labels_refuses_bad_ones(as_a_learner, call):
    call(torch.tensor([0, 1, 2, 0]))
    for labels, error, message in (
        (torch.tensor([0, 1, 255, 0]), ValueError, "from 0 to 2, received values from 0 to 255"),
        (torch.tensor([0, 1, -1, 0]), ValueError, "received values from -1 to 1"),
        (torch.tensor([0, 1, 2]), ValueError, "4 images, received"),
        (torch.tensor([0.0, 1.0, 2.0, 0.0]), TypeError, "labels must be an int64 tensor, received torch.float32"),
        ([0, 1, 2, 0], TypeError, "labels must be an int64 tensor, received list"),
    ):
        with pytest.raises(error, match=message):
            call(labels)


# Rows 17 and 20: outputs of a model ---------------------------------------------------------------------------------


class Answers(torch.nn.Module):
    """A model that answers with given tensors."""

    def __init__(self, *answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer if len(self.answer) > 1 else self.answer[0]

    def encode(self, x):
        return self.answer[1:3]

    def decode(self, z):
        return self.answer[0]


@pytest.mark.parametrize("method", ["encode", "decode", "generate", "forward"])
def test_a_conditional_vae_refuses_labels_that_are_no_class(as_a_learner, method):
    model = ConditionalVAE(2, classes=3)
    call, first = (
        getattr(model, method),
        torch.rand(2, 1, 28, 28) if method in ("encode", "forward") else torch.rand(2, 2),
    )
    for labels in ([0, 255], [3, 0], [0, -1]):
        with pytest.raises(ValueError, match="labels must be class numbers from 0 to 2, received values from"):
            call(first, torch.tensor(labels))
    for labels in (torch.tensor([1]), torch.tensor([[1], [1]]), torch.tensor(1)):
        with pytest.raises(ValueError, match=r"labels must be one label an image: 2 images, received shape"):
            call(first, labels)
    for labels in ([0, 1], torch.tensor([0.0, 1.0]), None):
        with pytest.raises(TypeError, match="labels must be an int64 tensor"):
            call(first, labels)
    call(first, torch.tensor([0, 2]))
    of_many = getattr(ConditionalVAE(2, classes=256), method)
    of_many(first, torch.tensor([0, 255]))


def test_outputs_of_another_shape_are_refused_and_never_broadcast(as_a_learner):
    x, logits, code = torch.rand(3, 1, 28, 28), torch.randn(3, 1, 28, 28), torch.zeros(3, 2)
    for answer, message in (
        ((logits.flatten(1), code, code, code), r"logits \(3, 784\), x \(3, 1, 28, 28\)"),
        ((logits[:1], code, code, code), r"logits \(1, 1, 28, 28\), x \(3, 1, 28, 28\)"),
        ((logits, code[:1], code[:1], code[:1]), r"\(3, K\), received \(1, 2\)"),
        ((logits, code[0], code[0], code[0]), r"\(3, K\), received \(2,\)"),
        ((logits, code, code[:1], code), r"mu \(3, 2\), logvar \(1, 2\)"),
        ((logits, code, code[:, :1], code), r"mu \(3, 2\), logvar \(3, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            negative_elbo(Answers(*answer), x)
    with pytest.raises(ValueError, match=r"logits \(3, 784\), x \(3, 1, 28, 28\)"):
        reconstruction_error(Answers(logits.flatten(1)), x)
    with pytest.raises(ValueError, match=r"class logits, \(3, C\), as Classifier does, received \(1, 5\)"):
        cross_entropy(Answers(torch.zeros(1, 5)), x, torch.zeros(3).long())


def test_probabilities_in_place_of_logits_are_refused(as_a_learner):
    x, code = torch.rand(3, 1, 28, 28), torch.zeros(3, 2)
    probabilities = torch.randn(3, 1, 28, 28).sigmoid()
    with pytest.raises(ValueError, match="look like probabilities: leave out the sigmoid"):
        negative_elbo(Answers(probabilities, code, code, code), x)
    with pytest.raises(ValueError, match="look like probabilities: leave out the sigmoid"):
        negative_iwae_bound(Answers(probabilities, code, code), x, 1)
    ends_in_sigmoid = torch.nn.Sequential(Autoencoder(2, hidden=4), torch.nn.Sigmoid())
    with pytest.raises(ValueError, match="look like probabilities"):
        fit(ends_in_sigmoid, x, reconstruction_error, epochs=1, batch_size=3, device="cpu", progress=False)
    for logits in (torch.zeros(3, 1, 28, 28), torch.full((3, 1, 28, 28), 0.4), torch.randn(3, 1, 28, 28)):
        negative_elbo(Answers(logits, code, code, code), x)


def test_what_is_no_model_is_refused_by_every_objective(as_a_learner):
    x, labels = torch.rand(2, 1, 28, 28), torch.tensor([0, 1])
    for loss, *more in (
        (negative_elbo,),
        (reconstruction_error,),
        (negative_iwae_bound,),
        (cross_entropy, labels),
        (negative_conditional_elbo, labels),
        (log_likelihood,),
    ):
        for model, received in ((None, "NoneType"), (VAE, "the class VAE")):
            with pytest.raises(TypeError, match=f"model must .*received {received}"):
                loss(model, x, *more)
    for call in (negative_iwae_bound, log_likelihood):
        with pytest.raises(TypeError, match="model must have encode.* -> .mu, logvar.*received Autoencoder"):
            call(Autoencoder(2), x)
