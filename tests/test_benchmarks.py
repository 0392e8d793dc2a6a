"""The benchmarks: what the README tells of them is what they wrote, and their parts do what they say."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import growth  # noqa: E402
import notebook_costs  # noqa: E402
import paper_table  # noqa: E402
import report  # noqa: E402
import summary  # noqa: E402
import train_checkpoints  # noqa: E402
import training_speed  # noqa: E402

from vae_utils import VAE, load_images, negative_elbo  # noqa: E402
from vae_utils.checkpoints import checkpoint_card  # noqa: E402


def test_the_readme_shows_what_was_measured():
    assert summary.table() in (ROOT / "README.md").read_text(encoding="utf-8"), "run benchmarks/summary.py"


def test_lecturers_read_what_was_measured(tmp_path, monkeypatch):
    marked = summary.MARKS[0] + summary.memory() + summary.MARKS[1]
    assert marked in summary.LECTURERS.read_text(encoding="utf-8"), "run benchmarks/summary.py --write"
    lessons = {
        "00_a": {"seconds": 9.6, "peak_mb": 600, "own_mb": 200},
        "01_b": {"seconds": 60, "peak_mb": 1200, "own_mb": 900},
    }
    results = tmp_path / "notebook_costs_on_a_hub.json"
    results.write_text(json.dumps({"lessons": lessons, "cuda_build": False}), encoding="utf-8")
    monkeypatch.setattr(summary, "RESULTS", tmp_path)
    told = summary.memory()
    assert "and PyTorch's CPU build" in told
    assert "900 MB at its peak, and 1,200 MB in the largest, 01" in told and "at most 900 MB" in told
    # 1,200 and 900 MB for the kernel, and 100 MB for its server.
    assert "24 GB hold 18 learners\nall at the peak of lesson 01 at once, 24 at that" in told
    assert "and 24 of those\nwhose lesson keeps the most" in told
    assert 'mem_limit = "3G"' in told and "| 00 | 600 | 200 |" in told
    assert "CUDA" not in told
    largest = {"lessons": {"00_a": {"peak_mb": 2000}, "01_b": {"peak_mb": 1500}}, "cuda_build": True}
    (tmp_path / "notebook_costs.json").write_text(json.dumps(largest), encoding="utf-8")
    assert "PyTorch's CUDA build" in summary.memory() and "up to 2,000 MB: allow 5 GB" in summary.memory()


def test_lecturers_set_what_was_measured():
    text = summary.LECTURERS.read_text(encoding="utf-8")
    for name, value in notebook_costs.HUB.items():
        assert f'    "{name}": "{value}",' in text


def test_results_say_where_they_are_from_without_naming_the_machine():
    paths = list((ROOT / "benchmarks" / "results").glob("*.json"))
    assert paths
    for path in paths:
        machine = json.loads(path.read_text(encoding="utf-8"))["machine"]
        assert set(report.machine()) == set(machine), path.name
        assert not {"node", "host", "hostname"} & set(machine), path.name


def test_the_floor_has_the_matrix_products_of_a_step_and_nothing_else():
    x = load_images().train[:128]
    step = training_speed.products(x.flatten(1))
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    alone = counter.get_total_flops()
    with counter:
        negative_elbo(VAE(20), x)["loss"].mean().backward()
    assert alone == counter.get_total_flops()


def test_spread_and_slope():
    assert report.spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "runs": 3}
    assert growth.slope([1, 10, 100], [2, 20, 200]) == pytest.approx(1) and growth.slope([1, 10], [5, 5]) == 0


def test_the_rows_of_the_papers_table_train_on_the_bound_that_they_name():
    x, model = load_images().train[:8], VAE(3, hidden=8)
    losses = {}
    for row in ("vae-1", "vae-5", "iwae-5"):
        torch.manual_seed(0)
        losses[row] = (
            torch.stack([paper_table.objective(row)(model, x)["loss"].mean() for _ in range(60)]).mean().item()
        )
    # Averaging the bound changes nothing in expectation; the importance-weighted one is tighter.
    assert losses["vae-5"] == pytest.approx(losses["vae-1"], rel=0.01) and losses["iwae-5"] < losses["vae-5"]


def test_a_row_of_the_papers_table_goes_on_where_it_was_stopped(tmp_path, capsys):
    x = load_images().train[:600]
    plan = paper_table.Plan("vae-1", 3)
    whole, _ = paper_table.trained(plan, x, "cpu", False, tmp_path / "whole")
    kept = plan.kept_at(tmp_path)

    def stop(model, history):
        if history.epochs == 2:
            paper_table.save_run(history, kept)
            kept.with_suffix(".seconds").write_text("100.0")
            raise KeyboardInterrupt

    torch.manual_seed(0)
    model = VAE(50, hidden=(200, 200), activation="tanh")
    told = {"epochs": 3, "batch_size": 100, "learning_rate": paper_table.RATE, "seed": 0, "device": "cpu"}
    paper_table.fit(model, x, paper_table.objective("vae-1"), callback=stop, progress=False, **told)
    resumed, seconds = paper_table.trained(plan, x, "cpu", False, tmp_path)
    assert 100 < seconds < 200, "those of the first part count"
    assert "goes on after 2 epochs" in capsys.readouterr().out
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_an_unfinished_row_of_another_rate_is_left_alone(tmp_path, capsys):
    x = load_images().train[:200]
    for rate in (3e-3, 1e-3):
        paper_table.trained(paper_table.Plan("vae-1", 1, rate=rate), x, "cpu", False, tmp_path)
    assert "goes on" not in capsys.readouterr().out


def test_the_shipped_models_were_trained_as_their_recipes_say():
    for name, recipe in train_checkpoints.RECIPES.items():
        card = checkpoint_card(name)
        assert card["epochs"] == recipe.epochs and card["loss"] == recipe.loss.__name__, name


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Runs the script on few digits with these options and five draws; gives the rows in its results."""
    digits = load_images()
    few = {"train": digits.train[:200], "train_labels": digits.train_labels[:200]}
    few |= {"test": digits.test[:50], "test_labels": digits.test_labels[:50]}
    monkeypatch.setattr(paper_table, "load_images", lambda *_: replace(digits, **few))
    results = tmp_path / "results.json"
    places = ["--results", str(results), "--runs", str(tmp_path), "--weights", str(tmp_path)]

    def run(*options: str) -> dict[str, dict]:
        given = ["paper_table.py", "--draws", "5", "--device", "cpu", *places, *options]
        monkeypatch.setattr(sys, "argv", given)
        paper_table.main()
        return json.loads(results.read_text(encoding="utf-8"))["runs"]

    return run


def test_rows_with_other_numbers_of_passes_stand_beside_each_other(tmp_path, written, capsys):
    for epochs, rate in (("1", "3e-3"), ("2", "1e-3"), ("1", "3e-3"), ("2", "3e-3")):
        runs = written("--rows", "vae-1", "--epochs", epochs, "--learning-rate", rate)
    assert list(runs) == ["vae-1/seed-0/1-epochs", "vae-1/seed-0/2-epochs"]
    assert [run["learning_rate"] for run in runs.values()] == [3e-3, 3e-3], "another rate is trained anew"
    assert [run["epochs"] for run in runs.values()] == [1, 2] and runs["vae-1/seed-0/1-epochs"]["draws"] == 5
    assert capsys.readouterr().out.count("is there already") == 1
    nlls = load_file(tmp_path / "results.safetensors")
    for name, run in runs.items():
        assert nlls[name].mean().item() == pytest.approx(run["nll"]), "of each image"
        assert nlls[name].std().item() / len(nlls[name]) ** 0.5 == pytest.approx(run["standard_error"])
    left = {file.name for file in tmp_path.iterdir()}
    weights = {f"vae-1-seed-0-{epochs}-epochs-weights.safetensors" for epochs in (1, 2)}
    assert left == {"results.json", "results.safetensors", *weights}, "nothing unfinished is left"


def test_a_row_goes_on_from_the_weights_of_another(tmp_path, written, capsys):
    begun = "vae-1/seed-0/1-epochs"
    written("--rows", "vae-1", "--epochs", "1")
    goes_on = ["--rows", "iwae-5", "--epochs", "1", "--learning-rate", "1e-9", "--start", begun]
    name = "iwae-5/seed-0/1-epochs/after-vae-1-seed-0-1-epochs"
    rows = written(*goes_on)
    assert rows[name]["started_from"] == begun and rows[begun]["started_from"] is None
    first, second = (load_file(paper_table.weights_at(tmp_path, row)) for row in (begun, name))
    assert all(torch.allclose(first[key], second[key], atol=1e-7) for key in first), "at this rate they hardly move"
    assert set(written("--rows", "iwae-5", "--epochs", "1")) == {*rows, "iwae-5/seed-0/1-epochs"}, "beside a fresh one"
    with pytest.raises(SystemExit):
        written(*goes_on[:-1], "vae-1/seed-0/7-epochs")
    assert "does not hold the weights of vae-1/seed-0/7-epochs" in capsys.readouterr().err


def test_the_stored_nlls_of_the_images_are_those_of_their_rows():
    rows = json.loads(paper_table.RESULTS.read_text(encoding="utf-8"))["runs"]
    nlls = load_file(paper_table.RESULTS.with_suffix(".safetensors"))
    assert nlls
    for name, each in nlls.items():
        assert each.shape == (10_000,) and each.mean().item() == pytest.approx(rows[name]["nll"], abs=1e-4)
        assert each.std().item() / 100 == pytest.approx(rows[name]["standard_error"], abs=1e-5)
