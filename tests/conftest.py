"""What all tests share: shapes and types of vae_utils' signatures are enforced, and lessons run without a network."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before torch is loaded, here and in the kernels that tests start: threads that wait in a loop for a core that another
# program holds make it 20 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

# Must come before the first import of vae_utils; learners never pay for these checks.
install_import_hook("vae_utils", "beartype.beartype")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in this thread until the session ends."""
    items.sort(key=lambda item: "browser" in item.path.parts)


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
