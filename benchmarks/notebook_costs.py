"""Seconds and memory of each lesson's Run All, in a kernel of its own, as on a laptop or a JupyterHub; needs Linux.

    python benchmarks/notebook_costs.py              all lessons, about eight minutes on two cores
    python benchmarks/notebook_costs.py 04 05        some of them
    python benchmarks/notebook_costs.py --hub        with the settings that docs/lecturers.md gives to a JupyterHub

Peak memory is the most that the kernel ever held (its resident set). What it has written itself, after the run, is what
each further learner on one server costs: the rest, the code of PyTorch's libraries above all, is there once for all.
"""

import argparse
import os
import time
from pathlib import Path

import nbformat
import report
import torch
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
# One thread a kernel; and blocks above 1 MiB go back to the system when they are freed, which malloc by itself stops
# doing once it has seen some large ones (man mallopt, "Dynamic adjustment of the mmap threshold").
HUB = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
ASKS = """
import pathlib
own = {}
smaps = pathlib.Path("/proc/self/smaps_rollup")
if smaps.exists():
    for line in smaps.read_text().splitlines()[1:]:
        key, size = line.split()[:2]
        own[key] = int(size) / 1024
print(peak_mb(), own.get("Private_Dirty:", 0))
"""


def costs(path: Path) -> dict[str, float]:
    """Run a notebook: its seconds from the kernel's start to the end, its peak and its own memory in MB."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(report.PEAK_MB + ASKS))
    start = time.perf_counter()
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOKS)}})
    client.execute()
    taken = time.perf_counter() - start
    peak, own = map(float, notebook.cells[-1].outputs[0].text.split())
    return {"seconds": round(taken, 1), "peak_mb": round(peak), "own_mb": round(own)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", metavar="NN")
    parser.add_argument("--hub", action="store_true", help=", ".join(f"{name}={value}" for name, value in HUB.items()))
    options = parser.parse_args()
    chosen = options.lessons
    if options.hub:
        os.environ.update(HUB)  # of the kernels
        torch.set_num_threads(int(HUB["OMP_NUM_THREADS"]))  # what the results tell
    found = {}
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        if not chosen or path.name[:2] in chosen:
            found[path.stem] = costs(path)
            print(path.stem, found[path.stem], flush=True)
    rows = [[name, *entry.values()] for name, entry in found.items()]
    report.table(["lesson", "seconds", "peak MB", "own MB at the end"], rows)
    total = sum(entry["seconds"] for entry in found.values())
    print(f"together {total / 60:.1f} minutes")
    if not chosen:
        summary = {"cuda_build": torch.backends.cuda.is_built()}
        if options.hub:  # seconds depend on who else is there
            memory = {name: {"peak_mb": entry["peak_mb"], "own_mb": entry["own_mb"]} for name, entry in found.items()}
            report.save("notebook_costs_on_a_hub", {"lessons": memory, **summary})
        else:
            report.save("notebook_costs", {"lessons": found, "minutes_together": round(total / 60, 1), **summary})


if __name__ == "__main__":
    main()
