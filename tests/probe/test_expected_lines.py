"""The lines that a machine with nothing but a CPU must give, one by one."""

import pytest
import torch
from probing import Found

ALL = ["float64", "float32", "bfloat16", "float16", "complex64"]


def test_the_cpu_runs_every_dtype(here: Found) -> None:
    line = here["cpu"]
    assert (line.group, line.state, line.runs, line.stand_in) == ("devices", "runs", 3, False)
    assert line.values["family"] == "cpu"
    assert line.values["dtypes"] == ALL
    assert line.detail == here.probe.machine.processor


def test_meta_runs_and_is_a_stand_in(here: Found) -> None:
    line = here["meta"]
    assert (line.group, line.state, line.runs, line.stand_in) == ("devices", "runs", 3, True)
    assert (line.values["family"], line.values["dtypes"]) == ("meta", ALL)


def test_the_interpreter_runs_what_it_can_and_says_what_not(here: Found) -> None:
    line = here["interpreter"]
    assert (line.group, line.state, line.runs, line.stand_in) == ("devices", "runs", 3, True)
    assert line.values["dtypes"] == ["float64", "float32", "float16"]
    assert line.detail == "Triton kernels on CPU tensors, without bfloat16 complex64"
    assert "reads back" in line.values["dtype_errors"]["bfloat16"]


def test_without_triton_there_is_no_interpreter(bare: Found) -> None:
    line = bare["interpreter"]
    assert (line.state, line.detail, line.runs, line.stand_in) == (
        "not here",
        "triton is not installed (`python -m pip install triton`)",
        0,
        True,
    )


@pytest.mark.skipif(
    torch.version.cuda is not None or torch.version.hip is not None, reason="a torch for GPUs"
)
def test_cuda_is_not_built_in(here: Found) -> None:
    assert (here["cuda"].state, here["cuda"].runs) == ("not built in", 0)


@pytest.mark.skipif(torch.backends.mps.is_built(), reason="a torch for Macs")
def test_mps_is_not_built_in(here: Found) -> None:
    assert (here["mps"].state, here["mps"].runs) == ("not built in", 0)


@pytest.mark.skipif(torch.xpu._is_compiled(), reason="a torch for Intel GPUs")
def test_xpu_is_not_built_in(here: Found) -> None:
    assert (here["xpu"].state, here["xpu"].runs) == ("not built in", 0)


@pytest.mark.parametrize(
    "name", ["default executor on cpu", "legacy executor on cpu", "oneDNN on cpu"]
)
def test_these_executors_run_on_the_cpu(bare: Found, name: str) -> None:
    assert (bare[name].group, bare[name].state, bare[name].runs) == ("torchscript", "runs", 3)


def test_the_default_executor_runs_on_meta(bare: Found) -> None:
    line = bare["default executor on meta"]
    assert (line.state, line.runs, line.stand_in) == ("runs", 3, True)


def test_the_legacy_executor_raises_on_meta(bare: Found) -> None:
    line = bare["legacy executor on meta"]
    assert (line.state, line.runs, line.stand_in, line.failure) == ("raises", 1, True, "J1")
    assert line.detail == "on call 1: NotImplementedError: Unknown device for graph fuser"
    assert line.cause
    assert line.fix


def test_nnc_forced_on_the_cpu_raises_on_the_second_call(bare: Found) -> None:
    line = bare["NNC forced on CPU"]
    assert (line.state, line.runs, line.failure) == ("raises", 2, "J2")
    assert line.detail == "on call 2: RuntimeError: LLVM Backend not found"


def test_onednn_raises_on_meta_on_the_second_call(bare: Found) -> None:
    line = bare["oneDNN on meta"]
    assert (line.state, line.runs, line.stand_in, line.failure) == ("raises", 2, True, "J4")
    assert line.detail == "on call 2: RuntimeError: Not support device type meta"


def test_a_fresh_process_has_the_profiling_executor(bare: Found) -> None:
    assert bare["default executor on cpu"].values["profiling_executor"] is True
    assert bare["legacy executor on cpu"].values["profiling_executor"] is False


def test_torch_is_named_with_its_version_and_build(here: Found) -> None:
    line = here["torch"]
    assert (line.group, line.state) == ("libraries", "runs")
    assert line.values["version"] == torch.__version__ == here.probe.machine.torch


def test_flash_attn_without_its_cuda_part_is_broken_but_stands_in(here: Found) -> None:
    line = here["flash-attn"]
    assert (line.state, line.failure, line.values["version"]) == ("broken", "F2", "2.8.3.post2")
    assert "No module named 'flash_attn_2_cuda' (flash_attn/flash_attn_interface.py:" in line.detail
    assert (
        "its rotary kernel runs under the Triton interpreter: `--device interpreter`" in line.detail
    )


def test_flash_attn_says_what_its_rotary_functions_accept(here: Found) -> None:
    api = here["flash-attn"].values["rotary_api"]
    assert {"interleaved", "seqlen_offsets", "cu_seqlens"} <= set(api["apply_rotary_emb"])
    assert {"cos_k", "sin_k", "num_heads_q"} <= set(api["apply_rotary_emb_qkv_"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, and so a driver")
def test_triton_imports_and_has_no_driver(here: Found) -> None:
    line = here["triton"]
    assert line.state == "cannot run here"
    assert "imports, no driver: on call 1: RuntimeError: 0 active drivers" in line.detail


def test_the_compilers_compile(here: Found) -> None:
    assert here.states("compilers") == {"C compiler": "runs", "C++ compiler": "runs"}
    assert here["C++ compiler"].runs == 1


def test_without_triton_no_c_compiler_is_asked_for(bare: Found) -> None:
    assert bare.states("compilers") == {"C++ compiler": "runs"}


def test_flash_attn_and_triton_are_absent(bare: Found) -> None:
    assert bare.states("libraries") == {"flash-attn": "absent", "torch": "runs", "triton": "absent"}


def test_every_switch_stands_at_its_default(bare: Found) -> None:
    assert set(bare.states("switches").values()) == {"default"}
    assert bare["environment"].detail == "no variable that changes results is set"
    assert bare["float32 matmul precision"].detail == "highest"
