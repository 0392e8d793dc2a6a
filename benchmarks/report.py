"""What the speed benchmarks share: the machine in words, a table, and the JSON file in `results/`."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).resolve().parent / "results"
# A function for programs that measure themselves. Not getrusage: what it tells may be the peak of the process that
# started this one. Linux only.
PEAK_MB = """
def peak_mb():
    import pathlib
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
"""


def machine(device: str = "cpu") -> dict[str, Any]:
    """Where something was measured, without the machine's name."""
    versions = {name: metadata.version(name) for name in ("torch", "vae-utils")}
    where = torch.cuda.get_device_name() if device.startswith("cuda") else f"{platform.machine()} CPU"
    return {
        "device": where,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        **versions,
        "date": date.today().isoformat(),
    }


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median, smallest and largest of repeated measurements."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
        "runs": len(values),
    }


def save(name: str, results: dict[str, Any], device: str = "cpu") -> Path:
    """Write results with the machine they are from to results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(device), **results}, indent=1) + "\n", encoding="utf-8")
    print(f"written: results/{path.name}")
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under their headings, columns aligned."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True)
