"""The Triton kernel: its machine code for GPUs that are not here, and what it takes and refuses."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from machine_code import Call, fusions, ptx, rotation, spills

from rotcheck.rotary.call_plan import Arrangement, plan
from rotcheck.rotary.paths import triton

DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
PAIRINGS = ["half", "interleaved"]
SMALLER_THAN_16_BYTES = re.compile(
    r"(?:ld|st)\.global\.(?:v2\.)?b(?:8|16)\b|(?:ld|st)\.global\.b32"
)


@pytest.mark.parametrize("capability", [80, 90, 100])
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
def test_it_reads_and_writes_16_bytes_at_a_time_and_fuses_no_roundings(
    dtype: torch.dtype, pairing: str, capability: int
) -> None:
    code = rotation(Call(dtype=dtype, pairing=pairing), capability)
    assert code.count("ld.global.v4.b32") >= 2
    assert code.count("st.global.v4.b32") >= 2
    assert SMALLER_THAN_16_BYTES.findall(code) == []
    assert fusions(code) == 0
    assert spills(code) == 0


def test_heads_that_lie_8_elements_off_a_multiple_of_16_are_read_16_bytes_at_a_time_too() -> None:
    code = rotation(Call(72, 72, heads=3, pairing="interleaved"))
    assert "ld.global.v4.b32" in code
    assert "st.global.v4.b32" in code
    assert "global.b16" not in code


HELD = [  # (lanes, rotary_dim, heads): lanes that stay, and wide heads
    (2048, 2, 256), (128, 2, 256), (2048, 8, 64), (2048, 64, 16), (256, 16, 32), (128, 8, 64), (2048, 2048, 4),
    (8192, 2, 3),
]  # fmt: skip
HAVE = [
    (64, 64, 8),
    (64, 16, 1),
    (72, 72, 3),
    (80, 32, 32),
    (96, 96, 40),
    (128, 64, 256),
    (192, 64, 128),
    (256, 256, 2),
    (576, 64, 1),
]

KINDS = [
    (torch.float64, False, 90),
    (torch.float32, True, 80),
    (torch.bfloat16, False, 100),
    (torch.float16, True, 90),
]


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("shape", [*HELD, *HAVE], ids=str)
def test_nothing_is_spilled(shape: tuple[int, int, int], pairing: str) -> None:
    for dtype, inplace, capability in KINDS:
        code = rotation(Call(*shape, dtype, pairing, inplace), capability)
        assert (spills(code), fusions(code)) == (0, 0), (dtype, inplace, capability)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "kind", [{"direction": -1}, {"per_head": True}, {"close": False}, {"positions": 1}], ids=str
)
def test_nothing_is_spilled_in_every_other_kind_of_call(
    kind: dict[str, int], dtype: torch.dtype
) -> None:
    for pairing in PAIRINGS:
        code = rotation(Call(192, 96, dtype=dtype, pairing=pairing, **kind))
        assert (spills(code), fusions(code)) == (0, 0)


def test_the_assembler_tells_what_is_spilled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a tile that is far too large."""
    monkeypatch.setattr("rotcheck.rotary.paths.tile.BYTES", 1 << 17)
    assert spills(rotation(Call(close=False))) > 0


def _flash_attn() -> ModuleType:
    """Import the file of flash-attn's kernel, without the package, which asks for a GPU."""
    package = importlib.util.find_spec("flash_attn")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "ops" / "triton" / "rotary.py"
    spec = importlib.util.spec_from_file_location("rotary_of_flash_attn", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("interleaved", [False, True])
def test_flash_attns_kernel_fuses_roundings_as_the_docs_say(interleaved: bool) -> None:
    constexprs = {
        "CU_SEQLENS": None, "ROTARY_DIM": 128, "IS_SEQLEN_OFFSETS_TENSOR": False, "IS_VARLEN": False,
        "INTERLEAVED": interleaved, "CONJUGATE": False, "BLOCK_H": 2, "BLOCK_M": 8, "stride_out_headdim": 1,
        "stride_x_headdim": 1,
    }  # fmt: skip
    pointers = dict.fromkeys(("OUT", "X", "COS", "SIN"), "*bf16")
    assert fusions(ptx(_flash_attn().rotary_kernel, constexprs, pointers, 90, {})) > 0


def _unfit(x: torch.Tensor, rotary_dim: int, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Ask the path about x as if Triton ran on its device."""
    monkeypatch.setattr(triton, "missing", lambda x: None)
    table = torch.empty(1).expand(x.shape[1], rotary_dim // 2)
    return triton.unfit(
        x, table, table, plan(Arrangement(), x.shape, table.shape, table.shape), None
    )


def test_more_pairs_than_a_program_holds_are_refused_with_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = torch.empty(1).expand(1, 2, 1, 4096)
    assert _unfit(x, 2048, monkeypatch) is None
    assert (
        _unfit(x, 2050, monkeypatch)
        == "1025 pairs rotate in a head; a program has registers for 1024"
    )


def test_more_programs_than_a_grid_takes_are_refused_with_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _unfit(torch.empty(1).expand(2**31 - 1, 1, 1, 2), 2, monkeypatch) is None
    reason = _unfit(torch.empty(1).expand(2**31, 1, 1, 2), 2, monkeypatch)
    assert reason == "it would take 2147483648 programs; a grid takes 2147483647"


@pytest.mark.parametrize("axis", [1, 2])
def test_an_axis_longer_than_32_bits_count_is_refused_with_its_length(
    axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = torch.empty(1, 1, 1, 2)
    assert (
        _unfit(
            one.expand(*(2**31 - 2**13 if at == axis else -1 for at in range(4))), 2, monkeypatch
        )
        is None
    )
    reason = _unfit(
        one.expand(*(2**31 - 1 if at == axis else -1 for at in range(4))), 2, monkeypatch
    )
    assert reason == "2147483647 positions or heads in a row; it counts up to 2147475456"


@pytest.mark.parametrize(
    "shape", [(1, 600_000, 1, 2), (70_000, 1, 1, 2), (1, 1, 2_000_000, 2)], ids=str
)
def test_any_axis_may_be_long(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _unfit(torch.empty(1).expand(shape), 2, monkeypatch) is None


LANES_FAR_APART = """
import sys, torch
from rotcheck.implementations.triton_interpreter import interpret
interpret()
from rotcheck.rotary.apply import rotate
from rotcheck.rotary.paths import operations, triton
from rotcheck.rotary.call_plan import Arrangement
apart = 2**30
memory = torch.from_file(sys.argv[1], shared=True, size=3 * apart + 6, dtype=torch.float16)  # hardly touched
x = memory.as_strided((1, 2, 3, 4), (6, 3, 1, apart))
x.copy_(torch.randn(1, 2, 3, 4))
cos, sin = torch.rand(2, 2), torch.rand(2, 2)
for pairing in ("half", "interleaved"):
    arrangement = Arrangement(pairing=pairing)
    expected = rotate(x.contiguous(), cos, sin, arrangement, False, operations)
    assert torch.equal(rotate(x, cos, sin, arrangement, False, triton), expected), pairing
    assert torch.equal(rotate(x, cos, sin, arrangement, True, triton), expected), pairing
print("right")
"""


def test_lanes_may_lie_further_apart_than_32_bits_can_say(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LANES_FAR_APART, tmp_path / "sparse"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "right\n", (done.returncode, done.stderr)


MANY_TILES = """
import torch
from rotcheck.implementations.triton_interpreter import interpret
interpret()
from rotcheck.rotary.apply import rotate
from rotcheck.rotary.paths import operations, triton
from rotcheck.rotary.paths.tile import tile
from rotcheck.rotary.call_plan import Arrangement, plan
for layout, shape, form, table in (
    ("bshd", (3, 70, 1, 64), "half-width", (73, 32)),  # many rows
    ("bshd", (2, 3, 150, 16), "half-width", (3, 8)),  # many heads
    ("bshd", (2, 2, 3, 5000), "half-width", (2, 2)),  # many lanes that stay
    ("bhsd", (2, 3, 70, 24), "half-width", (1, 3, 70, 9)),  # tables of their own for each head
    ("qkv", (2, 5, 3, 50, 16), "half-width", (2, 5, 1, 1, 6)),  # heads of two slots in a tile, tables for each batch
    ("qkv", (2, 5, 3, 50, 16), "packed", (1, 5, 3, 1, 16)),
    ("sbhd", (90, 2, 3, 16), "repeated", (2, 90, 12)),
):
    x, cos, sin = torch.randn(shape), torch.randn(table), torch.randn(table)
    for pairing in ("half", "interleaved"):
        arrangement = Arrangement(layout, pairing, form, offset=3 if table[0] == 73 else 0)
        assert tile(plan(arrangement, shape, table, table), False, False, True).programs > 2, shape
        expected = rotate(x, cos, sin, arrangement, False, operations)
        for lanes_apart in (False, True):
            out = torch.empty(*shape, 2)[..., 0] if lanes_apart else torch.empty(shape)
            assert torch.equal(rotate(x, cos, sin, arrangement, False, triton, out), expected), (shape, pairing)
            y = out.copy_(x)
            assert torch.equal(rotate(y, cos, sin, arrangement, True, triton), expected), (shape, pairing)
print("right")
"""


def test_a_call_of_many_tiles_has_the_same_bits_under_the_interpreter() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY_TILES], capture_output=True, text=True, check=False
    )
    assert done.stdout == "right\n", done.stderr
