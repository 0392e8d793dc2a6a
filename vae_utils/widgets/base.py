"""What every explorer shares: controls, one lasting picture a view, visible errors, and the latest value wins."""

import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets
import torch

from vae_utils.plots import LessonFigure, show_images
from vae_utils.plots.figures import DRAWING
from vae_utils.widgets import controls as make
from vae_utils.widgets.arrangement import arranged, framed, unseen
from vae_utils.widgets.shown import Picture, ShownHTML, ShownImage, same, to_png
from vae_utils.widgets.trouble import explain
from vae_utils.widgets.turns import TURN, in_turn, running_loop

LATE = 0.5  # seconds after which a picture that waits for its loop is drawn without it: a cell holds the loop up
REST = 0.015  # seconds between two pictures, so that the kernel takes in what else was moved meanwhile


class Explorer(ipywidgets.VBox):
    """Controls and the pictures that follow them; subclasses say in `render` what is shown.

    Args:
        controls: widgets whose `value` the pictures depend on; each change draws anew.
        views: name -> caption of each picture; by default one picture without a caption.
        alt: what is shown, for readers who do not see it.
        summary: one line for where widgets cannot be shown; by default the class's name.
        above: further rows over the controls, for example buttons; they draw nothing by themselves.
        width: width of each picture in screen pixels; by default 280, or 224 if there are several.
        beside: pictures stand beside the controls, or else below.
        canvas: a widget that draws in the browser and stands in the pictures' place; those are then drawn when read.
        fed: the kernel decodes what the canvas shows: `feed` is called after moves.

    Raises:
        ValueError: an empty alt text, or a control without a description.
    """

    def __init__(
        self,
        controls: Sequence[ipywidgets.Widget],
        *,
        alt: str,
        views: Mapping[str, str] | None = None,
        summary: str = "",
        above: Sequence[ipywidgets.Widget] = (),
        width: int | None = None,
        beside: bool = True,
        canvas: ipywidgets.DOMWidget | None = None,
        fed: bool = False,
    ) -> None:
        if not alt.strip():
            raise ValueError("alt is empty: say what the pictures show")
        for control in controls:
            if not control.description:
                raise ValueError(f"a {type(control).__name__} has no description: say what it sets, with its unit")
        self._summary = f"{type(self).__name__}: {summary or alt} (Run the cell to use it.)"
        self._stale, self._held, self._drawing, self._fed, self._behind = True, 0, False, fed, fed
        self._loop, self._last, self.canvas, self._waiting, self._rested = running_loop(), {}, canvas, None, 0.0
        self.alt, self._width = alt, width or (280 if len(views or "1") == 1 else 224)
        self.note, self.error = ShownHTML(self._settle), ShownHTML(self._settle)
        self.note.add_class("vae-said")
        self.error.layout.display = "none"
        self.pictures = {name: ShownImage(self._settle, self._width) for name in views or {"picture": ""}}
        self.draw()
        if fed:
            self.feed()
        by_kernel = [unseen(self.alt), framed(self.pictures, views or {}), self.note]
        shown = [*([canvas] if canvas else by_kernel), self.error]
        super().__init__(arranged(controls, above, shown, beside), layout=ipywidgets.Layout(width="100%"))
        self.add_class("vae-whole")
        for control in controls:
            control.observe(self._changed, names="value")

    def render(self) -> Picture | Mapping[str, Picture]:
        """What the views show for the present values of the controls.

        Returns:
            Grey pixels in [0, 1], (H, W) or with axes of size 1 before them, or a LessonFigure: made once in
            `__init__`, and only its artists changed here. With several views: their names -> such a picture.
        """
        raise NotImplementedError(f"{type(self).__name__} must define render(self)")

    def feed(self) -> None:
        """Send the canvas what the kernel decodes for it."""
        raise NotImplementedError(f"{type(self).__name__} must define feed(self)")

    def say(self, text: str) -> None:
        """Write a line of plain text under the pictures; call it in `render`."""
        self.note.value = f"<span style='font-size:14px'>{html.escape(text)}</span>" if text else ""

    def button(self, description: str, pressed: Callable[[], None]) -> ipywidgets.Button:
        """A button. What goes wrong in `pressed` is shown, and however many controls it sets, one picture is drawn."""
        return make.button(description, lambda: self._guarded(pressed))

    def watch(self, control: ipywidgets.Widget, changed: Callable[[], None]) -> None:
        """Call `changed` when the value of a control that is not among `controls` changes; guarded as a button is."""
        control.observe(lambda _: self._guarded(changed), names="value")

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Set as many controls as you like inside; one picture is drawn at the end."""
        with TURN:
            self._stale, self._held = True, self._held + 1
            try:
                yield
            finally:
                self._held -= 1
            self._changed()

    def snapshot(self, title: str | None = None, alt: str | None = None) -> LessonFigure:
        """The present pictures as a static figure, for readers without a kernel.

        Args:
            title: the message of the figure; not needed where the explorer draws a figure of its own.
            alt: its text alternative; by default the explorer's.
        """
        self._settle()
        shown = list(self._last.values())
        if isinstance(shown[0], LessonFigure):
            return shown[0]
        captions = [picture.caption for picture in self.pictures.values()]
        stack = torch.stack([picture.reshape(1, *picture.shape[-2:]) for picture in shown])
        titles = captions if any(captions) else None
        return show_images(stack, titles=titles, title=title, alt=alt or self.alt)

    @in_turn
    def draw(self) -> None:
        """Draw now and raise what goes wrong; moves of the controls draw by themselves and show what goes wrong."""
        self._drawing, self._stale = True, False
        try:
            with torch.no_grad(), DRAWING:  # a cell may show the figure that `render` changes
                rendered = self.render()
                views = rendered if isinstance(rendered, Mapping) else {next(iter(self.pictures)): rendered}
                if set(views) != set(self.pictures):
                    raise ValueError(f"render returned views {sorted(views)}, expected {sorted(self.pictures)}")
                changed = {name: picture for name, picture in views.items() if not same(picture, self._last.get(name))}
                encoded = {name: to_png(picture, self._width) for name, picture in changed.items()}
            self._last = dict(views)
            for name, png in encoded.items():
                self.pictures[name].value = png
        except KeyboardInterrupt:
            self._stale = True
            raise
        finally:
            self._drawing = False

    # ---- events: the first is drawn at once; what follows soon is merged, and the latest wins ------------------------

    def _changed(self, _: Any = None) -> None:
        self._stale = self._behind = True  # before the wait for a turn, which an interrupt may end
        try:
            self._follow()
        except KeyboardInterrupt:
            self._show_later()
            raise

    @in_turn
    def _follow(self) -> None:
        self._stale = self._behind = True
        loop = running_loop() or self._loop
        if self._held or self._drawing or (self.canvas and not self._fed):
            return
        if not (loop and loop.is_running()):
            return  # there is no page to update, and whoever reads a picture settles it
        if self._waiting is loop and time.monotonic() < self._rested + LATE:  # another loop may be held up by a cell
            return
        if rest := max(0.0, self._rested - time.monotonic()):
            self._show_later(rest)
        else:
            self._show()

    def _show_later(self, seconds: float = REST) -> None:
        loop = running_loop() or self._loop
        if loop and loop.is_running():
            self._waiting = loop
            loop.call_soon_threadsafe(loop.call_later, seconds, self._show)

    @in_turn
    def _show(self) -> None:
        """Bring the page up to date with the controls, and rest for a moment."""
        self._waiting = None
        if not self._fed:
            self._settle()
        elif self._behind and not self._held:
            self._behind = False
            self._try(self.feed)
        self._rested = time.monotonic() + REST

    @in_turn
    def _settle(self) -> None:
        """Bring the pictures up to date with the controls."""
        if self._stale and not self._held and not self._drawing:
            self._try(self.draw)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except KeyboardInterrupt:
            self._behind = True
            raise
        except Exception as problem:
            self._stale = False  # or the message, when it is read, would draw once more and clear itself
            self._show_error(explain(problem))
        else:
            self._show_error("")

    @in_turn
    def _guarded(self, action: Callable[[], None]) -> None:
        """Run a callback and show what goes wrong, which ipywidgets would swallow; the next good move clears it."""
        try:
            with self.merged():
                action()
        except Exception as problem:
            self._settle(), self._show()  # what was set before it failed; shown later, it would clear the message
            self._show_error(explain(problem))

    def _show_error(self, text: str) -> None:
        self.error.value = text
        self.error.layout.display = None if text else "none"

    def __repr__(self) -> str:
        return self._summary
