"""Flags of TorchScript: which lines set them for good, and every function that runs under them."""

from pathlib import Path

import pytest
from scanning import lines, scanned

from rotcheck.scan.run import scan

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


NET = "from . import rotary\nfrom model.fused import (\n    modulate,\n)\n"


def test_the_flags_lead_to_every_scripted_function_of_the_project(tmp_path: Path) -> None:
    files = {
        "model/rotary.py": FLAGS,
        "model/fused.py": FUSED,
        "model/net.py": NET,
        "other/fused.py": FUSED,
    }
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


@pytest.mark.parametrize(
    ("end", "count"), [("", 2), ("\nif __name__ == '__main__':\n    train()\n", 0)]
)
def test_files_of_the_working_directory_stand_beside_a_module_and_not_beside_a_program(
    end: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scanned(tmp_path, {"rotary.py": FLAGS + end, "fused.py": FUSED})
    assert len(scan(".", select=["scripted-under-flags"]).hazards) == count


def test_flags_of_a_function_count_where_the_project_calls_it(tmp_path: Path) -> None:
    function = "import torch\ndef legacy():\n    torch._C._jit_set_profiling_executor(False)\n"
    codes = ("legacy-executor", "scripted-under-flags")
    files = {"jit.py": function, "fused.py": FUSED}
    assert lines(scanned(tmp_path, files, *codes)) == []
    files["train.py"] = "import fused\nfrom jit import legacy\nlegacy()\n"
    result = scanned(tmp_path, files, *codes)
    assert [code for code, _, _ in lines(result)] == [
        *["scripted-under-flags"] * 2,
        "legacy-executor",
    ]
    assert result.hazards[-1].message.startswith("once `legacy` ran, ")


HEALTHY = {
    "asked for": """
import torch

def set_fuser(fuser):
    if fuser == "old":
        torch._C._jit_set_profiling_executor(False)

set_fuser("old")
""",
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
