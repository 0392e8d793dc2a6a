"""PriorExplorer: the same decoder fed from several densities of codes, at a slider's temperature."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Generator, Tensor, nn

from vae_utils.evaluation import DensityCoverage
from vae_utils.plots import EXACT, MUTED, WRONG, LessonFigure, figure, mosaic
from vae_utils.plots import VAE as COLOUR
from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained

COLUMNS, ROWS = 8, 4
HIGHEST = 1.4

Draw = Callable[[int, float, Generator], Tensor]


class PriorExplorer(Explorer):
    """A menu of densities and a slider for their temperature: decoded draws, and coverage over temperature.

    Args:
        model: a decoder with `generate`.
        sources: name -> draw(count, temperature, generator), which gives codes (count, K).
        measured: for each of these names, temperature -> what was measured there, at least two temperatures.
        cell: which cell trains the model, for the message if it has not been run.

    Raises:
        ValueError, TypeError: no trained model, no sources, or other names in `measured`.
    """

    def __init__(
        self,
        model: nn.Module | None,
        sources: Mapping[str, Draw],
        measured: Mapping[str, Mapping[float, DensityCoverage]],
        cell: str = TRAINING_CELL,
    ) -> None:
        self.model = require_model(model, "model", ("generate",), cell)
        if not sources or list(sources) != list(measured):
            raise ValueError(f"measured must hold the sources {list(sources)}, at least one, received {list(measured)}")
        for name, curve in measured.items():
            if len(curve) < 2:
                raise ValueError(f"measure {name!r} at two temperatures at least, received {len(curve)}")
        self.sources, self._rolls = dict(sources), 0
        self.measured = {name: dict(sorted(curve.items())) for name, curve in measured.items()}
        names = list(self.sources)
        require_trained(self.model, self._codes(names[0], 1.0), cell)
        self._draw_figure()
        self.source = make.choice("codes from", names, names[0])
        self.temperature = make.slider("temperature", 1.0, 0.0, HIGHEST, 0.05)
        super().__init__(
            [self.source, self.temperature],
            above=[self.button("Other draws", self._roll)],
            alt=self._figure.alt,
            summary="a menu of densities of codes and a slider for the temperature: decoded draws and their coverage.",
            width=720,
            beside=False,
        )

    def render(self) -> LessonFigure:
        """Decoded draws from the chosen density, and its place among the measured ones."""
        name, temperature = self.source.value, self.temperature.value
        weight = next(self.model.parameters())
        pictures = self.model.generate(self._codes(name, temperature).to(weight)).cpu()
        self._pictures.set_data(_sheet(pictures))
        for other, line in self._lines.items():
            line.set_color(COLOUR if other == name else MUTED)
        curve = self.measured[name]
        density, coverage = (
            float(np.interp(temperature, list(curve), [getattr(found, kind) for found in curve.values()]))
            for kind in ("density", "coverage")
        )
        self._dot.set_data([temperature], [coverage])
        inside = min(curve) <= temperature <= max(curve)
        self._dot.set_visible(inside)
        place = f"density {density:.2f}, coverage {coverage:.2f} (between measured temperatures: interpolated)"
        self.say(f"{name}, temperature {temperature:.2f}: {place if inside else 'not measured there'}")
        return self._figure

    def _codes(self, name: str, temperature: float) -> Tensor:
        # The same dice at every temperature, so that a picture changes gradually when the slider moves.
        return self.sources[name](ROWS * COLUMNS, temperature, Generator().manual_seed(self._rolls))

    def _roll(self) -> None:
        self._rolls += 1

    def _draw_figure(self) -> None:
        self._figure, (pictures, curves) = figure(
            1,
            2,
            title="One decoder, fed with codes from the density that you choose",
            alt="Left: 32 decoded draws. Right: coverage over temperature for each density of codes, the chosen one "
            "marked with a ring at the slider's temperature.",
            size=(7.5, 3.1),
            width_ratios=(1.9, 1),
        )
        sheet = _sheet(torch.zeros(ROWS * COLUMNS, 1, 28, 28))
        self._pictures = pictures.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, interpolation="antialiased")
        pictures.set_axis_off()
        self._lines = {}
        for name, curve in self.measured.items():
            values = [found.coverage for found in curve.values()]
            (self._lines[name],) = curves.plot(list(curve), values, "o-", color=MUTED, linewidth=2, markersize=4)
        (self._dot,) = curves.plot([1.0], [0.5], "o", color=WRONG, markersize=11, markerfacecolor="none")
        self._dot.set_markeredgewidth(2.5)
        curves.set(xlabel="temperature", ylabel="coverage", xlim=(0, HIGHEST), ylim=(0, 1))
        curves.set_title("blue: the chosen density", color=EXACT)
        self._figure.moving = [self._pictures, *self._lines.values(), self._dot]


def _sheet(pictures: Tensor) -> np.ndarray:
    return mosaic(pictures, COLUMNS, scale=2, gap=(5, 5), frame=True)
