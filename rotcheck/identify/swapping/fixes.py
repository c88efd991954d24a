"""What makes up for a difference of two conventions: the lines of code, or what to do, in words."""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from rotcheck.identify.swapping import call_lines, conversion, position_lines
from rotcheck.identify.swapping.conversion import Impossible, assignments, permutation
from rotcheck.identify.swapping.tensor_changes import output_order
from rotcheck.results import Description

APART = {
    "flash-attn-qkv": "flash-attn",
    **dict.fromkeys(
        ("native", "rotcheck", "rotcheck.rotary:apply_rotary_pos_emb"),
        "rotcheck.rotary:apply_rotary",
    ),
}
"""Of what takes packed q, k and v: its relative that takes them one by one."""

POSITIONS = {
    "any": "positions = torch.arange(offset, offset + rows)  # the positions themselves",
    "offset": "offset = int(positions[..., 0].max())  # consecutive rows alone, the same of each batch row",
    "from 0": "it counts rows from 0 and takes no positions: no decoding, no packed or padded sequences",
    "tables": "cos, sin = cos[positions], sin[positions]  # the rows of its tables are the positions",
}
"""What to do with a function of such positions that is to take others."""


def _code(lines: Callable[[], list[str]]) -> str:
    try:
        return "; ".join(lines()).replace("\n", "; ")
    except Impossible as reason:
        return f"no lines of code are known that do this: {reason}"


def swap_tables(ours: Description, theirs: Description) -> str:
    """The code that converts their tables to ours."""
    target, have = ours, replace(theirs, direction=ours.direction)
    if not target.takes_tables:
        return "it makes its own tables: give it positions instead"
    if not have.takes_tables:
        return _code(partial(position_lines.made_tables, target, have, "s", "q", folds=False))
    batch = "b" in (have.table_axes or "") and "b" not in (target.table_axes or "")
    lines = partial(conversion.tables, target, have, folds=batch)
    return _code(lines) + ("  # batch and rows as one axis, of q and k too" if batch else "")


def reverse(ours: Description, _: Description) -> str:
    """The lines that turn our tables, or positions, the other way round."""
    if not ours.takes_tables:
        return "positions = -positions"
    return "; ".join(conversion.tables(ours, replace(ours, direction=-(ours.direction or 1))))


def permute(ours: Description, _: Description) -> str:
    """The line that permutes the weights for our order of lanes."""
    return f"{permutation(ours)}  # permute the rows of the q and k projections once, biases too"


def reorder(ours: Description, theirs: Description) -> str:
    """The line that puts the lanes of our result in the order of theirs."""
    have, target = output_order(ours), output_order(theirs)
    return _code(lambda: [assignments(["q", "k"], conversion.reorder(have, target))])


def narrow(ours: Description, theirs: Description) -> str:
    """What rotates as many lanes as theirs."""
    if ours.rotary_dim:
        return f"build it for {theirs.rotary_dim or 'all'} lanes that turn"
    return rotate_first(ours, str(theirs.rotary_dim))


def rotate_first(ours: Description, lanes: str) -> str:
    """The line that rotates the first lanes alone."""
    first = f"x[..., :{lanes}]"
    call = call_lines.call_of(ours, dict.fromkeys(("x", "q", "k"), first))
    return (
        f"x = torch.cat(({call_lines.OURS}({call}), x[..., {lanes}:]), -1)  # for each of q and k"
    )


def lay_out(name: str, other_name: str, own: Description, other: Description) -> str:
    """What lays the tensors out as ours takes them, and back; both functions by their names."""
    ours, theirs = own.layout or "", other.layout or own.layout or ""
    if ours in conversion.PACKINGS and theirs not in conversion.PACKINGS:
        apart = APART.get(name)
        instead = (
            f"use {apart}, which takes q and k one by one"
            if apart
            else "look for a call that takes q and k apart"
        )
        return f"packed q, k and v have the same heads: for grouped heads {instead}, or call it for each as below"
    if ours in conversion.PACKINGS or theirs in conversion.PACKINGS:
        axis = conversion.PACKINGS.get(theirs, ("", 2))[1]
        apart = APART.get(other_name)
        instead = f"; for grouped heads {apart} takes its place" if apart else ""
        return f"q, k, v = qkv.unbind({axis})  # and torch.stack((q, k, v), {axis}) after the call{instead}"
    try:
        before = conversion.layout_change(theirs, ours)
        behind = conversion.to_bshd(ours, conversion.OF_BATCH) + conversion.from_bshd(theirs)
    except Impossible as reason:
        return f"lay the tensors out as {ours} before the call, and back after it: {reason}"
    return f"x = x{before}  # before the call, and x = x{behind} after it"
