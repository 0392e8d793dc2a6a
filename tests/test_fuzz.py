"""Whatever a learner passes to a public function, a message that names it comes out, or a result without NaN."""

import inspect
import subprocess
import sys
import warnings
from pathlib import Path

from tests import fuzz
from tests.fuzz_table import TABLE

# What cannot be fuzzed one argument at a time, or only hands its arguments on to what is in the table.
ELSEWHERE = {"sweep", "fit_with_schedule", "likelihood_of", "all_levels", "train_and_test_levels", "small_conv_decoder"}
ELSEWHERE |= {"fitting_images"}  # by the models' forward passes
ELSEWHERE |= {"at_least_one", "check_pixels", "validate_labels", "takes_labels", "weighted_draws", "latest", "made"}


def test_without_enforced_signatures_as_learners_run_it():
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_with_enforced_signatures():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not list(fuzz.findings(every=8))


def test_every_public_function_is_fuzzed():
    functions = [inspect.unwrap(function) for function, _ in TABLE.values()]
    known = {(f.__module__, f.__name__) for f in functions if hasattr(f, "__name__")}
    modules = {module for module, _ in known if module.startswith("vae_utils.")}
    public = {
        (module, name)
        for module in modules
        for name, value in vars(sys.modules[module]).items()
        if inspect.isfunction(value) and value.__module__ == module and not name.startswith("_")
    }
    assert {name for _, name in public - known} <= ELSEWHERE


def test_the_fuzzer_sees_what_it_is_for():
    def silent(x):
        return x * float("nan")

    def hangs(x):
        while True:
            pass

    def careless(x):
        raise IndexError

    def mute(x):
        raise ValueError("bad input")

    def good(x):
        raise ValueError("x must be a number")

    found = [fuzz.problem_of("f", "x", "1", lambda f=f: f(1.0)) for f in (silent, hangs, careless, mute, good)]
    assert found[0] == "gives NaN" and found[1] == "hangs" and found[2].startswith("raises IndexError")
    assert found[3].startswith("does not name it: ValueError") and found[4] == ""
