"""The pretend accelerator, built once for a run of the tests, and rotcheck run with it."""

import fcntl
from pathlib import Path

import pytest
from building import built
from running import Machine


@pytest.fixture(scope="session")
def accelerator(pytestconfig: pytest.Config) -> Path:
    """Return the folder that has to be on PYTHONPATH."""
    parent = pytestconfig.cache.mkdir("pretend")
    with open(parent / "lock", "w") as lock:  # several workers of pytest want it at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        return built(parent)


@pytest.fixture(scope="session")
def machine(accelerator: Path) -> Machine:
    """Return a machine with the accelerator."""
    return Machine(accelerator)
