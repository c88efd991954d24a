"""Reads the matrices of a function that is handed its tables:
which entries of these each lane was made of."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.identify.reading.lane_pairs import output_pairs, pair_lanes
from rotcheck.identify.reading.matrix_reading import (
    TOO_MANY_SOURCES,
    MatrixReading,
    no_convention,
)
from rotcheck.identify.reading.mistake_matrices import known_mistake
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.measure import mistake_names

# lanes that one is made of, as far as it is asked which entries of the tables they are
MOST_SOURCES = 4
NO_ENTRY = "lanes hold what is neither cos nor sin of the table"


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a matrix: the lane that it takes from, and the entry of the tables that it is."""

    lane: int
    kind: str  # "c", "s", "1" or "?"
    sign: int
    column: int  # of the table
    shift: int = 0  # rows of the table


def read_handed_tables(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading:
    """Read a matrix (S, D, D) made of tables (S, W): a convention, a known mistake, or neither."""
    reading = _read(matrix, cos, sin)
    if reading.problem == "no-convention":
        reading = known_mistake(matrix, cos, sin) or reading
    broadcast = _broadcast(matrix, cos, sin) if reading.problem else ""
    if broadcast and reading.problem == mistake_names.OTHER_TABLES[0]:
        reading = reading.with_problem("no-convention", broadcast)
    return replace(reading, broadcast=broadcast)


def _broadcast(matrix: Tensor, cos: Tensor, sin: Tensor) -> str:
    """In words: one entry of the tables (S, W) turns every pair, or every row; empty:
    each has its own."""
    size = matrix[:, matrix.abs().amax(0) > TOLERANCE].abs()  # (S, N)
    size = size[:, (size - 1).abs().amax(0) > TOLERANCE]
    entries = torch.cat((cos, sin)).abs()  # (2S, W)
    is_steady = (size - size[0]).abs().amax(0) < TOLERANCE
    steady = size[0, is_steady]
    is_entry = (steady[:, None] - entries.flatten()).abs().amin(1) < TOLERANCE
    if int(is_entry.sum()) > 2 and 3 * int(is_entry.sum()) > size.shape[1]:
        one = bool((steady - steady[0]).abs().max() < TOLERANCE)
        return f"takes one {'entry' if one else 'row'} of the table for every row"
    kinds, columns, _ = _nearest_entries(size, cos.abs(), sin.abs())
    for kind in "cs":
        places = [column for column, name in zip(columns.tolist(), kinds) if name == kind]
        if len(places) > 2 and len(set(places)) == 1:
            return "takes one entry of the table for every pair"
    return ""


def _read(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading:
    support = matrix.abs().amax(0) > TOLERANCE  # (D, D)
    if int(support.sum(-1).max()) > MOST_SOURCES:
        return TOO_MANY_SOURCES
    rows = _entries(matrix, cos, sin, support)
    if any(entry.kind == "?" for row in rows for entry in row):
        return no_convention(NO_ENTRY)
    turning = {
        lane: row
        for lane, row in enumerate(rows)
        if [(entry.lane, entry.kind) for entry in row] != [(lane, "1")]
    }
    if not turning:
        return MatrixReading().with_problem(*mistake_names.NOT_ROTATED)
    kinds = {"".join(sorted(entry.kind for entry in row)) for row in turning.values()}
    if kinds == {"c"}:
        return MatrixReading().with_problem(*mistake_names.SIN_DROPPED)
    if kinds != {"cs"}:
        return no_convention("a lane is not made of one cos and one sin")
    return _of_turns(turning, cos.shape[-1], len(rows))


def _entries(matrix: Tensor, cos: Tensor, sin: Tensor, support: Tensor) -> list[list[_Entry]]:
    """The entries of each lane that are not zero, which `support` (D, D) tells."""
    lanes, sources = support.nonzero().unbind(-1)  # (N,) each
    values = matrix[:, lanes, sources]  # (S, N)
    size, signs = values.abs(), torch.sign(values)
    kinds, columns, shifts = _nearest_entries(size, cos.abs(), sin.abs())
    is_one = ((size - 1).abs().amax(0) < TOLERANCE).tolist()
    steady = (signs == signs[0]).all(0).tolist()
    rows: list[list[_Entry]] = [[] for _ in range(len(support))]
    for at, (lane, source) in enumerate(zip(lanes.tolist(), sources.tolist())):
        kind = "?" if not steady[at] else "1" if is_one[at] else kinds[at]
        sign, column, shift = (int(tensor[at]) for tensor in (signs[0], columns, shifts))
        rows[lane].append(_Entry(source, kind, sign, column, shift))
    return rows


def _nearest_entries(size: Tensor, cos: Tensor, sin: Tensor) -> tuple[list[str], Tensor, Tensor]:
    """Kind, column and shift of the tables' entries that sizes (S, N) are nearest to."""
    count = size.shape[1]
    best, columns = size.new_full((count,), torch.inf), torch.zeros(count, dtype=torch.int64)
    kinds, shifts = ["?"] * count, torch.zeros(count, dtype=torch.int64)
    for shift in (0, 1, -1):
        for name, table in (("c", cos), ("s", sin)):
            moved_rows = table.roll(-shift, 0)
            # rows that do not wrap around
            inner = slice(max(0, -shift), len(table) - max(0, shift))
            # (N,) each
            nearest, at = (size[inner, :, None] - moved_rows[inner, None]).abs().amax(0).min(-1)
            better = (nearest < best) & (nearest < TOLERANCE)
            best, columns = torch.where(better, nearest, best), torch.where(better, at, columns)
            shifts = torch.where(better, shift, shifts)
            kinds = [name if new else kind for new, kind in zip(better.tolist(), kinds)]
    return kinds, columns, shifts


def _of_turns(rows: dict[int, list[_Entry]], width: int, lanes: int) -> MatrixReading:
    """Read lanes of which each is one cos and one sin entry."""
    cosines = {lane: next(e for e in row if e.kind == "c") for lane, row in rows.items()}
    sines = {lane: next(e for e in row if e.kind == "s") for lane, row in rows.items()}
    sin_first = any(e.sign < 0 for e in cosines.values()) and all(
        e.sign > 0 for e in sines.values()
    )
    if sin_first:
        cosines, sines = sines, cosines
    if any(e.sign < 0 for e in cosines.values()):
        return replace(no_convention("the cos of some lanes has a minus sign"), sin_first=sin_first)
    reading = pair_lanes(
        {lane: e.lane for lane, e in cosines.items()},
        {lane: (e.lane, e.sign) for lane, e in sines.items()},
        lanes,
    )
    if reading.problem:
        return reading
    if reading.blocks > 1:
        words = f"rotates halves within each of {reading.blocks} blocks of lanes, as RoPE2D does, by tables passed in"
        return replace(reading, pairing=None, problem="no-convention", words=words)
    reading = replace(reading, sin_first=sin_first)
    shifts = {e.shift for e in (*cosines.values(), *sines.values())}
    if shifts != {0}:
        return _with_shift(reading, next(iter(shifts - {0})))
    columns = {lane: (cosines[lane].column, sines[lane].column) for lane in rows}
    return _with_columns(reading, columns, width)


def _with_shift(reading: MatrixReading, shift: int) -> MatrixReading:
    row = "next row's angle" if shift > 0 else "angle of the row before it"
    words = f"rotates each row with the {row}"
    return replace(reading, problem="shifted", shift=shift, words=words)


def _with_columns(
    reading: MatrixReading, columns: dict[int, tuple[int, int]], width: int
) -> MatrixReading:
    """Add how the table's lanes have to be laid out for the pairs to turn by one angle each."""
    pair_of = {lane: at for at, pair in enumerate(output_pairs(reading)) for lane in pair}
    if width == reading.rotary_dim // 2:
        right = all(cos == sin == pair_of[lane] for lane, (cos, sin) in columns.items())
        return reading if right else reading.with_problem(*mistake_names.OTHER_TABLES)
    fitting: list[Pairing] = []
    if all({at % (width // 2) for at in pair} == {pair_of[lane]} for lane, pair in columns.items()):
        fitting.append("half")
    if all({at // 2 for at in pair} == {pair_of[lane]} for lane, pair in columns.items()):
        fitting.append("interleaved")
    if not fitting:
        return reading.with_problem(*mistake_names.OTHER_TABLES)
    order = reading.pairing if reading.pairing in fitting else fitting[0]
    return replace(reading, table_lanes=order, unread=_unread_half(columns, width))


def _unread_half(columns: dict[int, tuple[int, int]], width: int) -> str:
    """Which half of the columns of full-width tables no lane takes cos or sin from."""
    read = {column for pair in columns.values() for column in pair}
    halves = {"first half": range(width // 2), "second half": range(width // 2, width)}
    return next((half for half, places in halves.items() if not read & set(places)), "")
