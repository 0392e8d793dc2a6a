"""The ledger of the bound: reconstruction, minus the KL to the prior, plus the gap, makes log p(x)."""

from matplotlib.axes import Axes

from vae_utils.plots.style import EXACT, LIKELIHOOD, POSTERIOR, PRIOR, SMALL_SIZE
from vae_utils.signatures import checked

NAMES = ("recon-\nstruction", "KL to\nprior", "KL to\nposterior")
FLOORS = (4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)  # the scale grows in steps, so that it stays put on small moves
WIDTH = 0.62


class Ledger:
    """Three bars, each starting where the one before ended; made by `draw_ledger`, moved by `move`.

    Args:
        axes: where to draw.
        floor: lowest value of the scale in nats, below 0; None follows the values in steps.
    """

    def __init__(self, axes: Axes, floor: float | None = None) -> None:
        self.axes, self.floor = axes, floor
        colours = (LIKELIHOOD, PRIOR, POSTERIOR)
        self.bars = axes.bar(range(3), [0.0] * 3, WIDTH, color=colours, zorder=2)
        self.bars[2].set(hatch="///", edgecolor="white", linewidth=0)
        self.steps = [axes.plot([], [], color="#5f5f5f", linewidth=1, zorder=3)[0] for _ in range(2)]
        self.numbers = [axes.text(place, 0, "", ha="center", fontsize=SMALL_SIZE) for place in range(3)]
        self.exact = axes.axhline(0, color=EXACT, linewidth=1.6, zorder=1)
        # Beside the last bar, one above its end and one below: however short the bar, they never meet.
        self.exact_label = axes.text(2.45, 0, "", va="bottom", fontsize=SMALL_SIZE, color=EXACT)
        self.elbo_label = axes.text(2.45, 0, "", va="top", fontsize=SMALL_SIZE, color="#5f5f5f")
        axes.set_xticks(range(3), NAMES)
        axes.set_xlim(-0.5, 3.6)
        axes.grid(False, axis="x")
        axes.tick_params(axis="x", length=0)

    def move(self, reconstruction: float, kl: float, gap: float) -> None:
        """Show other values.

        Args:
            reconstruction: E_q[log p(x|z)], nats.
            kl: KL( q || p(z) ), nats.
            gap: KL( q || p(z|x) ), nats.
        """
        elbo = reconstruction - kl
        exact = elbo + gap
        starts, heights = (0.0, reconstruction, elbo), (reconstruction, -kl, gap)
        for bar, start, height in zip(self.bars, starts, heights, strict=True):
            bar.set(y=start, height=height)
        for step, place, level in zip(self.steps, (0, 1), (reconstruction, elbo), strict=True):
            step.set_data([place - WIDTH / 2, place + 1 + WIDTH / 2], [level, level])
        lowest = min(0.0, reconstruction, elbo, exact)
        floor = self.floor if self.floor is not None else -next((f for f in FLOORS if f > -1.12 * lowest), -lowest)
        top = max(0.0, reconstruction, exact)
        self.axes.set_ylim(floor, top + 0.14 * (top - floor))
        space = (top - floor) * 0.015
        self.exact.set_ydata([exact, exact])
        signs = ("", "−", "+")
        for number, start, height, sign in zip(self.numbers, starts, heights, signs, strict=True):
            size = _digits(abs(height) if sign else height)
            number.set_text(size if size == "0.00" else sign + size)
            number.set_y(max(start, start + height) + space)  # above the bar: below it lies the next level
        self.exact_label.set(text=f"log p(x)\n{_digits(exact)}", y=exact + space)
        self.elbo_label.set(text=f"ELBO\n{_digits(elbo)}", y=elbo - space)


def _digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


@checked(strict=False)
def draw_ledger(axes: Axes, reconstruction: float, kl: float, gap: float, floor: float | None = None) -> Ledger:
    """Draw how reconstruction, minus the KL to the prior, plus the gap makes log p(x), into axes.

    Args:
        axes: where to draw.
        reconstruction: E_q[log p(x|z)], nats.
        kl: KL( q || p(z) ), nats.
        gap: KL( q || p(z|x) ), nats.
        floor: lowest value of the scale in nats; by default it follows the values.

    Returns:
        The ledger, whose `move` shows other values.

    Source: Kingma & Welling (2014), arXiv:1312.6114, equations 1 and 3.
    """
    ledger = Ledger(axes, floor)
    ledger.move(reconstruction, kl, gap)
    return ledger
