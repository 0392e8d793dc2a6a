"""ReparameterizationExplorer: freeze the dice, and the average follows μ and σ smoothly; roll anew, and it does not."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_utils.plots import EXACT, MUTED, PRIOR, VAE, WRONG, LessonFigure, figure
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.canvas import bundle
from vae_utils.widgets.chart import Axis, Chart, dots, line
from vae_utils.widgets.chart_view import KERNEL_DRAWS, ChartView
from vae_utils.widgets.turns import in_turn

EDGE = 5.0  # how far the axis of z reaches to both sides
HIGHEST = 16.0  # top of the axes of z² and of its average
NUDGE = 0.01  # how far μ is moved to measure a slope
STEP = 0.1  # between the dots of the trail when μ moves fast
REMEMBERED = 150  # averages that stay in the picture
TITLE = "Frozen noise: the samples slide. Fresh noise: they jump"


class ReparameterizationView(ChartView):
    """What `reparameterization.js` draws."""

    _esm = bundle("reparameterization.js")


class ReparameterizationExplorer(Explorer):
    """Move μ and σ of a Gaussian and watch its samples, f(z) = z², and the average of f.

    With frozen noise each sample z = μ + σ ε slides along; with fresh noise at every move, as `sample()` gives it,
    the samples jump and the average says nothing about a slope.

    Args:
        draws: number of samples.
        mu, sigma: where the sliders begin.
        seed: of the noise.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError: fewer than two draws, or a μ or σ that its slider cannot show.
    """

    def __init__(
        self,
        draws: int = 25,
        mu: float | int = -1.5,
        sigma: float | int = 0.8,
        seed: int = 0,
        *,
        in_browser: bool = True,
    ) -> None:
        if draws < 2:
            raise ValueError(f"draws must be at least 2, received {draws}")
        self.draws, self._generator = draws, torch.Generator().manual_seed(seed)
        self.mu = make.slider("μ", mu, -2.5, 2.5)
        self.sigma = make.slider("σ", sigma, 0.1, 1.5)
        self.fresh = make.switch("fresh noise at every move, as sample() draws it")
        self.visited: list[tuple[float, float]] = []  # (μ, average of f) since anything but μ changed
        self._made_with: tuple[float, bool] | None = None
        self._view: ReparameterizationView | None = None
        self._roll()
        self._draw_figure()
        if in_browser:
            self._view = self._make_view()
            self._view.observe(self._rolled_on_the_page, names="state")
        roll = self.button("Roll the dice once", self._roll)
        super().__init__(
            [self.mu, self.sigma, self.fresh],
            above=[] if in_browser else [make.text(KERNEL_DRAWS), roll],
            canvas=self._view,
            alt=self.figure.alt,
            summary="samples of a Gaussian that follow the sliders of μ and σ.",
            width=700,
            beside=False,
        )

    def render(self) -> LessonFigure:
        """Move the samples to where the sliders put them, and add the new average to the trail."""
        mu, sigma, fresh = self.mu.value, self.sigma.value, self.fresh.value
        if self._made_with != (sigma, fresh):
            self.visited, self._made_with = [], (sigma, fresh)
        for passed in self._passed(mu):
            if fresh:
                self.epsilon = self._noise()
            self.z = passed + sigma * self.epsilon
            average = self.z.square().mean().item()
            self.visited = [*self.visited, (passed, average)][-REMEMBERED:]
        self._update_artists(mu, sigma, fresh)
        nudged = mu + NUDGE + sigma * (self._noise() if fresh else self.epsilon)
        measured = (nudged.square().mean().item() - average) / NUDGE
        found = self.autograd_slope(mu, sigma)
        says = "none: sample() gave plain numbers" if found is None else f"{found:.2f}"
        self.say(
            f"Slope of the average at μ = {mu:.2f}: exact {2 * mu:.2f}; "
            f"measured by moving μ by {NUDGE}: {measured:.2f}; gradient from PyTorch: {says}.".replace("-", "−")
        )
        return self.figure

    def roll(self) -> None:
        """Draw other noise, and freeze it; the button "Roll the dice once" does the same."""
        with self.merged():
            self._roll()

    def autograd_slope(self, mu: float | int, sigma: float | int) -> float | None:
        """What PyTorch finds for the derivative of the average of f with respect to μ; None if no path leads there."""
        with torch.enable_grad():
            parameter = torch.full((self.draws,), mu, requires_grad=True)
            if self.fresh.value:
                z = Normal(parameter, sigma).sample()
            else:
                z = parameter + sigma * self.epsilon
            average = z.square().mean()
            if not average.requires_grad:
                return None
            average.backward()
        return parameter.grad.sum().item()

    def _passed(self, mu: float) -> list[float]:
        """Where μ went since the last picture, in steps: a quick hand would leave gaps in the trail."""
        if not self.visited:
            return [mu]
        last = self.visited[-1][0]
        count = max(1, math.ceil(abs(mu - last) / STEP - 1e-9))
        return [last + (mu - last) * number / count for number in range(1, count)] + [mu]

    def _noise(self) -> Tensor:
        return torch.randn(self.draws, generator=self._generator)

    def _roll(self) -> None:
        self.epsilon = self._noise()
        self.visited = []
        if self._view is not None:
            self._view.state = {**self._view.state, "noise": self.epsilon.tolist()}

    @in_turn
    def _rolled_on_the_page(self, change: dict) -> None:
        self.epsilon, self.visited = torch.tensor(change["new"]["noise"]), []
        self._changed()

    def _make_view(self) -> ReparameterizationView:
        line_of_z, places = torch.linspace(-EDGE, EDGE, 101), [(0, "noise ε"), (1, "sample z")]
        points, both = {"colour": VAE, "size": 5, "opacity": 0.75}, Axis("ε and z (same scale)", -EDGE, EDGE)
        curve = [line(line_of_z, line_of_z.square(), colour=PRIOR, width=1.5), dots([], [], name="samples", **points)]
        dice = [
            line([], [], colour=MUTED, width=1, name="threads"),
            dots([], [], **{**points, "colour": EXACT}, name="noise"),
            dots([], [], name="samples", **points),
        ]
        averages = [
            line([], [], colour=PRIOR, width=1.5, label="exact average: μ² + σ²", name="exact"),
            dots([], [], colour=VAE, size=4, label="average over the draws", name="trail"),
            dots([], [], colour=VAE, size=8, hollow=True, name="now"),
        ]
        z, f, average = (
            Axis("", -EDGE, EDGE),
            Axis("f(z) = z²", 0, HIGHEST, room=8),
            Axis("average of z²", 0, 9, room=2),
        )
        every = "the average, at every μ you visited"
        rows = Axis("", -0.5, 1.5, ticks=places, room=10.75)
        panels = [
            Chart(z, f, curve, "z² with the samples on it", "curve", "each sample on the curve", 430, 240),
            Chart(Axis("μ", -2.6, 2.6), average, averages, "the averages", "averages", every, 340, 366, span=2),
            Chart(both, rows, dice, "noise and samples", "dice", "", 430, 150, grid="x"),
        ]
        colours = {"frozen": VAE, "fresh": WRONG}
        state = {"noise": self.epsilon.tolist(), "nudge": NUDGE, "edge": EDGE, "colours": colours}
        controls = {"mu": self.mu, "sigma": self.sigma, "fresh": self.fresh}
        layout = "minmax(0, auto) minmax(0, auto)"
        return ReparameterizationView(controls, panels, alt=self.figure.alt, title=TITLE, state=state, layout=layout)

    # ---- the figure --------------------------------------------------------------------------------------------------

    def _draw_figure(self) -> None:
        alt = (
            "Left, below: the noise of each draw on one line and its sample z on a second, joined by a thin line; "
            "above them the parabola of z² with the samples on it. Right: the average of z² at each μ visited. "
            "With frozen noise the visited points lie on a smooth curve parallel to the exact one; with fresh noise "
            "they scatter, and no slope can be read off."
        )
        self.figure, panels = figure(2, 2, title=TITLE, alt=alt, size=(7.5, 4.4), height_ratios=(2.4, 1))
        (above, right), (below, spare) = panels
        spare.remove()
        right.set_subplotspec(right.get_gridspec()[:, 1])
        line = torch.linspace(-EDGE, EDGE, 201)
        above.plot(line, line.square(), color=PRIOR, linewidth=1.2)
        above.set(xlim=(-EDGE, EDGE), ylim=(0, HIGHEST), ylabel="f(z) = z²")
        above.set_yticks(range(0, 16, 5))
        above.tick_params(labelbottom=False)
        above.set_title("each sample on the curve")
        below.set(xlim=(-EDGE, EDGE), ylim=(-0.5, 1.5), xlabel="ε and z (same scale)")
        below.set_yticks([0, 1], ["noise ε", "sample z"])
        below.grid(False)
        right.set(xlim=(-2.6, 2.6), ylim=(0, 9), xlabel="μ", ylabel="average of z² over the draws")
        right.set_title("the average, at every μ you visited")
        points = {"linestyle": "", "marker": "o", "markersize": 5, "alpha": 0.75}
        (self._on_curve,) = above.plot([], [], color=VAE, **points)
        (self._dice,) = below.plot([], [], color=EXACT, **points)
        (self._samples,) = below.plot([], [], color=VAE, **points)
        (self._threads,) = below.plot([], [], color=MUTED, linewidth=0.7, zorder=1)
        (self._exact,) = right.plot(line, line.square(), color=PRIOR, linewidth=1.2, label="exact average: μ² + σ²")
        (self._trail,) = right.plot([], [], color=VAE, linestyle="", marker="o", markersize=4)
        (self._now,) = right.plot([], [], color=VAE, linestyle="", marker="o", markersize=10, markerfacecolor="none")
        right.legend(loc="upper center")
        self._line = line
        self.figure.moving = [
            self._exact,
            self._trail,
            self._now,
            self._threads,
            self._dice,
            self._samples,
            self._on_curve,
        ]

    def _update_artists(self, mu: float, sigma: float, fresh: bool) -> None:
        colour = WRONG if fresh else VAE
        for artist in (self._on_curve, self._samples, self._trail, self._now):
            artist.set_color(colour)
        ends = torch.stack([self.epsilon, self.z, torch.full_like(self.z, torch.nan)], dim=1)  # (draws, 3)
        heights = torch.tensor([0.0, 1.0, torch.nan]).repeat(self.draws)
        self._threads.set_data(ends.flatten(), heights)
        self._dice.set_data(self.epsilon, torch.zeros(self.draws))
        self._samples.set_data(self.z, torch.ones(self.draws))
        self._on_curve.set_data(self.z, self.z.square())
        self._exact.set_ydata(self._line.square() + sigma**2)
        self._trail.set_data(*zip(*self.visited, strict=True))
        self._now.set_data([mu], [self.visited[-1][1]])
