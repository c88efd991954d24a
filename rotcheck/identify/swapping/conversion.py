"""Tensors and tables of one convention as those of another, in lines of code."""

from collections.abc import Sequence

from rotcheck.convention import FORMS, LAYOUTS, ORDERS, TableForm
from rotcheck.results import Described

PACKED = {
    name: (layout.slots[0].name, layout.slots[1])
    for name, layout in LAYOUTS.items()
    if layout.slots
}
"""Of packed layouts: the layout of each slot, and the axis of the slots."""

OF_BATCH, OF_ONE = "batch, -1", "1, -1"
"""How the first axis is split that was made of batch and rows, or batch and heads."""

LONGEST = 84  # columns of a line of code


class Impossible(Exception):
    """No lines of code make the one of the other; the message says why."""


def each(names: Sequence[str], expression: str) -> str:
    """The assignment of an expression in `{}` for each of several names: `q, k = q[0], k[0]`."""
    line = f"{', '.join(names)} = {', '.join(expression.format(name) for name in names)}"
    if len(line) <= LONGEST:
        return line
    return "\n".join(f"{name} = {expression.format(name)}" for name in names)


def entered(layout: str, split: str = "") -> str:
    """What is put behind a tensor of a layout to make it (B, S, H, D).

    `split`: how batch and rows, or batch and heads, lie in its first axis where they are one; empty: there is no
    other batch than its own.
    """
    code = LAYOUTS[layout].code_to_bshd(split) if layout in LAYOUTS else None
    if code is None:
        raise Impossible(f"nothing is known of how {layout} becomes another layout")
    return code


def left(layout: str) -> str:
    """What is put behind a tensor (B, S, H, D) to give it a layout."""
    code = LAYOUTS[layout].code_from_bshd() if layout in LAYOUTS else None
    if code is None:
        raise Impossible(f"nothing is known of how another layout becomes {layout}")
    return code


def moved(theirs: str, ours: str) -> str:
    """What is put behind a tensor of one layout to give it another, and keeps its batch."""
    return "" if theirs == ours else entered(theirs) + left(ours)


def reordered(
    have: str | None, wanted: str | None, blocks: int = 1, lanes: int | None = None
) -> str:
    """The expression that puts the lanes of `{}` in the order of another pairing, the first `lanes` alone."""
    if have == wanted:
        return "{}"
    if wanted not in ORDERS or have not in ORDERS:
        raise Impossible("the order of lanes is not known")
    chain = ORDERS[wanted].chain
    if blocks > 1:
        chain = f".unflatten(-1, ({blocks}, -1)){chain}.flatten(-2)"
    return (
        f"torch.cat(({{0}}[..., :{lanes}]{chain}, {{0}}[..., {lanes}:]), -1)"
        if lanes
        else f"{{}}{chain}"
    )


def permutation(ours: Described) -> str:
    """Code that puts the rows of a projection w (heads * head_dim, ...) in our order of lanes."""
    sizes = "rotary_dim // 2, 2" if ours.pairing == "half" else "2, rotary_dim // 2"
    if ours.rotary_dim is None:
        sizes = sizes.replace("rotary_dim", "head_dim")
        return f"w = w.view(heads, {sizes}, -1).transpose(1, 2).reshape(w.shape)"
    whole, lanes = "w.view(heads, head_dim, -1)", ours.rotary_dim
    sizes = sizes.replace("rotary_dim", str(lanes))
    turning = f"{whole}[:, :{lanes}].unflatten(1, ({sizes})).transpose(1, 2).flatten(1, 2)"
    return f"w = torch.cat(({turning}, {whole}[:, {lanes}:]), 1).reshape(w.shape)"


def same_tables(ours: Described, theirs: Described) -> bool:
    """Whether both take tables of the same form, lanes and axes."""
    return all(
        getattr(ours, name) == getattr(theirs, name)
        for name in ("tables", "table_lanes", "table_axes", "sections")
    )


def tables(
    ours: Described, theirs: Described, *, folded: bool = False, axes: str | None = None
) -> list[str]:
    """The lines that make our tables, in `cos` and `sin`, `angles` or `table`, of theirs, named alike.

    `folded`: batch and rows become one axis of rows. `axes`: of theirs, where lines before these have changed them.
    """
    turned = ours.direction != theirs.direction
    have, wanted = axes or theirs.table_axes or "", ours.table_axes or ""
    if same_tables(ours, theirs) and have == wanted and not folded:
        return form_of(ours).inverse if turned else []
    if "g" in have or "g" in wanted or theirs.sections != ours.sections:
        raise Impossible("the sections of M-RoPE's tables are not the same")
    form = form_of(ours)
    both = form.angular and form_of(theirs).angular
    names = ["angles"] if both else ["cos", "sin"]
    lines = _halves(theirs, ours, both)
    if turned:
        lines.append("angles = -angles" if both else "sin = -sin")
    lines += _placed(names, have, wanted.replace("3", ""), folded)
    if ours.table_lanes and ours.table_lanes != _kept(theirs, ours):
        lines.append(each(names, ORDERS[ours.table_lanes].twice))
    if "3" in wanted:
        lines += _slots(names, wanted.index("3"), packed=form.has_slots)
    if not both and form.from_pair:
        lines.append(form.from_pair)
    return lines


def _kept(theirs: Described, ours: Described) -> str | None:
    """In which order their lanes repeat where ours repeat alike: then they stay as they are."""
    return theirs.table_lanes if theirs.table_lanes == ours.table_lanes else None


def form_of(described: Described) -> TableForm:
    """The form of its tables. Raises `Impossible` where it takes none."""
    if described.tables not in FORMS:
        raise Impossible(f"nothing is known of {described.tables or ''} tables")
    return FORMS[described.tables]


def _halves(theirs: Described, ours: Described, both: bool) -> list[str]:
    """The lines that read cos and sin, or angles, each pair's value once where ours do not repeat alike."""
    form, lines = form_of(theirs), list[str]()
    if form.to_pair and not both:
        lines.append(form.to_pair)
    if theirs.table_lanes and not _kept(theirs, ours):
        lines.append(each(["angles"] if both else ["cos", "sin"], ORDERS[theirs.table_lanes].once))
    return lines


def _placed(names: Sequence[str], have: str, wanted: str, folded: bool) -> list[str]:
    """The lines that put the axes of tables where they are wanted."""
    if have == wanted and not folded:
        return []
    kept = [axis for axis in have if axis in "bsw"]
    chain = _index([":" if axis in kept else "0" for axis in have], "0")
    if kept == ["s", "b", "w"]:
        chain, kept = f"{chain}.transpose(0, 1)", ["b", "s", "w"]
    if folded:
        chain += ".flatten(0, 1)" if "b" in kept else ".repeat(batch, 1)"
        kept = ["s", "w"]
    if "b" in wanted and "b" not in kept:
        chain, kept = f"{chain}.expand(batch, -1, -1)", ["b", "s", "w"]
    if "b" in kept and "b" not in wanted:
        raise Impossible("it takes one table for all rows of a batch")
    if "b" in wanted and wanted.index("b") > wanted.index("s"):
        chain += ".transpose(0, 1)"
    chain += _index([":" if axis in kept else "None" for axis in wanted], "None")
    return [each(names, f"{{}}{chain}")] if chain else []


def _index(index: list[str], word: str) -> str:
    while index and index[-1] == ":":
        index = index[:-1]
    return f"[{', '.join(index)}]" if word in index else ""


def _slots(names: Sequence[str], at: int, *, packed: bool) -> list[str]:
    """The lines that give tables a slot each for q, k and v, of which v's turns nothing."""
    if not packed or len(names) == 1:
        return [each(names, f"torch.stack(({{0}}, {{0}}, {{0}}), {at})")]
    cos = f"cos = torch.stack((cos, cos, torch.ones_like(cos)), {at})"
    return [cos, f"sin = torch.stack((sin, sin, torch.zeros_like(sin)), {at})"]
