"""BottleneckExplorer: one digit through gaps of different widths, PCA beside autoencoders."""

from collections.abc import Mapping

import ipywidgets
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.plots import LessonFigure, show_images
from vae_utils.widgets import controls as make
from vae_utils.widgets.chart import Pictures, by
from vae_utils.widgets.frames import Frames, FramesExplorer
from vae_utils.widgets.models import TRAINING_CELL, require_images, require_model, require_rebuilding

VIEWS = {"original": "test image", "pca": "PCA", "autoencoder": "autoencoder"}
CHECKED = 100  # images on which a model must do better than one that was not trained
START = 8  # numbers kept at first, if there is a model for it


class BottleneckExplorer(FramesExplorer):
    """Choose a test image and how many numbers are kept of it: the image, PCA's answer, an autoencoder's answer.

    Args:
        models: K -> an autoencoder with K numbers, trained so that its outputs are pixel values.
        components: (C, D) principal components as orthonormal rows, the most important first; D pixels.
        mean: (D,) mean of the images they were computed from.
        images: (N, 1, H, W) test images to choose from, with H * W = D.
        number: which of them is shown first.
        cell: which cell trains the models, for the message if it has not been run.
        in_browser: False leaves the drawing to the kernel.

    Raises:
        TypeError: a model is not one.
        ValueError: no models, a model that does not return an image, or sizes that do not fit each other.
    """

    def __init__(
        self,
        models: Mapping[int, nn.Module | None],
        components: Float[Tensor, "C D"],
        mean: Float[Tensor, " D"],
        images: Float[Tensor, "N 1 H W"],
        *,
        number: int = 0,
        cell: str = TRAINING_CELL,
        in_browser: bool = True,
    ) -> None:
        if not models:
            raise ValueError(f"models is empty: run {cell} first, then this cell again")
        self.models = {K: require_model(models[K], f"models[{K}]", ("forward",), cell) for K in sorted(models)}
        self.components, self.mean, self.images = components, mean, require_images(images)
        self._check(number)
        some = self.images[:CHECKED]
        for K in self.models if len(some) > 1 else ():
            require_rebuilding(f"models[{K}]", self.reconstruct(some, K)["autoencoder"], some, cell)
        self._gains: dict[int, Tensor] = {}
        widths = list(self.models)
        self.width = make.steps("numbers kept, K", widths, START if START in widths else widths[0])
        self.number = make.number("test image", number, 0, len(images) - 1)
        above = [
            ipywidgets.HBox(
                [
                    self.button("Largest win of PCA", lambda: self.go_to_extreme(pca_wins=True)),
                    self.button("Largest win of the autoencoder", lambda: self.go_to_extreme(pca_wins=False)),
                ],
                layout=ipywidgets.Layout(flex_flow="row wrap"),
            )
        ]
        super().__init__(
            {"width": self.width, "number": self.number},
            asks=["number"],
            views=VIEWS,
            above=above,
            alt="A test image, and its reconstructions by PCA and by an autoencoder from K numbers each.",
            summary="a slider for the numbers that are kept of an image, PCA beside the autoencoder.",
            width=200,
            beside=False,
            in_browser=in_browser,
        )

    def reconstruct(self, x: Float[Tensor, "B 1 H W"], K: int) -> dict[str, Tensor]:
        """Both answers from K numbers.

        Args:
            x: images (B, 1, H, W).
            K: one of the widths there is a model for.

        Returns:
            "pca" and "autoencoder" -> pixel values (B, 1, H, W), which may leave [0, 1].
        """
        kept = self.components[:K]
        flat = self.mean + (x.flatten(1) - self.mean) @ kept.T @ kept
        device = next(self.models[K].parameters()).device
        with torch.no_grad():
            return {"pca": flat.view_as(x), "autoencoder": self.models[K](x.to(device)).cpu()}

    def go_to_extreme(self, pca_wins: bool) -> None:
        """Show the image on which, at the present K, PCA (or else the autoencoder) is ahead by most."""
        K = self.width.value
        if K not in self._gains:
            answers = self.reconstruct(self.images, K)
            self._gains[K] = _errors(answers["autoencoder"], self.images) - _errors(answers["pca"], self.images)
        gains = self._gains[K]
        self.number.value = int(gains.argmax() if pca_wins else gains.argmin())

    def frames(self) -> Frames:
        """The chosen image, and both answers from every K there is."""
        x, count = self.images[self.number.value][None], len(self.models)
        answers = {K: self.reconstruct(x, K) for K in self.models}
        places = torch.arange(count)[:, None]
        numbers = {"original": [0], "pca": by(1 + places, "width"), "autoencoder": by(1 + count + places, "width")}
        panels = [Pictures(numbers[name], caption, name, caption, zoom=8) for name, caption in VIEWS.items()]
        images = [x, *(answers[K]["pca"] for K in answers), *(answers[K]["autoencoder"] for K in answers)]
        return Frames(panels, [by([_account(K, x, answers[K]) for K in answers], "width")], torch.cat(images))

    def render(self) -> dict[str, Tensor]:
        """The image and both answers."""
        K, x = self.width.value, self.images[self.number.value][None]
        answers = self.reconstruct(x, K)
        self.say(_account(K, x, answers))
        return {"original": x[0, 0], **{name: answer[0, 0].clamp(0, 1) for name, answer in answers.items()}}

    def snapshot(self, title: str | None = None, alt: str | None = None) -> LessonFigure:
        """The present image through all gaps as a static figure.

        Args:
            title, alt: the message of the figure and its text alternative.
        """
        x = self.images[self.number.value][None]
        answers = {K: self.reconstruct(x, K) for K in self.models}
        strips = [torch.cat([x, *(answers[K][name] for K in answers)]) for name in ("pca", "autoencoder")]
        default = "A test image and its reconstructions by PCA and by autoencoders, from few numbers to many."
        return show_images(
            strips,
            titles=["original", *(f"K = {K}" for K in answers)],
            row_labels=["PCA", "autoencoder"],
            title=title,
            alt=alt or default,
        )

    def _check(self, number: int) -> None:
        """Refuse sizes that do not fit each other."""
        pixels = self.images[0].numel() if self.images.ndim == 4 and len(self.images) else 0
        if not pixels or tuple(self.components.shape[1:]) != (pixels,) or tuple(self.mean.shape) != (pixels,):
            raise ValueError(
                "components (C, D), mean (D,) and images (N, 1, H, W) with H * W = D must fit each other; received "
                f"{tuple(self.components.shape)}, {tuple(self.mean.shape)} and {tuple(self.images.shape)}"
            )
        if not 0 <= number < len(self.images):
            raise ValueError(f"number must be 0 to {len(self.images) - 1}, received {number}")
        for K in self.models:
            if isinstance(K, bool) or not isinstance(K, int) or not 1 <= K <= len(self.components):
                raise ValueError(f"models has the key {K!r}; keys are K from 1 to {len(self.components)} components")
            answer = self.reconstruct(self.images[:1], K)["autoencoder"]
            if answer.shape != self.images[:1].shape:
                raise ValueError(
                    f"models[{K}] turns an image {tuple(self.images[:1].shape)} into {tuple(answer.shape)}; "
                    "hand over models that return an image of the same shape"
                )


def _account(K: int, x: Tensor, answers: Mapping[str, Tensor]) -> str:
    errors = {name: _errors(answer, x).item() for name, answer in answers.items()}
    return (
        f"{K} {'number' if K == 1 else 'numbers'} for {x.numel()} pixels. "
        f"Squared error: PCA {errors['pca']:.1f}, autoencoder {errors['autoencoder']:.1f}."
    )


def _errors(answer: Tensor, x: Tensor) -> Tensor:
    """Squared error per image, (B,)."""
    return (answer - x).square().flatten(1).sum(1)
