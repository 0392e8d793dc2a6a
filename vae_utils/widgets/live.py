"""LiveTraining: one figure that is redrawn in place while a VAE with two latent dimensions learns."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from vae_utils.data import Images
from vae_utils.history import History
from vae_utils.plots import MUTED, VAE, LessonFigure, draw_codes, draw_images, figure
from vae_utils.widgets.decoding import still
from vae_utils.widgets.panel import TrainingPanel

SAMPLES = 25
SHOWN = 10  # reconstructions


class LiveTraining:
    """Watch training: the losses so far, where the test images' codes lie, reconstructions, and draws from the prior.

    Call it after an epoch, as `live(model, history)`, or hand it to `fit(..., callback=live)`; `live.panel(...)` gives
    buttons that start and stop a run. The same draws from the prior are decoded each time, so that a picture can be
    followed while it forms.

    Args:
        images: (N, 1, 28, 28) test images, a few hundred.
        labels: (N,) their classes.
        every: redraw after every so many epochs; the last one is always drawn if `epochs` is given.
        epochs: how many epochs the run will have.

    Raises:
        ValueError: `every` is below 1, there are fewer than 10 images, or not a label for each.
    """

    def __init__(self, images: Tensor, labels: Int[Tensor, " N"], every: int = 1, epochs: int | None = None) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, received {every}")
        if len(images) < SHOWN or len(labels) != len(images):
            counts = f"{len(images)} images and {len(labels)} labels"
            raise ValueError(f"images must hold at least {SHOWN}, and labels one for each, received {counts}")
        self.images, self.labels, self.every, self.epochs = images, labels, every, epochs
        self.noise = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(0))
        self.figure: LessonFigure | None = None
        self._handle = None

    def __call__(self, model: nn.Module, history: History) -> None:
        """Redraw for the model as it is now.

        Raises:
            ValueError: the model does not have two latent dimensions, or no epoch was recorded.
        """
        if history.epochs % self.every and history.epochs not in (1, self.epochs):
            return
        self.draw(model, history)
        self._show()

    def panel(self, model: nn.Module, images: Images | Tensor, loss: Callable, **arguments: Any) -> TrainingPanel:
        """Buttons that start, stop and go on with a run of `fit`, and this figure below them.

        Args:
            model, images, loss, arguments: as for `fit`.
        """
        own = LiveTraining(self.images, self.labels)  # a figure for each panel: two may train at once
        return TrainingPanel(own.draw, model, images, loss, **arguments)

    @torch.no_grad()
    def draw(self, model: nn.Module, history: History) -> LessonFigure:
        """The figure for the model as it is now.

        Raises:
            ValueError: the model does not have two latent dimensions, or no epoch was recorded.
        """
        if model.latent_dim != 2:
            raise ValueError(f"LiveTraining draws a latent plane: latent_dim must be 2, received {model.latent_dim}")
        if not history.epochs:
            raise ValueError("the history holds no epoch: call history.record(...) after each epoch, then draw")
        if self.figure is None:
            title, alt = "Training, epoch by epoch", "Four panels that change while the model trains."
            self.figure, self._panels = figure(1, 4, title=title, alt=alt, size=(9.6, 3.1))
        model, device = still(model), next(model.parameters()).device
        losses, codes, rebuilt, samples = self._panels
        for axes in self._panels:
            axes.clear()
        recorded = [(name, terms) for name, terms in (("train", history.train), ("test", history.test)) if terms]
        for name, terms in recorded:
            epochs, colour = range(1, len(terms["loss"]) + 1), VAE if name == "test" else MUTED
            losses.plot(epochs, terms["loss"], color=colour, linewidth=2, marker="o", markersize=3, label=name)
        losses.legend()
        losses.set_title("loss (nats per image)")
        losses.set_xlabel("epoch")
        mu, _ = model.encode(self.images.to(device))
        codes.set_title("means of test images")
        codes.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", xlabel="z₁", ylabel="z₂")
        draw_codes(codes, mu, self.labels, size=6)
        rebuilt.set_title("test images, rebuilt below")
        originals, copies = self.images[:SHOWN], model.generate(mu[:SHOWN]).cpu()
        draw_images(
            rebuilt,
            torch.stack([originals, copies], 1).view(-1, 5, 2, 1, 28, 28).transpose(1, 2).flatten(0, 2),
            columns=5,
        )
        samples.set_title("draws from the prior")
        draw_images(samples, model.generate(self.noise.to(device)).cpu(), columns=5)
        last = ", ".join(f"{name} {terms['loss'][-1]:.0f}" for name, terms in recorded)
        self.figure.alt = (
            f"After {history.epochs} epochs. Left: the loss over the epochs, now {last} nats per image. Then: the "
            f"encoder's means for {len(self.images)} test images in the latent plane, coloured by digit. Then: "
            f"{SHOWN} test images, each over its reconstruction. Right: {SAMPLES} decoded draws from the prior."
        )
        return self.figure

    def _show(self) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self.figure, display_id=True)
        else:
            self._handle.update(self.figure)
