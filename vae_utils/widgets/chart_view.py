"""ChartView: the part of an explorer that shows charts and pictures in the browser, which follow its controls.

What is looked up in tables needs no page of its own (`frames.js`); what the browser computes from the controls has one:
a subclass with another `_esm`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from jaxtyping import Float
from torch import Tensor

from vae_utils.widgets.canvas import FOLDER, NO_DECODER, BrowserView, bundle, kernel_notice, picture_sheet
from vae_utils.widgets.chart import By, Chart, Pictures
from vae_utils.widgets.export import ExportedDecoder

KERNEL_DRAWS = kernel_notice("draws this (in_browser=False)")


class ChartView(BrowserView):
    """Charts and pictures that follow controls without the kernel; hand it to `Explorer.__init__` as `canvas=`.

    Args:
        controls: name -> one of the notebook's own controls.
        panels: `Chart` and `Pictures`, in the order of the page.
        alt: what is shown, for readers who do not see it.
        title: the message, over the panels.
        note: the line below, in parts: texts, and tables of them.
        tables: further numbers for a page of its own, by their names.
        state: what the page and the kernel both may change, ready for JSON.
        layout: columns of the panels, as in CSS; by default as many side by side as there is room for.
        images: (N, 1, H, W) the pictures that panels choose from.
        exported, codes: a decoder, and codes of the images, for pages that need them.
        asked: control -> value: the panels are made for these; of another value, the kernel sends others (`show`).

    Raises:
        ValueError: a table that does not have an entry for each place of its controls, or an unknown control.
    """

    _esm = bundle("frames.js")
    _css = BrowserView._css + (FOLDER / "chart.css").read_text(encoding="utf-8")

    numbers = traitlets.Bytes().tag(sync=True)
    tables = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        controls: Mapping[str, ipywidgets.Widget],
        panels: Sequence[Chart | Pictures],
        *,
        alt: str,
        title: str = "",
        note: Sequence[Any] = (),
        tables: Mapping[str, Any] | None = None,
        state: dict | None = None,
        layout: str = "",
        images: Float[Tensor, "N 1 H W"] | None = None,
        exported: ExportedDecoder = NO_DECODER,
        codes: Float[Tensor, "N K"] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        self._controls = dict(controls)
        described, found, numbers = self._collect(panels, note, tables or {}, images, asked)
        settings = {"alt": alt, "title": title, "names": list(controls), "layout": layout, **described}
        # Before the view exists on the page, so that it finds all of it there when it is made.
        self.tables, self.numbers, self.state = found, numbers, state or {}
        super().__init__(exported, list(controls.values()), settings, codes, images)

    def show(
        self,
        panels: Sequence[Chart | Pictures],
        note: Sequence[Any],
        images: Float[Tensor, "N 1 H W"] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        """Send other numbers for the same panels; the arguments are those of the class."""
        _, found, numbers = self._collect(panels, note, {}, images, asked)
        with self.hold_sync():
            self.tables, self.numbers = found, numbers
            if images is not None:
                self.sheet = picture_sheet(images)

    def _collect(
        self, panels: Sequence, note: Sequence, tables: Mapping, images: Tensor | None, asked: Mapping | None
    ) -> tuple[dict, dict, bytes]:
        """Panels and note for JSON, in which tables are replaced by their names; the tables; their numbers."""
        found: dict[str, Any] = {"asked": dict(asked or {})}
        if images is not None:
            found["pixels"] = list(images.shape[-2:])
        parts: list[np.ndarray] = []

        def reference(table: By, name: str = "") -> dict:
            name = name or f"t{len(found)}"
            found[name] = self._entries(table, parts)
            return {"table": name, "single": np.ndim(table.values) == len(table.controls)}

        def plain(value: Any) -> Any:
            if isinstance(value, By):
                return reference(value)
            if isinstance(value, Mapping):
                return {key: plain(each) for key, each in value.items()}
            if isinstance(value, Tensor):
                value = value.detach().cpu().numpy()
            if isinstance(value, np.ndarray):
                return value.astype(float).round(6).tolist()
            return [plain(each) for each in value] if isinstance(value, list | tuple) else value

        described = {"panels": [plain(panel.described()) for panel in panels], "note": plain(list(note))}
        for name, values in tables.items():
            reference(values if isinstance(values, By) else By(values, ()), name)
        return described, found, b"".join(part.astype("<f4").tobytes() for part in parts)

    def _entries(self, table: By, parts: list[np.ndarray]) -> dict:
        unknown = [name for name in table.controls if name not in self._controls]
        if unknown:
            raise ValueError(f"a table is by {unknown[0]!r}; the controls are {', '.join(self._controls)}")
        shape = [places(self._controls[name]) for name in table.controls]
        values = table.values.detach().cpu().numpy() if isinstance(table.values, Tensor) else np.asarray(table.values)
        if list(values.shape[: len(shape)]) != shape:
            raise ValueError(f"a table by {table.controls} needs the axes {shape} first, received {values.shape}")
        if values.dtype.kind == "U":
            return {"by": list(table.controls), "shape": shape, "texts": values.ravel().tolist()}
        start = sum(part.size for part in parts)
        parts.append(values)
        return {
            "by": list(table.controls),
            "shape": shape,
            "start": start,
            "size": math.prod(values.shape[len(shape) :]),
        }


def places(control: ipywidgets.Widget) -> int:
    """How many values a control can have."""
    if hasattr(control, "options"):
        return len(control.options)
    if isinstance(control.value, bool):
        return 2
    return round((control.max - control.min) / control.step) + 1
