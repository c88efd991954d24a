"""Triton kernels compiled for GPUs that are not here,
by Triton's own compiler and the assembler that comes with it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rotcheck.rotary.call_plan import Arrangement, plan
from rotcheck.rotary.paths.triton_kernel import OPTIONS, _rotate, prepare

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
NAMES = {
    torch.float32: "fp32",
    torch.float64: "fp64",
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
}
LANES = ("x_lane", "out_lane", "cos_lane", "sin_lane")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `apply_rotary` with one tensor, as far as the kernel is compiled for it."""

    lanes: int = 128
    rotary_dim: int = 128
    heads: int = 32
    dtype: torch.dtype = torch.bfloat16
    pairing: str = "half"
    inplace: bool = False
    direction: int = 1
    per_head: bool = False  # tables of their own for each head
    close: bool = True  # lanes lie side by side
    positions: int = 4096

    def tensor(self) -> Tensor:
        """Return x (B, S, H, D), without memory."""
        shape = (2, self.positions, self.heads, self.lanes)
        return torch.empty((*shape, 1 if self.close else 2), dtype=self.dtype, device="meta")[
            ..., 0
        ]


def rotation(call: Call, capability: int = 90) -> str:
    """Return the PTX of our kernel."""
    x, shape = call.tensor(), (call.positions, call.rotary_dim // 2)
    table = torch.empty(
        (1, shape[0], call.heads, shape[1]) if call.per_head else shape, device="meta"
    )
    arrangement = Arrangement(pairing=call.pairing, direction=call.direction)
    made = plan(arrangement, x.shape, table.shape, table.shape)
    strides = (x.stride(), x.stride(), table.stride(), table.stride())
    constexprs = prepare(made, call.dtype == torch.float64, call.inplace, *strides).constexprs
    constexprs = constexprs | (dict.fromkeys(LANES, 1) if call.close else {})
    pointers = {"X": call.dtype, "OUT": call.dtype, "COS": torch.float32, "SIN": torch.float32}
    return ptx(
        _rotate,
        constexprs,
        {name: f"*{NAMES[dtype]}" for name, dtype in pointers.items()},
        capability,
        OPTIONS,
    )


def ptx(
    kernel: Any,
    constexprs: dict[str, Any],
    pointers: dict[str, str],
    capability: int,
    options: dict[str, Any],
) -> str:
    """Return the PTX of a kernel; what is neither a constant nor a pointer is a 32-bit integer."""
    names = kernel.arg_names
    kinds = {
        name: "constexpr" if name in constexprs else pointers.get(name, "i32") for name in names
    }
    aligned = {(names.index(name),): [["tt.divisibility", 16]] for name in pointers}
    source = ASTSource(
        kernel, kinds, {(names.index(name),): value for name, value in constexprs.items()}, aligned
    )
    return str(triton.compile(source, GPUTarget("cuda", capability, 32), options).asm["ptx"])


def spills(code: str) -> int:
    """Return how many bytes the assembler stores to memory for want of registers."""
    target = re.search(r"\.target (sm_(\d+)\w*)", code)
    assert target is not None
    assembler = TOOLS / ("ptxas-blackwell" if int(target[2]) >= 100 else "ptxas")
    command = [assembler, "-v", f"--gpu-name={target[1]}", "-o", "/dev/null", "/dev/stdin"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) bytes spill stores", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def fusions(code: str) -> int:
    """Return how many multiplications are fused with an addition, and so rounded once for both."""
    return len(re.findall(r"\bfma\.rn\.(?:ftz\.)?f\d\d", code))
