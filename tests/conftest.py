"""What all tests share: signatures are enforced, lessons run without a network, and the tests are spread over cores."""

import asyncio
import collections
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

# Before torch is loaded, here and in the kernels that tests start: they share the cores, and threads that wait in loops
# for a core that is taken make torch 20 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# jsonschema, which nbformat needs, would load it to check addresses that no notebook holds: two seconds a process.
sys.modules["rfc3987_syntax"] = None

import hypothesis  # noqa: E402
import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

# Must come before the first import of vae_utils; learners never pay for these checks.
install_import_hook("vae_utils", "beartype.beartype")

from tests import rotating, sharing  # noqa: E402

# The same examples each time, so that no test fails by chance; other ones where seeds rotate (see rotating.py).
hypothesis.settings.register_profile(
    "course", deadline=None, max_examples=25, derandomize=not rotating.shift(), database=None
)
hypothesis.settings.load_profile("course")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes run the tests: at most 4, as each may hold a gigabyte; none but this one for named files."""
    cores = os.cpu_count() or 1
    return 0 if cores == 1 or all(".py" in argument for argument in config.args) else min(cores, 4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, what takes long comes first: no process is left with it at the end."""
    if hasattr(config, "workerinput"):
        sizes = collections.Counter(sharing.unit_of(item.nodeid) for item in items)
        items.sort(key=lambda item: sharing.place_of(item.nodeid, sizes))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Each process takes whole units of tests (see sharing.py), in the order in which they were collected."""
    return sharing.scheduler(config, log)


@pytest.fixture(autouse=True)
def no_event_loop_of_others(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright keeps an event loop running in this thread until the session ends; only browser tests may see it."""
    if "browser" in request.path.parts:
        yield
        return
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.fixture(autouse=True)
def other_seeds_if_asked_for(request: pytest.FixtureRequest) -> Iterator[None]:
    """With VAE_UTILS_SEED, statistical tests draw other numbers (see rotating.py)."""
    with pytest.MonkeyPatch.context() as patch:
        if rotating.is_rotated(request.node):
            rotating.rotate(patch)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    rotating.only_warn(item, report)
    return report


@pytest.fixture(scope="session")
def whole() -> tuple:
    """Weights and history of a small run that nobody disturbed."""
    from .runs import train, vae, weights

    model = vae()
    history = train(model)
    return weights(model), history


@pytest.fixture(scope="session")
def offline_environment() -> dict[str, str]:
    """Environment for a kernel that cannot leave this computer (see offline/sitecustomize.py)."""
    paths = [str(Path(__file__).parent / "offline"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@pytest.fixture
def as_a_learner() -> Iterator[None]:
    """Signatures are not enforced, as outside the tests: for the messages of vae_utils' own checks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
