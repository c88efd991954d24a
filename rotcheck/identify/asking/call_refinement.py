"""A better call than the first that was found: in other head widths, or with right values."""

from dataclasses import replace

import torch

from rotcheck.convention import split
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, judge
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.reading.caller import Caller
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
    half = replace(probe, width=probe.width // 2, rotary=probe.rotary // 2)
    caller = Caller(match.caller.function, match.caller.device, half, match.caller.dtype)
    try:
        narrow = measure_call(caller, replace(match.convention, blocks=1))
    except Exception:  # its heads are all of one width; a function may raise anything
        return match
    fits = narrow.exact and narrow.convention.blocks == 1
    return replace(narrow, on_cpu=match.on_cpu) if fits else match


def in_wider_heads(match: Match) -> Match:
    """The call in heads of twice the width: some rotate as many lanes of any head."""
    probe, function = match.caller.probe, match.caller.function
    if match.convention.rotary_dim or not match.exact:
        return match
    if match.convention.takes_tables and not takes_one_width(match):
        return match
    caller = Caller(function, match.caller.device, replace(probe, width=2 * probe.width))
    try:
        wide = measure_call(caller, match.convention, lane_by_lane=False)
    except Exception:  # its heads are all of one width; a function may raise anything
        return match
    if not wide.exact or wide.reading.rotary_dim != probe.width:
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
    for call in calls:
        function = FunctionUnderTest(target.function, call.convention, device, match.on_cpu)
        try:
            right = all(judge(place, sizes)[1] is None for place in (*function.cpu_first, function))
        except Exception:  # it takes the probe's sizes and not these; a function may raise anything
            right = False
        if right:
            return replace(
                call,
                alternatives=tuple(alternative for alternative in calls if alternative is not call),
            )
    return match


def takes_one_width(match: Match) -> bool:
    """Whether it takes heads of this width only."""
    probe = match.caller.probe
    width = 24 if probe.width != 24 else 48
    sizes = replace(probe, width=width, rotary=width * probe.rotary // probe.width)
    caller = Caller(match.caller.function, match.caller.device, sizes)
    try:
        return measure_call(caller, match.convention, lane_by_lane=False).exact is not match.exact
    except Exception:  # it does not take the other width; a function may raise anything
        return True


def only_head_count(match: Match) -> int | None:
    """The number of heads, if it takes no other; None: it does."""
    probe, convention = match.caller.probe, match.convention
    if probe.heads == usual_sizes().heads or "h" not in split(convention.axes):
        return None
    sizes = replace(probe, heads=probe.heads + 3)
    caller = Caller(match.caller.function, match.caller.device, sizes)
    try:
        takes_more = measure_call(caller, convention, lane_by_lane=False).exact
    except Exception:  # it does not take the other number; a function may raise anything
        takes_more = False
    return None if takes_more else probe.heads
