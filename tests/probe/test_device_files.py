"""Devices: what follows from torch's figures, how a family is added, what a sick device does."""

import shutil
from pathlib import Path

import pytest
import torch
from probing import SOURCE, Found, machine, probe_on

from rotcheck.isolation import Died, Raised, Returned
from rotcheck.probe.device_lines import device_line
from rotcheck.probe.devices import DTYPES, STAND_INS, DeviceClaim, cuda, families, mps, other, xpu

SICK = """
import ctypes, os
from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.inside.small_kernel import must_equal, operands, rotate_and_read_back

calls = []

def claims():
    names = ("fit", "raising", "crashing", "wrong", "sick:2", "sick:10")
    return [DeviceClaim(name, executors=()) for name in names]

def facts(device):
    if device == "fit":
        raise AttributeError("module has no attribute 'get_device_name'")
    return {"name": "a " + device + " device", "memory_gib": 7.5, "capability": "12.0"}

def run(device, dtype):
    calls.append(dtype)
    if device == "raising" and calls.count(dtype) == 2:
        raise RuntimeError("no kernel image is available for execution on the device")
    if device == "crashing":
        os.abort()
    if device == "sick:2" and dtype == "bfloat16":
        ctypes.string_at(0)
    if device == "wrong":
        x, *_ = operands(dtype)
        must_equal(x + 1, x)
    rotate_and_read_back("cpu", dtype)
"""


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A rotcheck with one more file in its folder of devices."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        Path(SOURCE) / "rotcheck", source / "rotcheck", ignore=shutil.ignore_patterns("__pycache__")
    )
    (source / "rotcheck" / "probe" / "devices" / "sick.py").write_text(SICK)
    (source / "rotcheck" / "probe" / "devices" / "worse.py").write_text(
        "raise OSError('libworse.so is missing')\n"
    )
    folder = tmp_path_factory.mktemp("sick")
    return probe_on(machine(folder, hidden=["flash_attn", "triton"], source=str(source)))


def test_the_cpu_comes_first_of_the_families() -> None:
    assert families()[0] == "cpu"
    assert {"cpu", "cuda", "interpreter", "meta", "mps", "other", "xpu"} <= set(families())


def test_a_file_in_the_folder_is_all_that_a_family_needs(sick: Found) -> None:
    assert sick["fit"].state == "runs"
    assert sick["fit"].values["family"] == "sick"
    assert sick["fit"].values["dtypes"] == list(DTYPES)


def test_what_needs_no_hardware_is_a_file_in_its_own_folder(sick: Found) -> None:
    assert set(STAND_INS) == {"interpreter", "meta"}
    assert sick["meta"].stand_in
    assert sick["interpreter"].stand_in
    assert not sick["cpu"].stand_in
    assert not sick["fit"].stand_in


def test_figures_that_cannot_be_read_are_said_and_take_nothing_along(sick: Found) -> None:
    assert sick["fit"].detail == "AttributeError: module has no attribute 'get_device_name'"


def test_a_device_that_fails_on_the_second_call_does_not_run(sick: Found) -> None:
    line = sick["raising"]
    assert (line.state, line.runs, line.failure) == ("claimed but does not run", 2, "C1")
    assert line.detail.startswith(
        "a raising device; on call 2: RuntimeError: no kernel image is available"
    )


def test_a_device_that_takes_its_process_along_does_not_run(sick: Found) -> None:
    line = sick["crashing"]
    assert line.state == "claimed but does not run"
    assert "the process was killed by SIGABRT" in line.detail


def test_a_device_that_reads_back_wrong_does_not_run(sick: Found) -> None:
    line = sick["wrong"]
    assert line.state == "claimed but does not run"
    assert "on call 1: WrongResult: reads back [2.0, " in line.detail


def test_a_dtype_that_crashes_leaves_the_others(sick: Found) -> None:
    line = sick["sick:2"]
    assert line.state == "runs"
    assert line.values["dtypes"] == ["float64", "float32", "float16", "complex64"]
    assert line.detail == "a sick:2 device, 7.5 GiB, capability 12.0, without bfloat16"
    assert "SIGSEGV" in line.values["dtype_errors"]["bfloat16"]


def test_a_family_that_cannot_answer_is_a_line(sick: Found) -> None:
    line = sick["worse"]
    assert line.state == "claimed but does not run"
    assert line.detail == "asking torch for worse: OSError: libworse.so is missing"


def test_sick_devices_change_no_other_line(sick: Found, bare: Found) -> None:
    assert {name: line for name, line in sick.lines.items() if name in bare.lines} == bare.lines


def test_devices_are_listed_by_number_and_stand_ins_last(sick: Found) -> None:
    names = list(sick.states("devices"))
    assert names.index("sick:2") < names.index("sick:10") < names.index("wrong")
    assert names[-2:] == ["interpreter", "meta"]


@pytest.mark.parametrize(
    ("capability", "known"),
    [
        ((8, 0), ["sm_80", "sm_90"]),
        ((8, 9), ["sm_80", "sm_90"]),
        ((9, 0), ["sm_90a"]),
        ((12, 1), ["sm_80", "sm_120f"]),
        ((12, 0), ["sm_80", "compute_90"]),
    ],
)
def test_a_capability_the_build_has_code_for(capability: tuple[int, int], known: list[str]) -> None:
    assert cuda.judge_capability(capability, known) is None


@pytest.mark.parametrize(
    ("capability", "known", "reason"),
    [
        ((12, 0), ["sm_80", "sm_90"], "this torch has code for sm_80 sm_90 and none for sm_120"),
        (
            (7, 5),
            ["sm_80", "compute_80"],
            "this torch has code for sm_80 compute_80 and none for sm_75",
        ),
        ((8, 0), ["sm_86"], "this torch has code for sm_86 and none for sm_80"),
        ((10, 3), ["sm_100a"], "this torch has code for sm_100a and none for sm_103"),
        ((12, 0), ["compute_90a"], "this torch has code for compute_90a and none for sm_120"),
        ((9, 0), [], "this torch has code for no GPU and none for sm_90"),
    ],
)
def test_a_capability_the_build_has_no_code_for(
    capability: tuple[int, int], known: list[str], reason: str
) -> None:
    assert cuda.judge_capability(capability, known) == reason


def test_an_amd_architecture_is_compared_without_its_features() -> None:
    assert cuda.judge_gfx("gfx90a:sramecc+:xnack-", ["gfx90a", "gfx942"]) is None
    assert (
        cuda.judge_gfx("gfx1103", ["gfx90a"])
        == "this torch has code for gfx90a and none for gfx1103"
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("RuntimeError: Found no NVIDIA driver on your system.", "no driver"),
        ("The NVIDIA driver on your system is too old (found version 11040).", "no driver"),
        ("RuntimeError: No CUDA GPUs are available", "not here"),
    ],
)
def test_a_missing_driver_is_told_from_a_missing_gpu(said: str, state: str) -> None:
    assert cuda.judge_silence(said) == state


@pytest.mark.parametrize(
    ("built", "available", "state"),
    [(False, False, "not built in"), (True, False, "not here"), (True, True, None)],
)
def test_what_follows_from_what_torch_says_of_mps(
    built: bool, available: bool, state: str | None
) -> None:
    claim = mps.judge_claim(built, available)
    assert (claim.name, claim.state) == ("mps", state)


def test_what_follows_from_what_torch_says_of_xpu() -> None:
    assert [(claim.name, claim.state) for claim in xpu.judge_claims(False, 0)] == [
        ("xpu", "not built in")
    ]
    assert [(claim.name, claim.state) for claim in xpu.judge_claims(True, 0)] == [
        ("xpu", "not here")
    ]
    assert [claim.name for claim in xpu.judge_claims(True, 2)] == ["xpu:0", "xpu:1"]


def test_an_accelerator_without_a_file_of_its_own_is_claimed() -> None:
    assert [claim.name for claim in other.judge_claims("npu", True, 2)] == ["npu:0", "npu:1"]
    assert [(claim.name, claim.state) for claim in other.judge_claims("hpu", False, 0)] == [
        ("hpu", "not here")
    ]
    assert other.judge_claims("cuda", True, 1) == []


def test_a_gpu_without_code_in_the_build_says_so_beside_the_error() -> None:
    raised = Raised(
        "rotcheck.probe.inside.thrice.CallFailed",
        "on call 1: AcceleratorError: no kernel image",
        (),
    )
    facts = {"name": "a new GPU", "warning": "this torch has code for sm_90 and none for sm_120"}
    line = device_line(
        "cuda", DeviceClaim("cuda:0"), Returned(facts, 0.0), dict.fromkeys(DTYPES, raised)
    )
    assert line.state == "claimed but does not run"
    assert (
        line.detail
        == f"a new GPU; {facts['warning']}; on call 1: AcceleratorError: no kernel image"
    )


def test_an_mps_device_names_the_dtypes_it_lacks() -> None:
    lacking = Raised("TypeError", "Cannot convert a MPS Tensor to float64 dtype", ())
    tried = dict.fromkeys(DTYPES, Returned(None, 0.0)) | {
        "float64": lacking,
        "complex64": Died(-6, (), ""),
    }
    line = device_line("mps", DeviceClaim("mps"), Returned({"name": "Apple M3"}, 0.0), tried)
    assert (line.state, line.detail) == ("runs", "Apple M3, without float64 complex64")
    assert line.failure is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_gpu_runs_every_dtype_and_names_itself(here: Found) -> None:
    line = here["cuda:0"]
    assert (line.state, line.runs) == ("runs", 3)
    assert line.values["dtypes"] == list(DTYPES)
    assert line.values["name"] == torch.cuda.get_device_name(0)
    assert here["triton"].state == "runs"
