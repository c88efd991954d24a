"""The lines of what changes results without showing in code:
environment variables, and torch's global switches."""

import os
import re
from collections.abc import Mapping

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.outcome_lines import line, outcome_line
from rotcheck.results import Line

VARIABLES = re.compile(
    r"PYTORCH_(JIT|ENABLE_MPS_FALLBACK|MPS_FAST_MATH|NVFUSER_\w+|TENSOREXPR\w*)"
    r"|TORCH_(JIT_\w+|COMPILE\w*|ALLOW_TF32_CUBLAS_OVERRIDE)|TORCHINDUCTOR_\w+|TORCHDYNAMO_\w+"
    r"|TRITON_\w+|FLASH_ATTENTION_\w+|NVIDIA_TF32_OVERRIDE|CUBLAS_WORKSPACE_CONFIG"
    r"|CUDA_(VISIBLE_DEVICES|LAUNCH_BLOCKING)"
)
DEFAULTS = {
    "float32 matmul precision": "highest",
    "autocast on cpu": "off",
    "autocast on cuda": "off",
    "deterministic algorithms": "off",
    "default dtype": "float32",
    "gradients": "on",
    "TF32 in cuBLAS": "off",
    "TF32 in cuDNN": "on",
    "TorchScript executor": "profiling",
}


def of_environment(environment: Mapping[str, str] = os.environ) -> list[Line]:
    """A line for each variable that is set, or one that says none is."""
    variables = {
        name: _without_path(environment[name])
        for name in sorted(environment)
        if VARIABLES.fullmatch(name)
    }
    if not variables:
        return [
            line("switches", "environment", "default", "no variable that changes results is set")
        ]
    return [
        line("switches", name, "set", value, values={"variable": True, "value": value})
        for name, value in variables.items()
    ]


def _without_path(value: str) -> str:
    """The value, or `<path>`: the last part of a path may be a user's name."""
    return "<path>" if "/" in value or "\\" in value else value


def of_torch(outcome: Outcome) -> list[Line]:
    """A line for each global switch of torch, as a fresh process has it."""
    if not isinstance(outcome, Returned):
        return [outcome_line("switches", "torch", outcome)]
    return [_switch(name, value) for name, value in outcome.value.items()]


def _switch(name: str, value: str) -> Line:
    state = "default" if value == DEFAULTS[name] else "set"
    return line("switches", name, state, value, values={"value": value})
