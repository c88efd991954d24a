"""A tensor to write into, on every path, and what is refused as one."""

import itertools
import random
from types import ModuleType

import pytest
import torch
from torch import Tensor

from rotcheck.rotary import (
    angles,
    apply_rotary,
    apply_rotary_pos_emb,
    explain,
    overlap,
    tables,
)
from rotcheck.rotary.apply import rotate
from rotcheck.rotary.call_plan import Arrangement
from rotcheck.rotary.paths import blocks, cpu, operations

SHAPES = {
    "bshd": (2, 7, 5, 12),
    "bhsd": (2, 5, 7, 12),
    "sbhd": (7, 2, 5, 12),
    "thd": (7, 5, 12),
    "qkv": (2, 7, 3, 5, 12),
}
DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
ON_CPU = pytest.mark.parametrize("path", [cpu, blocks, operations], ids=lambda path: path.name)
X = torch.randn(2, 7, 5, 12, generator=torch.Generator().manual_seed(1))  # (B, S, H, D)
COS, SIN = tables("half-width", "half", angles(torch.arange(7), 12), torch.float32)  # (S, D/2) each

PLACES = {
    "contiguous": lambda shape, dtype: torch.full(shape, torch.nan, dtype=dtype),
    "within a buffer": lambda shape, dtype: torch.full((*shape[:-1], 20), torch.nan, dtype=dtype)[
        ..., 4:16
    ],
    "lanes apart": lambda shape, dtype: torch.full((*shape, 2), torch.nan, dtype=dtype)[..., 1],
    "axes turned round": lambda shape, dtype: torch.full(
        shape[::-1], torch.nan, dtype=dtype
    ).permute(*reversed(range(len(shape)))),
}


@ON_CPU
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", SHAPES)
def test_all_of_the_result_is_written_into_it_and_nothing_beside_it(
    layout: str, place: str, path: ModuleType
) -> None:
    for dtype, rotary_dim, pairing in itertools.product(DTYPES, (12, 8), ("half", "interleaved")):
        x = torch.randn(SHAPES[layout]).to(dtype)
        given = tables("half-width", pairing, angles(torch.arange(7), rotary_dim), dtype)
        arrangement = Arrangement(layout, pairing)
        expected = rotate(x, *given, arrangement, False, path)
        out = PLACES[place](x.shape, dtype)
        beside, version = _others(out), out._version
        assert rotate(x, *given, arrangement, False, path, out) is out
        assert torch.equal(out, expected)
        assert _others(out) == beside
        assert out._version > version


def _others(view: Tensor) -> int:
    """Count the elements of a view's storage that are still what they were, outside of it."""
    whole = torch.as_strided(
        view, (view.untyped_storage().nbytes() // view.element_size(),), (1,), 0
    )
    return int(whole.isnan().sum() - view.isnan().sum())


def test_the_functions_take_it_and_ask_for_no_memory_of_its_size() -> None:
    qkv, given = (
        torch.randn(2, 512, 3, 4, 64),
        tables("packed", "half", angles(torch.arange(512), 64), torch.float32),
    )
    out = torch.empty_like(qkv)
    assert _asked_for(lambda: apply_rotary_pos_emb(qkv, *given)) >= qkv.nbytes
    assert _asked_for(lambda: apply_rotary_pos_emb(qkv, *given, out=out)) < qkv.nbytes / 100
    assert torch.equal(out, apply_rotary_pos_emb(qkv, *given))
    assert explain(qkv, *given, out=out).path == "cpu-kernel"


def _asked_for(call) -> int:
    with torch.profiler.profile(profile_memory=True) as seen:
        call()
    return sum(max(0, event.self_cpu_memory_usage) for event in seen.events())


@ON_CPU
def test_x_itself_is_x_in_place(path: ModuleType) -> None:
    expected = rotate(X, COS, SIN, Arrangement(), False)
    for view in (lambda x: x, lambda x: x.view(2, 7, 5, 12)):
        x = X.clone()
        assert torch.equal(rotate(x, COS, SIN, Arrangement(), False, path, view(x)), expected)
        assert torch.equal(x, expected)


def test_parts_of_one_buffer_may_lie_between_each_other() -> None:
    buffer = torch.randn(2, 7, 3, 5, 24)
    x = buffer[:, :, 0, :, :12].clone()
    expected = apply_rotary(x, COS, SIN)
    for source, out in (
        (buffer[:, :, 0, :, :12], buffer[:, :, 1, :, :12]),
        (buffer[:, :, 0, :, ::2], buffer[:, :, 0, :, 1::2]),
        (buffer[:, :, 0, :, 1::2], buffer[:, :, 0, :, ::2]),
    ):
        source.copy_(x)
        assert torch.equal(apply_rotary(source, COS, SIN, out=out), expected)


OUT = torch.empty_like(X)
LONG, SQUARE = torch.randn(2, 8, 5, 12), torch.randn(7, 7, 5, 12)
FOLDED, OVERLAPPED = OUT[:1].expand(2, -1, -1, -1), OUT.as_strided(X.shape, (420, 60, 11, 1))
REFUSED = {
    "another shape": (X, {"out": OUT[..., :8]}, ValueError, r"out has shape \(2, 7, 5, 8\) and x \(2, 7, 5, 12\)"),
    "another dtype": (X, {"out": OUT.half()}, TypeError, "out has dtype torch.float16 and x torch.float32"),
    "another device": (X, {"out": OUT.to("meta")}, ValueError, "out has device meta and x cpu"),
    "in place as well": (X, {"out": OUT, "inplace": True}, ValueError, "give one of the two"),
    "expanded": (X, {"out": FOLDED}, ValueError, r"strides \(0, 60, 12, 1\): elements of it share memory"),
    "rows that overlap": (X, {"out": OVERLAPPED}, ValueError, "elements of it share memory"),
    "a part of x": (LONG[:, :7], {"out": LONG[:, 1:]}, ValueError, r"memory with a part of x \(2, 7, 5, 12\)"),
    "x turned round": (SQUARE, {"out": SQUARE.transpose(0, 1)}, ValueError, "memory with a part of x"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_into_is_answered_with_why(case: str) -> None:
    x, arguments, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        apply_rotary(x, COS, SIN, **arguments)


def test_a_table_is_not_written_into() -> None:
    memory = torch.randn(7, 6 + 12)
    x, out = X[:1, :, :1], memory[:, 3:15].view(1, 7, 1, 12)
    with pytest.raises(ValueError, match="a part of cos"):
        apply_rotary(x, memory[:, :6], SIN, out=out)
    assert torch.equal(apply_rotary(x, memory[:, :3].repeat(1, 2), SIN, out=out), out)


@pytest.mark.parametrize("who", ["x", "out", "cos"])
def test_nothing_is_recorded_and_who_asks_for_a_gradient_is_told(who: str) -> None:
    tensors = {"x": X.clone(), "out": torch.empty_like(X), "cos": COS.clone()}
    tensors[who].requires_grad_()
    x, out, cos = tensors.values()
    with pytest.raises(
        RuntimeError, match=f"records nothing for a gradient, but {who} asks for one"
    ):
        apply_rotary(x, cos, SIN, out=out)
    with torch.no_grad():
        assert torch.equal(apply_rotary(x, cos, SIN, out=out), apply_rotary(X, COS, SIN))


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_it_is_written_into_when_compiled(backend: str) -> None:
    torch._dynamo.reset()
    out = torch.empty_like(X)
    function = torch.compile(
        lambda x, out: apply_rotary(x, COS, SIN, out=out), fullgraph=True, backend=backend
    )
    assert torch.equal(function(X, out), apply_rotary(X, COS, SIN))
    assert torch.equal(out, apply_rotary(X, COS, SIN))


def test_on_meta_it_is_returned() -> None:
    x, out, table = X.to("meta"), OUT.to("meta"), COS.to("meta")
    assert apply_rotary(x, table, table, out=out) is out


def test_overlap_is_what_counting_elements_finds() -> None:
    chosen, storage, meetings, folds = random.Random(1), torch.empty(400), set(), set()
    for _ in range(3000):
        a, b = (_random_view(storage, chosen) for _ in range(2))
        indices = [_indices(view) for view in (a, b)]
        assert overlap.meet(a, b) == bool(set(indices[0]) & set(indices[1])), (
            a.stride(),
            b.stride(),
        )
        assert overlap.folds(a) == (len(set(indices[0])) < len(indices[0])), (a.shape, a.stride())
        meetings.add(overlap.meet(a, b))
        folds.add(overlap.folds(a))
    assert meetings == folds == {True, False}


def _random_view(storage: Tensor, chosen: random.Random) -> Tensor:
    shape = [chosen.randint(1, 4) for _ in range(3)]
    return storage.as_strided(shape, [chosen.randint(0, 30) for _ in shape], chosen.randint(0, 100))


def _indices(view: Tensor) -> list[int]:
    whole = torch.arange(400).as_strided(view.shape, view.stride(), view.storage_offset())
    return whole.flatten().tolist()
