"""The part of the LatentExplorer that runs in the browser, and all that it must be told."""

from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from vae_utils.plots import CLASS_COLOURS
from vae_utils.plots.layout import push_apart
from vae_utils.widgets.canvas import NO_DECODER, BrowserView, bundle
from vae_utils.widgets.export import export_decoder
from vae_utils.widgets.survey import Survey

PLANE_PIXELS = 296  # the side of the plane in plane.js, less its margins
NAME_SIZE = (20.0, 22.0)  # of the box with a class's name on it


class LatentView(BrowserView):
    """What `latent.js` draws: pictures, the strip along the active slider, buttons, and for K = 2 a plane."""

    _esm = bundle("latent.js")

    @classmethod
    def of(
        cls,
        model: nn.Module,
        known: Survey,
        sliders: Mapping[int, ipywidgets.FloatSlider],
        images: Tensor | None,
        labels: Tensor | None,
        texts: Mapping[str, str],
        fed: Sequence[int] | None = None,
    ) -> "LatentView":
        """The view for a model.

        Args:
            model: its decoder is sent to the browser.
            known: the survey of the images' codes.
            sliders: dimension -> its slider, in the order in which they stand.
            images, labels: what the codes are those of, or None.
            texts: "alt", and what stands on the buttons: "reset", "draw".
            fed: height and width of the pictures if the kernel decodes them.

        Raises:
            NotExportable: the browser cannot run the decoder.
        """
        exported = NO_DECODER
        if fed is None:
            near = 2 * torch.randn(32, model.latent_dim, generator=torch.Generator().manual_seed(1))
            trial = known.centre + known.spread * near
            exported = export_decoder(model, trial if known.codes is None else torch.cat([trial, known.codes[:64]]))
        settings = {
            **texts,
            "size": list(fed or ()),
            "dims": list(sliders),
            "centre": known.centre.tolist(),
            "spread": known.spread.tolist(),
            "count": 0 if known.codes is None else len(known.codes),
            "labels": None if labels is None else labels.tolist(),
            "colours": list(CLASS_COLOURS),
            "prior": known.has_prior,
            "plane": _plane(known, sliders, labels) if model.latent_dim == 2 else None,
        }
        return cls(exported, list(sliders.values()), settings, known.codes, images)


def _plane(known: Survey, sliders: Mapping[int, ipywidgets.FloatSlider], labels: Tensor | None) -> dict:
    """Low and high of both axes, so that the sliders' ranges and all codes are on it; where the classes are named."""
    limits = []
    for dim in range(2):
        codes = [] if known.codes is None else known.codes[:, dim].tolist()
        limits.append([min([sliders[dim].min, *codes]), max([sliders[dim].max, *codes])])
    if known.has_prior:  # one scale for both, so that the prior's circles are round
        reach = 1.03 * max(abs(value) for pair in limits for value in pair)
        limits = [[-reach, reach]] * 2
    if labels is None:
        return {"limits": limits, "names": []}
    kinds = labels.unique().tolist()
    medians = np.stack([known.codes[labels == kind].quantile(0.5, dim=0).numpy() for kind in kinds])
    low = np.array([pair[0] for pair in limits])
    unit = np.array([pair[1] - pair[0] for pair in limits]) / PLANE_PIXELS
    places = low + unit * push_apart((medians - low) / unit, np.tile(NAME_SIZE, (len(kinds), 1)))
    return {"limits": limits, "names": [[kind, *place] for kind, place in zip(kinds, places.tolist(), strict=True)]}


def fitting_labels(labels: Tensor | None, images: Tensor | None, most: int) -> Tensor | None:
    """The labels of the first images, if there is one for each image, and a colour for each.

    Args:
        labels: (N,) classes, or None.
        images: (N, 1, H, W) what they are the classes of, or None.
        most: how many are used.

    Raises:
        ValueError: other counts, or a class without a colour.
    """
    if labels is None:
        return None
    if images is None or len(labels) != len(images):
        raise ValueError(f"labels: received {len(labels)} for {0 if images is None else len(images)} images")
    if labels.min() < 0 or labels.max() >= len(CLASS_COLOURS):
        raise ValueError(f"labels run from {labels.min()} to {labels.max()}; there are colours for 0 to 9")
    return labels[:most].cpu()
