"""The contest of lesson 12 with 100 labels, over five trainings of the VAE and of the autoencoder.

    python benchmarks/label_seeds.py

trains both models of the lesson for each seed on `load_images("digits")`, and for each the classifiers of the lesson
for the same forty draws of 100 labels; writes vae_utils/data_files/label_seeds.json, which the lesson reads: per cent
of the test digits that are right, for each draw. Trainings do not make up for few draws: what is won with five friendly
draws is won in each training. It takes about 15 minutes on one core. Two runs on one machine give the same numbers; on
another machine they differ, by less than the seeds do.
"""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from torch import Tensor

from vae_utils import VAE, Autoencoder, fit, load_images, negative_elbo, reconstruction_error
from vae_utils.data import Images

TRAININGS, DRAWS, EACH, COPIES = 5, 40, 10, 10
PLAN = {"epochs": 8, "learning_rate": 4e-3}
LATENTS, HIDDEN = 16, 200
TARGET = Path(__file__).resolve().parents[1] / "vae_utils" / "data_files" / "label_seeds.json"


def draw_labels(images: Images, seed: int) -> Tensor:
    """Which training images get a label, EACH of a class, class after class."""
    dice = torch.Generator().manual_seed(seed)
    members = [(images.train_labels == label).nonzero()[:, 0] for label in range(len(images.classes))]
    return torch.cat([these[torch.randperm(len(these), generator=dice)[:EACH]] for these in members])


def new_images(vae: VAE, x: Tensor) -> dict[str, Tensor]:
    """COPIES new pictures of each labelled one by the VAE: drawn from its own posterior, and mixed within its class."""
    mu, logvar = vae.encode(x.repeat(COPIES, 1, 1, 1))
    partner = torch.arange(len(mu)) // EACH * EACH + torch.randint(EACH, (len(mu),))
    mixed = torch.lerp(mu[partner], mu, torch.rand(len(mu), 1))
    return {"redraw": vae.generate(mu + (0.5 * logvar).exp() * torch.randn_like(mu)), "mix": vae.generate(mixed)}


def contest(images: Images, features: dict, vae: VAE, seed: int) -> dict[tuple[str, str], float]:
    """Per cent of the test images that are right, for one draw of labels: (what was done, features) -> per cent."""
    chosen = draw_labels(images, seed)
    labels, answers = images.train_labels[chosen].numpy(), images.test_labels.numpy()
    torch.manual_seed(seed)
    extra = new_images(vae, images.train[chosen])
    known = np.full(len(images.train), -1)
    known[chosen] = labels
    right = {}
    for name, extract in features.items():
        own, test = extract(images.train), extract(images.test)
        spread = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, max_iter=500).fit(own, known)
        guesses = {"label spreading": spread.predict(test), "none": SVC(C=10).fit(own[chosen], labels).predict(test)}
        for way, pictures in extra.items():
            points = np.concatenate([own[chosen], extract(pictures)])
            guesses[way] = SVC(C=10).fit(points, np.tile(labels, COPIES + 1)).predict(test)
        right |= {(way, name): 100 * (found == answers).mean() for way, found in guesses.items()}
    return right


def main() -> None:
    """The command line."""
    images, rows = load_images("digits"), []
    components = PCA(50, svd_solver="covariance_eigh").fit(images.train.flatten(1).numpy())
    for training in range(TRAININGS):
        models = {}
        for kind, loss in ((VAE, negative_elbo), (Autoencoder, reconstruction_error)):
            torch.manual_seed(training)
            models[kind] = kind(LATENTS, hidden=HIDDEN)
            fit(
                models[kind].train(),
                images.train,
                lambda model, x, loss=loss: loss(model, torch.bernoulli(x)),
                seed=training,
                device="cpu",
                progress=False,
                **PLAN,
            )
            models[kind].requires_grad_(False)
        features = {
            "PCA, 50": lambda x: components.transform(x.flatten(1).numpy()),
            "autoencoder, 16": lambda x, model=models[Autoencoder]: model.encode(x).numpy(),
            "VAE's μ, 16": lambda x, model=models[VAE]: model.encode(x)[0].numpy(),
        }
        draws = [contest(images, features, models[VAE], seed) for seed in range(DRAWS)]
        for way, name in draws[0]:
            right = [round(float(draw[way, name]), 2) for draw in draws]
            rows.append({"training": training, "way": way, "features": name, "right": right})
            print(training, way, name, f"{sum(right) / DRAWS:.2f}", flush=True)
    recipe = {**PLAN, "latent_dim": LATENTS, "hidden": HIDDEN, "draws": DRAWS, "torch": torch.__version__.split("+")[0]}
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    TARGET.write_text(f'{{"recipe": {json.dumps(recipe)},\n "runs": [\n{lines}\n ]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
