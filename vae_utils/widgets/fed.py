"""Pictures that the kernel decodes for a page whose model the browser cannot run: small, few, the latest ones."""

from collections.abc import Callable, Hashable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae_utils.widgets.canvas import BrowserView, ink
from vae_utils.widgets.decoding import decode


class Feeder:
    """Sends a page the picture of the present code, and a strip of pictures when that is another one.

    Args:
        model: decodes.
        view: the page; its `decoded` and `strip` are set.
    """

    def __init__(self, model: nn.Module, view: BrowserView) -> None:
        self.model, self.view, self._strip = model, view, None

    def send(self, code: Float[Tensor, " K"], strip: Hashable, codes: Callable[[], Float[Tensor, "S K"]]) -> None:
        """Decode and send.

        Args:
            code: (K,) the code whose picture is shown.
            strip: what the strip depends on; the same as last time: it is not decoded again.
            codes: gives the codes of the strip's pictures.
        """
        fresh = strip != self._strip
        pictures = decode(self.model, torch.cat([code[None], codes()]) if fresh else code[None])
        with self.view.hold_sync():
            self.view.decoded = ink(pictures[:1])
            if fresh:
                self.view.strip, self._strip = ink(pictures[1:]), strip
