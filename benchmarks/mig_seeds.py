"""The experiment behind the last section of lesson 08: the mutual information gap of β-VAEs on shapes, over seeds.

    python benchmarks/mig_seeds.py [--processes N]

trains one convolutional VAE for each β and seed on `load_images("shapes")`, measures it on the test shapes, and writes
vae_utils/data_files/mig_seeds.json, which the lesson reads. A model takes a few minutes on one core. Two runs on one
machine give the same numbers; on another machine they differ, and the lesson claims nothing finer than what the spread
over the seeds allows.
"""

import argparse
import json
import multiprocessing
from functools import partial
from pathlib import Path

import torch

from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.disentanglement import mutual_information_gap
from vae_utils.rate_distortion import rate_distortion
from vae_utils.shapes import train_and_test_levels

SEEDS = {1.0: 10, 2.0: 10, 4.0: 10, 8.0: 5}  # β -> how many
PLAN = {"epochs": 50, "batch_size": 64, "learning_rate": 2e-3}
LATENTS, ARCHITECTURE = 6, "conv"
TARGET = Path(__file__).resolve().parents[1] / "vae_utils" / "data_files" / "mig_seeds.json"


def run(task: tuple[float, int]) -> dict:
    """Train and measure one model."""
    torch.set_num_threads(1)
    beta, seed = task
    images, (_, factors) = load_images("shapes"), train_and_test_levels()
    torch.manual_seed(seed)
    model = VAE(LATENTS, ARCHITECTURE)
    fit(model, images.train, partial(negative_elbo, beta=beta), seed=seed, device="cpu", progress=False, **PLAN)
    with torch.no_grad():
        found = mutual_information_gap(*model.encode(images.test), factors)
    place = rate_distortion(model, images.test, beta)
    row = {"beta": beta, "seed": seed, "gap": found.gap, "rate": place.rate, "distortion": place.distortion}
    row = {name: round(value, 4) for name, value in row.items()} | {"active": place.active}
    print(row, flush=True)
    return row


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2, help="models trained at the same time")
    processes = parser.parse_args().processes
    tasks = [(beta, seed) for beta, count in SEEDS.items() for seed in range(count)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        rows = pool.map(run, tasks, chunksize=1)
    recipe = {**PLAN, "architecture": ARCHITECTURE, "latent_dim": LATENTS, "torch": torch.__version__.split("+")[0]}
    TARGET.write_text(json.dumps({"recipe": recipe, "runs": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
