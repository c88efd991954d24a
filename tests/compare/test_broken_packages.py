"""A torch, triton or flash-attn whose import crashes, hangs or raises:
the report appears and says so."""

from pathlib import Path

import pytest
from fronts import PATIENCE, SEGFAULT, planted, report, start

HANGS = "import time\ntime.sleep(600)\n"
RAISES = "raise ImportError('libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent')\n"
ASKED = {
    "implementations": ["native", "complex"],
    "checks": ["forward", "dtype"],
    "dtypes": ["float32"],
}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SEGFAULT, "the process was killed by SIGSEGV in `import torch`, in ctypes/"),
        ("import os\nos.abort()\n", "the process was killed by SIGABRT in `import torch`, in "),
        ("import os\nos._exit(7)\n", "the process ended with exit code 7 in `import torch`;"),
        (HANGS, "no answer within 1 s, in "),
        (RAISES, "ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent;"),
    ],
)
def test_a_torch_that_cannot_be_imported_is_told_once_and_no_implementation_is_accused(
    source: str, said: str, tmp_path: Path
) -> None:
    environment = planted(tmp_path, {"torch/__init__.py": source})
    limit = {"preload_limit": 1} if source == HANGS else {}
    out, error = start(environment, **ASKED, devices=["cuda:99"], **limit).communicate(
        timeout=5 * PATIENCE
    )
    assert out == ""
    assert f"rotcheck.errors.NoTorch: torch cannot be imported: {said}" in error.splitlines()[-1]


def test_a_flash_attn_that_crashes_costs_its_own_rows(tmp_path: Path) -> None:
    names = ["native", "flash-attn", "flash-attn-qkv", "fallback", "complex"]
    asked = ASKED | {"implementations": names, "devices": ["cpu"]}
    found = report(planted(tmp_path, {"flash_attn/__init__.py": SEGFAULT}), **asked)
    verdicts = {
        name: {cell.verdict for cell in found.cells if cell.implementation == name}
        for name in names
    }
    assert verdicts == {
        "native": {"agrees"},
        "flash-attn": {"crashes"},
        "flash-attn-qkv": {"crashes"},
        "fallback": {"agrees"},
        "complex": {"agrees"},
    }
    crashed = [cell for cell in found.cells if cell.verdict == "crashes"]
    assert all("SIGSEGV" in cell.message for cell in crashed)
    assert all(any("flash_attn/__init__.py" in frame for frame in cell.trace) for cell in crashed)


def test_a_triton_that_crashes_costs_the_cells_on_cpu_nothing(tmp_path: Path) -> None:
    found = report(
        planted(tmp_path, {"triton/__init__.py": SEGFAULT}), **ASKED | {"devices": ["cpu"]}
    )
    assert {cell.verdict for cell in found.cells} == {"agrees"}


def test_a_triton_that_crashes_is_why_the_interpreter_is_not_here(tmp_path: Path) -> None:
    asked = ASKED | {"implementations": ["flash-attn"], "devices": ["interpreter"]}
    _, error = start(planted(tmp_path, {"triton/__init__.py": SEGFAULT}), **asked).communicate()
    assert "RequestError: device 'interpreter' is not on this machine" in error
    assert "Triton" in error
    assert "SIGSEGV" in error
