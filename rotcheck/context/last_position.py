"""Where an object's positions end, found on the CPU: elsewhere an index past it may kill."""

import time

import msgspec

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import ROWS, AngleSource, reason
from rotcheck.context.asked_positions import POSITIONS
from rotcheck.context.sweep import SLOW, groups, is_slow
from rotcheck.measure.boundary import last_answered

NOT_ASKED = "no later position was tested"


def with_last_position(profile: AngleProfile, source: AngleSource) -> AngleProfile:
    """The profile with the last position that the object accepts on the CPU.

    Raises what the object raises at the smallest positions.
    """
    most = max(POSITIONS[-1], 2 * profile.judged_to + 1)
    reach = source.range_to(most)
    if reach.by_one:
        last, why = _call_by_call(source, profile, most)
    else:
        last, why = reach.last, reach.refusal or reach.limit or NOT_ASKED
    # a call for one position asks for as many rows
    rows = ROWS - 1 if profile.asking == "offset" else 0
    return msgspec.structs.replace(profile, last=last + rows, last_because=f"on cpu, {why}")


def _call_by_call(source: AngleSource, profile: AngleProfile, most: int) -> tuple[int, str]:
    last: int | None = None
    for group in groups(profile, most):
        began = time.perf_counter()
        try:
            source.ask(group)
        except Exception as error:
            if last is None:
                raise
            last, _, why = last_answered(last, group[0], lambda at: source.ask((at,)))
            return last, reason(why or error)
        last = group[-1]
        if time.perf_counter() - began > SLOW and is_slow(source.ask, group):
            return last, f"a call for position {last} takes more than {SLOW:g} s"
    return most, NOT_ASKED
