"""Where an object's positions end, looked for on the CPU: past that, an index can end the use of another device."""

import time

import msgspec

from rotcheck.context.angle_profile import POSITIONS, AngleProfile
from rotcheck.context.angle_sources import ROWS, AngleSource, PositionRange, reason
from rotcheck.context.sweep import SLOW, groups, is_slow

NOT_ASKED = "no position further on was asked for"


def with_last_position(profile: AngleProfile, source: AngleSource) -> AngleProfile:
    """Return what is known of an object that is asked on the CPU, with the last position that it takes there.

    Raises what the object raises at the smallest positions.
    """
    most = max(POSITIONS[-1], 2 * profile.judged_to + 1)
    reach = source.range_to(most)
    last, why = _one_by_one(source, profile, most) if reach.by_one else (reach.last, _why(reach))
    # rows that a call for one position asks for too
    more = ROWS - 1 if profile.asking == "offset" else 0
    return msgspec.structs.replace(profile, last=last + more, ended=f"on cpu, {why}")


def _why(reach: PositionRange) -> str:
    return reach.refused or reach.stopped or NOT_ASKED


def _one_by_one(source: AngleSource, profile: AngleProfile, most: int) -> tuple[int, str]:
    took: int | None = None
    for group in groups(profile, most):
        began = time.perf_counter()
        try:
            source.ask(group)
        except Exception as error:
            if took is None:
                raise
            return _between(source, took, group[0], reason(error))
        took = group[-1]
        if time.perf_counter() - began > SLOW and is_slow(source.ask, group):
            return took, f"a call for position {took} takes more than {SLOW:g} s"
    return most, NOT_ASKED


def _between(source: AngleSource, took: int, refusal: int, why: str) -> tuple[int, str]:
    """Return the last position that it takes, between one that it takes and one that it refuses, and why."""
    while refusal - took > 1:
        middle = (took + refusal) // 2
        try:
            source.ask((middle,))
            took = middle
        except Exception as error:
            refusal, why = middle, reason(error)
    return took, why
