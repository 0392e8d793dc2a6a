"""Train the models that come with the package on the full data sets, and write them where the package finds them.

    python benchmarks/train_checkpoints.py                        all that are not there yet
    python benchmarks/train_checkpoints.py vae-mnist-k16 --again  one of them, anew

Weights are stored in float16, and measured as stored. Each card holds the data, the recipe, the seed and the metrics.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from vae_utils import VAE, Autoencoder, fit, load_images, negative_elbo, reconstruction_error
from vae_utils.checkpoints import SHIPPED, save_checkpoint
from vae_utils.data import Images
from vae_utils.log_likelihood import log_likelihood
from vae_utils.models import ConditionalVAE
from vae_utils.objectives import negative_conditional_elbo
from vae_utils.training import evaluate, pick_device

LICENCES = {
    "mnist": "weights: CC BY 4.0; trained on MNIST, Yann LeCun and Corinna Cortes, CC BY-SA 3.0",
    "fashion-mnist": "weights: CC BY 4.0; trained on Fashion-MNIST, Zalando SE, MIT",
}
DRAWS = 100


@dataclass(frozen=True)
class Recipe:
    """What to train, on what, and with which loss."""

    make: Callable[[], nn.Module]
    data: str
    loss: Callable
    epochs: int = 10


RECIPES = {
    "vae-mnist-k2": Recipe(lambda: VAE(2, "conv-small"), "mnist", negative_elbo, 15),
    "vae-mnist-k16": Recipe(lambda: VAE(16, "conv-small"), "mnist", negative_elbo),
    "vae-fashion-k16": Recipe(lambda: VAE(16, "conv-small"), "fashion-mnist", negative_elbo),
    "cvae-mnist-k8": Recipe(lambda: ConditionalVAE(8, architecture="conv-small"), "mnist", negative_conditional_elbo),
    "autoencoder-mnist-k2": Recipe(lambda: Autoencoder(2, "conv-small"), "mnist", reconstruction_error, 15),
    "autoencoder-mnist-k16": Recipe(lambda: Autoencoder(16, "conv-small"), "mnist", reconstruction_error),
}


def metrics(model: nn.Module, recipe: Recipe, images: Images) -> dict[str, float]:
    """On the test images: every term of the loss on grey pixels, and for a VAE the NLL of binarized ones, in nats."""
    labels = images.test_labels if recipe.loss is negative_conditional_elbo else None
    found = {f"test_{name}": value for name, value in evaluate(model, images.test, recipe.loss, labels).items()}
    if isinstance(model, VAE):
        binary = torch.bernoulli(images.test, generator=torch.Generator().manual_seed(0))
        nll = -log_likelihood(model, binary, DRAWS)
        found[f"test_nll_binarized_{DRAWS}_draws"] = nll.mean().item()
        found["standard_error_of_that"] = nll.std().item() / len(nll) ** 0.5
    return {name: round(value, 3) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECIPES), default=list(RECIPES))
    parser.add_argument("--again", action="store_true", help="train also those that are there")
    parser.add_argument("--epochs", type=int, help="by default those of each recipe")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", help="folder of the data sets in torchvision's layout; downloaded by default")
    chosen = parser.parse_args()
    for name in chosen.names:
        if (SHIPPED / f"{name}.safetensors").exists() and not chosen.again:
            print(f"{name}: is there already")
            continue
        recipe, start = RECIPES[name], time.perf_counter()
        images, epochs = load_images(recipe.data, chosen.data), chosen.epochs or recipe.epochs
        torch.manual_seed(chosen.seed)
        model = recipe.make()
        fit(
            model,
            images,
            recipe.loss,
            epochs=epochs,
            seed=chosen.seed,
            device=chosen.device,
            progress=os.isatty(2),
        )
        card = {
            "data": f"{recipe.data}, 60,000 training images in grey",
            "recipe": f"python benchmarks/train_checkpoints.py {name} --epochs {epochs} --seed {chosen.seed}",
            "loss": recipe.loss.__name__,
            "seed": chosen.seed,
            "epochs": epochs,
            "device": pick_device(chosen.device).type,
            "licence": LICENCES[recipe.data],
        }
        model.half().float()  # rounded as it will be stored; written only once its card is whole
        card["metrics"] = metrics(model, recipe, images)
        save_checkpoint(model, SHIPPED / name, card, torch.float16)
        print(f"{name}: {card['metrics']}, {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
