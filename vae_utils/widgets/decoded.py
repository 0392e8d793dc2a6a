"""DecodedPicture: the seam for explorers of your own whose picture is to be decoded in the browser."""

from collections.abc import Sequence

import ipywidgets
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.widgets.canvas import BrowserView, bundle
from vae_utils.widgets.export import export_decoder


class DecodedPicture(BrowserView):
    """A picture that follows sliders without the kernel: decoded from z = origin + Σ slider · direction.

    Hand it to `Explorer.__init__` as `canvas=`, or show it beside any sliders: `VBox([*sliders, picture])`.

    Args:
        model: its decoder is sent to the browser.
        sliders: the numbers in front of the directions.
        origin: (K,) the code where all sliders are 0.
        directions: (S, K) where a slider's value of 1 leads, one for each slider.
        alt: what is shown, for readers who do not see it.
        caption: what stands over the picture.

    Raises:
        ValueError: not one direction for each slider.
        NotExportable: the browser cannot run the decoder; the message says why.
    """

    _esm = bundle("decoded.js")

    def __init__(
        self,
        model: nn.Module,
        sliders: Sequence[ipywidgets.Widget],
        origin: Float[Tensor, " K"],
        directions: Float[Tensor, "S K"],
        *,
        alt: str,
        caption: str = "decoded",
    ) -> None:
        if len(sliders) != len(directions):
            raise ValueError(f"received {len(sliders)} sliders and {len(directions)} directions")
        corners = torch.cat([origin[None], origin + directions, origin - directions]).cpu()
        exported = export_decoder(model, corners)
        # All before the view exists on the page: it could ask for its first picture between two messages.
        super().__init__(exported, sliders, {"alt": alt, "caption": caption}, torch.cat([origin[None], directions]))

    def move(self, origin: Float[Tensor, " K"], directions: Float[Tensor, "S K"]) -> None:
        """Let the same sliders lead elsewhere."""
        self.codes = torch.cat([origin[None], directions]).detach().cpu().numpy().astype("<f4").tobytes()
