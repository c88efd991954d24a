"""The Triton kernel, compiled for GPUs that are not here: real machine code, by Triton's own compiler."""

import re

import pytest
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rotcheck.rotary.paths.triton_kernel import _rotate

FIXED = {
    "PAIRS": 64, "LANES": 128, "STEP": 1, "GAP": 64, "BACKWARDS": False, "WRITES_ALL": True, "PER_HEAD": False,
    "ROWS": 8, "HEADS": 4, "WIDTH": 64, "REST": 1, "WIDE": tl.float32,
    "x_lane": 1, "out_lane": 1, "cos_lane": 1, "sin_lane": 1,
}  # fmt: skip
TENSORS = ("X", "OUT", "COS", "SIN")


def _compiled(dtype: str, capability: int, **changed: object) -> str:
    fixed = FIXED | changed
    names = _rotate.arg_names
    kinds = {
        name: "constexpr" if name in fixed else f"*{dtype}" if name in TENSORS else "i32" for name in names
    }
    aligned = {(at,): [["tt.divisibility", 16]] for at, name in enumerate(names) if name not in fixed}
    source = ASTSource(
        _rotate, kinds, {(names.index(name),): value for name, value in fixed.items()}, aligned
    )
    found = triton.compile(source, GPUTarget("cuda", capability, 32), {"enable_fp_fusion": False})
    assert found.asm["cubin"]
    return str(found.asm["ptx"])


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
def test_it_compiles_reads_and_writes_16_bytes_at_a_time_and_fuses_no_roundings(
    dtype: str, capability: int
) -> None:
    code = _compiled(dtype, capability)
    assert "ld.global.v4.b32" in code
    assert "st.global.v4.b32" in code
    assert re.search(r"\bfma\.rn\.f32", code) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"STEP": 2, "GAP": 1},
        {"BACKWARDS": True},
        {"WRITES_ALL": False},
        {"PER_HEAD": True},
        {"PAIRS": 40, "GAP": 40, "REST": 64},
    ],
    ids=str,
)
def test_it_compiles_for_every_other_kind_of_call(changed: dict[str, object]) -> None:
    assert "st.global" in _compiled("bf16", 90, **changed)
    assert re.search(r"\bfma\.rn\.f64", _compiled("fp64", 90, WIDE=tl.float64, **changed)) is None
