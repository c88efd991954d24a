"""Where an object's positions end, looked for on the CPU: past that, an index can end the use of another device."""

import time

import msgspec

from rotcheck.context.known import POSITIONS, Known
from rotcheck.context.sources import ROWS, Reach, Source, reason
from rotcheck.context.sweep import SLOW, groups, is_slow

NOT_ASKED = "no position further on was asked for"


def ended(known: Known, asked: Source) -> Known:
    """Return what is known of an object that is asked on the CPU, with the last position that it takes there.

    Raises what the object raises at the smallest positions.
    """
    most = max(POSITIONS[-1], 2 * known.judged_to + 1)
    reach = asked.reached(most)
    last, why = _one_by_one(asked, known, most) if reach.by_one else (reach.last, _why(reach))
    # rows that a call for one position asks for too
    more = ROWS - 1 if known.asking == "offset" else 0
    return msgspec.structs.replace(known, last=last + more, ended=f"on cpu, {why}")


def _why(reach: Reach) -> str:
    return reach.refused or reach.stopped or NOT_ASKED


def _one_by_one(asked: Source, known: Known, most: int) -> tuple[int, str]:
    took: int | None = None
    for group in groups(known, most):
        began = time.perf_counter()
        try:
            asked.ask(group)
        except Exception as error:
            if took is None:
                raise
            return _between(asked, took, group[0], reason(error))
        took = group[-1]
        if time.perf_counter() - began > SLOW and is_slow(asked.ask, group):
            return took, f"a call for position {took} takes more than {SLOW:g} s"
    return most, NOT_ASKED


def _between(asked: Source, took: int, refused: int, why: str) -> tuple[int, str]:
    """Return the last position that it takes, between one that it takes and one that it refuses, and why."""
    while refused - took > 1:
        middle = (took + refused) // 2
        try:
            asked.ask((middle,))
            took = middle
        except Exception as error:
            refused, why = middle, reason(error)
    return took, why
