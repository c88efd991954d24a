"""Environment variables and global switches."""

from pathlib import Path

from probing import Found, machine, probe_on

from rotcheck.isolation import Returned
from rotcheck.probe.switch_lines import DEFAULTS, of_environment, of_torch

CHANGED = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "rotcheck.probe.inside.torch_switches":
            import torch
            torch.set_float32_matmul_precision("high")
        return None
sys.meta_path.insert(0, Finder())
"""


def test_a_variable_that_is_set_is_a_line(wrecked: Found) -> None:
    line = wrecked["PYTORCH_ENABLE_MPS_FALLBACK"]
    assert (line.group, line.state, line.detail) == ("switches", "set", "1")
    assert "environment" not in wrecked.lines


def test_only_variables_that_change_results_are_named() -> None:
    set_here = {
        "TRITON_INTERPRET": "1",
        "HOME": "/home/somebody",
        "PYTORCH_JIT": "0",
        "CUDA_VISIBLE_DEVICES": "",
    }
    assert [line.name for line in of_environment(set_here)] == [
        "CUDA_VISIBLE_DEVICES",
        "PYTORCH_JIT",
        "TRITON_INTERPRET",
    ]


def test_no_variable_set_is_one_line() -> None:
    (line,) = of_environment({"HOME": "/home/somebody"})
    assert (line.name, line.state) == ("environment", "default")


def test_a_value_with_a_path_is_not_shown() -> None:
    (line,) = of_environment({"TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor_somebody"})
    assert (line.detail, line.values["value"]) == ("<path>", "<path>")


def test_a_switch_that_differs_is_set() -> None:
    lines = {
        line.name: line
        for line in of_torch(Returned(DEFAULTS | {"default dtype": "bfloat16"}, 0.0))
    }
    assert (lines["default dtype"].state, lines["default dtype"].detail) == ("set", "bfloat16")
    assert lines["gradients"].state == "default"


def test_a_switch_that_something_turned_at_start_is_found(tmp_path: Path) -> None:
    line = probe_on(machine(tmp_path, {"sitecustomize.py": CHANGED}))["float32 matmul precision"]
    assert (line.state, line.detail) == ("set", "high")
