"""Explorers: sliders beside a picture that follows them. One explorer a file; `base` is what they share."""

from vae_utils.widgets.base import Explorer
from vae_utils.widgets.latent import LatentExplorer
from vae_utils.widgets.reparameterization import ReparameterizationExplorer

__all__ = ["Explorer", "LatentExplorer", "ReparameterizationExplorer"]
