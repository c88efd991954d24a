"""A torch, triton or flash-attn whose import crashes, hangs or raises: the report appears and says so."""

from pathlib import Path

import pytest
from fronts import SEGFAULT, planted, report, start

from rotcheck.results import Report

HANGS = "import time\ntime.sleep(600)\n"
RAISES = "raise ImportError('libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent')\n"
ASKED = {"implementations": ["native", "complex"], "checks": ["forward", "dtype"], "dtypes": ["float32"]}


def with_torch(folder: Path, source: str, **asked: object) -> Report:
    return report(planted(folder, {"torch/__init__.py": source}), **ASKED | asked)


def only(found: Report, verdict: str) -> set[str]:
    """Return the messages of a report all of whose cells have that verdict."""
    assert [cell.verdict for cell in found.cells] == [verdict] * 4
    assert found.machine.torch is None
    return {cell.message for cell in found.cells}


@pytest.mark.parametrize(
    ("source", "signal", "failure"),
    [(SEGFAULT, "SIGSEGV", "R23"), ("import os\nos.abort()\n", "SIGABRT", "R24")],
)
def test_a_torch_that_crashes_is_named_with_its_signal(
    source: str, signal: str, failure: str, tmp_path: Path
) -> None:
    found = with_torch(tmp_path, source)
    assert only(found, "crashes") == {f"the process was killed by {signal} in `import torch`"}
    assert {cell.failure for cell in found.cells} == {failure}
    assert all(any("torch/__init__.py" in frame for frame in cell.trace) for cell in found.cells)


def test_a_torch_that_exits_is_named(tmp_path: Path) -> None:
    found = with_torch(tmp_path, "import os\nos._exit(7)\n")
    assert only(found, "crashes") == {"the process ended with exit code 7 in `import torch`"}


def test_a_torch_that_hangs_is_given_up_and_named(tmp_path: Path) -> None:
    (message,) = only(with_torch(tmp_path, HANGS, preload_limit=1), "hangs")
    assert message.startswith("no answer within 1 s")
    assert "import torch" in message or "imported" in message


def test_a_torch_that_raises_gives_its_own_words(tmp_path: Path) -> None:
    (message,) = only(with_torch(tmp_path, RAISES), "raises")
    assert message.startswith("ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent")


def test_the_devices_asked_for_are_kept_when_torch_cannot_tell_which_there_are(tmp_path: Path) -> None:
    found = with_torch(tmp_path, RAISES, devices=["cuda:99"])
    assert {cell.device for cell in found.cells} == {"cuda:99"}


def test_a_flash_attn_that_crashes_costs_its_own_rows(tmp_path: Path) -> None:
    names = ["native", "flash-attn", "flash-attn-qkv", "fallback", "complex"]
    asked = ASKED | {"implementations": names, "devices": ["cpu"]}
    found = report(planted(tmp_path, {"flash_attn/__init__.py": SEGFAULT}), **asked)
    verdicts = {name: {cell.verdict for cell in found.cells if cell.implementation == name} for name in names}
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
    found = report(planted(tmp_path, {"triton/__init__.py": SEGFAULT}), **ASKED | {"devices": ["cpu"]})
    assert {cell.verdict for cell in found.cells} == {"agrees"}


def test_a_triton_that_crashes_is_why_the_interpreter_is_not_here(tmp_path: Path) -> None:
    asked = ASKED | {"implementations": ["flash-attn"], "devices": ["interpreter"]}
    _, error = start(planted(tmp_path, {"triton/__init__.py": SEGFAULT}), **asked).communicate()
    assert "RequestError: device 'interpreter' is not on this machine" in error
    assert "Triton" in error
    assert "SIGSEGV" in error
