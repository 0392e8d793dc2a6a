"""The likelihood modules: what they score, show and draw agrees; a VAE trains with each; the default is as before."""

import math

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae_utils import VAE, fit, negative_elbo, negative_iwae_bound
from vae_utils.distributions import bernoulli_log_likelihood, kl_to_standard_normal
from vae_utils.grey_pixels import LEVELS
from vae_utils.likelihoods import (
    Bernoulli,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Likelihood,
    PixelGaussian,
    likelihood_of,
)

MAKERS = {
    "bernoulli": Bernoulli,
    "continuous bernoulli": ContinuousBernoulli,
    "gaussian": lambda: Gaussian(0.2),
    "learned gaussian": lambda: Gaussian(0.5, learned=True),
    "pixel gaussian": PixelGaussian,
    "discretized logistic": DiscretizedLogistic,
}
each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def digits(count, seed=0):
    """Random images on the 256 levels."""
    return torch.randint(LEVELS, (count, 1, 28, 28), generator=torch.Generator().manual_seed(seed)) / (LEVELS - 1)


def outputs_of(likelihood, count=2, seed=1, scale=1.0):
    return scale * torch.randn(count, likelihood.channels, 28, 28, generator=torch.Generator().manual_seed(seed))


def one_pixel(likelihood, location, width=None):
    """Outputs that are the same everywhere."""
    parts = [torch.full((1, 1, 28, 28), location)]
    return torch.cat(parts + [torch.full((1, 1, 28, 28), width)] * (likelihood.channels - 1), 1)


@each
def test_shapes_and_gradients(make):
    likelihood = make()
    for scale in (1.0, 1000.0):
        outputs = outputs_of(likelihood, scale=scale).requires_grad_()
        for x in (digits(2), torch.zeros(2, 1, 28, 28), torch.ones(2, 1, 28, 28)):
            log_p = likelihood.log_prob(outputs, x)
            assert log_p.shape == (2,) and log_p.isfinite().all()
            assert torch.autograd.grad(log_p.sum(), outputs)[0].isfinite().all()
        assert likelihood.mean(outputs).shape == likelihood.sample(outputs).shape == (2, 1, 28, 28)
        assert ((likelihood.mean(outputs) >= 0) & (likelihood.mean(outputs) <= 1)).all()


@pytest.mark.parametrize(("location", "width"), [(-2.0, -3.0), (0.0, -1.0), (1.5, -4.0), (5.0, 0.0)])
@each
def test_the_mean_is_the_mean_of_the_samples(make, location, width):
    likelihood = make()
    outputs = one_pixel(likelihood, location, width).expand(300, -1, -1, -1)
    generator = torch.Generator().manual_seed(0)
    drawn = likelihood.sample(outputs, generator).double()
    error = 5 * drawn.std() / math.sqrt(drawn.numel()) + 0.5 / LEVELS / 10
    assert abs(drawn.mean() - likelihood.mean(outputs)[0, 0, 0, 0].double()) < error
    again = likelihood.sample(outputs, torch.Generator().manual_seed(0))
    assert torch.equal(again.double(), drawn)


@pytest.mark.parametrize("location", [-3.0, -0.2, 0.0, 2.0])
@each
def test_samples_follow_the_density_that_is_scored(make, location):
    """The share of samples in each of a few intervals is the integral of exp(log_prob), or the sum for levels."""
    likelihood = make()
    outputs = one_pixel(likelihood, location, -2.0).double()
    drawn = likelihood.sample(outputs.expand(300, -1, -1, -1), torch.Generator().manual_seed(0)).flatten()
    points = (
        torch.tensor([0.0, 1.0])
        if isinstance(likelihood, Bernoulli)
        else torch.arange(LEVELS) / (LEVELS - 1)
        if likelihood.levels == 1
        else torch.linspace(-2, 3, 5001)
        if "Gaussian" in type(likelihood).__name__
        else (torch.arange(5000) + 0.5) / 5000
    ).double()
    x = points[:, None, None, None].expand(-1, 1, 28, 28)
    density = (likelihood.log_prob(outputs.expand(len(x), -1, -1, -1), x) / 784).exp()
    step = 1.0 if likelihood.levels == 1 else (points[1] - points[0]).item()
    assert (density.sum() * step).item() == pytest.approx(1, abs=2e-3)
    for edge in (0.05, 0.2, 0.5, 0.8):
        share = (density[points < edge].sum() * step).item()
        assert (drawn < edge).double().mean().item() == pytest.approx(share, abs=0.01)


def test_each_score_is_that_of_torch():
    x, binary = digits(3), (digits(3) > 0.5).float()
    logits = outputs_of(Bernoulli(), 3)
    torch.testing.assert_close(
        Bernoulli().log_prob(logits, binary), TorchBernoulli(logits=logits).log_prob(binary).sum((1, 2, 3))
    )
    normal = Normal(logits.sigmoid(), 0.3)
    torch.testing.assert_close(Gaussian(0.3).log_prob(logits, x), normal.log_prob(x).sum((1, 2, 3)))
    likelihood = PixelGaussian()
    both = outputs_of(likelihood, 3)
    normal = Normal(both[:, :1].sigmoid(), (0.5 * likelihood.logvar(both)).exp())
    torch.testing.assert_close(likelihood.log_prob(both, x), normal.log_prob(x).sum((1, 2, 3)))


def test_the_floor_of_a_pixels_sigma_is_soft():
    likelihood = PixelGaussian(smallest_sigma=0.01)
    raw = torch.tensor([-1e4, -30.0, 2 * math.log(0.01), 0.0, 5.0]).reshape(5, 1, 1, 1).expand(5, 2, 28, 28)
    sigma = (0.5 * likelihood.logvar(raw)).exp()[:, 0, 0, 0]
    assert sigma[0].item() == pytest.approx(0.01) and (sigma.diff() >= 0).all()
    assert sigma[3].item() == pytest.approx(1, rel=1e-3) and sigma[4].item() == pytest.approx(math.exp(2.5), rel=1e-3)


@pytest.mark.parametrize("start", [1.0, 0.05])
def test_a_learned_sigma_goes_to_the_root_mean_squared_error(start):
    likelihood = Gaussian(start, learned=True)
    assert likelihood.sigma == pytest.approx(start)
    outputs, x = outputs_of(likelihood, 20), digits(20)
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.01)
    for _ in range(300):
        loss = -likelihood.log_prob(outputs, x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert likelihood.sigma == pytest.approx((x - outputs.sigmoid()).square().mean().sqrt().item(), rel=0.01)


def test_a_given_sigma_is_no_parameter_and_is_kept_with_the_weights():
    fixed, learned = Gaussian(0.2), Gaussian(0.2, learned=True)
    assert not list(fixed.parameters()) and len(list(learned.parameters())) == 1
    other = Gaussian(0.7)
    other.load_state_dict(fixed.state_dict())
    assert other.sigma == pytest.approx(0.2)
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="sigma must be a positive number, received"):
            Gaussian(value)
        with pytest.raises(ValueError, match="smallest_sigma must be a positive number"):
            PixelGaussian(value)


# In a VAE -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
@each
def test_a_vae_trains_with_each(make, architecture):
    torch.manual_seed(0)
    model, x = VAE(2, architecture, hidden=32, likelihood=make()), digits(64)
    assert model.decode(torch.zeros(3, 2)).shape == (3, model.likelihood.channels, 28, 28)
    assert model.generate(torch.zeros(3, 2)).shape == model.sample(3).shape == (3, 1, 28, 28)
    history = fit(model, x, negative_elbo, epochs=3, batch_size=16, progress=False)
    assert history.train["loss"][-1] < history.train["loss"][0]
    assert negative_iwae_bound(model, x[:4], samples=2)["loss"].shape == (4,)


def test_the_objective_scores_with_the_models_likelihood():
    model, x = VAE(2, hidden=16, likelihood=Gaussian(0.2)), digits(3)
    torch.manual_seed(0)
    terms = negative_elbo(model, x, beta=2.0)
    torch.manual_seed(0)
    outputs, mu, logvar, _ = model(x)
    normal = Normal(outputs.sigmoid(), 0.2)
    torch.testing.assert_close(terms["reconstruction"], -normal.log_prob(x).sum((1, 2, 3)))
    kl = kl_to_standard_normal(mu, logvar).sum(1)
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 2 * kl)


def test_a_learned_sigma_is_trained_with_the_model():
    torch.manual_seed(0)
    model = VAE(2, hidden=16, likelihood=Gaussian(0.8, learned=True))
    fit(model, digits(64), negative_elbo, epochs=3, batch_size=16, progress=False)
    assert 0.1 < model.likelihood.sigma < 0.75


def test_by_default_nothing_has_changed():
    torch.manual_seed(0)
    plain = VAE(2, hidden=16)
    after = torch.rand(1)
    torch.manual_seed(0)
    named = VAE(2, hidden=16, likelihood=Bernoulli())
    assert torch.equal(after, torch.rand(1))
    assert list(plain.state_dict()) == [
        f"{part}.{layer}.{kind}"
        for part, layers in (("encoder", (1, 3)), ("decoder", (0, 2)))
        for layer in layers
        for kind in ("weight", "bias")
    ]
    x, z = digits(3), torch.randn(3, 2)
    for model in (plain, named):
        assert torch.equal(model.generate(z), model.decoder(z).sigmoid())
        torch.manual_seed(1)
        received = negative_elbo(model, x)["reconstruction"]
        torch.manual_seed(1)
        assert torch.equal(received, -bernoulli_log_likelihood(model(x)[0], x))


def test_a_model_that_names_no_likelihood_has_a_bernoulli():
    assert isinstance(likelihood_of(torch.nn.Linear(1, 1)), Bernoulli)
    gaussian = Gaussian(0.1)
    assert likelihood_of(VAE(2, hidden=8, likelihood=gaussian)) is gaussian


def test_a_likelihood_of_ones_own_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Likelihood must define log_prob"):
        Likelihood().log_prob(torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, 28, 28))


@pytest.mark.parametrize(
    ("wrong", "received"),
    [(Gaussian, "the class Gaussian"), ("gaussian", "'gaussian'"), (0.2, "0.2")],
)
def test_what_is_no_likelihood_is_refused_when_the_model_is_made(as_a_learner, wrong, received):
    with pytest.raises(TypeError, match=rf"likelihood must be made first, as in Gaussian\(0.2\), received {received}"):
        VAE(2, likelihood=wrong)
