"""Lines of code that convert tensors and tables of one convention to another."""

from collections.abc import Sequence

from rotcheck.convention import FORMS, LAYOUTS, ORDERS, TableForm
from rotcheck.results import Description

PACKINGS = {
    name: (layout.slots[0].name, layout.slots[1])
    for name, layout in LAYOUTS.items()
    if layout.slots
}
"""Of packed layouts: the layout of each slot, and the axis of the slots."""

OF_BATCH, OF_ONE = "batch, -1", "1, -1"
"""How the first axis is split that was made of batch and rows, or batch and heads."""

LINE_WIDTH = 84  # columns of a line of code


class Impossible(Exception):
    """No lines of code convert the one to the other; the message says why."""


def assignments(names: Sequence[str], expression: str) -> str:
    """The assignment of an expression in `{}` for each of several names: `q, k = q[0], k[0]`."""
    line = f"{', '.join(names)} = {', '.join(expression.format(name) for name in names)}"
    if len(line) <= LINE_WIDTH:
        return line
    return "\n".join(f"{name} = {expression.format(name)}" for name in names)


def to_bshd(layout: str, split: str = "") -> str:
    """What is put behind a tensor of a layout to make it (B, S, H, D).

    `split`: how batch and rows, or batch and heads, lie in its first axis where they are one;
    empty: there is no other batch than its own.
    """
    code = LAYOUTS[layout].code_to_bshd(split) if layout in LAYOUTS else None
    if code is None:
        raise Impossible(f"nothing is known of how {layout} becomes another layout")
    return code


def from_bshd(layout: str) -> str:
    """What is put behind a tensor (B, S, H, D) to give it a layout."""
    code = LAYOUTS[layout].code_from_bshd() if layout in LAYOUTS else None
    if code is None:
        raise Impossible(f"nothing is known of how another layout becomes {layout}")
    return code


def layout_change(theirs: str, ours: str) -> str:
    """What is put behind a tensor of one layout to give it another, and keeps its batch."""
    return "" if theirs == ours else to_bshd(theirs) + from_bshd(ours)


def reorder(have: str | None, target: str | None, blocks: int = 1, lanes: int | None = None) -> str:
    """The expression that puts the lanes of `{}` in the order of another pairing,
    the first `lanes` alone."""
    if have == target:
        return "{}"
    if target not in ORDERS or have not in ORDERS:
        raise Impossible("the order of lanes is not known")
    chain = ORDERS[target].chain
    if blocks > 1:
        chain = f".unflatten(-1, ({blocks}, -1)){chain}.flatten(-2)"
    return (
        f"torch.cat(({{0}}[..., :{lanes}]{chain}, {{0}}[..., {lanes}:]), -1)"
        if lanes
        else f"{{}}{chain}"
    )


def permutation(ours: Description) -> str:
    """Code that puts the rows of a projection w (heads * head_dim, ...) in our order of lanes."""
    sizes = "rotary_dim // 2, 2" if ours.pairing == "half" else "2, rotary_dim // 2"
    if ours.rotary_dim is None:
        sizes = sizes.replace("rotary_dim", "head_dim")
        return f"w = w.view(heads, {sizes}, -1).transpose(1, 2).reshape(w.shape)"
    whole, lanes = "w.view(heads, head_dim, -1)", ours.rotary_dim
    sizes = sizes.replace("rotary_dim", str(lanes))
    turning = f"{whole}[:, :{lanes}].unflatten(1, ({sizes})).transpose(1, 2).flatten(1, 2)"
    return f"w = torch.cat(({turning}, {whole}[:, {lanes}:]), 1).reshape(w.shape)"


def same_tables(ours: Description, theirs: Description) -> bool:
    """Whether both take tables of the same form, lanes and axes."""
    return all(
        getattr(ours, name) == getattr(theirs, name)
        for name in ("tables", "table_lanes", "table_axes", "sections")
    )


def tables(
    ours: Description, theirs: Description, *, folds: bool = False, axes: str | None = None
) -> list[str]:
    """The lines that make our tables, in `cos` and `sin`, `angles` or `table`, of theirs,
    named alike.

    `folds`: batch and rows become one axis of rows. `axes`: of theirs,
    where lines before these have changed them.
    """
    other_direction = ours.direction != theirs.direction
    have, target_axes = axes or theirs.table_axes or "", ours.table_axes or ""
    if same_tables(ours, theirs) and have == target_axes and not folds:
        return form_of(ours).inverse if other_direction else []
    if "g" in have or "g" in target_axes or theirs.sections != ours.sections:
        raise Impossible("the sections of M-RoPE's tables are not the same")
    form = form_of(ours)
    are_angles = form.angular and form_of(theirs).angular
    names = ["angles"] if are_angles else ["cos", "sin"]
    lines = _halves(theirs, ours, are_angles)
    if other_direction:
        lines.append("angles = -angles" if are_angles else "sin = -sin")
    lines += _place_axes(names, have, target_axes.replace("3", ""), folds)
    if ours.table_lanes and ours.table_lanes != _common_order(theirs, ours):
        lines.append(assignments(names, ORDERS[ours.table_lanes].twice))
    if "3" in target_axes:
        lines += _slots(names, target_axes.index("3"), is_packed=form.has_slots)
    if not are_angles and form.from_pair:
        lines.append(form.from_pair)
    return lines


def _common_order(theirs: Description, ours: Description) -> str | None:
    """In which order their lanes repeat where ours repeat alike: then they stay as they are."""
    return theirs.table_lanes if theirs.table_lanes == ours.table_lanes else None


def form_of(description: Description) -> TableForm:
    """The form of its tables. Raises `Impossible` where it takes none."""
    if description.tables not in FORMS:
        raise Impossible(f"nothing is known of {description.tables or ''} tables")
    return FORMS[description.tables]


def _halves(theirs: Description, ours: Description, are_angles: bool) -> list[str]:
    """The lines that read cos and sin, or angles,
    each pair's value once where ours do not repeat alike."""
    form, lines = form_of(theirs), list[str]()
    if form.to_pair and not are_angles:
        lines.append(form.to_pair)
    if theirs.table_lanes and not _common_order(theirs, ours):
        lines.append(
            assignments(
                ["angles"] if are_angles else ["cos", "sin"], ORDERS[theirs.table_lanes].once
            )
        )
    return lines


def _place_axes(names: Sequence[str], have: str, target_axes: str, folds: bool) -> list[str]:
    """The lines that put the axes of tables where they are wanted."""
    if have == target_axes and not folds:
        return []
    axes_left = [axis for axis in have if axis in "bsw"]
    chain = _index([":" if axis in axes_left else "0" for axis in have], "0")
    if axes_left == ["s", "b", "w"]:
        chain, axes_left = f"{chain}.transpose(0, 1)", ["b", "s", "w"]
    if folds:
        chain += ".flatten(0, 1)" if "b" in axes_left else ".repeat(batch, 1)"
        axes_left = ["s", "w"]
    if "b" in target_axes and "b" not in axes_left:
        chain, axes_left = f"{chain}.expand(batch, -1, -1)", ["b", "s", "w"]
    if "b" in axes_left and "b" not in target_axes:
        raise Impossible("it takes one table for all rows of a batch")
    if "b" in target_axes and target_axes.index("b") > target_axes.index("s"):
        chain += ".transpose(0, 1)"
    chain += _index([":" if axis in axes_left else "None" for axis in target_axes], "None")
    return [assignments(names, f"{{}}{chain}")] if chain else []


def _index(index: list[str], word: str) -> str:
    while index and index[-1] == ":":
        index = index[:-1]
    return f"[{', '.join(index)}]" if word in index else ""


def _slots(names: Sequence[str], at: int, *, is_packed: bool) -> list[str]:
    """The lines that give tables a slot each for q, k and v, of which v's turns nothing."""
    if not is_packed or len(names) == 1:
        return [assignments(names, f"torch.stack(({{0}}, {{0}}, {{0}}), {at})")]
    cos = f"cos = torch.stack((cos, cos, torch.ones_like(cos)), {at})"
    return [cos, f"sin = torch.stack((sin, sin, torch.zeros_like(sin)), {at})"]
