"""PosteriorExplorer: move a Gaussian q over the exact posterior of the toy, and see the bound's gap open and close."""

import math

import ipywidgets
import torch

from vae_utils.distributions import kl_to_standard_normal
from vae_utils.plots import EXACT, LIKELIHOOD, POSTERIOR, PRIOR, LessonFigure, figure
from vae_utils.plots.ledger import FLOORS, NAMES, draw_ledger
from vae_utils.toy import CURVES, ToyModel
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import bundle
from vae_utils.widgets.chart import Axis, Chart, boxes, line, rule, text
from vae_utils.widgets.chart_view import KERNEL_DRAWS, ChartView
from vae_utils.widgets.toy import SHAPES, toy_tables

MU, LOGVAR, X = (
    (-3.0, 3.0),
    (-5.0, 0.3),
    (-1.0, 4.0),
)  # ends of the sliders; every q between them lies on the toy's grid
EDGE = 3.6  # codes from -EDGE to EDGE are shown
TITLE = "The closer q lies to the exact posterior, the shorter the hatched gap"
ALT = (
    "Left: the exact posterior over z, the prior, and the Gaussian q set by the sliders. Right: a ledger in nats, "
    "reconstruction minus KL to the prior is the ELBO, and the KL to the posterior fills the gap up to log p(x). "
    "The gap shrinks to nothing as q meets the posterior."
)


class PosteriorView(ChartView):
    """What `posterior.js` draws."""

    _esm = bundle("posterior.js")


class PosteriorExplorer(Explorer):
    """Set the mean and the log variance of q; reconstruction, KL and gap follow in the browser, all exact.

    Args:
        noise: standard deviation of the toy's decoder, in the units of x.
        curve: the decoder to begin with: "wave", "line" or "square".
        x: the observation to begin with.
        mu, logvar: the q to begin with; by default the prior.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError: an unknown curve, a noise the toy refuses, or a value that its slider cannot show.
    """

    def __init__(
        self,
        noise: float = 0.5,
        curve: str = "wave",
        x: float = 2.0,
        mu: float = 0.0,
        logvar: float = 0.0,
        *,
        in_browser: bool = True,
    ) -> None:
        self.toys = {name: ToyModel(noise, name) for name in dict.fromkeys([curve, *CURVES])}  # names a wrong curve
        for name, value, ends in (("x", x, X), ("mu", mu, MU), ("logvar", logvar, LOGVAR)):
            if not ends[0] <= value <= ends[1]:
                raise ValueError(f"{name} must be between {ends[0]:g} and {ends[1]:g}, received {value}")
        self.begin = {"mu": mu, "logvar": logvar}
        self.curve = make.choice("decoder f(z)", [(SHAPES[name], name) for name in CURVES], curve)
        self.x = make.slider("observed x", x, *X, 0.05)
        self.mu = make.slider("μ of q", mu, *MU)
        self.logvar = make.slider("log σ² of q", logvar, *LOGVAR)
        self._posterior_of: tuple[str, float] | None = None
        self._compose()
        buttons = [self.button("Best q", self.best), self.button("q = prior", self.start_over)]
        super().__init__(
            [self.curve, self.x, self.mu, self.logvar],
            above=[] if in_browser else [make.text(KERNEL_DRAWS), ipywidgets.HBox(buttons)],
            canvas=self._view(noise) if in_browser else None,
            alt=ALT,
            summary="sliders for the mean and log variance of q, beside the exact posterior and the terms of the ELBO.",
            width=720,
            beside=False,
        )

    # ---- what the learner does ---------------------------------------------------------------------------------------

    def best(self) -> None:
        """Put the sliders at the q with the highest ELBO, found on a table that is made finer twice."""
        mu, logvar = self._best_on_table(*MU, *LOGVAR)
        for reach in (0.15, 0.015):
            ends = [(max(low, at - reach), min(high, at + reach)) for at, (low, high) in ((mu, MU), (logvar, LOGVAR))]
            mu, logvar = self._best_on_table(*ends[0], *ends[1])
        with self.merged():
            self.mu.value, self.logvar.value = mu, logvar

    def start_over(self) -> None:
        """Put q back to where it began."""
        with self.merged():
            self.mu.value, self.logvar.value = self.begin["mu"], self.begin["logvar"]

    # ---- what is shown -----------------------------------------------------------------------------------------------

    @property
    def toy(self) -> ToyModel:
        """The chosen toy."""
        return self.toys[self.curve.value]

    @property
    def elbo(self) -> float:
        """The ELBO of q, in nats."""
        return self.toy.elbo(self.x.value, self.mu.value, self.logvar.value)

    @property
    def kl(self) -> float:
        """KL( q || p(z) ) in nats."""
        mu, logvar = torch.tensor([self.mu.value, self.logvar.value], dtype=torch.float64)
        return kl_to_standard_normal(mu, logvar).item()

    @property
    def gap(self) -> float:
        """KL( q || p(z|x) ) in nats."""
        return self.toy.gap(self.x.value, self.mu.value, self.logvar.value)

    def render(self) -> LessonFigure:
        """The densities and the ledger for the present sliders."""
        elbo, kl, gap = self.elbo, self.kl, max(self.gap, 0.0)
        if self._posterior_of != (self.curve.value, self.x.value):
            density = self.toy.posterior(self.x.value)[self.shown]
            self.exact.set_ydata(density)
            self.densities.set_ylim(0, 1.9 * max(density.max().item(), 0.45))
            self._posterior_of = self.curve.value, self.x.value
        sigma = math.exp(0.5 * self.logvar.value)
        q = torch.exp(-0.5 * ((self.z - self.mu.value) / sigma).square()) / (sigma * math.sqrt(2 * math.pi))
        self.guess.set_ydata(q)
        self.ledger.move(elbo + kl, kl, gap)
        said = f"ELBO {elbo:.2f} nats, {gap:.2f} below log p(x) = {elbo + gap:.2f}. "
        said += f"Reconstruction {elbo + kl:.2f}, KL to the prior {kl:.2f}. σ of q: {sigma:.2f}."
        self.say(said.replace("-", "−"))
        return self.picture

    def _view(self, noise: float) -> PosteriorView:
        z = torch.linspace(-EDGE, EDGE, 145)
        densities = [
            line(z, ToyModel().log_prior(z).exp(), colour=PRIOR, width=2, dash="6 4", label="prior p(z)"),
            line([], [], colour=EXACT, label="posterior p(z|x)", name="posterior"),
            line([], [], colour=POSTERIOR, width=3, label="q", name="q"),
        ]
        ledger = [
            rule("y", 0, colour=EXACT, name="exact"),
            boxes([], [], [], [], colour=LIKELIHOOD, name="reconstruction"),
            boxes([], [], [], [], colour=PRIOR, name="kl"),
            boxes([], [], [], [], colour=POSTERIOR, hatch=True, name="gap"),
            line([], [], colour="#5f5f5f", width=1, name="steps"),
            text([], [], [], dy=-4, name="numbers"),
            text([], [], [], dy=-20, anchor="start", name="above"),
            text([], [], [], dy=14, anchor="start", colour="#5f5f5f", name="below"),
        ]
        names, codes = Axis(low=-0.5, high=3.5, ticks=list(enumerate(NAMES))), Axis("z", -EDGE, EDGE)
        panels = [
            Chart(codes, Axis("density (per unit of z)"), densities, "prior, posterior and q", "densities"),
            Chart(
                names, Axis("nats", -8, 0), ledger, "the ledger of the ELBO", "ledger", width=380, height=302, grid="y"
            ),
        ]
        state = {"noise": noise, "edge": EDGE, "floors": FLOORS, "begin": self.begin}
        controls = {"curve": self.curve, "x": self.x, "mu": self.mu, "logvar": self.logvar}
        return PosteriorView(controls, panels, alt=ALT, title=TITLE, tables=toy_tables(), state=state)

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        self.picture, (self.densities, ledger) = figure(
            1,
            2,
            title=TITLE,
            alt=ALT,
            size=(7.5, 3.5),
            width_ratios=(1.35, 1),
        )
        grid = self.toy.grid
        self.shown = torch.nonzero(grid.abs() <= EDGE)[::12, 0]  # 600 points are enough for a curve
        self.z = grid[self.shown]
        prior = torch.exp(-0.5 * self.z.square()) / math.sqrt(2 * math.pi)
        self.densities.plot(self.z, prior, color=PRIOR, linewidth=1.2, linestyle="--", label="prior p(z)")
        (self.exact,) = self.densities.plot(self.z, prior, color=EXACT, linewidth=2, label="posterior p(z|x)")
        (self.guess,) = self.densities.plot(self.z, prior, color=POSTERIOR, linewidth=2, label="q")
        self.densities.set(xlim=(-EDGE, EDGE), xlabel="z", ylabel="density (per unit of z)")
        self.densities.legend(loc="upper left", ncols=3, fontsize=8)
        self.ledger = draw_ledger(ledger, -8.0, 0.0, 1.0)  # the widest tick labels, when the layout is settled
        ledger.set_ylabel("nats")

    def _best_on_table(self, mu_low: float, mu_high: float, low: float, high: float) -> tuple[float, float]:
        mu = torch.linspace(mu_low, mu_high, 61, dtype=torch.float64)[:, None]
        logvar = torch.linspace(low, high, 61, dtype=torch.float64)
        epsilon = torch.linspace(-7, 7, 141, dtype=torch.float64)
        weight = torch.softmax(-0.5 * epsilon.square(), 0)  # the standard normal on its grid
        z = mu[..., None] + (0.5 * logvar).exp()[:, None] * epsilon  # (61, 61, 141)
        reconstruction = (self.toy.log_likelihood(self.x.value, z) * weight).sum(-1)
        bound = reconstruction - kl_to_standard_normal(mu.expand_as(reconstruction), logvar.expand_as(reconstruction))
        row, column = divmod(int(bound.argmax()), 61)
        return mu[row, 0].item(), logvar[column].item()
