"""Tensors and tables of one convention as those of another, in lines of code."""

from collections.abc import Sequence

from rotcheck.results import Described

_ENTER = {
    "bshd": "",
    "bhsd": ".transpose(1, 2)",
    "sbhd": ".transpose(0, 1)",
    "thd": ".unflatten(0, ({split}))",
    "hsd": ".unflatten(0, ({split})).transpose(1, 2)",
    "bsd": ".unflatten(0, ({split})).transpose(1, 2)",
    "bs(hd)": ".unflatten(-1, (-1, width))",
    "t(hd)": ".unflatten(-1, (-1, width)).unflatten(0, ({split}))",
}
_LEAVE = {
    "bshd": "",
    "bhsd": ".transpose(1, 2)",
    "sbhd": ".transpose(0, 1)",
    "thd": ".flatten(0, 1)",
    "hsd": ".transpose(1, 2).flatten(0, 1)",
    "bsd": ".transpose(1, 2).flatten(0, 1)",
    "bs(hd)": ".flatten(2)",
    "t(hd)": ".flatten(2).flatten(0, 1)",
}
_WHOLE = {"thd": "1, -1", "hsd": "1, -1", "bsd": "-1, 1", "t(hd)": "1, -1"}
"""How the first axis of a whole tensor is split into batch and rows, or batch and heads."""

PACKED = {
    "qkv": ("bshd", 2),
    "b3shd": ("bshd", 1),
    "b3hsd": ("bhsd", 1),
    "3bshd": ("bshd", 0),
    "3bhsd": ("bhsd", 0),
    "bhs3d": ("bhsd", 3),
    "bsh3d": ("bshd", 3),
    "sb3hd": ("sbhd", 2),
    "t3hd": ("thd", 1),
}
"""Of packed layouts: the layout of each slot, and the axis of the slots."""

LETTERS = {"thd": "shd", "bs(hd)": "bse", "t(hd)": "se"}
"""The axes of a layout that are not its name: `e` is heads and lanes in one."""

ANGLES = ("angles", "angles-repeated")
PLAIN = ("half-width", "repeated", "packed")
_READ = {
    "complex": "cos, sin = table.real, table.imag",
    "stacked": "cos, sin = table.unbind(-1)",
    "matrix": "cos, sin = table[..., 0, 0], table[..., 1, 0]",
}
_COMPLEX = """\
wide = torch.promote_types(cos.dtype, torch.float32)
table = torch.complex(cos.to(wide), sin.to(wide))"""
_MADE = {
    "complex": _COMPLEX,
    "stacked": "table = torch.stack((cos, sin), -1)",
    "matrix": "table = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)",
    **dict.fromkeys(ANGLES, "angles = torch.atan2(sin, cos)"),
}
_ONCE = {"half": "{0}[..., : {0}.shape[-1] // 2]", "interleaved": "{}[..., ::2]"}
_TWICE = {"half": "torch.cat(({0}, {0}), -1)", "interleaved": "{}.repeat_interleave(2, -1)"}
_REORDERED = {
    "half": ".unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)",
    "interleaved": ".unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)",
}


OF_BATCH, OF_ONE = "batch, -1", "1, -1"
"""How the first axis is split that was made of batch and rows, or batch and heads."""

LONGEST = 84  # columns of a line of code


class Impossible(Exception):
    """No lines of code make the one of the other; the message says why."""


def each(names: Sequence[str], expression: str) -> str:
    """Return the assignment of an expression in `{}` for each of several names: `q, k = q[0], k[0]`."""
    line = f"{', '.join(names)} = {', '.join(expression.format(name) for name in names)}"
    if len(line) <= LONGEST:
        return line
    return "\n".join(f"{name} = {expression.format(name)}" for name in names)


def entered(layout: str, split: str = "") -> str:
    """Return what is put behind a tensor of a layout to make it (B, S, H, D).

    `split`: how batch and rows, or batch and heads, lie in its first axis where they are one; empty: there is no
    other batch than its own.
    """
    if layout not in _ENTER:
        raise Impossible(f"nothing is known of how {layout} becomes another layout")
    return _ENTER[layout].format(split=split or _WHOLE.get(layout, ""))


def left(layout: str) -> str:
    """Return what is put behind a tensor (B, S, H, D) to give it a layout."""
    if layout not in _LEAVE:
        raise Impossible(f"nothing is known of how another layout becomes {layout}")
    return _LEAVE[layout]


def moved(theirs: str, ours: str) -> str:
    """Return what is put behind a tensor of one layout to give it another, and keeps its batch."""
    return "" if theirs == ours else entered(theirs) + left(ours)


def reordered(
    have: str | None, wanted: str | None, blocks: int = 1, lanes: int | None = None
) -> str:
    """Return the expression that puts the lanes of `{}` in the order of another pairing, the first `lanes` alone."""
    if have == wanted:
        return "{}"
    if wanted not in _REORDERED or have not in _REORDERED:
        raise Impossible("the order of lanes is not known")
    chain = _REORDERED[wanted]
    if blocks > 1:
        chain = f".unflatten(-1, ({blocks}, -1)){chain}.flatten(-2)"
    return (
        f"torch.cat(({{0}}[..., :{lanes}]{chain}, {{0}}[..., {lanes}:]), -1)"
        if lanes
        else f"{{}}{chain}"
    )


def permutation(ours: Described) -> str:
    """Return code that puts the rows of a projection w (heads * head_dim, ...) in our order of lanes."""
    sizes = "rotary_dim // 2, 2" if ours.pairing == "half" else "2, rotary_dim // 2"
    if ours.rotary_dim is None:
        sizes = sizes.replace("rotary_dim", "head_dim")
        return f"w = w.view(heads, {sizes}, -1).transpose(1, 2).reshape(w.shape)"
    whole, lanes = "w.view(heads, head_dim, -1)", ours.rotary_dim
    sizes = sizes.replace("rotary_dim", str(lanes))
    turning = f"{whole}[:, :{lanes}].unflatten(1, ({sizes})).transpose(1, 2).flatten(1, 2)"
    return f"w = torch.cat(({turning}, {whole}[:, {lanes}:]), 1).reshape(w.shape)"


def same_tables(ours: Described, theirs: Described) -> bool:
    """Return whether both take tables of the same form, lanes and axes."""
    return all(
        getattr(ours, name) == getattr(theirs, name)
        for name in ("tables", "table_lanes", "table_axes", "sections")
    )


def tables(
    ours: Described, theirs: Described, *, folded: bool = False, axes: str | None = None
) -> list[str]:
    """Return the lines that make our tables, in `cos` and `sin`, `angles` or `table`, of theirs, named alike.

    `folded`: batch and rows become one axis of rows. `axes`: of theirs, where lines before these have changed them.
    """
    turned = ours.direction != theirs.direction
    have, wanted = axes or theirs.table_axes or "", ours.table_axes or ""
    if same_tables(ours, theirs) and have == wanted and not folded:
        return _backwards(ours.tables or "") if turned else []
    if "g" in have or "g" in wanted or theirs.sections != ours.sections:
        raise Impossible("the sections of M-RoPE's tables are not the same")
    both = ours.tables in ANGLES and theirs.tables in ANGLES
    names = ["angles"] if both else ["cos", "sin"]
    lines = _halves(theirs, ours, both)
    if turned:
        lines.append("angles = -angles" if both else "sin = -sin")
    lines += _placed(names, have, wanted.replace("3", ""), folded)
    if ours.table_lanes and ours.table_lanes != _kept(theirs, ours):
        lines.append(each(names, _TWICE[ours.table_lanes]))
    if "3" in wanted:
        lines += _slots(names, wanted.index("3"), packed=ours.tables == "packed")
    if not both and ours.tables in _MADE:
        lines.append(_MADE[ours.tables])
    return lines


def _kept(theirs: Described, ours: Described) -> str | None:
    """Return in which order their lanes repeat where ours repeat alike: then they stay as they are."""
    return theirs.table_lanes if theirs.table_lanes == ours.table_lanes else None


def _backwards(form: str) -> list[str]:
    if form in PLAIN:
        return ["sin = -sin"]
    known = {"complex": "table = table.conj()", "matrix": "table = table.transpose(-1, -2)"}
    if form in known:
        return [known[form]]
    if form in ANGLES:
        return ["angles = -angles"]
    return [_READ[form], "sin = -sin", _MADE[form]]


def _halves(theirs: Described, ours: Described, both: bool) -> list[str]:
    """Return the lines that read cos and sin, or angles, each pair's value once where ours do not repeat alike."""
    form, lines = theirs.tables or "", list[str]()
    if form in ANGLES and not both:
        lines.append("cos, sin = angles.cos(), angles.sin()")
    elif form in _READ:
        lines.append(_READ[form])
    elif form not in (*PLAIN, *ANGLES):
        raise Impossible(f"nothing is known of {form} tables")
    if theirs.table_lanes and not _kept(theirs, ours):
        lines.append(each(["angles"] if both else ["cos", "sin"], _ONCE[theirs.table_lanes]))
    return lines


def _placed(names: Sequence[str], have: str, wanted: str, folded: bool) -> list[str]:
    """Return the lines that put the axes of tables where they are wanted."""
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
    """Return the lines that give tables a slot each for q, k and v, of which v's turns nothing."""
    if not packed or len(names) == 1:
        return [each(names, f"torch.stack(({{0}}, {{0}}, {{0}}), {at})")]
    cos = f"cos = torch.stack((cos, cos, torch.ones_like(cos)), {at})"
    return [cos, f"sin = torch.stack((sin, sin, torch.zeros_like(sin)), {at})"]
