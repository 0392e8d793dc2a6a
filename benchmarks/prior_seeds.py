"""The experiment behind lesson 10: densities fitted to the codes of autoencoders and VAEs, over seeds.

    python benchmarks/prior_seeds.py

trains three models for each seed on `load_images("digits")` (an autoencoder, the same with a penalty on the size of
codes and of the decoder's weights, a VAE), decodes draws from N(0, I), a fitted Gaussian and a fitted mixture,
measures density and coverage, and writes vae_utils/data_files/prior_seeds.json, which the lesson reads. A seed takes
about three minutes on one core. Two runs on one machine give the same numbers; on another machine they differ, by less
than the seeds do.

Source: Ghosh et al. (2020), arXiv:1903.12436: section 3 (the penalties, "RAE-L2"), section 4 (ex-post densities).
"""

import json
from pathlib import Path

import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from vae_utils import VAE, Autoencoder, fit, load_images, negative_elbo, reconstruction_error
from vae_utils.aggregate import AggregatedPosterior
from vae_utils.distributions import bernoulli_log_likelihood
from vae_utils.evaluation import density_and_coverage, features, train_classifier

SEEDS = 5
PLAN = {"epochs": 30, "batch_size": 128, "learning_rate": 3e-3}
LATENTS, HIDDEN, COMPONENTS = 16, 400, 20
CODES, WEIGHTS = 0.2, 1e-3  # the penalties: on half the squared norm of a code, on the sum of squared weights
TARGET = Path(__file__).resolve().parents[1] / "vae_utils" / "data_files" / "prior_seeds.json"


def penalized(model: Autoencoder, x: Tensor) -> dict[str, Tensor]:
    """Reconstruction error with the penalties of the regularized autoencoder: nats per image, (B,)."""
    z = model.encode(x)
    reconstruction = -bernoulli_log_likelihood(model.decode(z), x)
    squares = sum(weight.square().sum() for weight in model.decoder.parameters())
    return {"loss": reconstruction + CODES * 0.5 * z.square().sum(1) + WEIGHTS * squares}


def ways_to_draw(codes: Tensor, count: int, seed: int) -> dict[str, Tensor]:
    """Codes (count, K) from N(0, I), and from a Gaussian and a mixture fitted to the given ones, (N, K)."""
    noise = torch.randn(count, codes.shape[1], generator=torch.Generator().manual_seed(seed))
    factor = torch.linalg.cholesky(codes.T.cov())
    mixture = GaussianMixture(COMPONENTS, random_state=seed).fit(codes.double().numpy())
    return {
        "N(0, I)": noise,
        "fitted Gaussian": codes.mean(0) + noise @ factor.T,
        "fitted mixture": torch.from_numpy(mixture.sample(count)[0]).float(),
    }


def main() -> None:
    """The command line."""
    images = load_images("digits")
    classifier = train_classifier(images)
    real, rows = features(classifier, images.test), []
    contest = {
        "autoencoder": (Autoencoder, reconstruction_error),
        "regularized autoencoder": (Autoencoder, penalized),
        "VAE": (VAE, negative_elbo),
    }
    for seed in range(SEEDS):
        for name, (kind, loss) in contest.items():
            torch.manual_seed(seed)
            model = kind(LATENTS, hidden=HIDDEN)
            fit(model, images.train, loss, seed=seed, device="cpu", progress=False, **PLAN)
            with torch.no_grad():
                codes = model.encode(images.train)
                if kind is VAE:
                    dice = torch.Generator().manual_seed(seed)
                    codes, _ = AggregatedPosterior(*codes).sample(len(images.train), dice)
                for way, z in ways_to_draw(codes, len(images.test), seed).items():
                    found = density_and_coverage(real, features(classifier, model.generate(z)))
                    row = {"model": name, "codes": way, "seed": seed}
                    rows.append(row | {"density": round(found.density, 4), "coverage": round(found.coverage, 4)})
                    print(rows[-1], flush=True)
    recipe = {**PLAN, "latent_dim": LATENTS, "hidden": HIDDEN, "components": COMPONENTS}
    recipe |= {"penalty_codes": CODES, "penalty_weights": WEIGHTS, "torch": torch.__version__.split("+")[0]}
    TARGET.write_text(json.dumps({"recipe": recipe, "runs": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
