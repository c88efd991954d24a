"""Finds out how an object makes its angles, as constructed, and what they must be."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import cast

import torch
from msgspec import structs

from rotcheck.context.angle_profile import AngleProfile, Asking
from rotcheck.context.angle_sources import AngleSource, recipe_of
from rotcheck.context.frequency_change import first_change
from rotcheck.context.length_claims import claim
from rotcheck.context.sweep import Truth, groups
from rotcheck.convention import Convention
from rotcheck.identify import function_identification
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import of_axes
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    exchanged_bands,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.calling.call_match import Match, NoMatch
from rotcheck.identify.making import point_tables
from rotcheck.identify.making.grid_calls import rotation_layout
from rotcheck.identify.making.maker_call_candidates import HEAD_DIM, MakerCall
from rotcheck.identify.making.position_arguments import try_arguments
from rotcheck.identify.making.table_description import amplitude_beyond_rounding
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.permuting import permutation_answer
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.target import Target
from rotcheck.measure.device import DeviceLost
from rotcheck.results import Remark
from rotcheck.rotary.departures import departure
from rotcheck.rotary.frequencies import wrap

FAR = 4097  # the last position that frequencies are fitted to
STILL = 1e-5  # radians
# radians; what is further off at the first positions is not just badly rounded
ROUNDING_RADIANS = 0.1
NOT_FOUND = "no call that was tried returned tables or a rotation"
NOT_LOOKED_FOR = "it was not understood on cpu, and elsewhere the end of a table is not looked for"
GRID = "it makes the rows of a grid, not of consecutive positions"
HANDED = (
    "it applies tables that are handed in and makes none of its own: `rotcheck compare` judges it"
)
SEE = "see `rotcheck identify`"
NO_ROTATION = f"its result for the first positions is not a rotation: {SEE}"
_ASKING: dict[str, Asking] = {"given": "any", "length": "from 0", "x": "from 0", "none": "none"}
Faults = tuple[tuple[str, str], ...]


class MakesNoAngles(Exception):
    """The object does not make its own angles; the message says what it does."""


class NoCallFits(MakesNoAngles):
    """No call that was tried returned tables or a rotation: on another device one may."""


def recognise(target: Target, device: str) -> AngleProfile:
    """The profile of a loaded object.

    Raises `MakesNoAngles` for one that makes no angles of its own, as far as can be seen.
    """
    claims, claimed_by = claim(target.owner)  # before a call can make a cache grow
    try:
        profile = _find_call(target, torch.device(device))
    except DeviceLost as error:  # it was a wrong call, and no finding
        raise MakesNoAngles(f"{NOT_FOUND}, and one of them ended {device}") from error
    profile = structs.replace(profile, claims=claims, claimed_by=claimed_by)
    if torch.device(device).type != "cpu":
        last = profile.judged_to - 1
        profile = structs.replace(profile, last=last, last_because=NOT_LOOKED_FOR)
    config = config_of(target.function)
    return _with_angles(_with_lengths(profile, target, device, config), target, device, config)


def called_on(device: str, profile: AngleProfile) -> AngleProfile:
    """The profile of an object that was recognised on another device than it is now called on."""
    recipe = recipe_of(profile)
    if recipe is None:
        return profile
    there = replace(recipe, device=device)
    return structs.replace(profile, recipe=asdict(there), call=there.words)


def _find_call(target: Target, device: torch.device) -> AngleProfile:
    """Find its call: as declared, as a maker of tables, or as a function that rotates."""
    if target.convention is not None:
        width = target.convention.head_dim or HEAD_DIM
        return _rotating(target, target.convention, width, target.convention.rotary_dim or width)
    match = function_identification.find_call((target.function, device))
    if isinstance(match, tuple):
        return _building(target, *match)
    if isinstance(match, NoMatch) or not match.reading.pairing:
        permutes = permutation_answer.answer(target) is not None
        raise NoCallFits(permutation_answer.PERMUTES_ROWS if permutes else f"{NOT_FOUND}: {SEE}")
    if rotation_layout(match) is not None:
        raise MakesNoAngles(GRID)
    probe = match.caller.probe
    profile = _rotating(target, _one_row(match), probe.width, probe.rotary)
    identification = function_identification.of_rotation(target, match, device).identification
    return structs.replace(profile, faults=_faults(identification.findings))


def _faults(remarks: Iterable[Remark]) -> Faults:
    """What `identify` calls a mistake: code and words."""
    return tuple((remark.code, remark.message) for remark in remarks if remark.mistake)


def _one_row(match: Match) -> Convention:
    """The call with one row of positions, if any: equal rows may be coordinates."""
    others = (alternative.convention for alternative in match.alternatives)
    conventions = (match.convention, *others)
    return next((each for each in conventions if each.position_axes == "s"), match.convention)


def _building(target: Target, recipe: MakerCall, tables: RotaryTables) -> AngleProfile:
    if tables.grid:
        raise MakesNoAngles(GRID)
    if recipe.positions not in _ASKING:
        raise MakesNoAngles(
            f"it makes tables of another kind of positions ({recipe.positions}), "
            "not of consecutive ones"
        )
    return AngleProfile(
        built=target.built,
        kind="builds",
        faults=_faults(try_arguments(TableMaker(target.function, recipe, tables)).remarks),
        asking=_ASKING[recipe.positions],
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
        raise MakesNoAngles(HANDED)
    return AngleProfile(
        built=target.built,
        kind="both",
        asking=cast(Asking, convention.positions),
        call=call_words(convention),
        convention=asdict(convention),
        width=width,
        rotary=rotary,
        direction=1 if convention.direction > 0 else -1,
    )


def _with_lengths(
    profile: AngleProfile, target: Target, device: str, config: ObjectConfig
) -> AngleProfile:
    """The profile with the position where its frequencies change: what is beyond is not judged."""
    if profile.faults:  # it heeds no positions, say
        return profile
    changes, last = first_change(
        lambda: AngleSource(copy_of(target.function), profile, device), profile
    )
    if changes is None:
        return structs.replace(profile, faults=_faults(not_dynamic(config, last)))
    until = "beyond it the frequencies follow the length"
    return structs.replace(profile, changes=changes, claims=changes, claimed_by=until)


def _with_angles(
    profile: AngleProfile, target: Target, device: str, config: ObjectConfig
) -> AngleProfile:
    """Fit the frequencies to the angles at small and medium positions."""
    far = FAR if profile.changes is None else min(FAR, profile.changes - 1)
    reach = AngleSource(target.function, profile, device).range_to(far)
    angles: Angles = {}
    for group in groups(profile, min(far, reach.last)):
        try:
            angles.update(zip(group, reach.look(group).angles))
        except Exception:
            if not angles:
                raise
            break  # it takes no position as large as this
    zero, direction = angles[0], profile.direction
    if profile.kind == "builds" and 1 in angles and float(wrap(angles[1] - zero)[0]) < -STILL:
        direction = -1
    fit = _fit(profile, target, angles, direction, config)
    still = bool(zero.abs().max() < STILL)
    remarks = long_factors(fit) if fit.schedule else exchanged_bands(fit)
    profile = structs.replace(
        profile,
        direction=direction,
        frequencies=tuple(fit.frequencies.tolist()),
        zero=(0.0,) * len(zero) if still else tuple(zero.tolist()),
        schedule=str(fit.schedule) if fit.schedule else None,
        doubt=_doubt(fit, profile, config, max(angles)),
        faults=(*profile.faults, *_faults(remarks)),
    )
    few = [position for position in angles if position < 4]
    if max(Truth(profile).errors(reach.look(few), few)) > ROUNDING_RADIANS:
        raise MakesNoAngles(NO_ROTATION)
    return profile


def _fit(
    profile: AngleProfile, target: Target, angles: Angles, direction: int, config: ObjectConfig
) -> Fit:
    """Fit frequencies to angles: to tables of points, a row of frequencies for each coordinate."""
    recipe = recipe_of(profile)
    if recipe is None or not recipe.coordinates:
        width = profile.width or 2 * len(angles[0])
        return fit_schedule(angles, direction, width, candidates=config.schedules())
    owners = point_tables.owners(target.function, recipe)
    assert owners is not None, "it was found by them"
    fit = of_axes(angles, owners, 0.0, config.schedules()).fit
    return replace(fit, frequencies=fit.frequencies * recipe.weights[torch.tensor(owners)])


def _doubt(fit: Fit, profile: AngleProfile, config: ObjectConfig, last: int) -> str | None:
    """Why `identify` does not understand it: then its own first angles are its measure."""
    if fit.schedule is None:
        words: str | None = (
            f"compared with its own first angles: {departure(fit.frequencies).words}"
        )
    else:
        amplitude = amplitude_beyond_rounding(profile.amplitude) or 1.0
        words = amplitude_missing(fit.schedule, amplitude, config)
    recipe = recipe_of(profile)
    makes_width = recipe is not None and not recipe.coordinates and "D" not in recipe.roles
    also = contradiction(fit, config, 2 * fit.turning if makes_width else None, last)
    return "; ".join(filter(None, (words, also))) or None
