"""What README.md and docs/lecturers.md say was measured, made from what lies in results/; a test compares them.

python benchmarks/summary.py            prints both
python benchmarks/summary.py --write    puts the second into docs/lecturers.md, between its marks
"""

import argparse
import json
import math
import statistics
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
LECTURERS = RESULTS.parents[1] / "docs" / "lecturers.md"
MARKS = "<!-- measured by benchmarks/notebook_costs.py: begin -->\n", "<!-- measured: end -->\n"
SHARED_MB = 24 * 1024  # of a machine for a class
SERVER_MB = 100  # of JupyterLab's own process, measured idle; 300, generously, where a limit is set


def training_speed(found: dict) -> list[tuple[str, str]]:
    fit, usual = found["fit"], found["usual"]
    steps = [(size, found["step"][size]["over_products"]) for size in found["step"]]
    return [
        (
            "A 784-400-20 VAE on full MNIST, to the test loss of ten epochs of the usual loop",
            f"{fit['seconds']['median']:.0f} s to {fit['test_loss']['median']:.1f} nats ({fit['epochs']} epochs, "
            f"larger batches, one-cycle); the usual loop (DataLoader, Adam at 1e-3) {usual['seconds']:.0f} s to "
            f"{usual['test_loss']:.1f}, {found['ratio']['min']:.1f} to {found['ratio']['max']:.1f} times as long",
        ),
        (
            "A training step over its matrix products alone",
            ", ".join(f"{a['median']:.1f} times ({a['min']:.1f} to {a['max']:.1f}) for {b} images" for b, a in steps),
        ),
    ]


def slider_latency(found: dict) -> list[tuple[str, str]]:
    def told(state: str, way: str) -> str:
        return " and ".join(f"{found[state][f'{kind}, {way}']['median_ms']:.1f}" for kind in ("mlp", "conv"))

    def drawn(state: str) -> str:
        return " and ".join(
            f"{found[state][f'{kind}, in the browser']['pictures_per_s']:.0f}" for kind in ("mlp", "conv")
        )

    return [
        (
            "From a slider to the picture, two decoders",
            f"{told('idle', 'in the browser')} ms, with a busy kernel {told('busy_kernel', 'in the browser')}; "
            f"`interact` with `imshow` {told('idle', 'interact + imshow')}",
        ),
        (
            "New pictures while a slider is dragged",
            f"{drawn('idle')} a second, with a busy kernel {drawn('busy_kernel')}; this browser draws "
            f"{found['ceiling_per_s']:.0f} frames",
        ),
    ]


def explorer_page(found: dict) -> list[tuple[str, str]]:
    def told(key: str) -> str:
        values = [row[key] for row in found["dragging"].values()]
        return " to ".join(dict.fromkeys(f"{value:.0f}" for value in (min(values), max(values))))

    return [
        (
            f"The explorer page, {found['bytes'] / 1000:.0f} kB, to its first picture",
            f"{found['first_picture_ms']['median'] / 1000:.2f} s; while dragging, {told('pictures_per_s')} new "
            f"pictures in {told('frames_per_s')} frames a second",
        )
    ]


def notebook_costs(found: dict) -> list[tuple[str, str]]:
    lessons = found["lessons"]
    slowest, largest = (max(lessons, key=lambda name: lessons[name][key]) for key in ("seconds", "peak_mb"))
    told = (
        f"{found['minutes_together']:.1f} minutes for all lessons; the longest, {slowest[:2]}, "
        f"{lessons[slowest]['seconds']:.0f} s; the largest, {largest[:2]}, {lessons[largest]['peak_mb']:,} MB with "
        f"PyTorch's {build(found)}"
    )
    if hub := on_a_hub():
        most = max(costs["peak_mb"] for costs in hub["lessons"].values())
        settings = "[a hub's settings](docs/lecturers.md#a-class-on-a-jupyterhub)"
        told += f", with the {build(hub)} and {settings} {most:,} MB"
    return [("Run All", told)]


def import_time(found: dict) -> list[tuple[str, str]]:
    return [("`import vae_utils` after `import torch`", f"{found['seconds']['vae_utils']['median']:.2f} s")]


def growth(found: dict) -> list[tuple[str, str]]:
    first, *_, last = found["points"]["images"]
    return [
        (
            f"An epoch of {first['size']:,} to {last['size']:,} images on disk",
            f"time grows with a slope of {found['slopes']['images']['seconds']:.2f} in log-log, peak memory from "
            f"{first['peak_mb']} to {last['peak_mb']} MB",
        )
    ]


def table() -> str:
    """What was measured, in which order it was written above, in Markdown."""
    lines = ["| What | Measured | Script in `benchmarks/` |", "|---|---|---|"]
    for told in (training_speed, slider_latency, explorer_page, notebook_costs, import_time, growth):
        path = RESULTS / f"{told.__name__}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            lines += [f"| {what} | {how_much} | `{path.stem}.py` |" for what, how_much in told(found)]
    return "\n".join(lines)


def on_a_hub() -> dict | None:
    """What `notebook_costs.py --hub` measured, if it has run."""
    path = RESULTS / "notebook_costs_on_a_hub.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def build(found: dict) -> str:
    """Which PyTorch was measured: its libraries for CUDA take memory even where there is no card."""
    return "CUDA build" if found["cuda_build"] else "CPU build"


def limit_in_gb(peak: float) -> int:
    """For a learner with JupyterLab and two open lessons, each at a peak in MB."""
    return math.ceil((2 * peak + 3 * SERVER_MB) / 1024)


def learners(kernel: float) -> int:
    """How many, with a kernel of so many MB each, share a machine for a class."""
    return int(SHARED_MB // (kernel + SERVER_MB))


def with_cuda() -> list[str]:
    """What to allow for the CUDA build, if `notebook_costs.py` ran with it."""
    path = RESULTS / "notebook_costs.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not found.get("cuda_build"):
        return []
    most = max(costs["peak_mb"] for costs in found["lessons"].values())
    return [
        f"PyTorch's {build(found)}, which pip brings on Linux, takes more even where there is no card. With it and",
        f"without these settings, a kernel held up to {most:,} MB: allow {limit_in_gb(most)} GB.",
        "",
    ]


def memory() -> str:
    """Memory of each lesson, in Markdown, for lecturers; without numbers as long as there are none."""
    found = on_a_hub()
    if found is None:
        return "`python benchmarks/notebook_costs.py --hub` measures on your server what each lesson takes.\n"
    lessons = found["lessons"]
    peaks = {name: costs["peak_mb"] for name, costs in lessons.items()}
    largest = max(peaks, key=peaks.get)
    own, median = max(costs["own_mb"] for costs in lessons.values()), statistics.median(peaks.values())
    limit = limit_in_gb(peaks[largest])
    rows = [f"| {name[:2]} | {costs['peak_mb']:,} | {costs['own_mb']:,} |" for name, costs in lessons.items()]
    return "\n".join(
        [
            f"With these settings and PyTorch's {build(found)}, a kernel that runs a lesson holds",
            f"{median:,.0f} MB at its peak, and {peaks[largest]:,} MB in the largest, "
            f"{largest[:2]}. What it holds for itself after the run, and not together",
            f"with the other kernels of the machine, is at most {own:,} MB. So a limit of {limit} GB for each",
            "learner has room for JupyterLab and two open lessons at their peaks:",
            "",
            "```python",
            f'c.Spawner.mem_limit = "{limit}G"',
            "```",
            "",
            *with_cuda(),
            "| Lesson | Peak, MB | Its own after the run, MB |",
            "|---|---|---|",
            *rows,
            "",
            f"With one kernel and some {SERVER_MB} MB for JupyterLab each, 24 GB hold "
            f"{learners(peaks[largest])} learners",
            f"all at the peak of lesson {largest[:2]} at once, {learners(median)} at that of the median lesson, and "
            f"{learners(own)} of those",
            "whose lesson keeps the most after its run.",
            "",
            "`python benchmarks/notebook_costs.py --hub` measures yours.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put what lecturers read into docs/lecturers.md")
    if parser.parse_args().write:
        before, _, rest = LECTURERS.read_text(encoding="utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        LECTURERS.write_text("".join([before, MARKS[0], memory(), MARKS[1], after]), encoding="utf-8")
    print(table(), memory(), sep="\n\n")


if __name__ == "__main__":
    main()
