"""A loop over parts must not hold more memory with each part: glibc's malloc does, if results are kept between them.

Whether it does depends on addresses, which differ from run to run: broken code fails here in about half of the runs,
sound code in none.
"""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import pathlib
import torch
from vae_utils.aggregate import AggregatedPosterior

def peak():  # not getrusage: what it tells may be the peak of the process that started this one
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024

dice = torch.Generator().manual_seed(0)
before = peak()
for count in range(4000, 8001, 500):  # blocks of several sizes: whether a size is used again depends on addresses
    mu = torch.randn(count, 16, generator=dice)
    AggregatedPosterior(mu, mu).log_prob_per_dimension(mu[:300])
print(peak() - before)
"""
# As malloc sets itself after some training: large blocks come from the heap and stay there.
HEAP = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak of memory")
def test_the_aggregated_posterior_needs_no_more_memory_for_more_codes():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | HEAP, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 100, "MB"
