"""Which of several calls that a function takes is the likelier one."""

from rotcheck.identify.calling import candidates
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.response import TOLERANCE


def nearness(match: Match, layout: str | None = None) -> tuple[bool, bool, bool, bool, bool, float]:
    """Rank a call that gives no right rotation:
    whether it turns pairs, and alike in all heads and batch rows.

    `layout`: the axes that a docstring names; a call with these comes before the others. Of two
    that turn some heads alone, one that turns these rightly, and in which more of them turn: one
    defect is likelier than many.
    """
    pairing = bool(match.reading.pairing)
    return (
        pairing,
        pairing and not match.was_broadcast,
        pairing and match.convention.axes == layout,
        pairing and not match.response.uneven,
        pairing and not match.reading.problem,
        _changed_share(match),
    )


def _changed_share(match: Match) -> float:
    """The share of the heads and batch rows of q that do not come back as they went in."""
    sample = match.response.sample
    if sample is None:
        return 1.0
    changes = (sample.outputs[0] - sample.inputs[0]).abs() > TOLERANCE
    return float(changes.transpose(1, 2).flatten(2).any(-1).double().mean())  # of (B, H)


def rank(match: Match) -> tuple[int, int, int]:
    """Rank a right rotation: calls that leave V alone first,
    then the commonest layouts and axes of tables."""
    convention = match.convention
    layouts = (*candidates.PLAIN_LAYOUTS, "qkv", *candidates.PACKED_LAYOUTS)
    axes = convention.table_axes
    order = ("1s31w",) if broadcasts(match) else ("1s31w", "bsw", "1sw", "sw", "gbsw")
    place = order.index(axes) if axes in order else len(order)
    if convention.positions == "any":
        position_axes = ("bs", "1s", "s", *candidates.COORDINATE_AXES)
        place = position_axes.index(convention.position_axes)
    return int(convention.rotates_v), place, layouts.index(convention.layout)


def broadcasts(match: Match) -> bool:
    """Whether the tables just line up with the tensor, as in `x * cos`: then any layout will do."""
    convention = match.convention
    axes = candidates.broadcast_axes(convention.axes)
    return convention.takes_tables and convention.table_axes.lstrip("1") in (
        axes.lstrip("1"),
        axes.replace("3", "1").lstrip("1"),
    )


def any_layout(match: Match) -> bool:
    """Whether nothing in the function distinguishes one layout from another."""
    layouts = {convention.layout for convention in match.of_same_tables}
    return not match.convention.is_packed and broadcasts(match) and len(layouts) > 1
