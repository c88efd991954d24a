"""The demonstration of a mistake, by the code of its finding: the calls in which it may show, and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from rotcheck.identify.asking.gradients import BY_DATA
from rotcheck.identify.asking.single_row import POSITION, with_any_position
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.making import grid_layout
from rotcheck.identify.showing.attempts import FEW, Attempt, attempts
from rotcheck.identify.showing.function_source import CPU, Source, source_of
from rotcheck.identify.showing.memory_demonstration import of_outside, of_writing
from rotcheck.identify.showing.rotation_demonstration import of_axis, of_gradient, of_grid
from rotcheck.identify.showing.value_demonstration import of_value
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark

NEVER_SHOWN = ("raised",)  # for other sizes: the call may have been another
SEQUENCES = (0, 1, 0, 1, 2)
OTHER_ORDER = (3, 1, 0, 2)
NARROW = 4  # lanes that tables are for
IN_BFLOAT16 = "in bfloat16"


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
        in_bfloat16 = self.remark.message.startswith(IN_BFLOAT16)
        dtype = torch.bfloat16 if in_bfloat16 else torch.float32
        return attempts(conventions or self.conventions, probe.width, probe.heads, dtype)


def demonstrate(
    target: Target, match: Match, remark: Remark, conventions: Sequence[Convention]
) -> str | None:
    """Python that shows a mistake; None: no call shows it."""
    if remark.code in NEVER_SHOWN:
        return None
    if target.narrow is not None and remark.message.startswith(IN_BFLOAT16):
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
    show = _of_gradient if remark.message.startswith(BY_DATA) else _BY_CODE.get(remark.code)
    for device in dict.fromkeys((CPU, match.caller.device)):
        mistake = Mistake(source_of(target, device), match, remark, conventions)
        lines = (show or _of_value)(mistake)
        if lines:
            return lines
    return None


def _of_value(mistake: Mistake) -> str | None:
    return of_value(mistake.source, mistake.attempts())


def _of_gradient(mistake: Mistake) -> str | None:
    return of_gradient(mistake.source, mistake.attempts())


def _of_written_tables(mistake: Mistake) -> str | None:
    return of_writing(mistake.source, mistake.attempts(), tables=True)


def _of_written_input(mistake: Mistake) -> str | None:
    return of_writing(mistake.source, mistake.attempts(), tables=False)


def _of_unread_positions(mistake: Mistake) -> str | None:
    """Show rows in another order than that of the positions, of one that is told which row to take."""
    sizes = Sizes(2, 2, 2, mistake.first.head_dim or 8, OTHER_ORDER)
    in_other_order = [
        Attempt(convention, sizes, rows=len(OTHER_ORDER))
        for convention in mistake.conventions
        if convention.takes_tables
    ]
    return of_value(mistake.source, [*mistake.attempts(), *in_other_order])


def _of_batch_rows(mistake: Mistake) -> str | None:
    """Show a batch row, with more rows of tables than one of them has."""
    more_rows = [
        Attempt(convention, Sizes(2, 2, 2, 8, FEW), rows=4 * len(FEW))
        for convention in mistake.conventions
        if convention.table_axes == "sw"
    ]
    return of_value(mistake.source, [*mistake.attempts(), *more_rows])


def _of_stores_outside(mistake: Mistake) -> str | None:
    """Show memory beside one of the tensors that changed, in heads of several widths."""
    any_width = replace(mistake.first, head_dim=None)
    widths = dict.fromkeys((mistake.match.caller.probe.width, *stores_outside.WIDTHS))
    tries = [Attempt(any_width, Sizes(2, 2, 2, width, FEW)) for width in widths]
    slots = range(len(mistake.first.slots))
    demonstrations = (of_outside(mistake.source, tries, slot) for slot in slots)
    return next(filter(None, demonstrations), None)


def _of_one_row(mistake: Mistake) -> str | None:
    """Show a single row behind others, alone and in a batch."""
    alone = Sizes(2, 2, 2, mistake.lanes, (POSITION,))
    batch = replace(alone, positions=((POSITION,), (POSITION + 1,)))
    tries = [Attempt(with_any_position(mistake.first), sizes) for sizes in (alone, batch)]
    return of_value(mistake.source, tries)


def _of_head_width(mistake: Mistake) -> str | None:
    sizes = Sizes(1, 2, 2, head_widths.ODD[0], FEW)
    return of_value(mistake.source, [Attempt(replace(mistake.first, head_dim=None), sizes)])


def _of_grouped_heads(mistake: Mistake) -> str | None:
    """Show fewer heads in k than in q: memory beside k, a wrong value, or an input that changed."""
    convention, heads = mistake.first, grouped_heads.HEADS
    tries = [
        Attempt(convention, Sizes(1, heads, kv_heads, convention.head_dim or 8, FEW))
        for kv_heads in grouped_heads.GROUPS
    ]
    small = [
        replace(attempt, sizes=replace(attempt.sizes, heads=2, kv_heads=1)) for attempt in tries[:1]
    ]
    return (
        of_outside(mistake.source, small, slot=1)
        or of_value(mistake.source, tries)
        or of_writing(mistake.source, tries, tables=False)
    )


def _of_rotary_dim(mistake: Mistake) -> str | None:
    """Show tables for fewer lanes than a head has, of one that rotates as many as its tables are for."""
    if mistake.match.convention.rotary_dim is not None:
        return _of_value(mistake)
    narrow = [replace(convention, rotary_dim=NARROW) for convention in mistake.conventions]
    return of_value(mistake.source, mistake.attempts(narrow))


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
    return of_value(mistake.source, [*tries, *with_rows])


def _of_idle_offset(mistake: Mistake) -> str | None:
    """Show a call at an offset, after one at offset 0."""
    name, first = mistake.match.idle_offset, mistake.first
    convention = replace(first, arguments=(*first.arguments, f"{name}=offset"), positions="any")
    sizes = Sizes(2, 2, 2, mistake.lanes, (2, 3, 4))
    return of_value(mistake.source, [Attempt(convention, sizes, before=f"{name}=0")])


def _of_context_parallel(mistake: Mistake) -> str | None:
    return context_parallel.snippet(mistake.source, mistake.match)


def _of_grid(mistake: Mistake) -> str | None:
    """Show that two squares of one row of a grid turn by other angles of the row."""
    match = mistake.match
    angles = match.reading.angles
    square = grid_layout.layout_of(angles) if angles is not None else None
    if square is None:
        return None
    sizes = Sizes(2, 2, 2, match.caller.probe.width, tuple(range(grid_layout.SQUARES)))
    attempt = Attempt(match.convention, sizes)
    return of_grid(mistake.source, attempt, square.rows[0], grid_layout.HIGH)


def _of_coordinates(mistake: Mistake) -> str | None:
    """Show that height, or width, turns nothing, of positions (3, ...)."""
    if not mistake.first.position_axes.startswith("3"):
        return _of_value(mistake)
    mentions = (name in mistake.remark.message for name in object_sections.AXES)
    axis = list(mentions).index(True)
    pair = object_sections.first_pair(mistake.match.caller.function, axis)
    if pair is None:
        return None
    attempt = Attempt(mistake.first, Sizes(2, 2, 2, mistake.lanes, FEW))
    return of_axis(mistake.source, attempt, axis, pair)


_BY_CODE: dict[str, Callable[[Mistake], str | None]] = {
    "writes-tables": _of_written_tables,
    "writes-input": _of_written_input,
    "positions-ignored": _of_unread_positions,
    "per-batch": _of_batch_rows,
    "writes-outside": _of_stores_outside,
    "one-row": _of_one_row,
    "head-width": _of_head_width,
    "grid-exchanged": _of_grid,
    "context-parallel": _of_context_parallel,
    "gqa": _of_grouped_heads,
    "rotary-dim": _of_rotary_dim,
    "coordinates": _of_coordinates,
    "sequences": _of_sequences,
    "offset-ignored": _of_idle_offset,
}
