"""The way of an identification, from a loaded function to what is told of it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from msgspec import structs

from rotcheck import __version__
from rotcheck.convention import Convention, role_of, split
from rotcheck.identify import remarks
from rotcheck.identify.angles import own_angles
from rotcheck.identify.angles.own_angles import OwnAngles
from rotcheck.identify.asking import (
    context_parallel,
    flags,
    grouped_heads,
    head_widths,
    idle_numbers,
    judged_function,
    layout_contradiction,
    many_rows,
    packed_sequences,
    padding_mask,
    partial_rotation,
    point_coordinates,
    prints_and_warnings,
    row_indices,
    stores_outside,
    table_sections,
)
from rotcheck.identify.asking.flags import Turning
from rotcheck.identify.calling import repeated_calls, search
from rotcheck.identify.calling.match import Match, NoMatch, measure_call
from rotcheck.identify.calling.templates import speaks_of_rotation
from rotcheck.identify.calling.trial_call import exception_words
from rotcheck.identify.calling.untried_arguments import untried_arguments
from rotcheck.identify.identified_function import IdentifiedFunction
from rotcheck.identify.making import (
    grid_squares,
    maker_search,
    position_makers,
    table_calls,
    table_description,
)
from rotcheck.identify.making.table_forms import Built, NotTables
from rotcheck.identify.permuting import permutation_answer
from rotcheck.identify.reading import convention_words
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import usual_sizes
from rotcheck.identify.telling import doubt, grounds, table_doubt, unidentified_call
from rotcheck.implementations.instances import copied
from rotcheck.implementations.size_hints import hints
from rotcheck.implementations.target import Target
from rotcheck.measure.case import THETA, Sizes
from rotcheck.results import Described, Identification, Remark, Told

APART = "its rows are not positions 0, 1, 2, ..., so that no other function has the same angles"
HOLD = "`rotcheck identify SPECIFICATION --like REFERENCE`: hold it against the one that it was written after"
READABLE = ("", "scaled", "xpos", "low-precision")  # what leaves the angles as they are
NOTHING = "no call that was tried gave back a rotation of what it was given, nor tables of one"


def identify(target: Target, device: torch.device) -> IdentifiedFunction:
    """Identify a function that was loaded."""
    if target.convention is not None:
        return _declared(target, target.convention, device)
    other = permutation_answer.answer(target) or position_makers.answer(target)
    if other is not None:
        return IdentifiedFunction(_told(target, device, **other), None)
    maker, found = _call(target, device)
    return _maker(target, *maker, device) if maker else _rotation(target, found, device)


def _call(
    target: Target, device: torch.device
) -> tuple[tuple[table_calls.Recipe, Built] | None, Match | NoMatch]:
    """Return how a function makes tables, or how it rotates.

    It is sought on the CPU where the function runs there: many a wrong call is tried, and on CUDA a wrong index ends
    the process's use of the device.
    """
    on_cpu = _on_cpu(target, device)
    places = [(on_cpu, torch.device("cpu"))] if on_cpu else []
    found: Match | NoMatch = NoMatch(())
    for function, place in (*places, (target.function, device)):
        maker = maker_search.find(function, place)
        if maker is not None:
            return maker, found
        square = _on_grid(target, device, on_cpu)
        if square is not None:
            return None, square
        standing = table_calls.standing(function, place)
        if standing:
            return None, NoMatch((), why=standing)
        found = search.search(function, place, hints(function))
        if isinstance(found, Match) or found.ran:
            break
    return None, found


def _on_grid(
    target: Target, device: torch.device, on_cpu: Callable[..., Any] | None
) -> Match | None:
    """Return how a function that is told the sides of a grid rotates its squares."""
    place = torch.device("cpu") if on_cpu else device
    found = grid_squares.rotation(on_cpu or target.function, place)
    return found[0] if found else None


def _rotation(target: Target, found: Match | NoMatch, device: torch.device) -> IdentifiedFunction:
    made = _searched(target, found, device)
    if isinstance(found, NoMatch):
        return made
    made = replace(
        made, identification=idle_numbers.of_rotation(target, found, made.identification, device)
    )
    if not made.identification.follows:
        return made

    def turned(turning: Turning) -> Identification:
        other = turning.of()
        on_cpu = _on_cpu(other, device) if found.caller.device.type != device.type else None
        return _searched(
            other,
            repeated_calls.with_arguments(found, on_cpu or other.function, turning.arguments),
            device,
        ).identification

    return _with_flags(made, target, found.convention.arguments, device, turned)


def _with_flags(
    made: IdentifiedFunction,
    target: Target,
    arguments: tuple[str, ...],
    device: torch.device,
    turned: Callable[[Turning], Identification],
) -> IdentifiedFunction:
    """Add the flags that are to be tried, and which arguments are left."""
    every = flags.turned(target, arguments, device)
    tried = [one.flag for one in every]
    # which tried more than the call
    if made.identification.convention and made.identification.convention.kind == "builds":
        names = [flag.partition("=")[0] for flag in tried]
        left = tuple(name for name in made.identification.untried if name not in names)
    else:
        left = untried_arguments(
            target.function,
            arguments,
            [*tried, *context_parallel.tried(made.identification, target.function)],
        )
    return replace(
        made,
        identification=structs.replace(made.identification, untried=left),
        flags=every,
        with_flag=turned,
    )


def _searched(target: Target, found: Match | NoMatch, device: torch.device) -> IdentifiedFunction:
    if isinstance(found, NoMatch):
        return _nothing(target, found, device)
    found, contradiction = layout_contradiction.to_layout(
        point_coordinates.of_axes(partial_rotation.of_turning_lanes(found)), target.function
    )
    if found.caller.device.type == device.type:
        return _decided(target, found, _applied(target, found, device), contradiction)
    there = repeated_calls.on_device(found, target.function, device)
    if isinstance(there, NoMatch):
        words = f"rotates on cpu, and on {device} {there.reasons[0]}"
        return IdentifiedFunction(
            _told(target, device, follows=False, convention=None, message=words), None
        )
    return _decided(target, there, _applied(target, there, device), contradiction)


def _decided(
    target: Target,
    found: Match,
    made: IdentifiedFunction,
    contradiction: tuple[Convention, Remark] | None,
) -> IdentifiedFunction:
    """Return what is told, its mistakes only where they are beyond doubt.

    `contradiction`: the call that its docstring speaks of, and what it does instead.
    """
    if contradiction and made.identification.follows:
        convention, wrong = contradiction
        other = doubt.decided(
            target, found, structs.replace(made.identification, findings=(wrong,)), [convention]
        )
        if other.answer == "wrong":
            return replace(
                made,
                identification=structs.replace(
                    other,
                    follows=False,
                    findings=_contradicting(found, other),
                    message=wrong.message,
                ),
            )
    own = made.convention or found.convention
    plain = replace(own, frequencies=(), theta=_theta(made.identification))
    conventions = dict.fromkeys((own, plain, *(each.convention for each in found.alternatives)))
    told = structs.replace(
        made.identification,
        findings=(*made.identification.findings, *prints_and_warnings.of_call(found)),
    )
    return replace(made, identification=doubt.decided(target, found, told, list(conventions)))


def _contradicting(found: Match, told: Identification) -> tuple[Remark, ...]:
    """Return the contradiction: of one that is handed tables their shape, or its docstring, may be meant otherwise."""
    if found.convention.tables == "positions":
        return told.findings
    return tuple(structs.replace(one, mistake=False, demonstration=None) for one in told.findings)


def _theta(told: Identification) -> float:
    return (told.convention.theta if told.convention else None) or THETA


def _on_cpu(target: Target, device: torch.device) -> Callable[..., Any] | None:
    """Return the function for the CPU where it lives on another device; None: it lives there, or is not for it."""
    if device.type == "cpu":
        return None
    try:
        return target.on_cpu()
    except Exception:  # a kernel for one kind of device, say
        return None


def _told(target: Target, device: torch.device, **fields: Any) -> Identification:
    return Identification(
        rotcheck=__version__,
        specification="",
        torch=str(torch.__version__),
        device=str(device),
        built=target.built,
        **fields,
    )


def _nothing(target: Target, found: NoMatch, device: torch.device) -> IdentifiedFunction:
    tried = unidentified_call.told(target.function, found.reasons)
    advice, message = (
        unidentified_call.advice(target, found, device),
        unidentified_call.why(found) or NOTHING,
    )
    told = _told(
        target, device, follows=False, convention=None, message=message, tried=tried, advice=advice
    )
    return IdentifiedFunction(told, None)


def _maker(
    target: Target, recipe: table_calls.Recipe, built: Built, device: torch.device
) -> IdentifiedFunction:
    place = str(device)
    if target.narrow is not None:  # of tables the dtype is part of what is judged
        target = target.narrow()
        built = table_calls.few(target.function, recipe)
    made = (
        _making(target, recipe, built, device)
        if recipe.device == place
        else _made(
            target, replace(recipe, device=place), device, f"makes tables on cpu, and on {device} "
        )
    )
    made = replace(
        made,
        identification=idle_numbers.of_maker(
            target, replace(recipe, device=place), made.identification, device
        ),
    )
    if not made.identification.follows:
        return made

    def turned(turning: Turning) -> Identification:
        again = replace(recipe, arguments=turning.arguments, device=place)
        return _made(turning.of(), again, device).identification

    return _with_flags(made, target, recipe.arguments, device, turned)


def _made(
    target: Target, recipe: table_calls.Recipe, device: torch.device, before: str = ""
) -> IdentifiedFunction:
    """Return what a function makes on the recipe's device, if it makes tables there; `before`: words for it if not."""
    try:
        return _making(target, recipe, table_calls.few(target.function, recipe), device)
    except NotTables:
        words = f"{recipe.shown} gives back no tables of a rotation"
    except Exception as error:  # whatever it raises when it is asked so
        words = exception_words(recipe.shown, error)
    return IdentifiedFunction(
        _told(target, device, follows=False, convention=None, message=before + words), None
    )


def _making(
    target: Target, recipe: table_calls.Recipe, built: Built, device: torch.device
) -> IdentifiedFunction:
    made = table_description.of_maker(
        target.function, recipe, built, _on_cpu(target, device), target.built
    )
    right = not _mistaken(made.own.remarks) and not made.own.doubt
    told = _told(
        target,
        device,
        follows=right,
        convention=made.described,
        message=made.own.doubt,
        untried=made.untried,
        advice=() if right or _mistaken(made.own.remarks) else (HOLD,),
        call=recipe.shown,
        evidence=made.evidence,
        findings=tuple(made.own.remarks),
        ambiguous=tuple(made.own.ambiguous),
        longest_context=made.own.longest,
    )
    return IdentifiedFunction(table_doubt.decided(target, recipe, built, told), None)


def _declared(target: Target, convention: Convention, device: torch.device) -> IdentifiedFunction:
    """Hold a function to what it declares."""
    described = convention_words.describe(convention)
    said = [
        Told(
            field="all",
            says="as declared",
            because="it says so itself; its values were held against that",
        )
    ]
    error, findings = None, list[Remark]()
    if device.type != "meta":
        asked, sizes = (
            judged_function.Function(target.function, convention, device, _on_cpu(target, device)),
            Sizes(width=convention.head_dim or 64),
        )
        error, findings = remarks.of_values(asked, sizes)
        more = _more(asked, sizes)
        said += more.evidence
        described = structs.replace(described, dtype_rule=more.dtype_rule, takes=more.takes)
    told = _told(
        target,
        device,
        follows=not findings,
        convention=described,
        declared=True,
        call=convention_words.call_words(convention),
        evidence=tuple(said),
        findings=tuple(findings),
        error=error,
    )
    return IdentifiedFunction(told, convention)


def _applied(target: Target, found: Match, device: torch.device) -> IdentifiedFunction:
    # a table that it keeps from a call in float32 would serve bfloat16 too
    fresh = copied(target.function)
    kept = copied(target.function)  # and one that it casts for a narrow dtype, float32
    found, seen, findings = table_sections.of_tables(_wider(_holding(target, found, device)))
    begun, wrong = packed_sequences.of_starts(found)
    shared, amiss_there = context_parallel.of_ranks(found)
    points, amiss = point_coordinates.of_points(found)
    padded, why = padding_mask.of_mask(found)
    last, late = partial_rotation.of_last_lanes(found)
    findings += [
        *wrong,
        *amiss_there,
        *amiss,
        *late,
        *partial_rotation.of_narrow_tables(found),
        *remarks.of_response(found),
    ]
    # what writes anywhere explains all else
    findings = stores_outside.of_other_widths(found) or findings
    even = not found.response.uneven
    readable = even and found.reading.angles is not None and found.reading.problem in READABLE
    square = (
        grid_squares.laid(own_rows) if (own_rows := _grid_rows(target, found)) is not None else None
    )
    own = own_angles.of_applied(found) if readable else None
    if square and not square.exchanged:
        own = _of_squares(found, square)
    if own and own.attention:
        findings = [one for one in findings if one.code != "scaled"]
    findings += own.remarks if own else []
    if own and why:
        own.doubt = own.doubt or why
    if square:
        findings += grid_squares.exchanged(square)
        begun.append(Told(field="positions", says=square.words, because=grid_squares.SEEN))
    asked, sizes = _asked(target, found, own, device)
    attention = own is not None and own.attention
    judged = not (_mistaken(findings) or attention or found.reading.problem or (own and own.apart))
    error, wrong = remarks.of_values(asked, sizes) if judged else (None, [])
    more = _more(asked, sizes, values=judged, fresh=fresh)
    more.evidence = [*seen, *begun, *shared, *points, *padded, *last, *more.evidence]
    findings += [*(wrong or more.in_bfloat16), *more.remarks]
    asked = replace(asked, function=kept)
    if judged and not _mistaken(findings):
        findings += row_indices.of_positions(asked, sizes)
    if judged and not _mistaken(findings):
        findings += many_rows.of_many_rows(
            asked, layout_contradiction.others(found, target.function), sizes
        )
    if not (_mistaken(findings) or attention):
        findings += remarks.of_batch_rows(
            asked, [each.convention for each in found.alternatives], sizes
        )
    if judged and not _mistaken(findings):
        findings += many_rows.of_one_row(asked, sizes)
        findings += head_widths.of_no_power_of_two(asked)
        in_place = replace(asked.convention, in_place=more.in_place)
        findings += grouped_heads.of_fewer(
            replace(asked, convention=in_place), found.caller.probe.width
        )
    asked = replace(asked, convention=replace(asked.convention, in_place=more.in_place))
    return _said(target, found, asked.convention, own, findings, more, error, device)


def _of_squares(found: Match, square: grid_squares.Laid) -> OwnAngles:
    """Return what the angles of a grid's squares say, which are no positions that other functions have."""
    own = OwnAngles(found.convention, (0, 1, 2, 3), schedule="axial", apart=True)
    table_description.tell_sides(
        own, found.caller.function, functools.partial(grid_squares.turned, found), square
    )
    own.doubt = own.doubt or (
        None if own.evidence else "its frequencies were not seen: it takes small grids alone"
    )
    return own


def _grid_rows(target: Target, found: Match) -> torch.Tensor | None:
    """Return the angles of the squares of a grid, of a function that is told its sides."""
    told = (
        grid_squares.told_sides(target.function)
        and found.caller.probe.length == grid_squares.SQUARES
    )
    return found.reading.angles if told else None


def _mistaken(findings: list[Remark]) -> bool:
    return any(one.mistake for one in findings)


def _holding(target: Target, found: Match, device: torch.device) -> Match:
    """Return the first of the calls that fit whose values are right for other sizes and positions too."""
    candidates = [replace(found, alternatives=()), *found.alternatives]
    if len(candidates) == 1 or found.convention.tables == "positions":
        return found
    sizes = Sizes(width=found.caller.probe.width)
    for each in candidates:
        try:
            asked = judged_function.Function(target.function, each.convention, device, found.on_cpu)
            right = all(
                judged_function.judged(one, sizes)[1] is None for one in (*asked.first, asked)
            )
        except Exception:  # it takes the probe's sizes and not these
            right = False
        if right:
            return replace(
                each, alternatives=tuple(other for other in candidates if other is not each)
            )
    return found


def _asked(
    target: Target, found: Match, own: OwnAngles | None, device: torch.device
) -> tuple[judged_function.Function, Sizes]:
    """Return the function with its convention, and the sizes to ask it for."""
    known, probe = own.convention if own else found.convention, found.caller.probe
    only = (
        probe.width if (known.frequencies and not known.rotary_dim) or _one_width(found) else None
    )
    convention = replace(known, head_dim=only, heads=_one_number(found))
    asked = judged_function.Function(target.function, convention, device, found.on_cpu)
    if own:
        return asked, Sizes(width=probe.width, positions=own.positions)
    return asked, Sizes(width=only or max(64, 2 * (known.rotary_dim or 0)))


def _wider(found: Match) -> Match:
    """Look again with a wider head and the same tables: some rotate so many lanes of whatever head they get."""
    probe, function = found.caller.probe, found.caller.function
    own = found.convention.tables == "positions"
    if found.convention.rotary_dim or not found.exact or not (own or _one_width(found)):
        return found
    other = Caller(function, found.caller.device, replace(probe, width=2 * probe.width))
    try:
        wide = measure_call(other, found.convention, lane_by_lane=False)
    except Exception:  # its heads are all of one width
        return found
    return (
        replace(
            wide,
            alternatives=found.alternatives,
            on_cpu=found.on_cpu,
            idle_offset=found.idle_offset,
        )
        if wide.exact and wide.reading.rotary_dim == probe.width
        else found
    )


def _one_number(found: Match) -> int | None:
    """Return the number of heads if it takes no other."""
    probe, convention = found.caller.probe, found.convention
    if probe.heads == usual_sizes().heads or "h" not in split(convention.axes):
        return None
    other = Caller(
        found.caller.function, found.caller.device, replace(probe, heads=probe.heads + 3)
    )
    try:
        return None if measure_call(other, convention, lane_by_lane=False).exact else probe.heads
    except Exception:  # it does not take the other number
        return probe.heads


def _one_width(found: Match) -> bool:
    """Return whether it takes heads of this width only."""
    probe = found.caller.probe
    width = 24 if probe.width != 24 else 48
    lanes = width * probe.rotary // probe.width
    other = Caller(
        found.caller.function, found.caller.device, replace(probe, width=width, rotary=lanes)
    )
    try:
        return measure_call(other, found.convention, lane_by_lane=False).exact is not found.exact
    except Exception:  # it does not take the other width
        return True


@dataclass(slots=True)
class _More:
    """What was asked once it was known how to call the function."""

    remarks: list[Remark]
    evidence: list[Told]
    takes: dict[str, bool]
    in_bfloat16: list[Remark] = field(default_factory=list)
    in_place: bool = False
    dtype_rule: str | None = None
    follows_tables: bool = False


def _more(
    asked: judged_function.Function,
    sizes: Sizes,
    *,
    values: bool = True,
    fresh: Callable[..., Any] | None = None,
) -> _More:
    """Ask for memory, and where its values can be judged for dtypes and what it takes."""
    more = _More([], [], {})
    try:
        more.in_place, wrong = judged_function.memory(asked, sizes)
    except Exception:  # it was told already that it does not take such a call
        return more
    bits = "compared with copies, bit by bit"
    if wrong:
        more.remarks.append(remarks.remark(*wrong, f"inputs and tables {bits}"))
    elif values:
        more.remarks += remarks.of_training(asked, sizes, in_place=more.in_place)
    in_place = "yes" if more.in_place else "no"
    more.evidence.append(Told(field="in_place", says=in_place, because=f"its input {bits}"))
    if not values:
        return more
    asked = replace(asked, convention=replace(asked.convention, in_place=more.in_place))
    unused = replace(asked, function=fresh or asked.function)
    more.dtype_rule, seen, wrong = judged_function.dtype_rule(unused, sizes)
    more.in_bfloat16 = [remarks.remark(*wrong, seen)] if wrong else []
    more.evidence.append(
        Told(field="dtype_rule", says=more.dtype_rule or "refuses bfloat16", because=seen)
    )
    more.takes, raised = judged_function.takes(asked, sizes)
    refused = [
        Told(field="takes", says=f"not {what}", because=seen) for what, seen in raised.items()
    ]
    more.evidence += refused
    more.follows_tables = judged_function.follows_tables(asked, sizes)
    if asked.convention.tables != "positions":
        more.takes["narrower tables"] = more.follows_tables
    return more


def _said(
    target: Target,
    found: Match,
    convention: Convention,
    own: OwnAngles | None,
    findings: list[Remark],
    more: _More,
    error: float | None,
    device: torch.device,
) -> IdentifiedFunction:
    if not found.reading.pairing:
        return _no_rotation(target, found, findings, device)
    rotary_dim = grounds.of_rotary_dim(convention, follows_tables=more.follows_tables)
    said = [*grounds.of_call(found, convention), rotary_dim, *(own.evidence if own else [])]
    said += [grounds.of_error(error)] if error is not None else []
    apart = own is not None and own.apart
    doubt = own.doubt if own else None
    if not found.exact and not _mistaken(findings):  # a choice that is not judged
        doubt = doubt or findings[0].message
    told = _told(
        target,
        device,
        follows=not _mistaken(findings) and not doubt,
        convention=_described(found, convention, own, more),
        call=convention_words.call_words(convention),
        evidence=(*said, *more.evidence),
        findings=tuple(findings),
        ambiguous=(*(own.ambiguous if own else ()), *grounds.ambiguities(found)),
        also=grounds.also(found),
        error=error,
        longest_context=own.longest if own else None,
        message=doubt or (APART if apart else None),
        advice=(HOLD,) if doubt and not _mistaken(findings) else (),
    )
    return IdentifiedFunction(told, None if apart else convention)


def _no_rotation(
    target: Target, found: Match, findings: list[Remark], device: torch.device
) -> IdentifiedFunction:
    """Tell of a function that takes a call and gives back something else than a rotation.

    Where the call was only guessed, what it gave back is no finding about the function.
    """
    call = convention_words.call_words(found.convention)
    vague = found.reading.problem in ("no-convention", "not-rotated") or found.response.uneven
    if vague and not speaks_of_rotation(target.function, found.convention.arguments):
        tried = unidentified_call.told(
            target.function, (f"{call} runs, and {found.defect_words or found.reading.words}",)
        )
        told = _told(target, device, follows=False, convention=None, message=NOTHING, tried=tried)
        return IdentifiedFunction(told, None)
    message = f"{call} runs, and {findings[0].message if findings else 'gives back no rotation'}"
    told = _told(
        target,
        device,
        follows=False,
        convention=None,
        call=call,
        findings=tuple(findings),
        message=message,
    )
    return IdentifiedFunction(told, found.convention)


def _described(
    found: Match, convention: Convention, own: OwnAngles | None, more: _More
) -> Described:
    plain = convention_words.describe(convention)
    told = "R" in map(role_of, convention.arguments)
    return structs.replace(
        plain,
        rotary_dim=None if told else plain.rotary_dim,
        layout=None if grounds.any_layout(found) else plain.layout,
        unread=found.reading.unread or None,
        dtype_rule=more.dtype_rule,
        takes=more.takes,
        schedule=own.schedule if own else None,
        theta=own.theta if own else None,
        ways=grounds.ways(found),
        amplitude=table_description.known_amplitude(found.reading.amplitude) if own else None,
    )
