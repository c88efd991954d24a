"""A better call than the first that was found: in other head widths, or with right values."""

from dataclasses import replace
from functools import partial

import torch

from rotcheck.convention import split
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, judge
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.reading.probe_sizes import usual_sizes
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Sizes


def in_narrower_heads(match: Match) -> Match:
    """The call in heads of half the width, if the first lanes of wider heads stand still."""
    probe, angles = match.caller.probe, match.reading.angles
    if match.convention.blocks != 2 or angles is None:
        return match
    if bool(angles[:, : angles.shape[1] // 2].abs().max() > TOLERANCE):
        return match
    caller = match.caller.with_sizes(width=probe.width // 2, rotary=probe.rotary // 2)
    narrow = result_or_none(lambda: measure_call(caller, replace(match.convention, blocks=1)))
    fits = narrow is not None and narrow.exact and narrow.convention.blocks == 1
    return replace(narrow, on_cpu=match.on_cpu) if narrow is not None and fits else match


def in_wider_heads(match: Match) -> Match:
    """The call in heads of twice the width: some rotate as many lanes of any head."""
    width = match.caller.probe.width
    if match.convention.rotary_dim or not match.exact:
        return match
    if match.convention.takes_tables and not takes_one_width(match):
        return match
    wide = in_sizes(match, width=2 * width)
    if wide is None or not wide.exact or wide.reading.rotary_dim != width:
        return match
    return replace(
        wide,
        alternatives=match.alternatives,
        on_cpu=match.on_cpu,
        idle_offset=match.idle_offset,
    )


def with_right_values(target: Target, match: Match, device: torch.device) -> Match:
    """The first of the calls that fit whose values are right for other sizes and positions too."""
    calls = [replace(match, alternatives=()), *match.alternatives]
    if len(calls) == 1 or not match.convention.takes_tables:
        return match
    sizes = Sizes(width=match.caller.probe.width)

    def is_right(call: Match) -> bool:
        function = FunctionUnderTest(target.function, call.convention, device, match.on_cpu)
        return all(judge(place, sizes)[1] is None for place in (*function.cpu_first, function))

    right = next((call for call in calls if result_or_none(partial(is_right, call))), None)
    if right is None:
        return match
    return replace(right, alternatives=tuple(call for call in calls if call is not right))


def takes_one_width(match: Match) -> bool:
    """Whether it takes heads of this width only."""
    probe = match.caller.probe
    width = 24 if probe.width != 24 else 48
    other = in_sizes(match, width=width, rotary=width * probe.rotary // probe.width)
    return other is None or other.exact is not match.exact


def only_head_count(match: Match) -> int | None:
    """The number of heads, if it takes no other; None: it does."""
    heads = match.caller.probe.heads
    if heads == usual_sizes().heads or "h" not in split(match.convention.axes):
        return None
    more = in_sizes(match, heads=heads + 3)
    return None if more is not None and more.exact else heads


def in_sizes(match: Match, **sizes: int) -> Match | None:
    """The call in other sizes; None: it does not take these."""
    caller = match.caller.with_sizes(**sizes)
    return result_or_none(lambda: measure_call(caller, match.convention, lane_by_lane=False))
