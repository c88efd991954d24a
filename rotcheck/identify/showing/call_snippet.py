"""A call of a rotary function as Python without rotcheck:
its tensors, positions and tables by formula."""

from collections.abc import Mapping

import torch

from rotcheck.convention import ORDERS, Convention, Pairing, pairs, role_named, role_of, shape
from rotcheck.convention.calls import keyword_roles
from rotcheck.convention.sections import sections
from rotcheck.measure.case import Case
from rotcheck.rotary.tables import section_axes


class Unsayable(Exception):
    """No plain formula is known for a call; the message says why."""


def inputs(case: Case) -> list[str]:
    """Lines that make the tensors of a call, by name: `q = torch.randn(1, 4, 2, 8)`."""
    comment = f"# {shape(case.convention.axes)}"
    dtype = "" if case.dtype == torch.float32 else f".to({case.dtype})"
    lines = [
        f"{name} = torch.randn({', '.join(map(str, x.shape))}){dtype}  {comment}"
        for name, x in zip(names(case.convention), case.inputs(), strict=True)
    ]
    return ["torch.manual_seed(0)", *lines]


def names(convention: Convention) -> list[str]:
    """The names of a call's tensors, in the order of its slots."""
    roles = list(map(role_of, convention.called_with))
    if convention.is_packed:
        return ["qkv" if "qkv" in roles else "x"]
    return [slot if slot in roles else "x" for slot in convention.slots]


def angles(case: Case) -> list[str]:
    """Lines that make the angles of the rows, (S, P) or (B, S, P),
    and the tables of the convention's form."""
    convention = case.convention
    if not convention.takes_tables:
        return []
    if convention.frequencies:
        raise Unsayable("tables of frequencies of its own")
    axes = "(S, P)" if isinstance(case.positions[0], int) else "(B, S, P)"
    last = f"{case.rotary_dim}, 2, dtype=torch.float64"
    frequencies = f"frequencies = {convention.theta} ** (-torch.arange(0, {last}) / {case.rotary_dim})  # (P,)"
    at = _literal(case.positions)
    angles_line = f"angles = torch.tensor({at})[..., None] * frequencies  # {axes}"
    return [frequencies, angles_line, *_tables(case)]


def _literal(positions: object) -> str:
    """Positions as nested lists."""
    return str(positions).replace("(", "[").replace(",)", "]").replace(")", "]")


def _tables(case: Case) -> list[str]:
    convention, form = case.convention, case.convention.form
    axes = convention.all_table_axes
    lines, angles = [], "angles"
    if "g" in axes:
        owners = section_axes(case.rotary_dim // 2, convention.sections).tolist()
        lines.append(
            f"owner = torch.tensor({owners})  # 0 time, 1 height, 2 width; the others are 1 rad off"
        )
        lines.append("angles = torch.stack([angles + 1.0 * (owner != axis) for axis in range(3)])")
    if form.repeats:
        lines.append(f"wide = {ORDERS[convention.lane_order].twice.format(angles)}")
        angles = "wide"
    dtype = ".float()" if case.dtype == torch.float32 else f".to({case.dtype})"
    behind = _axes_code(case, axes) + (dtype if form.cast is None else form.cast)
    tables = ((name, code.format(angles)) for name, code in form.of_angles.items())
    return [*lines, *(f"{name} = {code}{behind}" for name, code in tables)]


def _axes_code(case: Case, axes: str) -> str:
    """How a table ([g,] [b,] s, [3,] w, ...) gets the axes of the convention."""
    ahead = "g" if "g" in axes else ""
    have = ahead + ("bs" if not isinstance(case.positions[0], int) else "s")
    have += ("3" if case.convention.form.has_slots else "") + "w"
    target_axes = axes.replace("1", "")
    tail = len(case.convention.form.tail)
    code = ""
    for axis in target_axes:
        if axis not in have:
            size = case.batch if axis == "b" else 3
            code += f"[None].expand({size}, {', '.join(['-1'] * (len(have) + tail))})"
            have = axis + have
    if have != target_axes:
        order = [have.index(axis) for axis in target_axes]
        code += f".permute({', '.join(map(str, [*order, *range(len(order), len(order) + tail)]))})"
    if "1" in axes:
        code += f"[{', '.join('None' if axis == '1' else ':' for axis in axes)}]"
    return code + (".contiguous()" if code else "")


def call(case: Case, tensor: str = "{}", values: Mapping[str, str] | None = None) -> str:
    """The call: `f(q.clone(), k.clone(), cos, sin)`.

    `tensor`: what stands for each tensor, by its name. `values`: what stands for other roles.
    """
    tensors = {name: tensor.format(name) for name in names(case.convention)}
    parts = [
        f"{f'{name}=' if name else ''}{_argument(role, case, {**tensors, **(values or {})})}"
        for name, role in keyword_roles(case.convention.called_with)
    ]
    return f"f({', '.join(parts)})"


def _argument(role: str, case: Case, values: Mapping[str, str]) -> str:
    if role in values:
        return values[role]
    kind = role_named(role)
    return role if kind.group == "constant" else kind.code.format(**_facts(case))


def _facts(case: Case) -> dict[str, object]:
    """What the code of a role may ask of a call."""
    return {
        **case.call().sizes,
        "first": _first(case),
        "firsts": ", ".join([_first(case)] * case.batch),
        "bounds": [*_starts(case), case.length],
        "sections": list(sections(case.rotary_dim // 2)),
    }


def positions(case: Case, values: torch.Tensor | None = None) -> list[str]:
    """The line that makes the positions, where the call is given any;
    `values`: others than the case's."""
    if "positions" not in map(role_of, case.convention.called_with):
        return []
    values = case.call().positions if values is None else values
    assert values is not None, "the call is given positions"
    axes = case.convention.position_axes.upper()
    return [f"positions = torch.tensor({values.tolist()})  # ({', '.join(axes)})"]


def _first(case: Case) -> str:
    first = case.positions[0]
    return str(first if isinstance(first, int) else first[0])


def _starts(case: Case) -> list[int]:
    return [row for row, position in enumerate(case.positions) if position == 0] or [0]


def lanes_of(case: Case, pair: int, order: Pairing | None = None) -> list[int]:
    """The two lanes of a pair, in the order of the pairing, or in another one that a result has."""
    all_lanes = torch.arange(case.rotary_dim)
    order = order or case.convention.pairing
    lanes: list[int] = pairs(all_lanes, order, case.convention.blocks)[pair].tolist()
    return lanes


def element(case: Case, at: tuple[int, int, int, int], lanes: list[int]) -> str:
    """The index of two lanes in a tensor of the layout; `at`: batch, row, slot and head."""
    batch, row, slot, head = at
    width = case.width
    indices = {"b": batch, "s": row, "3": slot, "h": head}
    shift = {"e": head * width, "f": slot * width}
    parts = [
        str(indices[axis])
        if axis in indices
        else str([lane + shift.get(axis, 0) for lane in lanes])
        for axis in case.convention.axes
    ]
    return f"[{', '.join(parts)}]"
