"""Does a decode step at position k give the same as row k of a prefill?

Catches: positions counted from 0 when decoding.
"""

from dataclasses import replace

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.measure.case import POSITIONS, Case
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import indexes
from rotcheck.measure.rounding_steps import measure
from rotcheck.measure.subject import Subject

level = "quick"
order = 70
STEPS = (0, 1, 257, 2049, 4097, POSITIONS[-1])


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate single rows alone, at their positions, and hold them against the rows of a whole."""
    if case.convention.positions == "from 0":
        return inapplicable("it counts its positions itself, from 0, and takes no others")
    whole = case.read(subject.call(case.call()))  # (B, S, H, P, 2) each
    sizes = case.norms  # (B, S, H, P) each
    worst, place = 0.0, 0
    for row in _rows(case):
        step = case.read(_step(subject, case, row))  # (B, 1, H, P, 2) each
        this_row = slice(row, row + 1)
        slack = case.slack[..., this_row, :] if isinstance(case.slack, Tensor) else 0.0
        measurement = measure(
            step,
            [slot[:, this_row] for slot in whole],
            [size[:, this_row] for size in sizes],
            case.dtype,
            slack,
        )
        position = int(case.positions[row])  # type: ignore[arg-type]  # the same for all batches here
        if not measurement.is_right:
            message = f"a decode step at position {position} differs from that row of a prefill"
            where = {"row": row, "position": position}
            return structs.replace(measurement.evidence("offset", message), where=where)
        worst, place = max((worst, place), (measurement.error, row))
    return Evidence(error=worst, where={"row": place, "position": int(case.positions[place])})  # type: ignore[arg-type]


def _rows(case: Case) -> list[int]:
    if case.convention.positions == "offset":
        return [0, 1, case.length - 1]
    rows = [row for row, position in enumerate(case.positions) if position in STEPS]
    return rows or [0, case.length - 1]


def _step(subject: Subject, case: Case, row: int) -> tuple[Tensor, ...]:
    """Call it for one row, by its offset or index if it takes one,
    else by that row of the tables."""
    call = case.call(slice(row, row + 1))
    if indexes(case):
        positions = case.laid_positions(torch.tensor([row], device="cpu"))
        return subject.call(replace(call, tables=case.tables(), positions=positions))
    if case.convention.takes_offset:
        return subject.call(replace(call, tables=case.tables(), offset=row))
    if case.convention.positions == "offset":
        return subject.call(replace(call, offset=row))
    return subject.call(call)
