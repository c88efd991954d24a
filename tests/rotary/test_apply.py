"""The functions users import: every layout, pairing and form of the tables, on every path,
against float64."""

import itertools
import subprocess
import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor

from rotcheck.measure.rounding_steps import measure, norms
from rotcheck.rotary import (
    angles,
    apply_rotary,
    apply_rotary_pos_emb,
    explain,
    lanes,
    pairs,
    tables,
)
from rotcheck.rotary import rotate as reference
from rotcheck.rotary.apply import QKV, rotate
from rotcheck.rotary.call_plan import Arrangement, plan
from rotcheck.rotary.paths import PATHS, blocks, cpu, operations
from rotcheck.rotary.tables import _makes_float64, cos_and_sin, has_float64

BATCH, POSITIONS, HEADS, LANES = 2, 7, 5, 12  # all different, and none of them the 3 of qkv
DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
ON_CPU = [cpu, blocks, operations]
LAYOUTS = ["bshd", "bhsd", "sbhd", "thd", "qkv"]
FORMS = ["half-width", "repeated", "complex", "matrix", "angles"]
AT = torch.tensor([0, 1, 2, 257, 2049, 4097, 65537])


def _bshd(dtype: torch.dtype, *, packed: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (BATCH, POSITIONS, 3, HEADS, LANES) if packed else (BATCH, POSITIONS, HEADS, LANES)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def _laid_out(x: Tensor, layout: str) -> Tensor:
    """Bring (B, S, H, D), or packed qkv, into a layout."""
    match layout:
        case "bhsd":
            return x.transpose(1, 2).contiguous()
        case "sbhd":
            return x.transpose(0, 1).contiguous()
        case "thd":
            return x[0].contiguous()
    return x


def _truth(x: Tensor, pairing: str, rotary_dim: int, sign: int = 1) -> Tensor:
    """Rotate (B, S, H, D) in float64."""
    turned = reference(pairs(x.double()[..., :rotary_dim], pairing), sign * angles(AT, rotary_dim))
    return torch.cat((lanes(turned, pairing), x.double()[..., rotary_dim:]), -1)


def _packed_truth(qkv: Tensor) -> Tensor:
    return torch.stack(
        (*(_truth(x, "half", LANES) for x in qkv.unbind(2)[:2]), qkv[:, :, 2].double()), 2
    )


def _error(found: Tensor, truth: Tensor) -> float:
    """The worst error in the design's unit;
    the lanes of half pairing, or of any where none differ."""
    exact = pairs(truth, "half")
    return measure(pairs(found.double(), "half"), exact, norms(exact), found.dtype).error


def _sedd(dtype: torch.dtype) -> tuple[Tensor, ...]:
    return tables("packed", "half", angles(AT, LANES), dtype)


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_drop_in_rotates_q_and_k_and_rounds_once(dtype: torch.dtype, path: ModuleType) -> None:
    qkv = _bshd(dtype, packed=True)
    found = rotate(qkv, *_sedd(torch.float64), QKV, False, path)
    assert found.dtype == dtype
    assert _error(found, _packed_truth(qkv)) <= (1.5 if dtype == torch.float32 else 0.8)
    assert torch.equal(found[:, :, 2], qkv[:, :, 2])
    assert not torch.equal(found[:, :, :2], qkv[:, :, :2])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_and_pairing_has_the_same_bits_on_every_path(
    layout: str, pairing: str, dtype: torch.dtype
) -> None:
    x = _laid_out(_bshd(dtype, packed=layout == "qkv"), layout)
    for rotary_dim, form in itertools.product((LANES, 8), ("half-width", "repeated")):
        given = tables(form, pairing, angles(AT, rotary_dim), dtype)
        given = tuple(table.view(POSITIONS, -1) for table in given)
        arranged = Arrangement(layout, pairing, form)
        found = [rotate(x, *given, arranged, False, path) for path in ON_CPU]
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])
        assert torch.equal(
            apply_rotary(x, *given, layout=layout, pairing=pairing, form=form), found[0]
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
@pytest.mark.parametrize("layout", LAYOUTS[:4])
def test_every_form_of_the_tables_gives_the_rotation(layout: str, pairing: str, form: str) -> None:
    x = _bshd(torch.float64)
    for rotary_dim in (LANES, 8):
        given = tables(form, pairing, angles(AT, rotary_dim), torch.float64)
        if layout != "bhsd":  # whose own axes would be (B, H, S)
            given = tuple(
                table.reshape(POSITIONS, *table.shape[2 - (table.dim() == 2) :]) for table in given
            )
        found = apply_rotary(
            _laid_out(x, layout), *given, layout=layout, pairing=pairing, form=form
        )
        truth = _laid_out(_truth(x, pairing, rotary_dim), layout)
        assert torch.allclose(found, truth, rtol=0, atol=1e-14)


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_positions_are_enough(pairing: str, path: ModuleType) -> None:
    x = _bshd(torch.float32)
    truth = _truth(x, pairing, 8)
    assert torch.allclose(
        apply_rotary(x, AT, form="positions", pairing=pairing, rotary_dim=8).double(),
        truth,
        rtol=0,
        atol=1e-6,
    )
    assert torch.allclose(
        apply_rotary(
            x, AT.expand(BATCH, -1), form="positions", pairing=pairing, rotary_dim=8
        ).double(),
        truth,
        rtol=0,
        atol=1e-6,
    )


def test_tables_of_positions_are_made_without_reading_anything_back() -> None:
    """On meta there is nothing to read: what waits for a device, and no graph can hold,
    raises there."""
    x, at = _bshd(torch.bfloat16).to("meta"), AT.to("meta")
    assert apply_rotary(x, at, form="positions").device.type == "meta"
    with pytest.raises(NotImplementedError, match="no data"):
        at.cpu()


@pytest.mark.parametrize("float64", [True, False])
def test_a_device_without_float64_turns_by_the_same_angles(
    float64: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cos_and_sin.__globals__, "has_float64", lambda kind: float64)
    at = torch.tensor([0, 1, 131_071, 2**20 - 3, 2**20 - 1, 2**20, 2**20 + 1])
    cos, sin = cos_and_sin("positions", (at,), 64, 10000.0, torch.device("cpu"))
    assert cos.dtype == sin.dtype == (torch.float64 if float64 else torch.float32)
    assert torch.equal(cos.float(), angles(at, 64).cos().float())
    assert torch.equal(sin.float(), angles(at, 64).sin().float())
    x = torch.randn(1, 7, 2, 64)
    tables_rounded_once = (angles(at, 64).cos().float(), angles(at, 64).sin().float())
    assert torch.equal(apply_rotary(x, at, form="positions"), apply_rotary(x, *tables_rounded_once))


def test_kinds_of_devices_are_asked_whether_they_have_float64() -> None:
    assert [has_float64(kind) for kind in ("cpu", "cuda", "meta", "mps")] == [
        True,
        True,
        True,
        False,
    ]
    # a kind that is in no build of torch: what cannot be made is not there
    assert not _makes_float64("lazy")
    assert _makes_float64("cpu")


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_positions_of_their_own_for_each_batch(path: ModuleType) -> None:
    x = _bshd(torch.float64)
    rows = torch.stack((angles(AT, LANES), angles(AT.flip(0), LANES)))  # (B, S, P)
    found = rotate(x, rows.cos(), rows.sin(), Arrangement(), False, path)
    assert torch.equal(
        found[0], rotate(x, rows[0].cos(), rows[0].sin(), Arrangement(), False, path)[0]
    )
    assert torch.equal(
        found[1], rotate(x, rows[1].cos(), rows[1].sin(), Arrangement(), False, path)[1]
    )


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_tables_of_their_own_for_each_head_and_slot(path: ModuleType) -> None:
    qkv = _bshd(torch.float64, packed=True)
    own = torch.randn(1, POSITIONS, 3, HEADS, LANES // 2, dtype=torch.float64)
    found = rotate(qkv, own.cos(), own.sin(), Arrangement("qkv"), False, path)
    for slot, head in itertools.product(range(2), range(HEADS)):
        one = qkv[:, :, slot, head : head + 1]
        alone = rotate(
            one,
            own[0, :, slot, head].cos(),
            own[0, :, slot, head].sin(),
            Arrangement(),
            False,
            path,
        )
        assert torch.equal(found[:, :, slot, head : head + 1], alone)


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_a_decode_step_is_a_row_of_the_prefill(path: ModuleType) -> None:
    x = _bshd(torch.float32)
    given = tables("half-width", "half", angles(AT, LANES), torch.float32)
    whole = rotate(x, *given, Arrangement(), False, path)
    for row in range(POSITIONS):
        step = rotate(x[:, row : row + 1], *given, Arrangement(offset=row), False, path)
        assert torch.equal(step, whole[:, row : row + 1])


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_the_other_direction_undoes_the_rotation(path: ModuleType) -> None:
    x = _bshd(torch.float64)
    given = tables("half-width", "half", angles(AT, LANES), torch.float64)
    there = rotate(x, *given, Arrangement(), False, path)
    back = rotate(there, *given, Arrangement(direction=-1), False, path)
    assert torch.allclose(back, x, rtol=0, atol=1e-14)
    assert not torch.allclose(there, x)


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_v_is_turned_when_asked(path: ModuleType) -> None:
    qkv = _bshd(torch.float64, packed=True)
    found = rotate(qkv, *_sedd(torch.float64), QKV._replace(rotate_v=True), False, path)
    assert torch.allclose(found[:, :, 2], _truth(qkv[:, :, 2], "half", LANES), rtol=0, atol=1e-14)


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_in_place_writes_the_same_values_into_x_and_nothing_beside_it(
    layout: str, dtype: torch.dtype, path: ModuleType
) -> None:
    x = _laid_out(_bshd(dtype, packed=layout == "qkv"), layout)
    given = tables("half-width", "half", angles(AT, 8), dtype)
    expected = rotate(x, *given, Arrangement(layout), False, path)
    around = torch.full((*x.shape[:-1], LANES + 4), torch.nan, dtype=dtype)
    inside = around[..., 2:-2].copy_(x)
    version = inside._version
    found = rotate(inside, *given, Arrangement(layout), True, path)
    assert found is inside
    assert torch.equal(inside, expected)
    assert around[..., :2].isnan().all()
    assert around[..., -2:].isnan().all()
    assert inside._version > version


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
def test_memory_that_elements_share_is_not_written_in_place(path: ModuleType) -> None:
    x = torch.randn(1, POSITIONS, HEADS, LANES).expand(BATCH, -1, -1, -1)
    given = tables("half-width", "half", angles(AT, LANES), torch.float32)
    made = plan(Arrangement(), x.shape, *(table.shape for table in given))
    assert path is operations or "share memory" in path.unfit(x, *given, made, x)
    with pytest.raises(RuntimeError, match="single memory location"):
        apply_rotary(x, *given, inplace=True)


VIEWS = {
    "transposed": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "sliced": lambda x: torch.cat((x, x), -1)[..., :LANES],
    "every second lane": lambda x: torch.stack((x, x), -1).flatten(-2)[..., ::2],
    "expanded": lambda x: x[:1].expand(x.shape),
    "flipped batches": lambda x: x.flip(0),
    "heads last in memory": lambda x: x.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2),
}


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_strides_do_not_show_in_the_values(view: str, pairing: str, path: ModuleType) -> None:
    x = VIEWS[view](_bshd(torch.float32))
    cos, sin = (
        t.t().contiguous().t()
        for t in tables("half-width", pairing, angles(AT, LANES), torch.float32)
    )
    found = rotate(x, cos, sin, Arrangement(pairing=pairing), False, path)
    assert torch.equal(
        found, rotate(x.contiguous(), cos, sin, Arrangement(pairing=pairing), False, operations)
    )


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("table", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tables_may_have_another_dtype_which_never_becomes_the_results(
    dtype: torch.dtype, table: torch.dtype, path: ModuleType
) -> None:
    qkv = _bshd(dtype, packed=True)
    found = rotate(qkv, *_sedd(table), QKV, False, path)
    assert found.dtype == dtype
    assert torch.equal(found, rotate(qkv, *_sedd(table), QKV, False, operations))


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_nan_and_infinity_stay_with_their_pair(dtype: torch.dtype, path: ModuleType) -> None:
    qkv = _bshd(dtype, packed=True)
    qkv[0, 1, 0, 2, 3], qkv[1, 2, 1, 0, 0], qkv[1, 3, 2, 1, 1] = torch.nan, torch.inf, torch.inf
    found = rotate(qkv, *_sedd(dtype), QKV, False, path)
    # two pairs, and the infinity in V that stays what it was
    assert int((~found.isfinite()).sum()) == 5
    assert torch.equal(found[:, :, 2], qkv[:, :, 2])


def test_the_kernel_rounds_every_float16_and_bfloat16_as_torch_does() -> None:
    numbers = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    for dtype in (torch.float16, torch.bfloat16):
        x = numbers.view(dtype).view(1, 1, -1, 2)
        x = x[:, :, ~x.isnan().any(-1)[0, 0]]
        for angle in (0.0, 0.3, 2.0, 3.1):
            table = torch.tensor([[angle]], dtype=torch.float64)
            call = (x, table.cos(), table.sin(), Arrangement(), False)
            found, expected = rotate(*call, cpu), rotate(*call, operations)
            same = (found == expected) | (found.isnan() & expected.isnan())
            assert same.all(), (
                f"{dtype} at {angle}: {found[~same][:3]} is not {expected[~same][:3]}"
            )


@pytest.mark.parametrize("path", ON_CPU, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "shape", [(0, 7, 3, 5, 12), (2, 0, 3, 5, 12), (2, 7, 3, 0, 12), (1, 1, 3, 1, 2)]
)
def test_empty_and_smallest_tensors(shape: tuple[int, ...], path: ModuleType) -> None:
    qkv = torch.randn(shape)
    table = torch.zeros(shape[1], shape[4])
    assert torch.equal(rotate(qkv, table + 1, table, QKV, False, path), qkv)


def test_more_lanes_than_the_kernel_has_room_for_run_elsewhere() -> None:
    x, angle = (
        torch.randn(1, 2, 1, 8194, dtype=torch.float64),
        torch.randn(2, 4097, dtype=torch.float64),
    )
    assert explain(x, angle.cos(), angle.sin()).path == "blocks"
    found = apply_rotary(x, angle.cos(), angle.sin())
    assert torch.allclose(found.norm(), x.norm())


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_number_of_threads_does_not_show_in_the_values(threads: int) -> None:
    generator = torch.Generator().manual_seed(3)
    qkv = torch.randn(3, 1024, 3, 5, 64, generator=generator)
    given = tables("packed", "half", angles(torch.arange(1024), 64), torch.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = apply_rotary_pos_emb(qkv, *given)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found, rotate(qkv, *given, QKV, False, operations))


INTERPRETED = """
import itertools, torch
from rotcheck.implementations.triton_interpreter import interpret
interpret()
from rotcheck.rotary import angles, tables
from rotcheck.rotary.apply import QKV, rotate
from rotcheck.rotary.paths import operations, triton, flash_attn
from rotcheck.rotary.call_plan import Arrangement, plan
from rotcheck.rotary.tables import cos_and_sin
path = {"triton-kernel": triton, "flash-attn": flash_attn}["%s"]
shapes = {"bshd": (2, 7, 5, 12), "bhsd": (2, 5, 7, 12), "sbhd": (7, 2, 5, 12), "thd": (7, 5, 12)}
shapes["qkv"] = (2, 7, 3, 5, 12)
ran = 0
for layout, pairing, dtype, rotary_dim in itertools.product(
    shapes, ("half", "interleaved"), (torch.float32, torch.float16, torch.float64), (12, 8)
):
    x = torch.randn(shapes[layout]).to(dtype)
    given = tables("half-width", pairing, angles(torch.arange(7), rotary_dim), dtype)
    arranged = Arrangement(layout, pairing)
    made = plan(arranged, x.shape, *(t.shape for t in given))
    for inplace in (False, True):
        if path.unfit(x, *given, made, x if inplace else None) is not None:
            continue
        expected = rotate(x, *given, arranged, False, operations)
        leaf = x.clone().requires_grad_()
        found = rotate(leaf.clone() if inplace else leaf, *given, arranged, inplace, path)
        assert torch.equal(found, expected), (layout, pairing, dtype, rotary_dim, inplace)
        back = torch.randn_like(x)
        (gradient,) = torch.autograd.grad(found, leaf, back)
        turned_back = rotate(back, *given, arranged._replace(direction=-1), False, operations)
        assert torch.equal(gradient, turned_back), (layout, pairing, dtype, rotary_dim, inplace)
        ran += 1
    out = torch.empty(*x.shape[:-1], 20, dtype=dtype)[..., 4:16]
    if path.unfit(x, *given, made, out) is None:
        assert torch.equal(rotate(x, *given, arranged, False, path, out), expected)
        ran += 1
print(ran)
"""


@pytest.mark.parametrize(("path", "calls"), [("triton-kernel", 180), ("flash-attn", 56)])
def test_the_kernels_for_gpus_have_the_same_bits_under_the_interpreter(
    path: str, calls: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED % path], capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{calls}\n", done.stderr


def test_the_paths_have_names_of_their_own() -> None:
    assert len({path.name for path in PATHS}) == len(PATHS) == 5
