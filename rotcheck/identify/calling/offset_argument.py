"""An argument with a default that says where the positions begin: does a call heed it?"""

from dataclasses import replace

import torch

from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.calling.parameters import offsets
from rotcheck.identify.calling.refusals import Refusals
from rotcheck.identify.calling.trial_call import try_call
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import usual_sizes

MOVED_BY = 2  # positions


def with_offset(match: Match) -> Match:
    """The call that says where its positions begin, where the function takes one;
    else the match as it is."""
    if match.convention.positions != "from 0":
        return match
    caller, usual = match.caller, usual_sizes()
    probe = replace(
        caller.probe, length=min(caller.probe.length, usual.length), positions=usual.positions
    )
    shorter = Caller(caller.function, caller.device, probe, caller.dtype)
    for name in offsets(caller.function):
        arguments = (*match.convention.arguments, f"{name}=offset")
        convention = replace(match.convention, arguments=arguments, positions="offset")
        if not try_call(shorter, convention, Refusals()):
            continue
        at_zero, from_two = (shorter.rotate_ones(convention, by) for by in (0, MOVED_BY))
        if torch.allclose(from_two[:, :-MOVED_BY], at_zero[:, MOVED_BY:], atol=1e-5):
            shorter.calls += caller.calls
            return replace(measure_call(shorter, convention), alternatives=match.alternatives)
        if torch.allclose(from_two, at_zero, atol=1e-5):
            return replace(match, idle_offset=name)
    return match
