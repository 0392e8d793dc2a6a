"""What `import vae_utils` adds to `import torch`, in seconds: fresh processes, in turns.

python benchmarks/import_time.py
"""

import subprocess
import sys

import report

RUNS = 9
CLOCK = """
import time
start = time.perf_counter()
import torch
middle = time.perf_counter()
{}
print(middle - start, time.perf_counter() - middle)
"""


def seconds(code: str) -> tuple[float, float]:
    """Of `import torch`, and of `code` after it, in a new process."""
    done = subprocess.run([sys.executable, "-c", CLOCK.format(code)], capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    return first, second


def main() -> None:
    seconds("import vae_utils")  # fills the disk's cache
    codes = {
        "vae_utils": "import vae_utils",
        "vae_utils, and one look at the digits": "import vae_utils; vae_utils.load_images()",
        "vae_utils.widgets": "import vae_utils.widgets",
    }
    found: dict[str, list[float]] = {"torch": []} | {name: [] for name in codes}
    for _ in range(RUNS):
        for name, code in codes.items():
            torch_alone, added = seconds(code)
            found["torch"].append(torch_alone)
            found[name].append(added)
    results = {name: report.spread(values) for name, values in found.items()}
    report.table(["seconds", *results["torch"]], [[name, *values.values()] for name, values in results.items()])
    report.save("import_time", {"seconds": results})


if __name__ == "__main__":
    main()
