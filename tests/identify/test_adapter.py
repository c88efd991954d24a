"""The code that `--like` gives: it runs, and makes one function do what another does."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import swaps
import torch
from identifying import CPU, told
from msgspec.structs import replace
from torch import Tensor

from rotcheck.convention import Convention, lay, split, unlay
from rotcheck.identify.reading.convention_words import describe
from rotcheck.identify.swapping.adapter import adapter
from rotcheck.identify.swapping.call_lines import import_code, with_head
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.side_by_side import apart, with_adapter
from rotcheck.identify.swapping.swap import STEPS_APART
from rotcheck.results import Description, Identification
from rotcheck.rotary import apply_rotary

LAYOUTS = ("bshd", "bhsd", "sbhd")
FORMS = ("half-width", "repeated", "complex", "angles")
TENSORS = ("q", "k", "v", "x", "qkv")
TABLES = {"complex": ("table",), "angles": ("table",)}


@dataclass(frozen=True)
class Native:
    """A rotary function in plain operations, of any convention;
    it refuses tables of any other shape."""

    convention: Convention

    def __call__(self, *given: Any) -> Any:
        named = dict(zip(self.convention.called_with, given, strict=True))
        tensors = {slot: named[slot] for slot in self.convention.called_with if slot in TENSORS}
        rotated = [
            one if slot == "v" else self._turned(one, *self._cos_and_sin(named, one))
            for slot, one in tensors.items()
        ]
        return rotated[0] if len(rotated) == 1 else tuple(rotated)

    def _cos_and_sin(self, named: dict[str, Any], x: Tensor) -> tuple[Tensor, Tensor]:
        own, axes = self.convention, self.convention.table_axes
        tables = [named[name] for name in ("cos", "sin", "table") if name in named]
        sizes = {
            "b": x.shape[self.convention.axes.find("b")],
            "s": x.shape[own.axes.index("s")],
            "1": 1,
            "3": 3,
        }
        for table in tables:
            assert [sizes[axis] for axis in axes[:-1]] == list(table.shape[:-1]), (
                axes,
                table.shape,
            )
        if own.tables == "complex":
            return self._spread(tables[0].real), self._spread(tables[0].imag)
        if own.tables == "angles":
            return self._spread(tables[0].cos()), self._spread(tables[0].sin())
        once = (
            slice(None, None, 2)
            if own.pairing == "interleaved"
            else slice(None, tables[0].shape[-1] // 2)
        )
        half = [table if own.tables == "half-width" else table[..., once] for table in tables]
        return self._spread(half[0]), self._spread(half[1])

    def _spread(self, table: Tensor) -> Tensor:
        """Return a table as (B or 1, S, 1, W)."""
        axes = self.convention.table_axes
        for at in reversed([at for at, axis in enumerate(axes) if axis in "13"]):
            table = table.select(at, 0)
        table = table.transpose(0, 1) if axes.find("b") > axes.index("s") else table
        return table[:, :, None] if "b" in axes else table[None, :, None]

    def _turned(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        own = self.convention
        width = x.shape[-1] if split(own.axes) == own.axes else 64
        whole = unlay(x, own.axes, width)  # (B, S, [3,] H, D)
        if own.is_packed:
            cos, sin = cos[:, :, None], sin[:, :, None]
        lanes = own.rotary_dim or width
        turning, rest = whole[..., :lanes], whole[..., lanes:]
        a, b = (
            (turning[..., ::2], turning[..., 1::2])
            if own.pairing == "interleaved"
            else turning.chunk(2, -1)
        )
        sin = sin * own.direction
        pair = a * cos - b * sin, b * cos + a * sin
        mixed = (
            torch.stack(pair, -1).flatten(-2)
            if own.output_order == "interleaved"
            else torch.cat(pair, -1)
        )
        result = torch.cat((mixed, rest), -1)
        if own.is_packed:
            result = torch.cat((result[:, :, :2], whole[:, :, 2:]), 2)
        return lay(result, own.axes)


def convention(**fields: Any) -> Convention:
    form = fields.get("tables", "half-width")
    tensors = fields.pop("tensors", ("x",))
    arguments = (*tensors, *TABLES.get(form, fields.pop("order", ("cos", "sin"))))
    fields.pop("order", None)
    usual = {
        "pairing": "half",
        "layout": "bshd",
        "tables": form,
        "table_axes": "sw",
        "arguments": arguments,
    }
    return Convention(**{**usual, **fields})


def departure(ours: Convention, theirs: Convention, *, fewer: bool = False) -> float:
    """Return how far what the code makes of one is from the other, in rounding steps."""
    code = adapter(describe(ours), describe(theirs))
    assert code is not None
    return apart(Native(ours), Native(theirs), code, theirs, CPU, {"fewer heads in k": fewer})


def every() -> list[dict[str, Any]]:
    """Return all conventions of the matrix."""
    keys = ("pairing", "layout", "tables", "direction", "tensors", "order")
    orders, tensors = (("cos", "sin"), ("sin", "cos")), (("q", "k"), ("k", "q"), ("x",))
    values = (("half", "interleaved"), LAYOUTS, FORMS, (1, -1), tensors, orders)
    return [dict(zip(keys, one, strict=True)) for one in product(*values)]


def some_pairs(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    drawn = random.Random(0)
    for _ in range(count):
        ours, theirs = drawn.sample(every(), 2)
        yield ours, theirs


def test_the_code_makes_any_convention_of_any_other() -> None:
    """Pairing, layout, tables, direction, order of arguments and of tables, all at once."""
    worst = {
        str((ours, theirs)): departure(convention(**ours), convention(**theirs))
        for ours, theirs in some_pairs(200)
    }
    assert {pair: error for pair, error in worst.items() if error > STEPS_APART} == {}


FURTHER = [
    dict(table_axes="bsw"),
    dict(table_axes="s1w", tables="repeated"),
    dict(table_axes="11sw", layout="bhsd"),
    dict(layout="qkv", tensors=("qkv",)),
    dict(layout="b3hsd", tensors=("qkv",), pairing="interleaved"),
    dict(layout="3bshd", tensors=("qkv",), table_axes="bsw"),
    dict(layout="thd"),
    dict(layout="t(hd)", tensors=("q", "k")),
    dict(layout="bs(hd)", tensors=("q", "k"), pairing="interleaved"),
    dict(layout="bsd", table_axes="1sw"),
    dict(tensors=("q", "k", "v"), table_axes="bsw"),
    dict(pairing="interleaved", output_lanes="de-interleaved"),
]


@pytest.mark.parametrize("theirs", FURTHER[:8] + FURTHER[10:], ids=str)
@pytest.mark.parametrize("ours", FURTHER, ids=str)
def test_batches_packed_tensors_and_merged_axes_are_converted_too(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    if theirs.get("layout") == "t(hd)" and ours.get("layout") != "t(hd)":
        theirs = {**theirs, "head_dim": 64}
    code = adapter(describe(convention(**ours)), describe(convention(**theirs)))
    if code is None:
        assert theirs["layout"] == "t(hd)"  # whose heads nothing in the call tells apart
        return
    assert departure(convention(**ours), convention(**theirs)) <= STEPS_APART


def test_a_part_of_the_lanes_is_rotated_by_what_rotates_all_of_them() -> None:
    theirs = convention(rotary_dim=16)
    for pairing in ("half", "interleaved"):
        assert departure(convention(pairing=pairing), theirs) <= STEPS_APART
        assert departure(convention(pairing=pairing, rotary_dim=16), theirs) <= STEPS_APART
    assert adapter(describe(theirs), describe(convention())) is None


def test_what_rotates_all_lanes_is_given_as_many_as_the_tables_have() -> None:
    """GPT-NeoX's tables are narrower than a head; Llama's function is for tables as wide as one."""
    ours, theirs = of_takes(False), of_takes(True, layout="bhsd")
    code, convention_of_theirs = adapter(ours, theirs), convention(layout="bhsd")
    assert code is not None
    assert "lanes = 2 * cos.shape[-1]" in code

    def narrow(x: Tensor, cos: Tensor, sin: Tensor) -> Any:
        return Native(convention(layout="bhsd", rotary_dim=2 * cos.shape[-1]))(x, cos, sin)

    takes = {"narrower tables": True}
    assert (
        apart(Native(convention()), narrow, code, convention_of_theirs, CPU, takes) <= STEPS_APART
    )
    whole = adapter(of_takes(True), theirs) or ""
    with pytest.raises(RuntimeError):
        apart(Native(convention()), narrow, whole, convention_of_theirs, CPU, takes)
    assert adapter(of_takes(True), theirs) == adapter(
        describe(convention()), describe(convention_of_theirs)
    )


def of_takes(narrower: bool, **fields: Any) -> Description:
    return replace(describe(convention(**fields)), takes={"narrower tables": narrower})


def test_packed_tensors_take_the_place_of_grouped_heads_one_by_one() -> None:
    assert (
        departure(
            convention(layout="qkv", tensors=("qkv",)), convention(tensors=("q", "k")), fewer=True
        )
        <= STEPS_APART
    )


def test_what_departs_is_noticed() -> None:
    """The run tells code that does not do what it says."""
    ours, theirs = convention(), convention(pairing="interleaved")
    code = adapter(describe(ours), describe(theirs))
    assert code is not None
    wrong = code.replace(".transpose(-1, -2)", "")
    assert apart(Native(ours), Native(theirs), wrong, theirs, CPU, {}) > 1e3


def test_another_positions_of_each_batch_row_are_run_too() -> None:
    """One table for all rows, in the place of one for each, is right for the first row alone."""
    ours, theirs = convention(), convention(table_axes="bsw")
    first = "import torch\ndef as_theirs(x, cos, sin):\n    return ours(x, cos[0], sin[0])\n"
    assert apart(Native(ours), Native(theirs), first, theirs, CPU, {}) > 1e3


def positions(**fields: Any) -> Convention:
    return Convention(
        **{
            **{"pairing": "half", "layout": "bshd", "tables": "positions", "positions": "any"},
            **{"arguments": ("x", "positions"), "position_axes": "bs"},
            **fields,
        }
    )


def test_tables_are_made_of_the_positions_that_the_other_takes() -> None:
    def theirs(x: Tensor, at: Tensor) -> Tensor:
        return apply_rotary(x, at, form="positions", theta=500000.0)

    ours, other = convention(tables="repeated", pairing="interleaved"), positions(theta=500000.0)
    code = adapter(describe(ours), describe(other))
    assert code is not None
    assert apart(Native(ours), theirs, code, other, CPU, {}) <= STEPS_APART
    assert apart(Native(ours), theirs, code.replace("500000.0", "10000.0"), other, CPU, {}) > 1e3


def test_a_table_by_position_ids_takes_the_place_of_rows() -> None:
    """vLLM's and ONNX's operators index a table that they are handed."""
    ours = convention(
        arguments=("positions", "q", "k", "D", "cos+sin", "True"), layout="t(hd)", position_axes="s"
    )

    def indexed(at: Tensor, q: Tensor, k: Tensor, width: int, table: Tensor, neox: bool) -> Any:
        assert neox
        cos, sin = table[at].chunk(2, -1)
        inner = Native(convention(layout="thd"))
        return tuple(inner(x.unflatten(-1, (-1, width)), cos, sin).flatten(1) for x in (q, k))

    for theirs in (convention(tensors=("q", "k"), table_axes="bsw"), convention(layout="bhsd")):
        code = adapter(describe(ours), describe(theirs))
        assert code is not None
        assert apart(indexed, Native(theirs), code, theirs, CPU, {}) <= STEPS_APART


def test_what_theirs_writes_in_place_is_written_in_place() -> None:
    ours, theirs = describe(convention()), describe(convention(in_place=True, layout="bhsd"))
    code = adapter(ours, theirs)
    assert code is not None
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    angles = torch.rand(5, 4, dtype=torch.float64)
    expected = Native(convention(layout="bhsd"))(x.clone(), angles.cos(), angles.sin())
    returned = with_adapter(Native(convention()), code)(x, angles.cos(), angles.sin())
    assert torch.allclose(x, expected)
    assert returned is x


def test_what_ours_writes_in_place_leaves_what_it_was_given() -> None:
    def in_place(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x.copy_(Native(convention())(x, cos, sin))

    code = adapter(describe(convention(in_place=True)), describe(convention(layout="bhsd")))
    assert code is not None
    x, angles = torch.randn(2, 3, 5, 8), torch.rand(5, 4)
    before = x.clone()
    returned = with_adapter(in_place, code)(x, angles.cos(), angles.sin())
    assert torch.equal(x, before)
    assert torch.allclose(
        returned, Native(convention(layout="bhsd"))(x, angles.cos(), angles.sin())
    )


@pytest.mark.parametrize(
    ("specification", "built", "line"),
    [
        ("model.py:rotary", None, "from model import rotary as ours"),
        ("pack.age:rotary", None, "from pack.age import rotary as ours"),
        ("pack.age:Rope.turn", "Rope(64)", "from pack.age import Rope\n\nours = Rope(64).turn"),
        ("pack.age:Rope.turn", None, "from pack.age import Rope\n\nours = Rope.turn"),
        (
            "vllm",
            None,
            "from rotcheck.implementations.target import resolve\n\n"
            'ours = resolve("vllm", "cpu").function',
        ),
    ],
)
def test_the_code_of_one_that_did_not_run_says_what_it_calls(
    specification: str, built: str | None, line: str
) -> None:
    lines = import_code(specification, "cpu", built)
    code = with_head("import torch\n\n\ndef as_theirs(x):\n    return ours(x)\n", lines)
    assert f"import torch\n\n{line}\n\n\ndef as_theirs" in code


def turned(x: Tensor, first: Tensor) -> Tensor:
    """Rotate x (B, S, H, D) by positions from `first` (B or 1,) on."""
    positions = first[:, None] + torch.arange(x.shape[1])  # (B or 1, S)
    angles = positions[..., None, None] * 10000.0 ** (-torch.arange(4, dtype=torch.float64) / 4)
    a, b = x.double().chunk(2, -1)
    pair = a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()
    return torch.cat(pair, -1).to(x.dtype)


def test_one_that_counts_from_one_offset_is_called_for_each_row_of_a_batch() -> None:
    """audiocraft's in the place of Moshi's, which takes an offset for each row."""
    own = {"tables": "positions", "table_axes": "", "positions": "offset"}
    ours = convention(**own, arguments=("q", "k", "start=offset"))
    theirs = convention(**own, layout="bhsd", arguments=("q", "k", "offsets"))
    code = adapter(describe(ours), describe(theirs))
    assert code is not None
    q, k, offsets = torch.randn(3, 2, 5, 8), torch.randn(3, 1, 5, 8), torch.tensor([0, 7, 2])

    def from_one_offset(q: Tensor, k: Tensor, start: int = 0) -> tuple[Tensor, Tensor]:
        return turned(q, torch.tensor([start])), turned(k, torch.tensor([start]))

    came = with_adapter(from_one_offset, code)(q, k, offsets)
    right = [turned(one.transpose(1, 2), offsets).transpose(1, 2) for one in (q, k)]
    assert all(torch.equal(*pair) for pair in zip(came, right))


def makers(own: str, other: str) -> tuple[Identification, Identification]:
    return told(f"swaps:{own}"), told(f"swaps:{other}")


MAKERS = ["make_tables", "make_complex", "make_sine_first", "make_scaled", "make_full", "make_at"]


@pytest.mark.parametrize("other", MAKERS)
@pytest.mark.parametrize("own", MAKERS)
def test_a_maker_of_tables_makes_those_of_another(own: str, other: str) -> None:
    ours, theirs = makers(own, other)
    held = likeness(ours, theirs, other)
    if own == other:
        assert (held.swappable, held.adapter) == ("as it is", None)
        return
    assert held.swappable == "with changes"
    if own == "make_at" or other == "make_at":  # a width that the call does not tell
        assert held.adapter is None or _makes(own, other, held.adapter) <= STEPS_APART
        return
    assert held.adapter is not None
    assert _makes(own, other, held.adapter) <= STEPS_APART


def _makes(own: str, other: str, code: str) -> float:
    return apart(getattr(swaps, own), getattr(swaps, other), code, None, CPU, {})


def test_what_apply_rotary_declares_holds_for_each_way_and_each_choice() -> None:
    """Each layout with each axes of tables, each pairing, form and direction:
    called so, it does that."""
    declared: dict[str, Any] = apply_rotary.__rotcheck__  # type: ignore[attr-defined]
    choices = dict(declared["choices"])
    for layout, axes in declared["ways"]:
        for each in (
            [layout] if layout else [one for one in choices["layout"] if one not in ("thd", "qkv")]
        ):
            tensors, form = (
                (("qkv",), "packed") if each == "qkv" and "3" in axes else (("x",), "half-width")
            )
            _holds(
                convention(
                    layout=each,
                    table_axes=axes,
                    tables=form,
                    tensors=("qkv",) if each == "qkv" else tensors,
                )
            )
    for pairing, form, direction in product(
        choices["pairing"], choices["form=tables"], choices["direction"]
    ):
        if form not in ("packed", "matrix"):
            _holds(convention(pairing=pairing, tables=form, direction=int(direction)))


def _holds(theirs: Convention) -> None:
    called: Callable[..., Any] = apply_rotary

    def as_theirs(x: Tensor, *tables: Tensor) -> Tensor:
        chosen: dict[str, Any] = {
            "pairing": theirs.pairing,
            "form": theirs.tables,
            "direction": theirs.direction,
        }
        return called(x, *tables, layout=theirs.layout, **chosen)

    assert apart(as_theirs, Native(theirs), "", theirs, CPU, {}) <= STEPS_APART, theirs
