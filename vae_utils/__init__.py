"""The plumbing of the lessons in `notebooks/`: from a plain autoencoder to the variational autoencoder.

Lower levels never import higher ones:

- level 0, mathematics: `distributions`, `grey_pixels`, `likelihoods`, `importance`, `interpolation`, `toy`,
  `compression`; networks, data and figures: `networks`, `data`, `downloads`, `mirrors`, `on_disk`, `shapes`, `plots`;
  plumbing: `arguments`, `signatures`, `devices`, `randomness`, `locks`, `sealed`, `whole_files`
- level 1, models and what is minimised: `models`, `objectives`, `checkpoints`, `linear`, `autoregressive`, `quantize`
- level 2, training: `training`, `run`, `plans`, `capture`, `history`, `saved_runs`, `interrupts`, `progress`,
  `collapse`; measuring: `evaluation`, `scorecard`, `log_likelihood`, `gaps`, `rate_distortion`, `disentanglement`,
  `aggregate`
- level 3, what learners touch: `widgets`, `exercises`, `doctor`, `missing_cells`, `other_data`

Importing `vae_utils` loads torch and nothing heavier; matplotlib, scikit-learn, torchvision and ipywidgets
are loaded by the modules that use them, when they are first used.
"""

try:
    from vae_utils import missing_cells
    from vae_utils.data import Images, load_images
    from vae_utils.models import VAE, Autoencoder, Classifier
    from vae_utils.objectives import cross_entropy, negative_elbo, negative_iwae_bound, reconstruction_error
    from vae_utils.training import History, fit
except ModuleNotFoundError as error:  # of another package: even the doctor cannot be called without these
    from vae_utils.doctor import installing

    raise ModuleNotFoundError(f"{error.name} is missing: {installing()}", name=error.name) from error

__version__ = "0.1.0"

missing_cells.watch()

__all__ = [
    "VAE",
    "Autoencoder",
    "Classifier",
    "History",
    "Images",
    "cross_entropy",
    "fit",
    "load_images",
    "negative_elbo",
    "negative_iwae_bound",
    "reconstruction_error",
]
