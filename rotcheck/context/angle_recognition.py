"""Finds out how an object makes its angles, as constructed, and what they must be."""

from dataclasses import asdict, replace
from typing import cast

import msgspec
import torch
from torch import Tensor

from rotcheck.context.angle_profile import AngleProfile, Asking
from rotcheck.context.angle_sources import angle_source
from rotcheck.context.frequency_change import first_change
from rotcheck.context.length_claims import claim
from rotcheck.context.specimen import Instance, instance_of
from rotcheck.context.sweep import Truth, groups
from rotcheck.convention import Convention
from rotcheck.identify import function_identification
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import of_axes
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles, wrap
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    exchanged_bands,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.calling import search
from rotcheck.identify.calling.call_match import Match, NoMatch
from rotcheck.identify.making import maker_search, point_tables
from rotcheck.identify.making.maker_call_candidates import HEAD_DIM, MakerCall
from rotcheck.identify.making.position_arguments import try_arguments
from rotcheck.identify.making.returned_tables import call_maker
from rotcheck.identify.making.table_description import amplitude_beyond_rounding
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.permuting import permutation_answer
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.size_hints import hints
from rotcheck.implementations.target import Target
from rotcheck.measure.device import DeviceLost
from rotcheck.rotary.departures import departure

FAR = 4097  # the last position that frequencies are fitted to
STILL = 1e-5  # radians
# radians; what is further off at the first positions is not just badly rounded
ROUNDING_RADIANS = 0.1
NOT_FOUND = "no call that was tried gave back tables or a rotation"
NOT_LOOKED_FOR = "it was not understood on cpu, and nowhere else is the end of a table looked for"
GRID = 9  # positions, few, since a grid has as many rows squared
_ASKING: dict[str, Asking] = {"given": "any", "length": "from 0", "x": "from 0", "none": "none"}


class MakesNoAngles(Exception):
    """The object does not make its own angles; the message says what it does."""


class NoCallFits(MakesNoAngles):
    """No call that was tried returned tables or a rotation: on another device one may."""


def recognise(target: Target, device: str) -> AngleProfile:
    """The profile of a loaded object.

    Raises `MakesNoAngles` for one that makes no angles of its own, as far as can be seen.
    """
    instance = instance_of(target.function)
    claims = claim(instance.owner)  # before a call can make a cache grow
    profile = _find_call(target, torch.device(device))
    if claims:
        profile = msgspec.structs.replace(profile, claims=claims[0], claimed_by=claims[1])
    if torch.device(device).type != "cpu":
        profile = msgspec.structs.replace(
            profile, last=profile.judged_to - 1, last_because=NOT_LOOKED_FOR
        )
    return _with_angles(profile, instance, device)


def _find_call(target: Target, device: torch.device) -> AngleProfile:
    """Find its call; one that was tried and killed the device is a wrong call, and no finding."""
    try:
        return _try_calls(target, device)
    except DeviceLost as error:
        raise MakesNoAngles(f"{NOT_FOUND}, and one of them ended {device}") from error


def called_on(device: str, profile: AngleProfile) -> AngleProfile:
    """The profile of an object that was recognised on another device than it is now called on."""
    if profile.recipe is None:
        return profile
    recipe = replace(msgspec.convert(profile.recipe, MakerCall), device=device)
    return msgspec.structs.replace(profile, recipe=asdict(recipe), call=recipe.words)


def _try_calls(target: Target, device: torch.device) -> AngleProfile:
    """Find its call: as declared, as a maker of tables, or as a function that rotates."""
    if target.convention is not None:
        width = target.convention.head_dim or HEAD_DIM
        return _rotating(target, target.convention, width, target.convention.rotary_dim or width)
    maker = maker_search.find(target.function, device)
    if maker is not None:
        recipe, tables = maker
        if _makes_a_grid(target, recipe):
            raise MakesNoAngles(
                "it makes the rows of a grid, and not of positions one after another"
            )
        return _building(target, recipe, tables)
    owner = instance_of(target.function).owner
    match = search.search(
        target.function, device, hints(target.function if owner is None else owner)
    )
    if isinstance(match, NoMatch) or not match.reading.pairing:
        permutes = permutation_answer.answer(target) is not None
        raise NoCallFits(
            permutation_answer.PERMUTES_ROWS
            if permutes
            else f"{NOT_FOUND}: see `rotcheck identify`"
        )
    profile = _rotating(
        target, _one_row(match), match.caller.probe.width, match.caller.probe.rotary
    )
    return msgspec.structs.replace(profile, faults=_mistakes(target, device))


def _mistakes(target: Target, device: torch.device) -> tuple[tuple[str, str], ...]:
    """What `identify` calls a mistake of a function that rotates: code and words."""
    answer = function_identification.identify(target, device).identification
    if answer.answer != "wrong":
        return ()
    return tuple((finding.code, finding.message) for finding in answer.findings if finding.mistake)


def _one_row(match: Match) -> Convention:
    """The call with one row of positions, if any: equal rows may be coordinates."""
    conventions = [
        match.convention,
        *(alternative.convention for alternative in match.alternatives),
    ]
    return next(
        (convention for convention in conventions if convention.position_axes == "s"),
        match.convention,
    )


def _building(target: Target, recipe: MakerCall, tables: RotaryTables) -> AngleProfile:
    arguments = try_arguments(TableMaker(target.function, recipe, tables))
    return AngleProfile(
        construction=target.built,
        kind="builds",
        faults=tuple(
            (finding.code, finding.message) for finding in arguments.remarks if finding.mistake
        ),
        asking=_asking(recipe.positions),
        call=recipe.words,
        recipe=asdict(recipe),
        form=tables.form,
        order=tables.order,
        table_lanes=tables.table_lanes,
        axes=tables.axes,
        amplitude=tables.amplitude,
    )


def _rotating(target: Target, convention: Convention, width: int, rotary: int) -> AngleProfile:
    if convention.takes_tables:
        raise MakesNoAngles(
            "it applies tables that are handed in and makes none of its own: "
            "`rotcheck compare` judges it"
        )
    return AngleProfile(
        construction=target.built,
        kind="both",
        asking=cast(Asking, convention.positions),
        call=call_words(convention),
        convention=asdict(convention),
        width=width,
        rotary=rotary,
        direction=1 if convention.direction > 0 else -1,
    )


def _with_angles(profile: AngleProfile, instance: Instance, device: str) -> AngleProfile:
    """Fit the frequencies to the angles at small and medium positions."""
    config = config_of(instance.function)
    profile = _with_lengths(profile, instance, device, config)
    far = FAR if profile.changes is None else min(FAR, profile.changes - 1)
    reach = angle_source(instance.function, profile, device).range_to(far)
    angles: dict[int, Tensor] = {}
    for group in groups(profile, min(far, reach.last)):
        try:
            turns = reach.look(group)
        except Exception:
            if not angles:
                raise
            break  # it takes no position as large as this
        angles.update(zip(group, torch.atan2(turns.sin, turns.cos)))
    zero = angles[0]
    direction = profile.direction
    if profile.kind == "builds" and 1 in angles and float(wrap(angles[1] - zero)[0]) < -STILL:
        direction = -1
    frequency_fit = _fit(profile, instance, angles, direction, config)
    still = bool(zero.abs().max() < STILL)
    result = msgspec.structs.replace(
        profile,
        direction=direction,
        frequencies=tuple(float(f) for f in frequency_fit.frequencies),
        zero=tuple(0.0 if still else float(z) for z in zero),
        schedule=str(frequency_fit.schedule) if frequency_fit.schedule else None,
        doubt=_doubt(frequency_fit, profile, config, max(angles)),
        faults=(*profile.faults, *_faults(frequency_fit)),
    )
    few = [position for position in angles if position < 4]
    if max(Truth(result).errors(reach.look(few), few)) > ROUNDING_RADIANS:
        raise MakesNoAngles(
            "what it gives for its first positions is no rotation: see `rotcheck identify`"
        )
    return result


def _fit(
    profile: AngleProfile, instance: Instance, angles: Angles, direction: int, config: ObjectConfig
) -> Fit:
    """Fit frequencies to angles: to tables of points, a row of frequencies for each coordinate."""
    recipe = msgspec.convert(profile.recipe, MakerCall) if profile.recipe else None
    if recipe is not None and recipe.coordinates:
        owners = point_tables.owners(instance.function, recipe)
        assert owners is not None, "it was found by them"
        frequency_fit = of_axes(angles, owners, 0.0, config.schedules()).fit
        return replace(
            frequency_fit,
            frequencies=frequency_fit.frequencies * recipe.weights[torch.tensor(owners)],
        )
    width = profile.width or 2 * len(angles[0])
    return fit_schedule(angles, direction, width, candidates=config.schedules())


def _doubt(
    frequency_fit: Fit, profile: AngleProfile, config: ObjectConfig, last: int
) -> str | None:
    """Why `identify` does not understand it: then its own first angles are its measure."""
    words: str | None
    if frequency_fit.schedule is None:
        words = f"held against its own first angles: {departure(frequency_fit.frequencies).words}"
    else:
        words = amplitude_missing(
            frequency_fit.schedule, amplitude_beyond_rounding(profile.amplitude) or 1.0, config
        )
    points = bool(profile.recipe and profile.recipe["coordinates"])
    arguments = profile.recipe["arguments"] if profile.recipe else ("D",)
    told_width = "D" in (argument.rpartition("=")[2] for argument in arguments)
    lanes = None if points or told_width else 2 * frequency_fit.turning
    also = contradiction(frequency_fit, config, lanes, last)
    return "; ".join(filter(None, (words, also))) or None


def _faults(frequency_fit: Fit) -> list[tuple[str, str]]:
    """What `identify` calls a mistake of these frequencies: code and words."""
    wrong = (
        long_factors(frequency_fit) if frequency_fit.schedule else exchanged_bands(frequency_fit)
    )
    return [(fault.code, fault.message) for fault in wrong]


def _with_lengths(
    profile: AngleProfile, instance: Instance, device: str, config: ObjectConfig
) -> AngleProfile:
    """The profile with the position where its frequencies change: what is beyond is not judged."""
    if profile.faults:  # it heeds no positions, say
        return profile
    changes, last = first_change(
        lambda: angle_source(copy_of(instance.function), profile, device), profile
    )
    if changes is None:
        wrong = tuple((fault.code, fault.message) for fault in not_dynamic(config, last))
        return msgspec.structs.replace(profile, faults=wrong)
    until = "beyond it the frequencies follow the length"
    return msgspec.structs.replace(profile, changes=changes, claims=changes, claimed_by=until)


def _makes_a_grid(target: Target, recipe: MakerCall) -> bool:
    """Whether it takes two lengths and makes as many rows as their product."""
    return recipe.makes_grid(
        GRID, call_maker(copy_of(target.function), recipe, torch.arange(GRID), GRID)
    )


def _asking(positions: str) -> Asking:
    if positions not in _ASKING:
        raise MakesNoAngles(
            f"it makes tables of another kind of positions ({positions}), "
            "and not of places in a row"
        )
    return _ASKING[positions]
