"""The scorecard of lessons 02, 06, 08 and 10: the same measurements for every way to generate images.

The same classifier's features, the same number of images, and a row of real images that says what can be reached.
"""

import html
from collections.abc import Callable
from dataclasses import astuple, dataclass
from math import isnan, nan

import torch
from jaxtyping import Float
from torch import Tensor

from vae_utils.data import validate_images
from vae_utils.evaluation import density_and_coverage, features, local_stretch, path_smoothness
from vae_utils.models import Classifier
from vae_utils.signatures import checked


@dataclass(frozen=True)
class Score:
    """One row of the scorecard; see `Scorecard`. A NaN means that the column does not apply."""

    density: float
    coverage: float
    step_median: float = nan
    step_p95: float = nan
    stretch_spread: float = nan


class Scorecard:
    """The same measurements for every way to generate images; shows itself as a table.

    Columns: density and coverage of samples (completeness); largest over mean step along straight paths between the
    codes of real images, median and 95th percentile (continuity); 95th percentile over median of the decoder's local
    stretch at those codes. The table leaves out columns that apply to none of its rows; `rows` holds all.

    Args:
        classifier: gives the features; from `train_classifier` on the same data set.
        images: the real images to compare with, (N, 1, 28, 28); as many are to be generated.

    Raises:
        ValueError: not images.
    """

    PATHS = 200

    @checked
    def __init__(self, classifier: Classifier, images: Float[Tensor, "N 1 28 28"]) -> None:
        validate_images(images)
        self._features_of = lambda x: features(classifier, x)
        self._real = self._features_of(images)
        self.rows: dict[str, Score] = {}

    @checked
    def add(self, name: str, generated: Float[Tensor, "M 1 28 28"]) -> Score:
        """Add a row for generated (or real) images; columns about paths stay empty.

        Args:
            name: of the row.
            generated: images in [0, 1], (M, 1, 28, 28); M as the number of real images.

        Returns:
            The row.

        Raises:
            ValueError: not images, or another number of them.
        """
        validate_images(generated, "generated")
        if len(generated) != len(self._real):
            raise ValueError(
                f"generated must hold {len(self._real)} images, as many as the real ones, received {len(generated)}: "
                "the measures are comparable only at equal numbers"
            )
        found = density_and_coverage(self._real, self._features_of(generated))
        self.rows[name] = Score(found.density, found.coverage)
        return self.rows[name]

    @checked
    def add_model(
        self, name: str, generate: Callable[[Tensor], Tensor], codes: Float[Tensor, "M K"], ends: Float[Tensor, "E K"]
    ) -> Score:
        """Add a row for a decoder.

        Args:
            name: of the row.
            generate: codes (N, K) -> images in [0, 1], (N, 1, 28, 28).
            codes: codes to generate from, (M, K); M as the number of real images.
            ends: codes of real images, at least 400, in an order that does not depend on their classes: paths run
                from the first 200 to the next 200.

        Returns:
            The row.

        Raises:
            ValueError: too few `ends`, or pictures out of range.
        """
        if len(ends) < 2 * self.PATHS:
            raise ValueError(f"ends must hold at least {2 * self.PATHS} codes, received {len(ends)}")
        with torch.no_grad():
            found = self.add(name, generate(codes))
        start, end = ends[: 2 * self.PATHS].split(self.PATHS)
        smooth = path_smoothness(generate, self._features_of, start, end)
        stretch = local_stretch(generate, ends[: 2 * self.PATHS])
        spread = (stretch.quantile(0.95) / stretch.median()).item()
        self.rows[name] = Score(found.density, found.coverage, smooth.median, smooth.p95, spread)
        return self.rows[name]

    def __getitem__(self, name: str) -> Score:
        if name not in self.rows:
            raise KeyError(f"no row {name!r}; the rows are {list(self.rows)}")
        return self.rows[name]

    def _cells(self) -> list[tuple[str, ...]]:
        heads = ("density", "coverage", "largest/mean step: median", "95th percentile", "stretch: 95th/median")
        values = [astuple(row) for row in self.rows.values()]
        # A column that applies to no row says nothing; an empty table keeps all, to show what is measured.
        kept = [place for place in range(len(heads)) if not values or any(not isnan(row[place]) for row in values)]
        rows = [
            (name, *("–" if isnan(row[place]) else f"{row[place]:.2f}" for place in kept))
            for name, row in zip(self.rows, values, strict=True)
        ]
        return [("", *(heads[place] for place in kept)), *rows]

    def __repr__(self) -> str:
        cells = self._cells()
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        )

    def _repr_html_(self) -> str:
        head, *rows = [[html.escape(cell) for cell in row] for row in self._cells()]
        columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        body = "".join(
            f'<tr><th scope="row" style="text-align:left">{row[0]}</th>'
            + "".join(f"<td>{cell}</td>" for cell in row[1:])
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
