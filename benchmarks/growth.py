"""How the time and memory of an epoch grow with images, latent dimensions and width, as slopes in log-log.

    python benchmarks/growth.py                  about four minutes on two cores, and 0.8 GB of disk for a while; Linux
    python benchmarks/growth.py --most 100000    fewer images

A slope of 1 is linear growth, one of 0 none. Images lie in a file (`vae_utils.on_disk`), and each point is measured in
a process of its own, whose peak of resident memory is compared with that of a process that has only imported.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import report

IMAGES, LATENTS, WIDTHS = (
    (10_000, 31_623, 100_000, 316_228, 1_000_000),
    (2, 8, 32, 128, 512),
    (100, 200, 400, 800, 1600),
)
POINT = """
import json, sys, time
import torch
from vae_utils import VAE, fit, negative_elbo
from vae_utils.on_disk import ImagesOnDisk
path, latent_dim, hidden = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
images = ImagesOnDisk(path)
model = VAE(latent_dim, hidden=hidden)
fit(model, images.index_select(0, torch.arange(256)), negative_elbo, epochs=1, progress=False)
before = peak_mb()
start = time.perf_counter()
fit(model, images, negative_elbo, epochs=1, progress=False)
seconds = time.perf_counter() - start
peak = peak_mb()
print(json.dumps({"seconds": round(seconds, 2), "peak_mb": round(peak), "added_mb": round(peak - before)}))
"""


def write_images(path: Path, count: int) -> None:
    """A file of `count` images: the package's digits, over and over."""
    from vae_utils import load_images

    digits = (load_images().train[:, 0] * 255).round().byte().numpy()
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, 28, 28))
    for start in range(0, count, len(digits)):
        part = stored[start : start + len(digits)]
        part[:] = digits[: len(part)]


def point(path: Path, latent_dim: int, hidden: int) -> dict[str, float]:
    """One epoch in a new process."""
    command = [sys.executable, "-c", report.PEAK_MB + POINT, str(path), str(latent_dim), str(hidden)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def slope(sizes: list[float], values: list[float]) -> float:
    """Of the straight line through the points in log-log."""
    return round(float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0]), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=max(IMAGES), help="the largest number of images")
    most = parser.parse_args().most
    sweeps: dict[str, dict[int, dict[str, float]]] = {"images": {}, "latent_dim": {}, "hidden": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        for count in (count for count in IMAGES if count <= most):
            write_images(path, count)
            sweeps["images"][count] = point(path, 20, 400)
            print("images", count, sweeps["images"][count], flush=True)
        write_images(path, IMAGES[0])
        for latent_dim in LATENTS:
            sweeps["latent_dim"][latent_dim] = point(path, latent_dim, 400)
            print("latent_dim", latent_dim, sweeps["latent_dim"][latent_dim], flush=True)
        for hidden in WIDTHS:
            sweeps["hidden"][hidden] = point(path, 20, hidden)
            print("hidden", hidden, sweeps["hidden"][hidden], flush=True)
    slopes = {}
    for name, points in sweeps.items():
        sizes = list(points)
        slopes[name] = {key: slope(sizes, [p[key] for p in points.values()]) for key in ("seconds", "peak_mb")}
    report.table(
        ["with", "from", "to", "slope of the seconds", "slope of the peak memory"],
        [[name, min(p), max(p), slopes[name]["seconds"], slopes[name]["peak_mb"]] for name, p in sweeps.items()],
    )
    growth = {name: [{"size": size, **values} for size, values in points.items()] for name, points in sweeps.items()}
    report.save("growth", {"points": growth, "slopes": slopes})


if __name__ == "__main__":
    main()
