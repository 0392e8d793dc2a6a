"""The toy's exact answers against scipy's quadrature, a closed form, and Bayes' rule."""

import math

import pytest
import torch
from scipy import integrate

from vae_utils.toy import CURVES, ToyModel

TOYS = [ToyModel(noise, curve) for curve in CURVES for noise in (0.05, 0.6)]
named = pytest.mark.parametrize("toy", TOYS, ids=lambda toy: f"{toy.curve}-{toy.noise}")
QS = [(mu, logvar) for mu in (-2.0, 0.7, 3.0) for logvar in (-9.0, -3.0, 0.3)]
XS = (-1.0, 0.4, 2.5)


def f(curve, z):
    return {"wave": z + 0.8 * math.sin(2 * z), "square": z * z / 2, "line": 1.5 * z}[curve]


def log_normal(x, mean, sigma):
    return -0.5 * math.log(2 * math.pi) - math.log(sigma) - 0.5 * ((x - mean) / sigma) ** 2


def joint(toy, x, z):
    return math.exp(log_normal(z, 0, 1) + log_normal(x, f(toy.curve, z), toy.noise))


@named
@pytest.mark.parametrize("x", XS)
def test_log_marginal_is_that_of_scipy(toy, x):
    pieces = torch.linspace(-10, 10, 41).tolist()
    parts = [
        integrate.quad(lambda z: joint(toy, x, z), a, b, epsabs=0, epsrel=1e-10)[0]
        for a, b in zip(pieces, pieces[1:], strict=False)
    ]
    assert toy.log_marginal(x) == pytest.approx(math.log(math.fsum(parts)), abs=1e-9)


@pytest.mark.parametrize("noise", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("x", [-8.0, 0.0, 1.3, 8.0])
def test_a_line_has_a_gaussian_marginal_and_posterior(noise, x):
    toy = ToyModel(noise, "line")
    variance = 1.5**2 + noise**2
    assert toy.log_marginal(x) == pytest.approx(log_normal(x, 0, math.sqrt(variance)), abs=1e-9)
    mean, logvar = toy.posterior_moments(x)
    assert mean == pytest.approx(1.5 * x / variance, abs=1e-9)
    assert logvar == pytest.approx(math.log(noise**2 / variance), abs=1e-6)
    # At the exact posterior the bound is tight; anywhere else it is not.
    assert toy.elbo(x, mean, logvar) == pytest.approx(toy.log_marginal(x), abs=1e-8) or noise == 0.01
    assert toy.elbo(x, mean + 0.1, logvar) < toy.log_marginal(x) - 1e-4


@pytest.mark.parametrize("noise", [0.05, 0.3])
@pytest.mark.parametrize(("mu", "logvar"), [*QS, (0.0, 0.94), (-11.0, -6.0)])
def test_elbo_of_a_line_is_its_closed_form(noise, mu, logvar):
    # E_q[log p(x|z)] + E_q[log p(z)] + entropy of q, all polynomials of degree two in z.
    x, s2 = 0.8, math.exp(logvar)
    reconstruction = -0.5 * math.log(2 * math.pi * noise**2) - ((x - 1.5 * mu) ** 2 + 2.25 * s2) / (2 * noise**2)
    kl = 0.5 * (mu**2 + s2 - 1 - logvar)
    assert ToyModel(noise, "line").elbo(x, mu, logvar) == pytest.approx(reconstruction - kl, rel=1e-10, abs=1e-8)


@named
@pytest.mark.parametrize("x", XS)
def test_log_marginal_is_elbo_plus_gap(toy, x):
    for mu, logvar in QS:
        elbo, gap = toy.elbo(x, mu, logvar), toy.gap(x, mu, logvar)
        assert elbo + gap == pytest.approx(toy.log_marginal(x), rel=1e-9, abs=1e-8)
        assert elbo <= toy.log_marginal(x) + 1e-9
        assert gap >= -1e-9


@pytest.mark.parametrize("curve", CURVES)
def test_the_gap_is_the_divergence_that_scipy_integrates(curve):
    toy, x, mu, logvar = ToyModel(0.4, curve), 0.9, 0.6, -1.5
    log_marginal = math.log(integrate.quad(lambda z: joint(toy, x, z), -9, 9, limit=500, epsrel=1e-11)[0])
    sigma = math.exp(logvar / 2)

    def integrand(z):
        log_posterior = log_normal(z, 0, 1) + log_normal(x, f(curve, z), toy.noise) - log_marginal
        return math.exp(log_normal(z, mu, sigma)) * (log_normal(z, mu, sigma) - log_posterior)

    reach = 9 * sigma
    expected = integrate.quad(integrand, mu - reach, mu + reach, limit=500, epsrel=1e-11)[0]
    assert toy.gap(x, mu, logvar) == pytest.approx(expected, abs=1e-8)


@named
@pytest.mark.parametrize("x", XS)
def test_the_posterior_is_a_density_and_obeys_bayes(toy, x):
    posterior = toy.posterior(x)
    assert posterior.shape == toy.grid.shape and (posterior >= 0).all()
    assert (posterior.sum() * toy.spacing).item() == pytest.approx(1, abs=1e-10)
    for index in (9_000, 12_000, 12_700):
        expected = joint(toy, x, toy.grid[index].item()) / math.exp(toy.log_marginal(x))
        assert posterior[index].item() == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_marginal_is_a_density():
    toy = ToyModel(0.3, "wave")
    xs = torch.linspace(-8, 8, 401).tolist()
    assert sum(math.exp(toy.log_marginal(x)) for x in xs) * 0.04 == pytest.approx(1, abs=1e-6)


@named
def test_the_marginal_as_a_curve_is_the_marginal_point_by_point(toy):
    xs = torch.linspace(-3, 6, 10, dtype=torch.float64)
    expected = torch.tensor([toy.log_marginal(x) for x in xs.tolist()], dtype=torch.float64).exp()
    torch.testing.assert_close(toy.marginal(xs), expected, rtol=1e-8, atol=1e-300)


def test_a_square_gives_two_peaks_and_a_wave_is_odd():
    posterior = ToyModel(0.2, "square").posterior(2.0)
    torch.testing.assert_close(posterior, posterior.flip(0))
    assert posterior[len(posterior) // 2] < 1e-6 * posterior.max()
    wave = ToyModel(0.3, "wave")
    assert wave.log_marginal(1.7) == pytest.approx(wave.log_marginal(-1.7))
    assert wave.posterior_moments(1.7)[0] == pytest.approx(-wave.posterior_moments(-1.7)[0])


def test_log_joint_is_prior_times_likelihood():
    toy, z = ToyModel(0.7, "wave"), torch.tensor([-1.0, 0.0, 2.0]).double()
    expected = [math.log(joint(toy, 0.5, value)) for value in z.tolist()]
    torch.testing.assert_close(toy.log_joint(0.5, z), torch.tensor(expected).double())
    torch.testing.assert_close(toy.log_prior(z) + toy.log_likelihood(0.5, z), toy.log_joint(0.5, z))


@pytest.mark.parametrize("noise", [0.0, -1.0, 0.001, math.nan, math.inf])
def test_a_noise_the_grid_cannot_hold_is_refused(noise):
    with pytest.raises(ValueError, match=f"noise .* received {noise}"):
        ToyModel(noise)


def test_an_unknown_curve_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="wave, square, line, received 'circle'"):
        ToyModel(curve="circle")


@pytest.mark.parametrize(
    ("mu", "logvar"),
    [(0.0, 1.3), (0.0, 2.0), (11.0, 0.0), (0.0, -20.0), (math.nan, 0.0), (0.0, math.nan), (0.0, 1e6), (math.inf, 0.0)],
)
@pytest.mark.parametrize("method", ["elbo", "gap"])
def test_a_q_off_the_grid_is_refused(method, mu, logvar):
    with pytest.raises(ValueError, match="q must lie on the grid.*received mu = "):
        getattr(ToyModel(), method)(0.0, mu, logvar)


@pytest.mark.parametrize("x", [math.nan, math.inf, -60.0])
@pytest.mark.parametrize("curve", ["wave", "line"])
def test_an_x_whose_codes_are_off_the_grid_is_refused(curve, x):
    toy = ToyModel(0.3, curve)
    for method in (toy.log_marginal, toy.posterior, lambda x: toy.elbo(x, 0.0, 0.0), lambda x: toy.gap(x, 0.0, 0.0)):
        with pytest.raises(ValueError, match=f"received x = {x}"):
            method(x)
