"""Flags of TorchScript: which lines set them for good, and every function that runs under them."""

from pathlib import Path

import pytest
from scanning import lines, scanned

FLAGS = """
import torch

torch._C._jit_set_profiling_mode(False)
torch._C._jit_set_profiling_executor(False)
torch._C._jit_override_can_fuse_on_cpu(True)
torch._C._jit_override_can_fuse_on_gpu(True)
"""
FUSED = """
import torch
from torch.jit import script as jit_script


@torch.jit.script
def bias_dropout_add_scale(x, scale, residual):
    return x * scale + residual


def modulate(x, shift):
    return x + shift


modulate_fused = jit_script(modulate)
"""


def test_the_flags_lead_to_every_scripted_function_of_the_project(tmp_path: Path) -> None:
    files = {"model/rotary.py": FLAGS, "model/fused.py": FUSED}
    result = scanned(tmp_path, files, "legacy-executor", "scripted-under-flags")
    assert lines(result) == [
        ("scripted-under-flags", "model/fused.py", 7),
        ("scripted-under-flags", "model/fused.py", 15),
        ("legacy-executor", "model/rotary.py", 4),
        ("legacy-executor", "model/rotary.py", 5),
        ("legacy-executor", "model/rotary.py", 6),
    ]
    assert [hazard.failure for hazard in result.hazards] == ["J1", "J1", "J8", "J1", "J2"]
    executor = result.hazards[3].message
    assert f"bias_dropout_add_scale ({tmp_path.name}/model/fused.py:7)" in executor
    assert "modulate" in executor
    assert "Line 5, which selects the legacy executor, hides that" in result.hazards[4].message


HEALTHY = {
    "restored": """
import torch

def f(x):
    old = torch._C._jit_set_profiling_executor(False)
    try:
        return g(x)
    finally:
        torch._C._jit_set_profiling_executor(old)
""",
    "the default": "import torch\ntorch._C._jit_set_profiling_executor(True)\n",
    "an old torch": """
import torch
if TORCH_MAJOR > 1:
    torch._C._jit_set_profiling_executor(True)
else:
    torch._C._jit_set_profiling_executor(False)
""",
    "machines with CUDA": """
import torch
if torch.cuda.is_available():
    torch._C._jit_set_profiling_executor(False)
""",
    "scripted, no flag": FUSED,
}


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_flags_that_do_no_harm_are_not_named(text: str, tmp_path: Path) -> None:
    assert lines(scanned(tmp_path, {"a.py": text}, "legacy-executor", "scripted-under-flags")) == []
