"""Train and evaluate the models of Burda et al. (2016), Table 1, on MNIST with one stochastic layer.

    python benchmarks/paper_table.py                        every row: a day on a CPU; on an H100 perhaps 20 minutes
    python benchmarks/paper_table.py --rows vae-1 iwae-5    some of them
    python benchmarks/paper_table.py --epochs 50            shorter, for a look
    python benchmarks/paper_table.py --rows conv-1          not of the paper: what a convolutional VAE reaches
    python benchmarks/paper_table.py --rows iwae-50 --epochs 80 --weights w --start vae-1/seed-0/2000-epochs
                                                            goes on from a row whose weights are in the folder w

A row that the results file holds already, with this number of epochs and learning rate, is not trained again; one with
another number of epochs stands beside it, one with another rate takes its place. One that was stopped on the way goes
on from its last minutes, bit for bit, with the same command. How long a row takes is said after two epochs. Beside the
results lies a file of the same name with the NLL of each test image, from which errors of differences can be computed
(the oldest row, vae-1/seed-0/300-epochs, is not in it). The stored rows tell their start, passes, rate, seed and draws;
hand them over as --start, --epochs, --learning-rate, --seeds and --draws to train one again.

As in the paper: 784-200-200-50 with tanh, pixels drawn anew from the grey values whenever an image is used, test images
binarized once, 5,000 draws an image. Not as in the paper: batches of 100 (20 there), Adam with a one-cycle schedule
instead of eight falling rates, and fewer passes over the data (3,280 there).

Rows with many draws are slow on a CPU. --start is the shorter way: a model that one draw has brought far is handed to
another objective, as the paper does in its Table 2.

Source: Burda, Grosse & Salakhutdinov (2016), arXiv:1509.00519, section 5, Tables 1 and 2.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vae_utils import VAE, fit, load_images, negative_elbo, negative_iwae_bound
from vae_utils.evaluation import active_units
from vae_utils.history import History
from vae_utils.log_likelihood import log_likelihood
from vae_utils.objectives import log_weights
from vae_utils.saved_runs import load_run, save_run
from vae_utils.training import pick_device

RESULTS = Path(__file__).resolve().parents[1] / "vae_utils" / "data_files" / "paper_table.json"
UNFINISHED = Path(__file__).with_suffix(".runs")
# The paper's test NLL in nats and its active units, for VAE and IWAE with k draws.
PAPER = {
    "vae-1": (86.76, 19),
    "vae-5": (86.47, 20),
    "vae-50": (86.35, 20),
    "iwae-5": (85.54, 22),
    "iwae-50": (84.78, 25),
}
EPOCHS = {"vae-1": 2000, "vae-5": 800, "vae-50": 500, "iwae-5": 800, "iwae-50": 600, "conv-1": 100}
DRAWS, FEW_DRAWS, RATE = 5000, 100, 1e-3  # some stored rows had three times the rate


@dataclass(frozen=True)
class Plan:
    """How a row is trained; `start` names the row whose weights it goes on from, None for new ones."""

    row: str
    epochs: int
    seed: int = 0
    rate: float = RATE
    start: str | None = None

    @property
    def name(self) -> str:
        """What the row is called in the results."""
        after = f"/after-{self.start.replace('/', '-')}" if self.start else ""
        return f"{self.row}/seed-{self.seed}/{self.epochs}-epochs{after}"

    def kept_at(self, runs: Path) -> Path:
        """Where it is kept while unfinished."""
        return runs / f"{self.name.replace('/', '-')}-rate-{self.rate:g}.safetensors"


def weights_at(folder: Path, name: str) -> Path:
    """Where the weights of the row `name` are."""
    return folder / f"{name.replace('/', '-')}-weights.safetensors"


def untrained(row: str) -> VAE:
    """A model of the paper's shape, or a convolutional one."""
    return VAE(50, "conv") if row.startswith("conv") else VAE(50, hidden=(200, 200), activation="tanh")


def objective(row: str):
    """The loss of a row: with one draw the negative ELBO, else the mean log weight or the importance-weighted bound."""
    kind, draws = row.split("-")[0], int(row.split("-")[1])

    def vae_loss(model, x):
        return {"loss": -log_weights(model, torch.bernoulli(x), draws).mean(0)}

    def iwae_loss(model, x):
        return negative_iwae_bound(model, torch.bernoulli(x), draws)

    def elbo_loss(model, x):
        return negative_elbo(model, torch.bernoulli(x))

    if draws == 1:
        return elbo_loss
    return iwae_loss if kind == "iwae" else vae_loss


def binarized(x: Tensor) -> Tensor:
    """Test images as zeros and ones, drawn once."""
    return torch.bernoulli(x, generator=torch.Generator().manual_seed(0))


def trained(
    plan: Plan, x: Tensor, device: str, compiled: bool, runs: Path, weights: Path | None = None
) -> tuple[VAE, float]:
    """The model of a plan, trained on grey images x (N, 1, 28, 28), and its seconds; a run kept in `runs` goes on.
    The folder `weights` has those of the row that the plan starts from."""
    torch.manual_seed(plan.seed)
    model, loss = untrained(plan.row), objective(plan.row)
    if plan.start:
        model.load_state_dict(load_file(weights_at(weights, plan.start)))
    if compiled:
        fused = torch.compile(loss)

        def loss(model, x):
            return fused(model, x)

    kept = plan.kept_at(runs)
    resumed = load_run(kept, model, device) if kept.exists() else None
    if resumed is not None:
        print(f"{plan.name}: goes on after {resumed.epochs} epochs", flush=True)
    clock = kept.with_suffix(".seconds")  # of all parts of an interrupted run
    earlier = float(clock.read_text()) if resumed is not None and clock.exists() else 0.0
    first, start = (resumed.epochs if resumed else 0) + 1, time.perf_counter()
    saved = begun = start

    def spent() -> float:
        return earlier + time.perf_counter() - start

    def write(history: History) -> None:
        save_run(history, kept)
        clock.write_text(f"{spent():.1f}")

    def keep(_, history: History) -> None:
        nonlocal saved, begun
        now = time.perf_counter()
        if history.epochs == first:  # of a resumed run perhaps the end of an epoch only
            begun = now
        if history.epochs == first + 1:
            minutes = (plan.epochs - history.epochs) * (now - begun) / 60
            print(f"{plan.name}: about {minutes:.0f} more minutes, then its evaluation", flush=True)
        if now - saved > 60:
            write(history)
            saved = now

    told = {"epochs": plan.epochs, "batch_size": 100, "learning_rate": plan.rate, "seed": plan.seed, "device": device}
    history = fit(model, x, loss, callback=keep, resume=resumed, progress=False, **told)
    if history.epochs < plan.epochs:
        if history.interrupted:
            write(history)
        raise SystemExit(f"{plan.name}: stopped after {history.epochs} epochs. {history.stopped}")
    if history.epochs >= first:
        write(history)  # its evaluation takes long, too
    return model.to(device), spent()


def measured(model: VAE, x: Tensor, draws: int = DRAWS) -> tuple[dict[str, float], Tensor]:
    """Of binary test images x (N, 1, 28, 28): NLL with its error over images, the same from few draws, negative ELBO,
    active units; and the NLL of each image, (N,)."""
    size = 200_000 if next(model.parameters()).is_cuda else 2_000
    nll, few = (-log_likelihood(model, x, count, at_a_time=size) for count in (draws, FEW_DRAWS))
    with torch.no_grad():
        mu, _ = model.encode(x.to(next(model.parameters()).device))
        elbo = -log_likelihood(model, x, 1, at_a_time=10_000)
    told = {
        "nll": nll.mean().item(),
        "standard_error": nll.std().item() / len(x) ** 0.5,
        f"nll_{FEW_DRAWS}": few.mean().item(),
        "negative_elbo": elbo.mean().item(),
        "active_units": active_units(mu.cpu()),
    }
    return told, nll.float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=list(EPOCHS), default=list(PAPER))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, help="passes over the 60,000 images; by default those of each row")
    parser.add_argument("--learning-rate", type=float, default=RATE, help="the highest of the schedule")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of each test image, for the NLL")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="fuse the loss with torch.compile")
    parser.add_argument("--data", help="folder of MNIST in torchvision's layout; downloaded by default")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--runs", type=Path, default=UNFINISHED, help="folder for unfinished rows")
    parser.add_argument("--weights", type=Path, help="folder for the weights of each row")
    parser.add_argument("--start", metavar="ROW", help="row to go on from, as the results name it; needs --weights")
    chosen = parser.parse_args()
    if chosen.start and not (chosen.weights and weights_at(chosen.weights, chosen.start).exists()):
        parser.error(f"argument --start: the folder that --weights names does not hold the weights of {chosen.start}")

    images, device = load_images("mnist", chosen.data), str(pick_device(chosen.device))
    test = binarized(images.test)
    results = json.loads(chosen.results.read_text())["runs"] if chosen.results.exists() else {}
    each_image = chosen.results.with_suffix(".safetensors")
    nlls = load_file(each_image) if each_image.exists() else {}
    for seed in chosen.seeds:
        for row in chosen.rows:
            plan = Plan(row, chosen.epochs or EPOCHS[row], seed, chosen.learning_rate, chosen.start)
            if results.get(plan.name, {}).get("learning_rate") == plan.rate:
                print(f"{plan.name}: is there already")
                continue
            model, seconds = trained(plan, images.train, device, chosen.compile, chosen.runs, chosen.weights)
            found, nlls[plan.name] = measured(model, test, chosen.draws)
            results[plan.name] = found | {
                "draws": chosen.draws,
                "epochs": plan.epochs,
                "learning_rate": plan.rate,
                "started_from": plan.start,
                "seconds": round(seconds, 1),
                "device": torch.cuda.get_device_name() if device.startswith("cuda") else device,
            }
            if chosen.weights:
                chosen.weights.mkdir(parents=True, exist_ok=True)
                save_file(model.state_dict(), weights_at(chosen.weights, plan.name))
            table = {name: {"nll": nll, "active_units": active} for name, (nll, active) in PAPER.items()}
            written = {"paper": table, "runs": dict(sorted(results.items()))}
            chosen.results.write_text(json.dumps(written, indent=1) + "\n")
            save_file(dict(sorted(nlls.items())), each_image)
            for file in (kept := plan.kept_at(chosen.runs), kept.with_suffix(".seconds")):
                file.unlink(missing_ok=True)
            beside = "(paper {}; {} active units)".format(*PAPER[row]) if row in PAPER else ""
            print(
                f"{plan.name}: NLL {found['nll']:.2f} ± {found['standard_error']:.2f}, {found['active_units']} active "
                f"units {beside} {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
