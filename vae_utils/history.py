"""What a training run recorded, and how it draws itself. `training.fit` fills it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vae_utils.signatures import checked

if TYPE_CHECKING:
    from vae_utils.plots import LessonFigure


@dataclass
class History:
    """One number an epoch for every term of the loss, in nats per image.

    Attributes:
        train: term -> means over the training images, measured while the weights were moving.
        test: term -> means over the test images at the end of each epoch; empty without test images.
        interrupted: True if the run was stopped by hand or by an error; `fit(..., resume=history)` goes on.
        stopped: why the run ended early by itself; empty if it did not.
    """

    train: dict[str, list[float]] = field(default_factory=dict)
    test: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False
    stopped: str = ""
    run: Any = field(default=None, repr=False, compare=False)  # what `training` needs to go on

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.train.get("loss", ()))

    def record(self, train: dict[str, float], test: dict[str, float]) -> None:
        """Add the means of one finished epoch."""
        for recorded, means in ((self.train, train), (self.test, test)):
            for name, mean in means.items():
                recorded.setdefault(name, []).append(mean)

    def summary(self) -> str:
        """The last losses in a few words; empty before the first epoch ends."""
        parts = [(name, terms["loss"][-1]) for name, terms in (("train", self.train), ("test", self.test)) if terms]
        return "loss " + ", ".join(f"{name} {mean:.2f}" for name, mean in parts) if parts else ""

    @checked(strict=False)
    def plot(self, title: str | None = None, alt: str | None = None) -> "LessonFigure":
        """Draw every term over the epochs.

        Args:
            title, alt: the message of the figure and its text alternative; by default they tell the last losses.

        Returns:
            The figure.

        Raises:
            ValueError: no epoch was finished.
        """
        if not self.epochs:
            raise ValueError("nothing to plot: no epoch was finished; run fit(...), or go on with resume=history")
        from vae_utils.plots import plot_history

        message = f"After {self.epochs} epochs: {self.summary()} nats per image"
        return plot_history(self.train, self.test, title=title or message, alt=alt or f"Loss curves. {message}.")
