"""Loops over parts must not hold more memory with each part: glibc's malloc does, if results are kept between them."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from vae_utils import VAE
from vae_utils.aggregate import AggregatedPosterior
from vae_utils.gaps import weighted_draws

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

torch.manual_seed(0)
mu = torch.randn(8000, 16)
aggregated = AggregatedPosterior(mu, mu)
vae, x = VAE(8), torch.rand(100, 1, 28, 28).round()
q = vae.encode(x)
before = peak()
{call}
print(peak() - before)
"""


# As malloc sets itself after some training: large blocks come from the heap and stay there.
HEAP = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units")
@pytest.mark.parametrize(
    "call", ["aggregated.log_prob_per_dimension(mu[:1000])", "weighted_draws(vae, x, q, samples=500)"]
)
def test_a_long_loop_needs_no_more_memory_than_a_short_one(call):
    program = PROGRAM.replace("{call}", call)
    ran = subprocess.run([sys.executable, "-c", program], env=os.environ | HEAP, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 100, "MB"
