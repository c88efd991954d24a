"""flash-attn, Triton, nvidia-smi and the compilers, planted broken: each is one line of its own."""

import importlib.util
import os
from pathlib import Path

import pytest
from probing import Found, machine, probe_on

from rotcheck.isolation import Outcome, Raised, Returned
from rotcheck.probe import nvidia_smi_lines, triton_line
from rotcheck.probe.devices.stand_ins import interpreter

F1 = "raise ImportError('/a/b/flash_attn_2_cuda.cpython-311.so: undefined symbol: _ZN3c105ErrorC2E')\n"
F4 = "__version__ = '4.0.0'\n"
IMPORTABLE = {"FLASH_ATTENTION_TRITON_AMD_ENABLE": "TRUE"}


@pytest.mark.parametrize(("name", "package"), [("flash-attn", "flash_attn"), ("triton", "triton")])
def test_an_import_that_segfaults_names_the_signal_and_the_package(
    wrecked: Found, name: str, package: str
) -> None:
    line = wrecked[name]
    assert (line.group, line.state) == ("libraries", "crashes")
    assert f"the process was killed by SIGSEGV in `import {package}`, in ctypes/" in line.detail


def test_the_interpreter_is_not_here_when_triton_segfaults(wrecked: Found) -> None:
    line = wrecked["interpreter"]
    assert (line.state, line.stand_in) == ("not here", True)
    assert "SIGSEGV" in line.detail


def test_a_hanging_nvidia_smi_is_a_line(wrecked: Found) -> None:
    line = wrecked["nvidia-smi"]
    assert (line.group, line.state, line.detail) == ("libraries", "hangs", "no answer within 3 s")


def test_a_cxx_that_does_not_exist_is_named_with_cause_and_fix(wrecked: Found) -> None:
    line = wrecked["C++ compiler"]
    assert (line.state, line.failure) == ("absent", "T5")
    assert line.detail == "g++ cannot be started: No such file or directory; CXX names it"
    assert line.fix


def test_a_c_compiler_that_crashes_is_a_line(wrecked: Found) -> None:
    line = wrecked["C compiler"]
    assert line.state == "crashes"
    assert line.detail == "gcc: the process was killed by SIGSEGV"


def test_what_is_broken_changes_no_other_line(wrecked: Found, bare: Found) -> None:
    changed = {"flash-attn", "triton", "interpreter", "nvidia-smi", "C++ compiler", "C compiler"}
    changed |= {"environment", "PYTORCH_ENABLE_MPS_FALLBACK"}
    intact = {name: line for name, line in bare.lines.items() if name not in changed}
    assert {name: line for name, line in wrecked.lines.items() if name not in changed} == intact


def test_a_flash_attn_for_another_torch_is_broken(tmp_path: Path) -> None:
    found = probe_on(machine(tmp_path, {"flash_attn/__init__.py": F1}, hidden=["triton"]))
    line = found["flash-attn"]
    assert (line.state, line.failure, line.values["rotary_api"]) == ("broken", "F1", None)
    assert "ImportError: flash_attn_2_cuda.cpython-311.so: undefined symbol" in line.detail
    assert line.detail.endswith("__init__.py:1 in <module>)")
    assert found["triton"].state == "absent"


def test_a_flash_attn_without_rotary_functions_is_broken(tmp_path: Path) -> None:
    line = probe_on(machine(tmp_path, {"flash_attn/__init__.py": F4}, hidden=["triton"]))[
        "flash-attn"
    ]
    assert (line.state, line.failure) == ("broken", "F4")
    assert "No module named 'flash_attn.layers'" in line.detail


def test_a_flash_attn_that_imports_and_has_no_device_cannot_run_here(tmp_path: Path) -> None:
    line = probe_on(machine(tmp_path, **IMPORTABLE))["flash-attn"]
    assert (line.state, line.failure) == ("cannot run here", "F9")
    assert "no CUDA or HIP device; on a CPU tensor its rotary raises" in line.detail
    assert line.values["interpreter"] is True


def test_a_compiler_that_says_no_is_broken(tmp_path: Path) -> None:
    refusing = "#!/bin/sh\necho 'tiny.cpp:2: error: Python.h is missing' >&2\nexit 1\n"
    files = {"bin/no++": refusing}
    line = probe_on(machine(tmp_path, files, hidden=["torch"], CXX=f"{tmp_path}/bin/no++"))[
        "C++ compiler"
    ]
    assert (line.state, line.failure) == ("broken", "T5")
    assert line.detail == "no++: tiny.cpp:2: error: Python.h is missing; CXX names it"


@pytest.mark.parametrize(
    ("script", "state", "detail"),
    [
        (
            "echo '550.54, NVIDIA H200'; echo '550.54, NVIDIA L4'",
            "runs",
            "driver 550.54, NVIDIA H200, NVIDIA L4",
        ),
        ("echo 'NVIDIA-SMI has failed' >&2; exit 9", "broken", "NVIDIA-SMI has failed"),
        ("kill -SEGV $$", "crashes", "the process was killed by SIGSEGV"),
    ],
)
def test_nvidia_smi_is_asked_and_its_end_is_told(
    tmp_path: Path, script: str, state: str, detail: str
) -> None:
    environment = machine(tmp_path, {"bin/nvidia-smi": f"#!/bin/sh\n{script}\n"}, hidden=["torch"])
    line = probe_on(environment | {"PATH": f"{tmp_path}/bin:{environment['PATH']}"})["nvidia-smi"]
    assert (line.state, line.detail) == (state, detail)


MISMATCH = "echo 'Failed to initialize NVML: Driver/library version mismatch'; echo 'NVML library version: 550.90'"


@pytest.mark.parametrize(
    ("script", "state", "detail"),
    [
        (
            f"{MISMATCH}; exit 18",
            "broken",
            "Failed to initialize NVML: Driver/library version mismatch",
        ),
        (
            f"({MISMATCH}) >&2; exit 18",
            "broken",
            "Failed to initialize NVML: Driver/library version mismatch",
        ),
        ("echo 'No devices were found'", "broken", "it says: No devices were found"),
        ("", "runs", "it names no GPU"),
        (
            "echo '550.54, NVIDIA L4'; echo 'Unable to determine the device handle for GPU1: GPU is lost.'",
            "broken",
            "driver 550.54, NVIDIA L4, it says: Unable to determine the device handle for GPU1: GPU is lost.",
        ),
        ("head -c 2000000 /dev/zero", "broken", "it says: " + "\0" * 300 + "..."),
    ],
)
def test_what_nvidia_smi_says_that_is_no_gpu_is_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, state: str, detail: str
) -> None:
    (line,) = nvidia_smi_lines.lines(
        _asked(tmp_path, monkeypatch, f"#!/bin/sh\n{script}\n"), cuda_built=False
    )
    assert (line.state, line.detail) == (state, detail)
    assert line.failure == ("C17" if "NVML" in script else None)
    assert bool(line.cause and line.fix) == ("NVML" in script)


def test_an_nvidia_smi_that_is_no_program_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = nvidia_smi_lines.lines(_asked(tmp_path, monkeypatch, "no program"), cuda_built=False)
    assert (line.state, line.detail) == ("broken", "it cannot be started: Exec format error")


def _asked(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Outcome | None:
    """Return what becomes of an nvidia-smi that is this file."""
    (folder / "nvidia-smi").write_text(text)
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return nvidia_smi_lines.ask()


def test_the_interpreter_says_which_package_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "numpy" else found(name)
    )
    (claim,) = interpreter.claims()
    assert claim.state == "not here"
    assert claim.reason == "numpy is not installed (`python -m pip install numpy`)"


@pytest.mark.parametrize(
    ("imported", "ran"),
    [
        (Raised("ImportError", "libtriton.so: cannot open shared object", ()), None),
        (
            Returned("2.0.0", 0.1),
            Raised("CallFailed", "on call 1: ModuleNotFoundError: No module named 'triton.x'", ()),
        ),
    ],
)
def test_a_triton_that_lacks_a_part_is_to_be_installed_again(
    imported: Outcome, ran: Outcome | None
) -> None:
    (line,) = triton_line.topic().read([imported, ran or imported]).lines
    assert line.failure or line.fix == triton_line.REINSTALL
