"""Is the call of a function beyond doubt, and each mistake that shows in it?"""

from collections.abc import Sequence

from rotcheck.convention import Convention, role_of
from rotcheck.convention import coordinates as count
from rotcheck.identify.asking import (
    context_parallel,
    idle_arguments,
    packed_sequences,
    point_coordinates,
)
from rotcheck.identify.calling import documented_shapes, role_evidence
from rotcheck.identify.calling.argument_roles import TENSORS
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.documented_layout import documented_layout
from rotcheck.identify.making import grid_calls
from rotcheck.identify.remarks import aspect_of
from rotcheck.implementations.target import Target
from rotcheck.results import Remark

AGAIN = "by its names it rotates what was rotated before, by a difference of positions"


def of_call(match: Match, names: Sequence[str]) -> list[str]:
    """Reasons to doubt a call; empty: there are none."""
    sides = grid_calls.side_names(match.caller.function)
    doubts = [f"nothing says what `{name}` is" for name in names if name not in sides]
    convention = match.convention
    real = "table" in map(role_of, convention.arguments) and convention.form.usual_pairing is None
    if real and role_evidence.says_complex(match.caller.function, convention.arguments):
        doubts.append(f"its table is said to be complex, and was tried as {convention.tables}")
    axes = point_coordinates.speaks_of_axes(match.caller.function) and "positions" in map(
        role_of, convention.arguments
    )
    if axes and not count(convention.position_axes):
        doubts.append("it speaks of positions (3, ...), and was called with others")
    if match.was_broadcast:
        doubts.append("probably not a table of this shape")
    if role_evidence.rotates_again(match.caller.function):
        doubts.append(AGAIN)
    # another layout may be right
    if match.cut_short and (match.response.mixes or match.response.uneven):
        doubts.append("the search ended before all other calls were tried")
    if idle_arguments.ignores_input(match):
        doubts.append("its result does not depend on its input: it may make tables")
    return doubts


def of_mistake(mistake: Remark, match: Match, target: Target) -> list[str]:
    """Reasons to doubt one mistake in a call that is beyond doubt; empty: there are none."""
    if mistake.code == "per-batch" and not _for_each_row(match, target):
        return ["nothing says that its tables may have rows for each batch row"]
    aspect = aspect_of(mistake)
    if aspect == "row by row" and not packed_sequences.rows_are_positions(match):
        return ["nothing says that its tables have a row for each position"]
    if aspect == "exchanged" and not point_coordinates.says_order(match.caller.function):
        return ["nothing says that its positions are time, height and width, in this order"]
    if aspect == "last lanes":
        return ["its docstring may be what is wrong"]
    if mistake.code == "context-parallel" and not context_parallel.says_tokens(target.function):
        return ["nothing says which rows its tables have"]
    return []


def _for_each_row(match: Match, target: Target) -> bool:
    """Whether a function takes positions or tables of each batch row,
    and does not just read the first of them.

    A kernel that reads tables (S, W) from memory takes (B, S, W) too.
    """
    documentation = documented_shapes.axes_by_role(target.function, match.convention.arguments)
    if any(
        "b" in axes for role, axes in documentation.items() if role not in (*TENSORS, "positions")
    ):
        return True
    all_axes = [convention.table_axes for convention in match.conventions]
    in_one_tensor = not {"cos", "sin"} & set(map(role_of, match.convention.arguments))
    if in_one_tensor and any(
        "b" in axes and axes.replace("b", "1") in all_axes for axes in all_axes
    ):
        return False  # its first axis may be another, as that of layers
    dims_with_batch, dims_without = (
        [len(axes) for axes in all_axes if ("b" in axes) is with_batch]
        for with_batch in (True, False)
    )
    return not dims_with_batch or not dims_without or min(dims_without) >= min(dims_with_batch)


def of_known_batch(conventions: Sequence[Convention], target: Target) -> list[Convention]:
    """The calls whose batch axis is known: (S, B, ...) only if the documentation says so."""
    documentation = documented_layout(target.function)
    return [
        convention
        for convention in conventions
        if convention.layout != "sbhd" or (documentation and documentation.layout == "sbhd")
    ]
