"""The demonstration of a mistake, by the code of its finding:
the calls in which it may show, and how."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from rotcheck.convention import Convention, role_of
from rotcheck.identify.angles import object_sections
from rotcheck.identify.asking import (
    context_parallel,
    grouped_heads,
    head_widths,
    packed_sequences,
    stores_outside,
)
from rotcheck.identify.asking.single_row import POSITION, with_any_position
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.making import grid_layout
from rotcheck.identify.remarks import aspect_of
from rotcheck.identify.showing.attempts import FEW, Attempt, attempts
from rotcheck.identify.showing.function_source import CPU, Source, source_of
from rotcheck.identify.showing.memory_demonstration import (
    write_beside_allocated,
    write_beside_input,
    write_to_input,
    write_to_tables,
)
from rotcheck.identify.showing.rotation_demonstration import (
    idle_axis,
    unlike_square,
    unturned_gradient,
)
from rotcheck.identify.showing.value_demonstration import Show, first_of, wrong_value
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Sizes
from rotcheck.measure.outside_writes import OUTSIDE
from rotcheck.results import Remark

NEVER_SHOWN = ("raised",)  # for other sizes: the call may have been another
SEQUENCES = (0, 1, 0, 1, 2)
OTHER_ORDER = (3, 1, 0, 2)
NARROW = 4  # lanes that tables are for


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake that was seen, and the calls in which it may show, the likeliest first."""

    source: Source
    match: Match
    remark: Remark
    conventions: Sequence[Convention]

    @property
    def first(self) -> Convention:
        """The call by which the function is judged first."""
        return self.conventions[0]

    @property
    def lanes(self) -> int:
        """The lanes of a head of the first call."""
        return self.first.head_dim or self.match.caller.probe.width

    def attempts(self, conventions: Sequence[Convention] | None = None) -> list[Attempt]:
        """The usual attempts, of these conventions or of others."""
        probe = self.match.caller.probe
        dtype = torch.bfloat16 if aspect_of(self.remark) == "bfloat16" else torch.float32
        return attempts(conventions or self.conventions, probe.width, probe.heads, dtype)

    def show(self, show: Show, tries: Iterable[Attempt] | None = None) -> str | None:
        """A demonstration by the first of these attempts that shows it, or of the usual ones."""
        return first_of(partial(show, self.source), self.attempts() if tries is None else tries)


def demonstrate(
    target: Target, match: Match, remark: Remark, conventions: Sequence[Convention]
) -> str | None:
    """Python that shows a mistake; None: no call shows it."""
    if remark.code in NEVER_SHOWN:
        return None
    if target.narrow is not None and aspect_of(remark) == "bfloat16":
        target = target.narrow()
    if match.reading.pairing is None:
        defect = match.defect
        if remark.code == "no-convention" and (defect.vague or not defect.words):
            return None
        pairing = defect.pairing if defect.words else conventions[0].pairing
        conventions = [
            replace(convention, pairing=convention.form.usual_pairing or pairing)
            for convention in conventions
        ]
    show = _BY_CODE.get(remark.code, _of_value)
    if aspect_of(remark) == "by data":
        show = _of_gradient
    for device in dict.fromkeys((CPU, match.caller.device)):
        lines = show(Mistake(source_of(target, device), match, remark, conventions))
        if lines:
            return lines
    return None


def _of_value(mistake: Mistake) -> str | None:
    return mistake.show(wrong_value)


def _of_gradient(mistake: Mistake) -> str | None:
    return mistake.show(unturned_gradient)


def _of_unread_positions(mistake: Mistake) -> str | None:
    """Show rows in another order than that of the positions,
    of one that is told which row to take."""
    sizes = Sizes(2, 2, 2, mistake.first.head_dim or 8, OTHER_ORDER)
    in_other_order = [
        Attempt(convention, sizes, rows=len(OTHER_ORDER))
        for convention in mistake.conventions
        if convention.takes_tables
    ]
    return mistake.show(wrong_value, [*mistake.attempts(), *in_other_order])


def _of_batch_rows(mistake: Mistake) -> str | None:
    """Show a batch row, with more rows of tables than one of them has."""
    more_rows = [
        Attempt(convention, Sizes(2, 2, 2, 8, FEW), rows=4 * len(FEW))
        for convention in mistake.conventions
        if convention.table_axes == "sw"
    ]
    return mistake.show(wrong_value, [*mistake.attempts(), *more_rows])


def _of_stores_outside(mistake: Mistake) -> str | None:
    """Show memory beside one of the tensors that changed, in heads of several widths."""
    any_width = replace(mistake.first, head_dim=None)
    widths = dict.fromkeys((mistake.match.caller.probe.width, *stores_outside.WIDTHS))
    tries = [Attempt(any_width, Sizes(2, 2, 2, width, FEW)) for width in widths]
    slots = range(len(mistake.first.slots))
    shows: tuple[Show, ...] = (
        write_beside_allocated,
        *(partial(write_beside_input, slot=slot) for slot in slots),
    )
    return next(filter(None, (mistake.show(show, tries) for show in shows)), None)


def _of_one_row(mistake: Mistake) -> str | None:
    """Show a single row behind others, alone and in a batch."""
    alone = Sizes(2, 2, 2, mistake.lanes, (POSITION,))
    batch = replace(alone, positions=((POSITION,), (POSITION + 1,)))
    tries = [Attempt(with_any_position(mistake.first), sizes) for sizes in (alone, batch)]
    return mistake.show(wrong_value, tries)


def _of_head_width(mistake: Mistake) -> str | None:
    sizes = Sizes(1, 2, 2, head_widths.ODD[0], FEW)
    return mistake.show(wrong_value, [Attempt(replace(mistake.first, head_dim=None), sizes)])


def _of_grouped_heads(mistake: Mistake) -> str | None:
    """Show fewer heads in k than in q: memory beside k, a wrong value, or an input that changed."""
    convention, heads = mistake.first, grouped_heads.HEADS
    tries = [
        Attempt(convention, Sizes(1, heads, kv_heads, convention.head_dim or 8, FEW))
        for kv_heads in grouped_heads.GROUPS
    ]
    small = [replace(tries[0], sizes=replace(tries[0].sizes, heads=2, kv_heads=1))]
    return (
        mistake.show(write_beside_allocated, small)
        or mistake.show(partial(write_beside_input, slot=1), small)
        or mistake.show(wrong_value, tries)
        or mistake.show(write_to_input, tries)
    )


def _of_rotary_dim(mistake: Mistake) -> str | None:
    """Show tables for fewer lanes than a head has,
    of one that rotates as many as its tables are for."""
    if mistake.match.convention.rotary_dim is not None:
        return _of_value(mistake)
    narrow = [replace(convention, rotary_dim=NARROW) for convention in mistake.conventions]
    return mistake.show(wrong_value, mistake.attempts(narrow))


def _of_sequences(mistake: Mistake) -> str | None:
    """Show two sequences in one row of tokens."""
    tries = [
        Attempt(replace(convention, positions="any"), Sizes(1, 2, 2, 8, SEQUENCES))
        for convention in mistake.conventions
        if "cu_seqlens" in map(role_of, convention.called_with)
    ]
    with_rows = [
        replace(attempt, rows=packed_sequences.ROWS)
        for attempt in tries
        if attempt.convention.takes_tables
    ]
    return mistake.show(wrong_value, [*tries, *with_rows])


def _of_idle_offset(mistake: Mistake) -> str | None:
    """Show a call at an offset, after one at offset 0."""
    name, first = mistake.match.idle_offset, mistake.first
    convention = replace(first, arguments=(*first.arguments, f"{name}=offset"), positions="any")
    sizes = Sizes(2, 2, 2, mistake.lanes, (2, 3, 4))
    return mistake.show(wrong_value, [Attempt(convention, sizes, before=f"{name}=0")])


def _of_grid(mistake: Mistake) -> str | None:
    """Show that two squares of one row of a grid turn by other angles of the row."""
    match = mistake.match
    angles = match.reading.angles
    square = grid_layout.layout_of(angles) if angles is not None else None
    if square is None:
        return None
    sizes = Sizes(2, 2, 2, match.caller.probe.width, tuple(range(grid_layout.SQUARES)))
    show = partial(unlike_square, pair=square.rows[0], square=grid_layout.HIGH)
    return mistake.show(show, [Attempt(match.convention, sizes)])


def _of_coordinates(mistake: Mistake) -> str | None:
    """Show that height, or width, turns nothing, of positions (3, ...)."""
    if not mistake.first.position_axes.startswith("3"):
        return _of_value(mistake)
    aspect = aspect_of(mistake.remark)
    axes = [axis for axis, name in enumerate(object_sections.AXES) if name == aspect]
    axis = next(iter(axes), 1 if aspect == "exchanged" else None)
    if axis is None:
        return None
    pair = object_sections.first_pair(mistake.match.caller.function, axis)
    if pair is None:
        return None
    attempt = Attempt(mistake.first, Sizes(2, 2, 2, mistake.lanes, FEW))
    return mistake.show(partial(idle_axis, axis=axis, pair=pair), [attempt])


_BY_CODE: dict[str, Callable[[Mistake], str | None]] = {
    "writes-tables": lambda mistake: mistake.show(write_to_tables),
    "writes-input": lambda mistake: mistake.show(write_to_input),
    "positions-ignored": _of_unread_positions,
    "per-batch": _of_batch_rows,
    OUTSIDE: _of_stores_outside,
    "one-row": _of_one_row,
    "head-width": _of_head_width,
    "grid-exchanged": _of_grid,
    "context-parallel": lambda mistake: context_parallel.snippet(mistake.source, mistake.match),
    "gqa": _of_grouped_heads,
    "rotary-dim": _of_rotary_dim,
    "coordinates": _of_coordinates,
    "sequences": _of_sequences,
    "offset-ignored": _of_idle_offset,
}
