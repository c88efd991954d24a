"""Probes that several tests look at, each run once."""

import pytest
from probing import SEGFAULT, Found, machine, probe_on

SLEEPER = "#!/bin/sh\nexec sleep 600\n"


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """This machine as it is, with all that the tests need installed."""
    return probe_on(machine(tmp_path_factory.mktemp("here")))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """This machine without flash-attn and Triton."""
    return probe_on(machine(tmp_path_factory.mktemp("bare"), hidden=["flash_attn", "triton"]))


@pytest.fixture(scope="session")
def wrecked(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """This machine with much broken at once: flash-attn, Triton, nvidia-smi and the compilers."""
    folder = tmp_path_factory.mktemp("wrecked")
    files = {
        "flash_attn/__init__.py": SEGFAULT,
        "triton/__init__.py": SEGFAULT,
        "bin/nvidia-smi": SLEEPER,
        "bin/gcc": "#!/bin/sh\nkill -SEGV $$\n",
    }
    environment = machine(folder, files, CXX="/nonexistent/g++", PYTORCH_ENABLE_MPS_FALLBACK="1")
    return probe_on(environment | {"PATH": f"{folder}/bin:{environment['PATH']}"})
