"""Time to a good model, beside the usual way; and the time of a step, beside its matrix products alone.

    python benchmarks/training_speed.py             on two cores about five minutes; on a GPU, less than two

The usual way is written out below as most tutorials have it, PyTorch's own VAE example among them: torchvision's data
set with ToTensor, a DataLoader, Adam at 1e-3, batches of 128, ten epochs. Ours is `fit` with the same network,
784-400-20, and as few epochs as reach the same test loss on full MNIST. Measuring that loss is outside of both clocks.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import report
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_utils import VAE, fit, load_images, negative_elbo
from vae_utils.downloads import raw_files
from vae_utils.training import evaluate, pick_device

LATENT_DIM, BATCH, GOAL = 20, 128, 105.55
OURS = {"epochs": 5, "batch_size": 256, "learning_rate": 1.2e-2}


def usual(folder: Path, device: torch.device, epochs: int = 10) -> tuple[nn.Module, float]:
    """The usual way: the model, and the seconds of its training."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    data = datasets.MNIST(str(folder), train=True, transform=transforms.ToTensor())
    more = {"num_workers": 1, "pin_memory": True} if device.type == "cuda" else {}
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, **more)
    model = VAE(LATENT_DIM).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for _ in range(epochs):
        model.train()
        for x, _ in loader:
            x = x.to(device)
            optimizer.zero_grad()
            logits, mu, logvar, _ = model(x)
            reconstruction = F.binary_cross_entropy(logits.sigmoid(), x, reduction="sum")
            loss = reconstruction - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            (loss / len(x)).backward()
            loss.item()  # such loops add the loss up
            optimizer.step()
    return model, time.perf_counter() - start


def ours(x: Tensor, device: torch.device, seed: int, architecture: str = "mlp", **plan: float) -> tuple[VAE, float]:
    """`fit`: the model, and the seconds of its training, everything included that a call does."""
    torch.manual_seed(seed)
    model = VAE(LATENT_DIM, architecture).to(device)
    start = time.perf_counter()
    fit(model, x, negative_elbo, seed=seed, device=str(device), progress=False, **plan)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return model, time.perf_counter() - start


def products(x: Tensor, hidden: int = 400) -> Callable[[], None]:
    """The matrix products of a step of the 784-400-20 VAE and nothing else, forward and backward.

    Args:
        x: images, (B, 784).
    """
    sizes = [(784, hidden), (hidden, 2 * LATENT_DIM), (LATENT_DIM, hidden), (hidden, 784)]
    layers = [
        (
            torch.rand(len(x), a, device=x.device),
            torch.rand(b, a, device=x.device),  # as nn.Linear keeps its weights
            torch.rand(len(x), b, device=x.device),
        )
        for a, b in sizes
    ]
    first = layers[0][0]

    def step() -> None:
        for inputs, weights, gradients in layers:
            inputs @ weights.T
            gradients.T @ inputs
            if inputs is not first:  # the images need no gradient
                gradients @ weights

    return step


def over_floor(x: Tensor, device: torch.device, batch: int, rounds: int = 7) -> tuple[list[float], list[float]]:
    """Milliseconds of a step of `fit`, and of its matrix products alone: an epoch of each, in turns."""
    steps = len(x) // batch
    x = x[: steps * batch]
    alone, fitted = products(x[:batch].flatten(1).to(device)), []
    floors = []
    for seed in range(rounds):
        fitted.append(ours(x, device, seed, epochs=1, batch_size=batch)[1] / steps * 1e3)
        start = time.perf_counter()
        for _ in range(steps):
            alone()
        if device.type == "cuda":
            torch.cuda.synchronize()
        floors.append((time.perf_counter() - start) / steps * 1e3)
    return fitted[1:], floors[1:]  # the first warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path, help="folder of MNIST in torchvision's layout; downloaded by default")
    parser.add_argument("--seeds", type=int, default=3)
    for name, value in OURS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    chosen = parser.parse_args()
    device = pick_device(chosen.device)
    plan = {name: getattr(chosen, name) for name in OURS}
    images = load_images("mnist", chosen.data)
    folder = next(iter(raw_files("mnist", chosen.data).values())).parents[2]
    x = images.train.to(device)

    step = {}
    for batch in sorted({BATCH, plan["batch_size"]}):
        fitted, floors = over_floor(x, device, batch)
        step[str(batch)] = {
            "ms": report.spread(fitted),
            "products_ms": report.spread(floors),
            "over_products": report.spread([a / b for a, b in zip(fitted, floors, strict=True)]),
        }
    report.table(
        ["a step", "median", "min", "max"],
        [[f"{b} images, {k}", *list(v.values())[:3]] for b, found in step.items() for k, v in found.items()],
    )
    usual_model, usual_seconds = usual(folder, device)
    usual_loss = evaluate(usual_model, images.test, negative_elbo)["loss"]
    runs = [ours(x, device, seed, **plan) for seed in range(chosen.seeds)]
    losses = [evaluate(model, images.test, negative_elbo)["loss"] for model, _ in runs]
    seconds = [taken for _, taken in runs]
    rows = [["the usual way", 10, f"{usual_loss:.2f}", f"{usual_seconds:.2f}"]]
    rows += [["fit", plan["epochs"], f"{a:.2f}", f"{b:.2f}"] for a, b in zip(losses, seconds, strict=True)]
    report.table(["way", "epochs", "test loss, nats", "seconds"], rows)
    ratios = [usual_seconds / taken for taken in seconds]
    print(f"ratio {min(ratios):.1f} to {max(ratios):.1f}; goal {GOAL} nats")
    name = "training_speed" if device.type == "cpu" else "training_speed_gpu"
    found = {
        "step": step,
        "usual": {"epochs": 10, "seconds": round(usual_seconds, 2), "test_loss": round(usual_loss, 3)},
        "fit": plan | {"seconds": report.spread(seconds), "test_loss": report.spread(losses)},
        "ratio": report.spread(ratios),
    }
    report.save(name, found, str(device))


if __name__ == "__main__":
    main()
