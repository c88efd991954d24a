"""The functions among torch's own machinery:
gradients, compilation, export, transforms, tracing, modes."""

import ast
import inspect
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

import rotcheck.rotary
from rotcheck.convention import FORMS
from rotcheck.convention.table_forms import NO_TABLES
from rotcheck.rotary import angles, apply_rotary, apply_rotary_pos_emb, explain, tables
from rotcheck.rotary.apply import QKV, rotate
from rotcheck.rotary.call_plan import FormName
from rotcheck.rotary.paths import blocks, cpu, operations

SHAPE = (2, 7, 3, 5, 12)
ON_CPU = pytest.mark.parametrize("path", [cpu, blocks, operations], ids=lambda path: path.name)


def _qkv(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(
        dtype
    )


def _tables(dtype: torch.dtype = torch.float64, length: int = 7) -> tuple[Tensor, ...]:
    return tables("packed", "half", angles(torch.arange(length), 12), dtype)


@ON_CPU
@pytest.mark.parametrize("inplace", [False, True])
def test_the_gradient_is_exact_and_can_be_differentiated_again(
    inplace: bool, path: ModuleType
) -> None:
    leaf = _qkv()[:1, :2, :, :2].requires_grad_()
    given = _tables(length=2)

    def call(x: Tensor) -> Tensor:
        return rotate(x.clone() if inplace else x, *given, QKV, inplace, path)

    assert torch.autograd.gradcheck(call, leaf)
    assert torch.autograd.gradgradcheck(call, leaf)


@ON_CPU
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64], ids=str
)
def test_the_gradient_is_the_inverse_rotation_bit_for_bit(
    dtype: torch.dtype, path: ModuleType
) -> None:
    leaf, back, given = _qkv(dtype).requires_grad_(), _qkv(dtype).flip(0), _tables(dtype)
    (gradient,) = torch.autograd.grad(rotate(leaf, *given, QKV, False, path), leaf, back)
    assert torch.equal(
        gradient, rotate(back, *given, QKV._replace(direction=-1), False, operations)
    )


def test_tables_that_are_learnt_get_their_gradient() -> None:
    angle = torch.randn(7, 6, dtype=torch.float64, requires_grad=True)
    x = _qkv()[:, :, 0]
    assert torch.autograd.gradcheck(lambda a: apply_rotary(x, a, form="angles"), angle)
    assert "the tables ask for a gradient" in str(explain(x, angle, layout="bshd", form="angles"))


def test_a_leaf_is_not_written_in_place() -> None:
    with pytest.raises(RuntimeError, match="leaf Variable"):
        apply_rotary_pos_emb(_qkv().requires_grad_(), *_tables(), inplace=True)


def test_autograd_notices_that_something_it_needs_was_written() -> None:
    leaf = _qkv().requires_grad_()
    x = leaf * 1
    squared = x * x
    apply_rotary_pos_emb(x, *_tables(), inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.sum().backward()


def test_autograd_notices_that_a_table_was_written() -> None:
    leaf, (cos, sin) = _qkv().requires_grad_(), _tables()
    rotated = apply_rotary_pos_emb(leaf, cos, sin)
    cos.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        rotated.sum().backward()


def test_an_expanded_gradient_flows_back() -> None:
    leaf = _qkv().requires_grad_()
    apply_rotary_pos_emb(leaf, *_tables()).sum().backward()
    ones = torch.ones(SHAPE, dtype=torch.float64)
    expected = rotate(ones, *_tables(), QKV._replace(direction=-1), False)
    assert leaf.grad is not None
    assert torch.equal(leaf.grad, expected)


def test_checkpointing_changes_nothing() -> None:
    leaf, given = _qkv().requires_grad_(), _tables()
    plain = torch.autograd.grad(apply_rotary_pos_emb(leaf, *given).square().sum(), leaf)[0]
    again = checkpoint(apply_rotary_pos_emb, leaf, *given, use_reentrant=False)
    assert torch.equal(torch.autograd.grad(again.square().sum(), leaf)[0], plain)


@pytest.mark.parametrize("layout", ["qkv", "bhsd"])
def test_compiles_without_a_graph_break_and_gives_the_same_values(layout: str) -> None:
    torch._dynamo.reset()
    x = _qkv(torch.float32) if layout == "qkv" else _qkv(torch.float32)[:, :, 0].transpose(1, 2)
    given = tables("half-width", "half", angles(torch.arange(7), 8), torch.float32)

    def call(x: Tensor) -> Tensor:
        return apply_rotary(x, *given, layout=layout)

    compiled = torch.compile(call, fullgraph=True)
    assert torch.equal(compiled(x), call(x))
    leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    compiled(leaf).square().sum().backward()
    call(other).square().sum().backward()
    assert torch.allclose(leaf.grad, other.grad, rtol=0, atol=1e-5)


def test_the_drop_in_compiles_for_all_lengths_at_once() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(apply_rotary_pos_emb, fullgraph=True, dynamic=True, backend="eager")
    graphs = torch._dynamo.testing.CompileCounter()
    counted = torch.compile(apply_rotary_pos_emb, fullgraph=True, dynamic=True, backend=graphs)
    for length in (7, 8, 13, 21, 34):
        qkv, given = torch.randn(2, length, 3, 5, 12), _tables(torch.float32, length)
        assert torch.equal(compiled(qkv, *given), apply_rotary_pos_emb(qkv, *given))
        counted(qkv, *given)
    assert graphs.frame_count == 1


@pytest.mark.parametrize("inplace", [False, True])
def test_in_place_and_compiled(inplace: bool) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(apply_rotary_pos_emb, fullgraph=True, backend="aot_eager")
    qkv, given = _qkv(), _tables()
    expected = apply_rotary_pos_emb(qkv, *given)
    found = compiled(qkv, *given, inplace=inplace)
    assert torch.equal(found, expected)
    assert torch.equal(qkv, expected) == inplace


class _Module(torch.nn.Module):
    def forward(self, qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return apply_rotary_pos_emb(qkv, cos, sin)


def test_exports_with_a_length_that_is_open() -> None:
    length = torch.export.Dim("length", min=2, max=64)
    program = torch.export.export(
        _Module(), (_qkv(), *_tables()), dynamic_shapes=({1: length}, {1: length}, {1: length})
    )
    for positions in (2, 7, 30):
        qkv, given = (
            torch.randn(2, positions, 3, 5, 12, dtype=torch.float64),
            _tables(length=positions),
        )
        assert torch.equal(program.module()(qkv, *given), apply_rotary_pos_emb(qkv, *given))


def test_a_trace_holds_the_rotation_and_not_its_first_result() -> None:
    given = _tables()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # that torch.jit.trace is deprecated, and that shapes become constants
        traced = torch.jit.trace(lambda qkv: apply_rotary_pos_emb(qkv, *given), _qkv())
    other = _qkv().flip(0)
    assert torch.equal(traced(other), apply_rotary_pos_emb(other, *given))


def test_make_fx_sees_the_rotation() -> None:
    given = _tables()
    graph = make_fx(lambda qkv: apply_rotary_pos_emb(qkv, *given))(_qkv())
    other = _qkv().flip(0)
    assert torch.equal(graph(other), apply_rotary_pos_emb(other, *given))


def test_vmap_and_the_other_transforms() -> None:
    given, many = _tables(), torch.stack((_qkv(), _qkv().flip(0)))
    mapped = torch.func.vmap(lambda qkv: apply_rotary_pos_emb(qkv, *given))(many)
    assert torch.equal(mapped, torch.stack([apply_rotary_pos_emb(qkv, *given) for qkv in many]))
    gradient = torch.func.grad(lambda qkv: (apply_rotary_pos_emb(qkv, *given) * many[1]).sum())(
        many[0]
    )
    assert torch.equal(gradient, rotate(many[1], *given, QKV._replace(direction=-1), False))
    _, tangent = torch.func.jvp(
        lambda qkv: apply_rotary_pos_emb(qkv, *given), (many[0],), (many[1],)
    )
    assert torch.equal(tangent, apply_rotary_pos_emb(many[1], *given))


def test_forward_mode_carries_the_tangent() -> None:
    given = _tables()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(_qkv(), _qkv().flip(0))
        tangent = forward_ad.unpack_dual(apply_rotary_pos_emb(dual, *given)).tangent
    assert torch.equal(tangent, apply_rotary_pos_emb(_qkv().flip(0), *given))


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


def test_who_watches_operations_sees_the_rotation() -> None:
    with _Counting() as mode:
        apply_rotary_pos_emb(_qkv(), *_tables())
    assert "aten.mul.Tensor" in mode.seen


def test_a_profile_shows_which_kernel_ran() -> None:
    with torch.profiler.profile() as seen:
        apply_rotary_pos_emb(_qkv(), *_tables())
    assert "rotcheck::cpu_kernel" in {event.name for event in seen.events()}


def test_on_meta_it_gives_shape_and_dtype() -> None:
    qkv = torch.empty(SHAPE, dtype=torch.bfloat16, device="meta")
    given = (torch.empty(1, 7, 3, 1, 12, device="meta"),) * 2
    found = apply_rotary_pos_emb(qkv, *given)
    assert (found.shape, found.dtype, found.device.type) == (qkv.shape, torch.bfloat16, "meta")
    assert explain(qkv, *given).path == "operations"


def test_a_parameter_is_a_tensor() -> None:
    weight, given = torch.nn.Parameter(_qkv()), _tables()
    assert explain(weight, *given).path == "cpu-kernel"
    apply_rotary_pos_emb(weight, *given).sum().backward()
    assert weight.grad is not None


def test_a_lazily_conjugated_complex_table_turns_the_other_way() -> None:
    x = _qkv()[:, :, 0]
    (table,) = tables("complex", "half", angles(torch.arange(7), 12), torch.float64)
    there = apply_rotary(x, table[:, 0], form="complex")
    back = apply_rotary(there, table[:, 0].conj(), form="complex")
    assert torch.allclose(back, x, rtol=0, atol=1e-14)


WRONG = {
    "too few axes": ((2, 7, 5, 12), (7, 12), r"\(2, 7, 5, 12\).*\(B, S, 3, H, D\)"),
    "not three slots": ((2, 7, 2, 5, 12), (7, 12), r"\(2, 7, 2, 5, 12\)"),
    "tables too short": (
        SHAPE,
        (1, 6, 3, 1, 12),
        r"\(1, 6, 3, 1, 12\).*\(2, 7, 3, 5, 12\).*6 rows",
    ),
    "tables too long": (SHAPE, (1, 8, 3, 1, 12), r"8 rows for positions 0 to 6"),
    "tables too wide": (SHAPE, (7, 14), r"rotate 14 lanes.* has 12"),
    "an odd width": (SHAPE, (7, 11), "11 lanes.*must be even"),
    "another batch": (SHAPE, (3, 7, 3, 1, 12), r"axis 0 is neither 1 nor 2"),
    "other heads": (SHAPE, (1, 7, 3, 4, 12), r"axis 3 is neither 1 nor 5"),
    "one axis": (SHAPE, (12,), r"tables of shape \(12\).*give \(S, W\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_shapes_are_answered_with_the_shapes(case: str) -> None:
    x, table, words = WRONG[case]
    for grows in (False, True):
        with pytest.raises(ValueError, match=words):
            apply_rotary_pos_emb(
                torch.zeros(x, requires_grad=grows), torch.zeros(table), torch.zeros(table)
            )


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, torch.bool], ids=str)
def test_what_is_not_floating_point_is_not_rotated(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"x has dtype {dtype}"):
        apply_rotary_pos_emb(_qkv().to(dtype), *_tables())
    with pytest.raises(TypeError, match=f"cos has dtype {dtype}"):
        apply_rotary_pos_emb(_qkv(), *(table.to(dtype) for table in _tables()))


def test_nothing_is_caught_on_the_way_of_a_call() -> None:
    catching = {
        (file.name, function.name)
        for file in Path(rotcheck.rotary.__file__).parent.rglob("*.py")
        if file.name != "recognition.py"  # recognises frequencies, which no call does
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(node, ast.Try) for node in ast.walk(function))
    }
    assert catching == {
        ("flash_attn.py", "kernel"),
        ("tables.py", "_makes_float64"),
    }  # cached: once in a process


def test_in_inference_mode_it_writes_in_place_too() -> None:
    with torch.inference_mode():
        qkv = _qkv()
        expected = apply_rotary_pos_emb(qkv, *_tables())
        assert torch.equal(apply_rotary_pos_emb(qkv, *_tables(), inplace=True), expected)


def test_threads_of_a_program_do_not_disturb_each_other() -> None:
    qkv, given = (
        torch.randn(1, 300, 3, 4, 64),
        tables("packed", "half", angles(torch.arange(300), 64), torch.float32),
    )
    expected = apply_rotary_pos_emb(qkv, *given)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: apply_rotary_pos_emb(qkv, *given), range(100)))
    assert all(torch.equal(one, expected) for one in found)


def test_tables_that_differ_in_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"cos has shape \(7, 12\) and sin \(7, 6\)"):
        apply_rotary_pos_emb(_qkv(), torch.zeros(7, 12), torch.zeros(7, 6))


@pytest.mark.parametrize(
    ("given", "said", "words"),
    [
        ([(7, 6)], {}, "two tensors, cos and sin, not 1"),
        ([(7, 6), (7, 6)], {"form": "angles"}, "one tensor, not 2"),
        ([(7, 6)], {"form": "complex"}, "complex dtype, not torch.float32"),
        ([(7, 6, 2, 3)], {"form": "matrix"}, "two axes of 2"),
        ([(7,)], {"form": "positions"}, "give exact integers"),
    ],
)
def test_tables_of_another_form_are_answered_with_what_the_form_is(
    given: list[tuple[int, ...]], said: dict[str, str], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        apply_rotary(torch.zeros(2, 7, 5, 12), *map(torch.zeros, given), **said)


def test_a_rotary_dim_that_the_tables_do_not_have_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"rotary_dim is 8, but half-width tables of shape \(7, 6\) rotate 12"
    ):
        apply_rotary(torch.zeros(2, 7, 5, 12), torch.zeros(7, 6), torch.zeros(7, 6), rotary_dim=8)


@pytest.mark.parametrize(
    "said", [{"layout": "bsdh"}, {"form": "wide"}, {"pairing": "halves"}, {"direction": 2}]
)
def test_an_unknown_word_is_answered_with_the_known_ones(said: dict[str, object]) -> None:
    name, value = next(iter(said.items()))
    with pytest.raises(ValueError, match=f"{name} is {value!r}; it must be one of"):
        apply_rotary(torch.zeros(2, 7, 5, 12), torch.zeros(7, 6), torch.zeros(7, 6), **said)


ALONE = """
import sys
import torch
brought = set(sys.modules)
import rotcheck.rotary
others = ("typer", "rich", "msgspec", "psutil", "numpy", "triton", "flash_attn")
print([name for name in others if name in sys.modules and name not in brought])
qkv = torch.randn(2, 7, 3, 5, 12)
table = torch.zeros(1, 7, 3, 1, 12)
assert torch.equal(rotcheck.rotary.apply_rotary_pos_emb(qkv, table + 1, table), qkv)
print(rotcheck.rotary.explain(qkv, table, table).path)
print([name for name in others if name in sys.modules and name not in brought])
print([name for name in others if name in brought and name != "numpy"])
"""


def test_it_imports_torch_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["[]", "cpu-kernel", "[]", "[]"], done.stderr
    assert done.stderr == ""


WITHOUT_THE_KERNEL = """
import sys
sys.modules["rotcheck.rotary._kernel"] = None
import torch
from rotcheck.rotary import angles, apply_rotary_pos_emb, explain, tables
qkv = torch.randn(2, 7, 3, 5, 12, requires_grad=True)
given = tables("packed", "half", angles(torch.arange(7), 12), torch.float32)
apply_rotary_pos_emb(qkv, *given).sum().backward()
assert torch.allclose(qkv.grad.norm(), torch.tensor(qkv.numel()).sqrt())
print(explain(qkv, *given))
"""


def test_where_no_compiler_was_at_hand_it_runs_in_blocks_and_says_why() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_KERNEL], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("blocks: "), done.stderr
    assert "not cpu-kernel: its kernel was not built when rotcheck was installed" in done.stdout


def test_explaining_names_what_was_passed_over_and_why() -> None:
    told = explain(_qkv(), *_tables())
    assert told.path == "cpu-kernel"
    assert list(told.others) == ["triton-kernel", "flash-attn"]
    assert "x is on cpu, where Triton does not run" in str(told)


def test_explaining_takes_the_arguments_of_the_call_that_it_explains() -> None:
    assert inspect.signature(explain).parameters == inspect.signature(apply_rotary).parameters
    with pytest.raises(ValueError, match="form is 'none'; it must be one of"):
        explain(torch.ones(1, 2, 1, 4), *_tables(), form="none")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'turns'"):
        explain(_qkv(), *_tables(), turns=2)  # type: ignore[call-arg]


def test_the_forms_of_the_signature_are_those_that_there_are() -> None:
    assert set(get_args(FormName)) == {*FORMS, NO_TABLES.name}


def test_the_kernel_has_the_threads_of_torch() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert "(threads: 3)" in str(explain(_qkv(), *_tables()))
    finally:
        torch.set_num_threads(before)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    apply_rotary_pos_emb(_qkv().requires_grad_(), *_tables()).sum().backward()
    assert capfd.readouterr() == ("", "")
