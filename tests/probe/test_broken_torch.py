"""A torch that is absent, raises, crashes or hangs:
the probe comes back with all that needs no torch."""

from pathlib import Path

import pytest
from probing import SEGFAULT, Found, machine, probe_on

from rotcheck.isolation import Pool
from rotcheck.probe.run import PRELOAD, survey

RAISES = "import os\nraise ImportError('libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent')\n"


def found_with(folder: Path, source: str) -> Found:
    return probe_on(machine(folder, {"torch/__init__.py": source}, hidden=["triton"]))


def assert_the_rest_is_there(found: Found) -> None:
    assert found.probe.machine.torch is None
    assert found.probe.machine.cores > 0
    assert found["C++ compiler"].state == "runs"
    assert found["environment"].state == "default"
    assert found["flash-attn"].detail == "torch cannot be imported"
    assert (found.states("devices"), found.states("torchscript")) == ({}, {})


def test_a_torch_that_segfaults_names_signal_and_import(tmp_path: Path) -> None:
    found = found_with(tmp_path, SEGFAULT)
    assert found["torch"].state == "crashes"
    assert found["torch"].detail.startswith(
        "the process was killed by SIGSEGV in `import torch`, in ctypes/"
    )
    assert_the_rest_is_there(found)


def test_a_torch_that_aborts_names_the_signal(tmp_path: Path) -> None:
    found = found_with(tmp_path, "import os\nos.abort()\n")
    assert found["torch"].state == "crashes"
    assert "SIGABRT in `import torch`" in found["torch"].detail
    assert_the_rest_is_there(found)


def test_a_torch_that_raises_is_broken(tmp_path: Path) -> None:
    found = found_with(tmp_path, RAISES)
    assert found["torch"].state == "broken"
    assert (
        found["torch"].detail == "ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent"
    )
    assert_the_rest_is_there(found)


def test_a_torch_that_is_not_installed_is_absent(tmp_path: Path) -> None:
    found = probe_on(machine(tmp_path, hidden=["torch", "triton"]))
    assert found["torch"].state == "absent"
    assert_the_rest_is_there(found)


def test_a_torch_that_lacks_a_module_of_its_own_is_broken(tmp_path: Path) -> None:
    found = found_with(tmp_path, "import torch._C\n")
    assert found["torch"].state == "broken"
    assert found["torch"].detail == "ModuleNotFoundError: No module named 'torch._C'"


def test_a_torch_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "torch"
    stub.mkdir()
    (stub / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Pool(preload=PRELOAD, preload_limit=1) as pool:
        machine = survey(pool, groups=["libraries", "compilers"])
    lines = {line.name: line for line in machine.lines}
    assert lines["torch"].state == "hangs"
    assert lines["torch"].detail.startswith("no answer within 1 s")
    assert lines["C++ compiler"].state == "runs"


def test_without_trials_libraries_other_than_torch_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "imported"
    mark.mkdir()
    for name in ("triton", "flash_attn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"open({str(mark / name)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Pool(preload=PRELOAD) as pool:
        machine = survey(pool, groups=["libraries"], trials=False)
    states = {line.name: line.state for line in machine.lines}
    assert {name: states[name] for name in ("torch", "triton", "flash-attn")} == {
        "torch": "runs", "triton": "installed", "flash-attn": "installed"
    }  # fmt: skip
    assert not (mark / "flash_attn").exists()  # torch itself may import triton
