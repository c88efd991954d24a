"""What an argument of a call may be. A new role is an entry of `ROLES`."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from rotcheck.convention import vocabulary
from rotcheck.convention.sections import sections
from rotcheck.convention.vocabulary import Names

if TYPE_CHECKING:
    from torch import Tensor

    from rotcheck.convention.calls import Call

Group = Literal["tensor", "table", "place", "size", "beside", "constant"]
Value = Callable[["Call", Mapping[str, Any]], Any]
_PART = re.compile(r"\b(cos|sin)\b")


@dataclass(frozen=True)
class Role:
    """What an argument is: the names it goes by, its value in a call,
    and how it is written as code."""

    name: str
    group: Group
    """`tensor`: it is rotated.

    `table`. `place`: where the rows stand. `size`: of the tensors. `beside`: any other.
    """
    value: Value
    """Of a call; the second argument holds its tensors and tables by role."""
    _: KW_ONLY
    names: tuple[tuple[Names, tuple[str, ...]], ...] = ()
    """What parameters of this role are called, and what else one of such a name may be,
    likeliest first."""
    kind: str = ""
    """What a function may refuse it for, whatever its shape: floats, integers, a number; empty:
    as none other."""
    likelihood: int | None = None
    """Of a number: its place among what an int may be whose name says nothing; the lowest first."""
    code: str = ""
    """As code in a call of known sizes: B, S, H, D, R, `axis`, the `first` position, `firsts` of
    each batch row, `bounds` of sequences, `sections`."""
    adapter: str = ""
    """As code where sizes are called batch, rows, heads, width and rotary_dim."""
    shape: str | None = None
    """In words; None: it has none, or one that the convention tells."""
    join: "Join | None" = None
    """How two tables go in as this argument; None: it is one tensor."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The tables that go in as one argument."""
        return tuple(_PART.findall(self.name)) if self.join else ()

    def axes_of(self, table_axes: str) -> str:
        """The axes of the argument, of tables with these."""
        return self.join.axes.format(table_axes[:-1], table_axes[-1:]) if self.join else table_axes

    @property
    def free(self) -> bool:
        """Whether a call may give it more than once."""
        return self.group in ("size", "beside", "constant")

    @property
    def argument(self) -> str:
        """As code where its tensors are called by their roles."""
        return self.adapter or (self.code if self.join or self.group == "constant" else self.name)

    @property
    def sin_for_cos(self) -> str:
        """The role of the same tables with cos for sin and sin for cos."""
        return _exchange(self.name) if self.group == "table" else self.name


@dataclass(frozen=True)
class Join:
    """A way in which two tables go in as one argument. A new one is an entry of `JOINS`."""

    name: str
    """As an argument, with cos first."""
    value: Callable[[list["Tensor"]], Any]
    code: str
    unpacking: str
    kind: str = "floats"
    axes: str = "{0}{1}"
    """Of the argument; `{0}` are those of a table in front of its lanes, `{1}` its lanes."""
    doubles_lanes: bool = False
    """It has twice as many lanes as a table."""


def _one_behind_the_other(tables: list["Tensor"]) -> "Tensor":
    import torch

    return torch.cat(tables, -1)  # (..., 2W)


def _lane_by_lane(tables: list["Tensor"]) -> "Tensor":
    import torch

    return torch.stack(tables, -1).flatten(-2)  # (..., 2W)


def _stack(axis: int, tables: list["Tensor"]) -> "Tensor":
    import torch

    return torch.stack(tables, axis)


JOINS = (
    Join("(cos, sin)", tuple, "({0})", "{0}", kind=""),
    Join(
        "cos+sin",
        _one_behind_the_other,
        "torch.cat(({0}), -1)",
        "{0}.chunk(2, -1)",
        doubles_lanes=True,
    ),
    Join(
        "cos|sin",
        _lane_by_lane,
        "torch.stack(({0}), -1).flatten(-2)",
        "{0}[..., ::2], {0}[..., 1::2]",
        doubles_lanes=True,
    ),
    Join("[cos, sin]", partial(_stack, 0), "torch.stack(({0}))", "{0}", axes="2{0}{1}"),
    Join(
        "cos/sin", partial(_stack, -2), "torch.stack(({0}), -2)", "{0}.unbind(-2)", axes="{0}2{1}"
    ),
)
"""The ways in which cos and sin go in as one argument, the commonest first:
in this order they are tried."""
JOINED = tuple(join.name for join in JOINS)


def _exchange(name: str) -> str:
    """The name with cos for sin and sin for cos."""
    return _PART.sub(lambda part: "sin" if part[0] == "cos" else "cos", name)


def _joined_role(name: str, names: tuple[tuple[Names, tuple[str, ...]], ...] = ()) -> Role | None:
    """The role of tables that go in as one argument; None: this is none."""
    join = next((join for join in JOINS if name in (join.name, _exchange(join.name))), None)
    if join is None:
        return None
    parts = _PART.findall(name)
    code = join.code.format(", ".join(parts))

    def value(_: "Call", tensors: Mapping[str, Any]) -> Any:
        return join.value([tensors[part] for part in parts])

    return Role(name, "table", value, names=names, kind=join.kind, code=code, join=join)


def _constant(text: str) -> Role:
    return Role(text, "constant", lambda _, __: ast.literal_eval(text), code=text)


def _tensor_role(name: str, group: Group, *names: tuple[Names, tuple[str, ...]]) -> Role:
    """A tensor of the call itself."""
    return Role(
        name, group, lambda _, tensors: tensors[name], names=names, kind="floats", code=name
    )


def _size(name: str, likelihood: int, adapter: str, names: Names, *alternatives: str) -> Role:
    return Role(
        name,
        "size",
        lambda call, _: call.sizes[name],
        names=((names, alternatives),),
        kind="number",
        likelihood=likelihood,
        code=f"{{{name}}}",
        adapter=adapter,
    )


def _offsets(call: "Call", _: Mapping[str, Any]) -> "Tensor":
    import torch

    count = call.sizes.get("B", 1)
    offsets = call.offset if isinstance(call.offset, tuple) else (call.offset,) * count
    return torch.tensor(offsets, device=call.inputs[0].device)  # (B,)


def _bounds(call: "Call", _: Mapping[str, Any]) -> "Tensor":
    import torch

    bounds = (*(call.starts or (0,)), call.sizes["S"])
    # (sequences + 1,)
    return torch.tensor(bounds, dtype=torch.int32, device=call.inputs[0].device)


def _mask(call: "Call", _: Mapping[str, Any]) -> "Tensor":
    """A mask (B, S) of ones, with zeros where rows are padding."""
    import torch

    sizes = call.sizes["B"], call.sizes["S"]
    mask = torch.ones(sizes, dtype=torch.int64, device=call.inputs[0].device)
    mask[0, : call.padding] = 0
    return mask


def _rows(call: "Call", _: Mapping[str, Any]) -> "Tensor":
    import torch

    return torch.arange(call.sizes["S"], device=call.inputs[0].device)  # (S,)


def _frequencies(call: "Call", _: Mapping[str, Any]) -> "Tensor":
    """Radians a position for each pair, those of theta 10000."""
    import torch

    lanes = call.sizes["R"]
    exponents = torch.arange(0, lanes, 2, dtype=torch.float64, device="cpu") / lanes
    return torch.pow(10000.0, -exponents).float().to(call.inputs[0].device)  # (R/2,)


_ENTRIES: tuple[Role | None, ...] = (
    _tensor_role("qkv", "tensor", (vocabulary.QKV, ())),
    _joined_role(
        "(cos, sin)",
        tuple(
            (names, (*JOINED[1:], "table"))
            for names in (vocabulary.COS_AND_SIN, vocabulary.EMBEDDINGS)
        ),
    ),
    *map(_joined_role, JOINED[1:]),
    _tensor_role("cos", "table", (vocabulary.COS, ())),
    _tensor_role("sin", "table", (vocabulary.SIN, ())),
    _tensor_role("q", "tensor", (vocabulary.QUERY, ("x",))),
    _tensor_role("k", "tensor", (vocabulary.KEY, ())),
    _tensor_role("v", "tensor", (vocabulary.VALUE, ())),
    Role(
        "positions",
        "place",
        lambda call, _: call.positions,
        names=((vocabulary.POSITIONS, ("table", "cos|sin", "(cos, sin)", "cos+sin")),),
        kind="integers",
        code="positions",
    ),
    Role(
        "sections",
        "beside",
        lambda call, _: list(sections(call.sizes["R"] // 2)),
        names=((vocabulary.SECTIONS, ()),),
        code="{sections}",
    ),
    Role(
        "device",
        "beside",
        lambda call, _: call.inputs[0].device,
        names=((vocabulary.DEVICE, ()),),
        code='torch.device("cpu")',
    ),
    Role(
        "cu_seqlens",
        "beside",
        _bounds,
        names=((vocabulary.SEQUENCE_STARTS, ()),),
        kind="integers",
        code="torch.tensor({bounds}, dtype=torch.int32)",
    ),
    Role(
        "mask",
        "beside",
        _mask,
        names=((vocabulary.MASK, ()),),
        code="torch.ones({B}, {S}, dtype=torch.int64)",
    ),
    Role(
        "offset",
        "place",
        lambda call, _: call.offset,
        names=((vocabulary.OFFSET, ("offsets", "positions", "rows")),),
        kind="number",
        likelihood=6,
        code="{first}",
    ),
    Role(
        "offsets", "place", _offsets, kind="integers", code="torch.tensor([{firsts}])", shape="(B,)"
    ),
    Role(name="rows", group="beside", value=_rows, code="torch.arange({S})"),
    Role(
        "axis",
        "size",
        lambda call, _: call.sizes.get("axis", 1),
        names=((vocabulary.SEQUENCE_AXIS, ("D",)),),
        kind="number",
        likelihood=7,
        code="{axis}",
    ),
    _size("R", 3, "rotary_dim", vocabulary.ROTARY_DIM, "D"),
    _size("H", 4, "heads", vocabulary.HEADS),
    _size("B", 5, "batch", vocabulary.BATCH),
    _size("S", 1, "rows", vocabulary.LENGTH),
    _size("D", 2, "width", vocabulary.HEAD_DIM),
    Role(
        "inv_freq",
        "beside",
        _frequencies,
        names=((vocabulary.INVERSE_FREQUENCIES, ("table",)),),
        code="10000.0 ** (-torch.arange(0, {R}, 2).float() / {R})",
    ),
    _tensor_role(
        "table",
        "table",
        (vocabulary.FREQUENCIES, (*JOINED, "inv_freq")),
        (vocabulary.TABLE, JOINED),
    ),
    _tensor_role("x", "tensor", (vocabulary.TENSOR, ("q", "table"))),
)
ROLES = {role.name: role for role in _ENTRIES if role}
"""Every role by its name, in the order in which the names of parameters are read."""


@lru_cache(maxsize=4096)
def role_named(name: str) -> Role:
    """The role of this name; tables joined in one of the `JOINS`; or a constant,
    as Python writes it."""
    return ROLES.get(name) or _joined_role(name) or _constant(name)


def of_group(*groups: Group) -> tuple[str, ...]:
    """The names of the roles of these groups."""
    return tuple(name for name, role in ROLES.items() if role.group in groups)


NUMBERS = tuple(
    role.name
    for role in sorted(
        (role for role in ROLES.values() if role.likelihood is not None),
        key=lambda role: role.likelihood or 0,
    )
)
"""What an int may be whose name says nothing, likeliest first."""


def roles_by_name(name: str) -> tuple[str, ...]:
    """What a parameter of this name may be, likeliest first; empty: the name says nothing."""
    for role in ROLES.values():
        for names, alternatives in role.names:
            if vocabulary.is_named(name, names):
                return (role.name, *alternatives)
    return ()
