"""PriorExplorer: the same decoder fed from several densities of codes, at a slider's temperature."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Generator, Tensor, nn

from vae_utils.evaluation import DensityCoverage
from vae_utils.plots import EXACT, MUTED, WRONG, LessonFigure, figure, mosaic
from vae_utils.plots import VAE as COLOUR
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Axis, Chart, Pictures, by, dots, line
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import TRAINING_CELL, require_model, require_trained

COLUMNS, ROWS = 8, 4
HIGHEST, STEP = 1.4, 0.1  # temperatures
LEVELS = 32  # of grey in the pictures that are sent: a third fewer bytes, and no eye sees it
TITLE = "One decoder, fed with codes from the density that you choose"

Draw = Callable[[int, float, Generator], Tensor]


class PriorExplorer(FramesExplorer):
    """A menu of densities and a slider for their temperature: decoded draws, and coverage over temperature.

    Args:
        model: a decoder with `generate`.
        sources: name -> draw(count, temperature, generator), which gives codes (count, K).
        measured: for each of these names, temperature -> what was measured there, at least two temperatures.
        cell: which cell trains the model, for the message if it has not been run.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        ValueError, TypeError: no trained model, no sources, or other names in `measured`.
    """

    def __init__(
        self,
        model: nn.Module | None,
        sources: Mapping[str, Draw],
        measured: Mapping[str, Mapping[float, DensityCoverage]],
        cell: str = TRAINING_CELL,
        *,
        in_browser: bool = True,
    ) -> None:
        self.model = require_model(model, "model", ("generate",), cell)
        if not sources or set(sources) != set(measured):
            raise ValueError(f"measured must hold the sources {list(sources)}, at least one, received {list(measured)}")
        for name, curve in measured.items():
            if len(curve) < 2:
                raise ValueError(f"measure {name!r} at two temperatures at least, received {len(curve)}")
        self.sources, self._rolls = dict(sources), 0
        self.measured = {name: dict(sorted(measured[name].items())) for name in sources}
        names = list(self.sources)
        require_trained(self.model, self._codes(names[0], 1.0), cell)
        self._draw_figure()
        self.source = make.choice("codes from", names, names[0])
        self.temperature = make.slider("temperature", 1.0, 0.0, HIGHEST, STEP)
        super().__init__(
            {"source": self.source, "temperature": self.temperature},
            above=[self.button("Other draws", self._roll)],
            alt=self._figure.alt,
            title=TITLE,
            summary="a menu of densities of codes and a slider for the temperature: decoded draws and their coverage.",
            width=720,
            beside=False,
            in_browser=in_browser,
        )

    def render(self) -> LessonFigure:
        """Decoded draws from the chosen density, and its place among the measured ones."""
        name, temperature = self.source.value, self.temperature.value
        weight = next(self.model.parameters())
        pictures = self.model.generate(self._codes(name, temperature).to(weight)).cpu()
        self._pictures.set_data(_sheet(pictures))
        for other, drawn in self._lines.items():
            drawn.set_color(COLOUR if other == name else MUTED)
        density, coverage = self._place(name, temperature)
        self._dot.set_data([temperature], [coverage])
        self._dot.set_visible(not np.isnan(coverage))
        self.say(_account(name, temperature, density, coverage))
        return self._figure

    def frames(self) -> Frames:
        """Decoded draws from every density at every temperature, and where these stand."""
        temperatures = [STEP * number for number in range(round(HIGHEST / STEP) + 1)]
        weight, names, steps = next(self.model.parameters()), list(self.sources), len(temperatures)
        codes = torch.cat([self._codes(name, temperature) for name in names for temperature in temperatures])
        pictures = torch.cat([self.model.generate(batch.to(weight)).cpu() for batch in codes.split(500)])
        found = np.array([[self._place(name, temperature) for temperature in temperatures] for name in names])
        marks = []
        for name, curve in self.measured.items():
            points = list(curve), [place.coverage for place in curve.values()]
            colour = by([COLOUR if chosen == name else MUTED for chosen in names], "source")
            marks += [line(*points, colour=colour), dots(*points, colour=colour, size=4)]
        here = by(np.array(temperatures)[:, None], "temperature"), by(found[..., 1:], "source", "temperature")
        marks.append(dots(*here, colour=WRONG, size=8, hollow=True))
        numbers = np.arange(len(names) * steps * ROWS * COLUMNS).reshape(len(names), steps, -1)
        shown = by(numbers, "source", "temperature")
        axes, heading = (Axis("temperature", 0, HIGHEST), Axis("coverage", 0, 1)), "coverage (blue: the chosen density)"
        panels = [
            Pictures(shown, "32 decoded draws", "draws", "decoded draws", COLUMNS, 2),
            Chart(*axes, marks, "coverage over temperature", "curves", heading, 330, 236),
        ]
        said = [
            [_account(name, *each) for each in zip(temperatures, *found[row].T, strict=True)]
            for row, name in enumerate(names)
        ]
        return Frames(panels, [by(said, "source", "temperature")], (pictures * (LEVELS - 1)).round() / (LEVELS - 1))

    def _place(self, name: str, temperature: float) -> tuple[float, float]:
        """Density and coverage between the measured temperatures; not a number beyond them."""
        curve = self.measured[name]
        if not min(curve) <= temperature <= max(curve) + 1e-9:
            return np.nan, np.nan
        measures = ([getattr(found, kind) for found in curve.values()] for kind in ("density", "coverage"))
        density, coverage = (float(np.interp(temperature, list(curve), values)) for values in measures)
        return density, coverage

    def _codes(self, name: str, temperature: float) -> Tensor:
        # The same dice at every temperature, so that a picture changes gradually when the slider moves.
        return self.sources[name](ROWS * COLUMNS, temperature, Generator().manual_seed(self._rolls))

    def _roll(self) -> None:
        self._rolls += 1
        self.send()

    def _draw_figure(self) -> None:
        self._figure, (pictures, curves) = figure(
            1,
            2,
            title=TITLE,
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


def _account(name: str, temperature: float, density: float, coverage: float) -> str:
    place = f"density {density:.2f}, coverage {coverage:.2f} (between measured temperatures: interpolated)"
    return f"{name}, temperature {temperature:.2f}: {'not measured there' if np.isnan(coverage) else place}"


def _sheet(pictures: Tensor) -> np.ndarray:
    return mosaic(pictures, COLUMNS, scale=2, gap=(5, 5), frame=True)
