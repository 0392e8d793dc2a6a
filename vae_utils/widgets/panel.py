"""TrainingPanel: a run that buttons start, stop and go on with, and what the model learns meanwhile."""

import html
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets
from torch import Tensor, nn

from vae_utils.data import Images
from vae_utils.history import History
from vae_utils.plans import CannotResume
from vae_utils.plots import LessonFigure
from vae_utils.training import fit
from vae_utils.widgets import controls as make
from vae_utils.widgets.arrangement import UNSEEN
from vae_utils.widgets.shown import to_png
from vae_utils.widgets.turns import in_turn

WIDTH = 840


class TrainingPanel(ipywidgets.VBox):
    """Buttons around `fit`, which runs beside the notebook: in most, no button answers while a cell is busy.

    Args:
        draw: called as `draw(model, history)` after every epoch -> the figure to show.
        model: is trained in place; read it when the run is stopped or done.
        images: as for `fit`.
        loss: as for `fit`.
        arguments: further arguments of `fit`, such as `epochs`.

    Attributes:
        history: what was recorded so far; None before the first run has come to its end or was stopped.
    """

    def __init__(
        self,
        draw: Callable[[nn.Module, History], LessonFigure],
        model: nn.Module,
        images: Images | Tensor,
        loss: Callable,
        **arguments: Any,
    ) -> None:
        self._draw, self.model, self._images, self._loss = draw, model, images, loss
        self._arguments, self.history, self._over = arguments, None, None
        self._asked, self._thread = threading.Event(), None
        self.start = make.button("Start", self._start)
        self.stop = make.button("Stop", self._asked.set)
        self.stop.disabled = True
        self.picture = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(width=f"{WIDTH}px", max_width="100%", margin="0")
        )
        self.picture.layout.display = "none"
        # The line is read out when it changes.
        self.line = make.text("")
        self._say("Press Start.")
        super().__init__([ipywidgets.HBox([self.start, self.stop]), self.line, self.picture])

    @property
    def running(self) -> bool:
        """Whether the model is being trained at this moment."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> History | None:
        """Wait until the run is done or stopped; its history."""
        if self._thread is not None:
            self._thread.join()
        return self.history

    @in_turn
    def _start(self) -> None:
        if self.running:
            return
        self._asked.clear()
        self.start.disabled, self.stop.disabled = True, False
        self._say("Training …")
        self._thread = threading.Thread(target=self._run, name="TrainingPanel", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.history = fit(
                self.model,
                self._images,
                self._loss,
                resume=self.history if self._can_go_on() else None,
                callback=self._show,
                stop=self._asked.is_set,
                progress=False,
                **self._arguments,
            )
        except Exception as error:  # shown where the learner looks; nobody sees what a thread prints
            if isinstance(error, CannotResume):
                self._over = self.history  # the next press starts anew
            self._say(f"{type(error).__name__}: {error}", "#a40000")
            self.start.description = "Go on" if self._can_go_on() else "Start"
        else:
            self._settle(self.history)
        finally:
            self.start.disabled, self.stop.disabled = False, True

    def _can_go_on(self) -> bool:
        return self.history is not None and self.history.interrupted and self.history is not self._over

    def _settle(self, history: History) -> None:
        if history.stopped:
            self._say(history.stopped, "#a40000")
        elif history.interrupted:
            self._say(f"Stopped after {history.epochs} epochs, nothing is lost: Go on takes the next step of the run.")
        else:
            self._say(f"Done: {history.epochs} epochs, {history.summary()}. Train more makes another run from here.")
        self.start.description = "Go on" if history.interrupted else "Start" if history.stopped else "Train more"

    def _show(self, model: nn.Module, history: History) -> None:
        figure = self._draw(model, history)
        self.picture.value = to_png(figure, WIDTH)
        self.picture.layout.display = ""
        self._say(f"Epoch {history.epochs}: {history.summary()} nats per image. {figure.alt}", unseen=figure.alt)

    def _say(self, text: str, colour: str = "inherit", unseen: str = "") -> None:
        seen = html.escape(text.removesuffix(unseen) if unseen else text)
        more = f"<span style='{UNSEEN}'>{html.escape(unseen)}</span>" if unseen else ""
        self.line.value = f"<div role='status' style='font-size:14px;color:{colour}'>{seen}{more}</div>"

    def __repr__(self) -> str:
        return "TrainingPanel: buttons that start and stop a run, and what it learns. (Run the cell to use it.)"
