"""FramesExplorer: explorers whose every number and picture is computed before a control asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from vae_utils.widgets import controls as make
from vae_utils.widgets.base import Explorer
from vae_utils.widgets.chart import Chart, Pictures
from vae_utils.widgets.chart_view import KERNEL_DRAWS, ChartView


@dataclass(frozen=True)
class Frames:
    """All that an explorer can show.

    panels: charts and pictures, whose tables the controls look up.
    note: the line below, in parts: texts, and tables of them.
    images: (N, 1, H, W) the pictures, of which panels show some by their numbers; pixels in [0, 1].
    """

    panels: Sequence[Chart | Pictures]
    note: Sequence[Any] = ()
    images: Tensor | None = None


class FramesExplorer(Explorer):
    """An explorer that the browser moves without the kernel; subclasses say in `frames` all that it can show.

    What there is too much of to compute for every value of a control (another test image, for example) is computed by
    the kernel when that control changes; the others need it for nothing. `render` says the same once more as a static
    figure, for `snapshot` and where there is no browser.

    Args:
        controls: name -> control; tables refer to these names.
        asks: names of controls that ask the kernel for other frames.
        title: the message, over the panels.
        layout: columns of the panels, as in CSS; by default as many side by side as there is room for.
        in_browser: False leaves the drawing to the kernel.
        above, given: as for `Explorer`.
    """

    def __init__(
        self,
        controls: Mapping[str, ipywidgets.Widget],
        *,
        asks: Sequence[str] = (),
        title: str = "",
        layout: str = "",
        in_browser: bool = True,
        above: Sequence[ipywidgets.Widget] = (),
        **given: Any,
    ) -> None:
        self._asked_of, self.canvas = {name: controls[name] for name in asks}, None
        if in_browser:
            canvas = ChartView(controls, alt=given["alt"], title=title, layout=layout, **self._computed())
        else:
            canvas, above = None, [make.text(KERNEL_DRAWS), *above]
        super().__init__(list(controls.values()), above=above, canvas=canvas, **given)
        if in_browser:
            for control in self._asked_of.values():
                self.watch(control, self.send)

    def frames(self) -> Frames:
        """All that can be shown for the present values of the controls in `asks`."""
        raise NotImplementedError(f"{type(self).__name__} must define frames(self)")

    def send(self) -> None:
        """Compute the frames anew and send them to the page; called by itself when a control in `asks` changes."""
        if self.canvas is not None:
            self.canvas.show(**self._computed())
            self._show_error("")

    def _computed(self) -> dict[str, Any]:
        with torch.no_grad():
            frames = self.frames()
        return {**vars(frames), "asked": {name: control.value for name, control in self._asked_of.items()}}
