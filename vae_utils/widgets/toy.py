"""ToyExplorer: the exact prior, likelihood, posterior and marginal of the one-dimensional toy, live."""

import math

import ipywidgets
import torch
from torch import Tensor

from vae_utils.plots import EXACT, LIKELIHOOD, MUTED, PRIOR, WRONG, LessonFigure, figure
from vae_utils.toy import CURVES, ToyModel
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import bundle
from vae_utils.widgets.chart import Axis, Chart, area, line, rule
from vae_utils.widgets.chart_view import KERNEL_DRAWS, ChartView

CODES = 4.0  # the panels show codes from -CODES to CODES
X_LOW, X_HIGH = -3.0, 4.0
HEIGHTS = [0.65 * 2**step for step in range(10)]  # of the lower panel: it changes now and then, not with every move
SHAPES = {"wave": "wave: z + 0.8 sin 2z", "square": "square: z²/2", "line": "line: 1.5 z"}
STRIDE = 4  # of the toy's grid: its spacing of 0.001 is finer than the browser needs
ALT = (
    "Three panels that share their axes. Above: the decoder's curve over the code z, with a band of one sigma and a "
    "horizontal line at the observed x. Below: prior, likelihood and posterior over z. At the side: the marginal p(x)."
)


class ToyView(ChartView):
    """What `toy.js` draws."""

    _esm = bundle("toy.js")


class ToyExplorer(Explorer):
    """Choose an observed x and the decoder's σ; the browser redraws exactly what Bayes' rule makes of them.

    Args:
        x: the observed number to begin with.
        noise: σ of the decoder to begin with, in the units of x.
        curve: the decoder's mean f(z): "wave", "square" or "line".
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError: x, noise or curve outside of what the controls can be set to.
    """

    def __init__(self, x: float = 1.5, noise: float = 0.3, curve: str = "wave", *, in_browser: bool = True) -> None:
        ToyModel(noise, curve)  # refuses what it cannot solve
        if not (X_LOW <= x <= X_HIGH and 0.05 <= noise <= 3):
            raise ValueError(
                f"x must be {X_LOW:g} to {X_HIGH:g} and noise 0.05 to 3, received x = {x}, noise = {noise}"
            )
        self.x = make.slider("observed x", x, X_LOW, X_HIGH, 0.05)
        self.noise = ipywidgets.FloatLogSlider(
            value=noise, base=10, min=math.log10(0.05), max=math.log10(3), step=0.02, readout_format=".2f"
        )
        self.noise.description, self.noise.layout = "σ of the decoder", make.WIDE
        self.curve = make.choice("decoder f(z)", [(SHAPES[name], name) for name in CURVES], curve)
        self._solved: tuple[float, str] | None = None
        self._make_figure()
        super().__init__(
            [self.x, self.noise, self.curve],
            above=[] if in_browser else [make.text(KERNEL_DRAWS)],
            canvas=self._view() if in_browser else None,
            alt=ALT,
            summary="choose x and the decoder's sigma; prior, likelihood, posterior and marginal follow.",
            width=680,
            beside=False,
        )

    @property
    def toy(self) -> ToyModel:
        """The model that the controls stand at."""
        return ToyModel(self.noise.value, self.curve.value)

    def render(self) -> LessonFigure:
        """Curve, Bayes' rule and marginal for the present x, σ and curve."""
        toy, x = self.toy, self.x.value
        seen = toy.grid.abs() <= CODES
        codes = toy.grid[seen][::10]
        posterior = toy.posterior(x)[seen][::10]
        likelihood = toy.log_likelihood(x, codes)
        mean = toy.decode(codes)
        self._curve.set_ydata(mean)
        before = self._band
        self._band = self._upper.fill_between(
            codes, mean - toy.noise, mean + toy.noise, color=LIKELIHOOD, alpha=0.25, linewidth=0
        )
        before.remove()
        for across in self._observed:
            across.set_ydata([x, x])
        if self._solved != (toy.noise, toy.curve):  # p(x) as a curve does not depend on the x observed
            marginal = toy.marginal(self._xs)
            self._marginal.set_xdata(marginal)
            self._side.set_xlim(0, 1.1 * marginal.max().item())
            self._solved = (toy.noise, toy.curve)
            self._figure.forget_background()
        self._posterior.set_ydata(posterior)
        self._likelihood.set_ydata((likelihood - likelihood.max()).exp() * posterior.max())
        top = next(top for top in HEIGHTS if top > 1.02 * posterior.max().item())
        if top != self._lower.get_ylim()[1]:
            self._lower.set_ylim(0, top)
            self._figure.forget_background()
        self._figure.moving = [self._curve, self._band, self._marginal, self._likelihood, self._posterior]
        self._figure.moving += self._observed
        self.say(self._account(toy, x))
        return self._figure

    def _view(self) -> ToyView:
        codes, x = Axis("z (prior standard deviations)", -CODES, CODES), Axis("x", X_LOW - 0.5, X_HIGH + 0.5)
        z = torch.linspace(-CODES, CODES, 161)
        observed = {"colour": WRONG, "dash": "6 4", "label": "observed x", "name": "x"}
        curve = [
            area([], [], [], colour=LIKELIHOOD, name="band"),
            line([], [], colour=LIKELIHOOD, name="curve"),
            rule("y", 0, **observed),
        ]
        marginal = [line([], [], colour=EXACT, name="marginal"), rule("y", 0, **observed)]
        bayes = [
            line(z, ToyModel().log_prior(z).exp(), colour=PRIOR, width=2, label="prior p(z)"),
            line([], [], colour=LIKELIHOOD, dash="7 4", label="likelihood p(x|z), scaled in height", name="likelihood"),
            line([], [], colour=EXACT, width=3, label="posterior p(z|x)", name="posterior"),
        ]
        panels = [
            Chart(Axis("", -CODES, CODES), x, curve, "the decoder's curve", "decoder", "decoder: f(z) ± σ", 520, 250),
            Chart(Axis(ticks=()), x, marginal, "the marginal p(x)", "marginal", "marginal p(x)", 220, 250, grid="y"),
            Chart(
                codes, Axis("density", room=4), bayes, "prior, likelihood and posterior over z", "bayes", "", 520, 230
            ),
        ]
        tables = toy_tables() | {"xs": self._xs}
        state, layout = {"edge": CODES, "heights": HEIGHTS}, "minmax(0, auto) minmax(0, auto)"
        controls = {"x": self.x, "noise": self.noise, "curve": self.curve}
        return ToyView(controls, panels, alt=ALT, tables=tables, state=state, layout=layout)

    def _account(self, toy: ToyModel, x: float) -> str:
        log_marginal = toy.log_marginal(x)
        mean, logvar = toy.posterior_moments(x)
        # One draw of the prior in so many is useful: the integral of p(z|x)² / p(z).
        joint = toy.log_joint(x, toy.grid) + toy.log_likelihood(x, toy.grid) + math.log(toy.spacing)
        log_needed = torch.logsumexp(joint, 0).item() - 2 * log_marginal
        needed = f"{math.exp(log_needed):,.1f}" if log_needed < 14 else f"10^{log_needed / math.log(10):.0f}"
        text = (
            f"log p(x) = {log_marginal:.2f} nats. Posterior: mean {round(mean, 2) + 0.0:.2f}, standard deviation "
            f"{math.exp(logvar / 2):.2f}. One in {needed} draws from the prior is useful."
        )
        return text.replace("-", "−")

    def _make_figure(self) -> None:
        self._figure, axes = figure(
            2, 2, title=None, alt=ALT, size=(7.5, 5.0), width_ratios=[2.6, 1], height_ratios=[1.25, 1], sharex="none"
        )
        (self._upper, self._side), (self._lower, corner) = axes
        codes = torch.linspace(-CODES, CODES, 801, dtype=torch.float64)
        self._xs = torch.linspace(X_LOW - 0.5, X_HIGH + 0.5, 241, dtype=torch.float64)
        (self._curve,) = self._upper.plot(codes, codes, color=LIKELIHOOD, linewidth=2)
        self._band = self._upper.fill_between(codes, codes, codes, color=LIKELIHOOD)
        style = {"color": WRONG, "linewidth": 1.4, "linestyle": "--"}
        self._observed = [panel.axhline(0, **style) for panel in (self._upper, self._side)]
        (self._marginal,) = self._side.plot(self._xs, self._xs, color=EXACT, linewidth=2)
        (prior,) = self._lower.plot(codes, ToyModel().log_prior(codes).exp(), color=PRIOR, linewidth=2)
        (self._likelihood,) = self._lower.plot(codes, codes, color=LIKELIHOOD, linewidth=1.6, linestyle="--")
        (self._posterior,) = self._lower.plot(codes, codes, color=EXACT, linewidth=2.4)
        for panel in (self._upper, self._lower):
            panel.set_xlim(-CODES, CODES)
        for panel in (self._upper, self._side):
            panel.set_ylim(X_LOW - 0.5, X_HIGH + 0.5)
        self._side.tick_params(labelleft=False)
        self._upper.set_title("decoder: f(z) ± σ")
        self._side.set_title("marginal p(x)")
        self._upper.set_ylabel("x")
        self._lower.set_xlabel("z (prior standard deviations)")
        self._lower.set_ylabel("density")
        self._side.set_xticks([])
        corner.set_axis_off()
        lines = {
            "observed x": self._observed[0],
            "prior p(z)": prior,
            "likelihood p(x|z),\nscaled in height": self._likelihood,
            "posterior p(z|x)": self._posterior,
        }
        corner.legend(lines.values(), lines.keys(), loc="center left", labelspacing=0.9, borderaxespad=0)
        for spine in ("left", "bottom"):
            self._side.spines[spine].set_color(MUTED)


def toy_tables() -> dict[str, Tensor]:
    """The exact toy for `exact_toy.js`: "grid", codes (G,), and "decoded", f(z) there for each of the curves (3, G)."""
    grid = ToyModel().grid[::STRIDE]
    return {"grid": grid, "decoded": torch.stack([CURVES[name](grid) for name in CURVES])}
