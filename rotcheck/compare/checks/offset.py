"""Is row k of a prefill what a decode step at position k gives?"""

from torch import Tensor

from rotcheck.measure.case import POSITIONS, Case
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.errors import SAME, measure, norms
from rotcheck.measure.subject import Subject

needs_values = True
STEPS = (0, 1, 257, 2049, 4097, POSITIONS[-1])


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate single rows alone, at their positions, and measure them against these rows of the whole."""
    whole = case.read(subject.call(case.x(), case.tables()))  # (B, S, [3,] H, P, 2)
    sizes = norms(case.pairs)  # (B, S, [3,] H, P)
    worst, place = 0.0, 0
    for position in STEPS:
        row = POSITIONS.index(position)
        step = case.read(_step(subject, case, row))  # (B, 1, [3,] H, P, 2)
        found = measure(step, whole[:, row : row + 1], sizes[:, row : row + 1], case.dtype)
        if found.not_finite or found.error > SAME:
            return Evidence(
                error=found.error,
                where={"row": row, "position": position},
                not_finite=found.not_finite,
                finding="offset",
                message=f"a decode step at position {position} differs from that row of a prefill",
            )
        worst, place = max((worst, place), (found.error, row))
    return Evidence(error=worst, where={"row": place, "position": POSITIONS[place]})


def _step(subject: Subject, case: Case, row: int) -> Tensor:
    one = slice(row, row + 1)
    x = case.x()[:, one].contiguous()  # (B, 1, [3,] H, D)
    if case.convention.takes_offset:
        return subject.call(x, case.tables(), offset=row)
    return subject.call(x, case.tables(one))
