"""A latent-variable model small enough to solve: one latent number, one observed number, everything on a grid.

z ~ N(0, 1) and x | z ~ N(f(z), noise²); the curve f(z) is z + 0.8 sin(2 z) ("wave"), z²/2 ("square") or 1.5 z ("line").
Because z is one number, p(x) and p(z|x) are integrals over a line, and a fine grid gives them to ten digits:
the exact answers that lessons 03 and 04 hold the approximations against. This is no model of images.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.distributions import LOG_2PI
from vae_utils.signatures import checked

CURVES = {
    "wave": lambda z: z + 0.8 * torch.sin(2.0 * z),
    "square": lambda z: 0.5 * z.square(),
    "line": lambda z: 1.5 * z,
}
EDGE = 12.0  # where the grid of z ends, on both sides


class ToyModel:
    """p(z) = N(0, 1), p(x|z) = N(f(z), noise²), solved on a grid in float64.

    Args:
        noise: standard deviation of x given z, in the units of x.
        curve: the decoder f: "wave" (one-to-one in places only), "square" (two codes give the same x, so the
            posterior has two peaks) or "line" (f(z) = 1.5 z, whose posterior is exactly Gaussian).

    Raises:
        ValueError: noise is not positive and finite, or the curve is unknown.
    """

    @checked(finite=False)
    def __init__(self, noise: float = 0.3, curve: str = "wave") -> None:
        if not (math.isfinite(noise) and noise >= 0.01):
            raise ValueError(f"noise must be a finite number of at least 0.01 (the grid's limit), received {noise}")
        if curve not in CURVES:
            raise ValueError(f"curve must be one of {', '.join(CURVES)}, received {curve!r}")
        self.noise, self.curve = noise, curve
        # The prior has nothing beyond ±8, but a q that reaches 7.5 sigma to each side of its mean needs more room.
        # The spacing is below the width of the narrowest posterior, where the rectangle rule is as good as exact.
        self.grid = torch.linspace(-EDGE, EDGE, 24_001, dtype=torch.float64)

    @property
    def spacing(self) -> float:
        """Distance between two neighbouring points of the grid, in units of z."""
        return (self.grid[1] - self.grid[0]).item()

    @checked(finite=False)
    def decode(self, z: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The mean f(z) of x given z, element by element."""
        return CURVES[self.curve](z)

    @checked(finite=False)
    def log_prior(self, z: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """log p(z) in nats, element by element."""
        return -0.5 * (LOG_2PI + z.square())

    @checked(finite=False)
    def log_likelihood(self, x: float, z: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """log p(x|z) of one observed x under many codes.

        Args:
            x: the observed number.
            z: codes, any shape, in prior standard deviations.

        Returns:
            Nats, element by element of z.

        Raises:
            TypeError: x is no number, or z no floating-point tensor.
        """
        return -0.5 * (LOG_2PI + ((x - self.decode(z)) / self.noise).square()) - math.log(self.noise)

    @checked(finite=False)
    def log_joint(self, x: float, z: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """log p(x, z) = log p(z) + log p(x|z) in nats; the arguments and errors of `log_likelihood`."""
        return self.log_prior(z) + self.log_likelihood(x, z)

    @checked(finite=False)
    def log_marginal(self, x: float) -> float:
        """log p(x) in nats: the integral of p(x, z) over z, by the rectangle rule on the grid.

        Raises:
            ValueError: x is not finite, or so far out that its codes lie off the grid.
        """
        log_joint = self.log_joint(x, self.grid)
        if not (log_joint.max() - torch.maximum(log_joint[0], log_joint[-1]) > 30):  # also true for NaN
            raise ValueError(
                f"x must have its codes between -{EDGE:g} and {EDGE:g}, received x = {x}; move it closer to 0"
            )
        return (torch.logsumexp(log_joint, 0) + math.log(self.spacing)).item()

    @checked(finite=False)
    def marginal(self, x: Float[Tensor, " N"]) -> Float[Tensor, " N"]:
        """The density p(x) at many x at once, per unit of x.

        Args:
            x: where to evaluate it, (N,), in the units of x.

        Returns:
            p(x), (N,), in float64; 0 where it is too small for a number.
        """
        # Eight points of z a width of noise or prior are as good as exact, and quick enough for a slider.
        codes = self.grid[:: max(1, int(min(self.noise, 1.0) / 8 / self.spacing))]
        log_likelihood = torch.stack([self.log_likelihood(value, codes) for value in x.tolist()])
        step = (codes[1] - codes[0]).item()
        return torch.logsumexp(self.log_prior(codes) + log_likelihood, 1).exp() * step

    @checked(finite=False)
    def posterior(self, x: float) -> Float[Tensor, " G"]:
        """The exact posterior density p(z|x) at the points of `grid`, (G,), per unit of z."""
        return (self.log_joint(x, self.grid) - self.log_marginal(x)).exp()

    @checked(finite=False)
    def posterior_moments(self, x: float) -> tuple[float, float]:
        """Mean and log variance of the exact posterior."""
        weights = self.posterior(x) * self.spacing
        mean = (weights * self.grid).sum()
        return mean.item(), (weights * (self.grid - mean).square()).sum().log().item()

    @checked(finite=False)
    def elbo(self, x: float, mu: float, logvar: float) -> float:
        """The ELBO of q(z) = N(mu, exp(logvar)) for one x, in nats, by quadrature instead of sampling.

        Args:
            x: the observed number.
            mu, logvar: parameters of q, in units of z.

        Returns:
            E_q[log p(x, z) - log q(z)].

        Raises:
            ValueError: q is narrower than the grid resolves or does not lie on it, or x does not (`log_marginal`).

        Source: Kingma & Welling (2014), arXiv:1312.6114, equation 2.
        """
        log_q = self._log_q(mu, logvar)
        self.log_marginal(x)  # refuses an x whose codes the grid does not hold
        return (log_q.exp() * self.spacing * (self.log_joint(x, self.grid) - log_q)).sum().item()

    @checked(finite=False)
    def gap(self, x: float, mu: float, logvar: float) -> float:
        """KL( q(z) || p(z|x) ) of q(z) = N(mu, exp(logvar)), by quadrature: what the ELBO lacks to log p(x).

        Args:
            x: the observed number.
            mu, logvar: parameters of q, in units of z.

        Returns:
            Nats, at least 0 but for rounding.

        Raises:
            ValueError: as `elbo`.
        """
        log_q = self._log_q(mu, logvar)
        log_posterior = self.log_joint(x, self.grid) - self.log_marginal(x)
        return (log_q.exp() * self.spacing * (log_q - log_posterior)).sum().item()

    def _log_q(self, mu: float, logvar: float) -> Tensor:
        sigma = math.exp(0.5 * min(logvar, 100.0))  # whatever is larger is refused just the same
        if not (2 * self.spacing <= sigma and abs(mu) + 7.5 * sigma <= EDGE):
            raise ValueError(
                f"q must lie on the grid: |mu| + 7.5 sigma <= {EDGE:g} and sigma >= {2 * self.spacing:g}, "
                f"received mu = {mu}, logvar = {logvar} (sigma = {sigma:g})"
            )
        return -0.5 * (LOG_2PI + logvar + ((self.grid - mu) / sigma).square())
