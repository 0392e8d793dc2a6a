"""Explorers: sliders beside a picture that follows them. One explorer a file; `base` is what they share."""

from vae_utils.widgets.base import Explorer
from vae_utils.widgets.blend import BlendExplorer
from vae_utils.widgets.bottleneck import BottleneckExplorer
from vae_utils.widgets.bound import BoundExplorer
from vae_utils.widgets.decoded import DecodedPicture
from vae_utils.widgets.drawing import DrawingPad
from vae_utils.widgets.interpolate import Interpolator
from vae_utils.widgets.latent import LatentExplorer
from vae_utils.widgets.live import LiveTraining
from vae_utils.widgets.outliers import OutlierExplorer
from vae_utils.widgets.posterior import PosteriorExplorer
from vae_utils.widgets.prior import PriorExplorer
from vae_utils.widgets.rate_distortion import RateDistortionExplorer
from vae_utils.widgets.reparameterization import ReparameterizationExplorer
from vae_utils.widgets.sigma import SigmaExplorer
from vae_utils.widgets.slice import SliceExplorer
from vae_utils.widgets.toy import ToyExplorer

__all__ = [
    "BlendExplorer",
    "BottleneckExplorer",
    "BoundExplorer",
    "DecodedPicture",
    "DrawingPad",
    "Explorer",
    "Interpolator",
    "LatentExplorer",
    "LiveTraining",
    "PosteriorExplorer",
    "PriorExplorer",
    "OutlierExplorer",
    "SigmaExplorer",
    "SliceExplorer",
    "RateDistortionExplorer",
    "ReparameterizationExplorer",
    "ToyExplorer",
]
