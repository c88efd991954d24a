"""The way of an identification, from a loaded function to what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from msgspec import structs

from rotcheck.identify.asking import context_parallel, idle_numbers
from rotcheck.identify.asking.flags import FlaggedCall, flagged_calls
from rotcheck.identify.calling import repeated_calls, search
from rotcheck.identify.calling.call_match import Match, NoMatch
from rotcheck.identify.calling.parameters import methods_with_names
from rotcheck.identify.calling.untried_arguments import untried_arguments
from rotcheck.identify.declaration_identification import identify_declared
from rotcheck.identify.identification_result import IdentificationResult, identification_of
from rotcheck.identify.making import grid_calls, maker_search, position_makers
from rotcheck.identify.making.point_tables import MakerMatch
from rotcheck.identify.making.returned_tables import first_tables
from rotcheck.identify.permuting import permutation_answer
from rotcheck.identify.rotation_identification import identify_rotation
from rotcheck.identify.table_maker_identification import identify_call, identify_maker
from rotcheck.implementations.size_hints import hints
from rotcheck.implementations.target import Target
from rotcheck.results import FieldEvidence, Identification

CPU = torch.device("cpu")


def identify(target: Target, device: torch.device) -> IdentificationResult:
    """Identify a function that was loaded.

    By what it declares; as one that permutes weights or makes positions; as one that makes tables;
    or as one that rotates.
    """
    if target.convention is not None:
        return identify_declared(target, target.convention, device)
    result = _by_its_call(target, device)
    if result.identification.answer != "unknown":
        return result
    return _by_a_method(target, device) or result


def _by_a_method(target: Target, device: torch.device) -> IdentificationResult | None:
    """Identify an object, a call of which names no argument, by the first method that is
    understood: what its call chooses may not be here."""
    for name in methods_with_names(target.function):
        result = _by_its_call(_method(target, name), device)
        if result.identification.answer != "unknown":
            because = "a call of the object names no argument, and was not understood"
            asked = FieldEvidence(field="asked", says=f"its {name}", because=because)
            evidence = (asked, *result.identification.evidence)
            named = structs.replace(result.identification, evidence=evidence)
            return replace(result, identification=named)
    return None


def _method(target: Target, name: str) -> Target:
    """A method of the object of a target."""
    return replace(
        target,
        function=getattr(target.function, name),
        specification=f"{target.specification}.{name}",
        anew=lambda: getattr(target.anew() if target.anew else target.function, name),
    )


def _by_its_call(target: Target, device: torch.device) -> IdentificationResult:
    fields = permutation_answer.answer(target) or position_makers.answer(target)
    if fields is not None:
        return IdentificationResult(identification_of(target, device, **fields), None)
    on_cpu = target.on_cpu(device)
    match = find_call(*([(on_cpu, CPU)] if on_cpu else []), (target.function, device))
    if isinstance(match, Match | NoMatch):
        return of_rotation(target, match, device)
    return _of_maker(target, match, device)


def find_call(*places: tuple[Callable[..., Any], torch.device]) -> MakerMatch | Match | NoMatch:
    """How a function makes tables, or how it rotates.

    `places`: the function and where it lives, on the CPU first if it runs there. Many a wrong call
    is tried, and on CUDA a wrong index ends the process's use of the device.
    """
    match: Match | NoMatch = NoMatch(())
    for function, place in places:
        maker = maker_search.find(function, place)
        if maker is not None:
            return maker
        on_grid = grid_calls.find_rotation(*places[0])
        if on_grid is not None:
            return on_grid
        why = maker_search.never_turns(function, place)
        if why:
            return NoMatch((), why=why)
        match = search.search(function, place, hints(function))
        if isinstance(match, Match) or match.ran:
            break
    return match


def of_rotation(
    target: Target, match: Match | NoMatch, device: torch.device
) -> IdentificationResult:
    """Identify a function by how it rotates, or by why no call fits."""
    result = identify_rotation(target, match, device)
    if isinstance(match, NoMatch):
        return result
    identification = idle_numbers.of_rotation(target, match, result.identification, device)
    result = replace(result, identification=identification)

    def with_flag(call: FlaggedCall) -> Identification:
        variant = call.target()
        on_cpu = variant.on_cpu(device) if match.caller.device.type != device.type else None
        again = repeated_calls.with_arguments(match, on_cpu or variant.function, call.arguments)
        return identify_rotation(variant, again, device).identification

    return _with_flags(result, target, match.convention.arguments, device, with_flag)


def _of_maker(target: Target, maker: MakerMatch, device: torch.device) -> IdentificationResult:
    call, _ = maker

    def with_flag(flag_call: FlaggedCall) -> Identification:
        variant = replace(call, arguments=flag_call.arguments, device=str(device))
        return identify_call(flag_call.target(), variant, device).identification

    if target.narrow is not None:  # of tables the dtype is part of what is judged
        target = target.narrow()
        maker = call, first_tables(target.function, call)
    result = identify_maker(target, maker, device)
    return _with_flags(result, target, call.arguments, device, with_flag)


def _with_flags(
    result: IdentificationResult,
    target: Target,
    arguments: tuple[str, ...],
    device: torch.device,
    with_flag: Callable[[FlaggedCall], Identification],
) -> IdentificationResult:
    """Add the flags to try and the arguments that are left, if it follows a convention."""
    identification = result.identification
    if not identification.follows:
        return result
    calls = flagged_calls(target, arguments, device)
    names = [call.flag for call in calls]
    if identification.convention and identification.convention.kind == "builds":
        # more was tried of a maker than the call
        flags = [flag.partition("=")[0] for flag in names]
        rest = tuple(name for name in identification.untried if name not in flags)
    else:
        ranks = context_parallel.names_tried(identification, target.function)
        rest = untried_arguments(target.function, arguments, [*names, *ranks])
    return replace(
        result,
        identification=structs.replace(identification, untried=rest),
        flags=calls,
        with_flag=with_flag,
    )
