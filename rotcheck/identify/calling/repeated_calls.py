"""A call that was found, made again: with another argument, or on another device."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from rotcheck.convention import Convention
from rotcheck.identify.calling.argument_roles import Template
from rotcheck.identify.calling.call_match import Match, NoMatch, measure_call
from rotcheck.identify.calling.match_defects import with_defect
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.refusals import Refusals
from rotcheck.identify.calling.role_evidence import names_fit
from rotcheck.identify.calling.search_limit import SearchLimit
from rotcheck.identify.calling.template_search import search_template
from rotcheck.identify.calling.templates import templates
from rotcheck.identify.calling.trial_call import try_call
from rotcheck.identify.reading.caller import Caller
from rotcheck.implementations.instances import copy_of

MOST_TEMPLATES = 8  # that a flag is tried in


def with_arguments(
    match: Match, function: Callable[..., Any], arguments: Template
) -> Match | NoMatch:
    """What a function like that of a match does with other arguments beside tensors and tables.

    First in the same call, then in others that the names of its parameters speak for:
    a flag may ask for tables of another form.
    """
    first, refusals, limit = match.caller, Refusals(), SearchLimit()
    caller = Caller(copy_of(function), first.device, first.probe, first.dtype, limit)
    in_same_call = _in_same_call(match, caller, arguments, refusals)
    if in_same_call is not None and in_same_call.exact:
        return in_same_call
    nearest: Match | None = None
    for template in _templates(function, match.convention.arguments, arguments):
        result = search_template(caller, template, refusals, limit)
        if result is not None and result.exact:
            return result
        nearest = nearest or result
    return with_defect(nearest) if nearest else NoMatch(refusals.texts)


def _in_same_call(
    match: Match, caller: Caller, arguments: Template, refusals: Refusals
) -> Match | None:
    """The match with other arguments, and with it its alternatives that are called alike."""
    template = match.convention.arguments
    convention = replace(match.convention, arguments=arguments)
    sample = try_call(caller, convention, refusals)
    if sample is None:
        return None
    result = measure_call(caller, convention, sample)
    alternatives = tuple(
        replace(alternative, convention=_in_shapes_of(alternative.convention, result.convention))
        for alternative in match.alternatives
        if alternative.convention.arguments == template
    )
    return replace(result, alternatives=alternatives)


def _in_shapes_of(way: Convention, convention: Convention) -> Convention:
    """A convention that was read, in another way to call the function
    that differs in shapes alone."""
    return replace(
        convention,
        layout=way.layout,
        table_axes=way.table_axes,
        position_axes=way.position_axes,
    )


def _templates(
    function: Callable[..., Any], template: Template, arguments: Template
) -> list[Template]:
    """The calls in which a flag may be tried:
    with these arguments, then others that have it too."""
    # it stands among them: other calls may not have it
    if len(arguments) == len(template) and arguments != template:
        return [arguments]
    places, flag = parameters(function) or [], arguments[len(template) :]
    further = [
        (*call, *flag)
        for call in templates(function)
        if call != template and names_fit(places, call)
    ]
    return [arguments, *further][:MOST_TEMPLATES]


def on_device(match: Match, function: Callable[..., Any], device: torch.device) -> Match | NoMatch:
    """What a function does on a device in the call that was found on the CPU,
    where no wrong call does harm."""
    on_cpu, refusals = match.caller, Refusals()
    caller = Caller(copy_of(function), device, on_cpu.probe, on_cpu.dtype)
    sample = try_call(caller, match.convention, refusals)
    if sample is None:
        return NoMatch(refusals.texts, match.convention)
    result = measure_call(caller, match.convention, sample)
    caller.calls = on_cpu.calls
    alternatives = tuple(
        replace(
            alternative,
            caller=Caller(
                caller.function, device, alternative.caller.probe, alternative.caller.dtype
            ),
            on_cpu=on_cpu.function,
        )
        for alternative in match.alternatives
    )
    return with_defect(
        replace(
            result,
            alternatives=alternatives,
            idle_offset=match.idle_offset,
            on_cpu=on_cpu.function,
        )
    )
