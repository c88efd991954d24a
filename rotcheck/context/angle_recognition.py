"""Finds out how an object makes its angles, as it was constructed, and what they have to be."""

from dataclasses import asdict, replace
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.context.angle_profile import AngleProfile, Asking
from rotcheck.context.angle_sources import angle_source
from rotcheck.context.frequency_change import first_change
from rotcheck.context.length_claims import claim
from rotcheck.context.specimen import Instance, instance_of
from rotcheck.context.sweep import Truth, groups, wrap
from rotcheck.convention import Convention
from rotcheck.identify import identification
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import of_axes
from rotcheck.identify.angles.frequency_fit import Fit, fit
from rotcheck.identify.angles.measured_angles import Angles
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    exchanged_bands,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.calling import search
from rotcheck.identify.calling.match import Match, NoMatch
from rotcheck.identify.making import maker_search, table_calls
from rotcheck.identify.making.position_arguments import of_arguments
from rotcheck.identify.making.table_description import known_amplitude
from rotcheck.identify.making.table_forms import Built
from rotcheck.identify.permuting import permutation_answer
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.implementations.instances import copied
from rotcheck.implementations.size_hints import hints
from rotcheck.implementations.target import Target
from rotcheck.measure.device import DeviceLost
from rotcheck.rotary.departures import departure

FAR = 4097  # the last position that frequencies are fitted to
STILL = 1e-5  # radians
# radians; what is further off at the first positions is wrong in another way than by rounding
NEAR = 0.1
NOT_FOUND = "no call that was tried gave back tables or a rotation"
NOT_LOOKED_FOR = "it was not understood on cpu, and nowhere else is the end of a table looked for"
GRID = 9  # positions, few, since a grid has as many rows squared
_ASKING: dict[str, Asking] = {"given": "any", "length": "from 0", "x": "from 0", "none": "none"}


class MakesNoAngles(Exception):
    """It is none of those that make their own angles; the message says what it is."""


class NoCallFits(MakesNoAngles):
    """No call that was tried gave back tables or a rotation: on another device one may."""


def recognise(target: Target, device: str) -> AngleProfile:
    """Return what is known of a loaded object.

    Raises `NotJudged` for one that does not make its own angles, as far as can be seen.
    """
    instance = instance_of(target.function)
    claims = claim(instance.owner)  # before a call can make a cache grow
    profile = _find_call(target, torch.device(device))
    if claims:
        profile = msgspec.structs.replace(profile, claims=claims[0], claimed_by=claims[1])
    if torch.device(device).type != "cpu":
        profile = msgspec.structs.replace(profile, last=profile.judged_to - 1, ended=NOT_LOOKED_FOR)
    return _with_angles(profile, instance, device)


def _find_call(target: Target, device: torch.device) -> AngleProfile:
    """Return how it is called; a call that was tried and ended the device is a wrong call, and accuses nobody."""
    try:
        return _try_calls(target, device)
    except DeviceLost as error:
        raise MakesNoAngles(f"{NOT_FOUND}, and one of them ended {device}") from error


def called_on(device: str, profile: AngleProfile) -> AngleProfile:
    """Return what is known of an object that is asked on another device than that on which it was recognised."""
    if profile.recipe is None:
        return profile
    recipe = replace(msgspec.convert(profile.recipe, table_calls.Recipe), device=device)
    return msgspec.structs.replace(profile, recipe=asdict(recipe), call=recipe.shown)


def _try_calls(target: Target, device: torch.device) -> AngleProfile:
    """Return how it is called."""
    if target.convention is not None:
        width = target.convention.head_dim or table_calls.HEAD_DIM
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
    found = search.search(
        target.function, device, hints(target.function if owner is None else owner)
    )
    if isinstance(found, NoMatch) or not found.reading.pairing:
        permutes = permutation_answer.answer(target) is not None
        raise NoCallFits(
            permutation_answer.ROWS if permutes else f"{NOT_FOUND}: see `rotcheck identify`"
        )
    profile = _rotating(
        target, _one_row(found), found.caller.probe.width, found.caller.probe.rotary
    )
    return msgspec.structs.replace(profile, faults=_mistakes(target, device))


def _mistakes(target: Target, device: torch.device) -> tuple[tuple[str, str], ...]:
    """Return what `identify` calls a mistake of a function that rotates, code and words."""
    answer = identification.identify(target, device).identification
    if answer.answer != "wrong":
        return ()
    return tuple((one.code, one.message) for one in answer.findings if one.mistake)


def _one_row(found: Match) -> Convention:
    """Return the call with one row of positions, if there is one: rows of a batch may be coordinates, if alike."""
    conventions = [found.convention, *(each.convention for each in found.alternatives)]
    return next((each for each in conventions if each.position_axes == "s"), found.convention)


def _building(target: Target, recipe: table_calls.Recipe, tables: Built) -> AngleProfile:
    arguments = of_arguments(target.function, recipe, tables)
    return _profile(
        target,
        kind="builds",
        faults=tuple((one.code, one.message) for one in arguments.remarks if one.mistake),
        asking=_asking(recipe.positions),
        call=recipe.shown,
        recipe=asdict(recipe),
        form=tables.form,
        order=tables.order,
        table_lanes=tables.table_lanes,
        axes=tables.axes,
        amplitude=tables.amplitude,
    )


def _rotating(target: Target, convention: Convention, width: int, rotary: int) -> AngleProfile:
    if convention.tables != "positions":
        raise MakesNoAngles(
            "it applies tables that are handed in and makes none of its own: `rotcheck compare` judges it"
        )
    return _profile(
        target,
        kind="both",
        asking=convention.positions,
        call=call_words(convention),
        convention=asdict(convention),
        width=width,
        rotary=rotary,
        direction=1 if convention.direction > 0 else -1,
    )


def _profile(target: Target, **fields: Any) -> AngleProfile:
    nothing: dict[str, Any] = {
        "recipe": None, "convention": None, "form": "", "order": "", "table_lanes": None, "axes": "",
        "width": 0, "rotary": 0, "direction": 1, "amplitude": 1.0, "frequencies": (), "zero": (), "schedule": None,
        "claims": None, "claimed_by": None,
    }  # fmt: skip
    return AngleProfile(built=target.built, **{**nothing, **fields})


def _with_angles(profile: AngleProfile, instance: Instance, device: str) -> AngleProfile:
    """Fit the frequencies to the angles at small and middling positions."""
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
    found = _fit(profile, instance, angles, direction, config)
    still = bool(zero.abs().max() < STILL)
    result = msgspec.structs.replace(
        profile,
        direction=direction,
        frequencies=tuple(float(f) for f in found.frequencies),
        zero=tuple(0.0 if still else float(z) for z in zero),
        schedule=str(found.schedule) if found.schedule else None,
        doubt=_doubt(found, profile, config, max(angles)),
        faults=(*profile.faults, *_faults(found)),
    )
    few = [position for position in angles if position < 4]
    if max(Truth(result).errors(reach.look(few), few)) > NEAR:
        raise MakesNoAngles(
            "what it gives for its first positions is no rotation: see `rotcheck identify`"
        )
    return result


def _fit(
    profile: AngleProfile, instance: Instance, angles: Angles, direction: int, config: ObjectConfig
) -> Fit:
    """Return the fit of angles: of tables of points with a row of frequencies for each coordinate."""
    recipe = msgspec.convert(profile.recipe, table_calls.Recipe) if profile.recipe else None
    if recipe is not None and recipe.coordinates:
        owners = table_calls.owners(instance.function, recipe)
        assert owners is not None, "it was found by them"
        found = of_axes(angles, owners, 0.0, config.schedules()).fit
        return replace(found, frequencies=found.frequencies * recipe.weights[torch.tensor(owners)])
    width = profile.width or 2 * len(angles[0])
    return fit(angles, direction, width, known=config.schedules())


def _doubt(found: Fit, profile: AngleProfile, config: ObjectConfig, last: int) -> str | None:
    """Return why `identify` does not understand it, though its angles are what they are held against."""
    words: str | None
    if found.schedule is None:
        words = f"held against its own first angles: {departure(found.frequencies).words}"
    else:
        words = amplitude_missing(found.schedule, known_amplitude(profile.amplitude) or 1.0, config)
    points = bool(profile.recipe and profile.recipe["coordinates"])
    arguments = profile.recipe["arguments"] if profile.recipe else ("D",)
    told_width = "D" in (one.rpartition("=")[2] for one in arguments)
    lanes = None if points or told_width else 2 * found.turning
    also = contradiction(found, config, lanes, last)
    return "; ".join(each for each in (words, also) if each) or None


def _faults(found: Fit) -> list[tuple[str, str]]:
    """Return what `identify` calls a mistake of these frequencies: code and words."""
    wrong = long_factors(found) if found.schedule else exchanged_bands(found)
    return [(one.code, one.message) for one in wrong]


def _with_lengths(
    profile: AngleProfile, instance: Instance, device: str, config: ObjectConfig
) -> AngleProfile:
    """Return what is known, and from which position on its frequencies are others: behind that it is not judged."""
    if profile.faults:  # it heeds no positions, say
        return profile
    changes, last = first_change(
        lambda: angle_source(copied(instance.function), profile, device), profile
    )
    if changes is None:
        wrong = tuple((one.code, one.message) for one in not_dynamic(config, last))
        return msgspec.structs.replace(profile, faults=wrong)
    until = "beyond it the frequencies follow the length"
    return msgspec.structs.replace(profile, changes=changes, claims=changes, claimed_by=until)


def _makes_a_grid(target: Target, recipe: table_calls.Recipe) -> bool:
    """Return whether it is told two lengths and makes as many rows as both together."""
    return recipe.grid(
        GRID, table_calls.called(copied(target.function), recipe, torch.arange(GRID), GRID)
    )


def _asking(positions: str) -> Asking:
    if positions not in _ASKING:
        raise MakesNoAngles(
            f"it makes tables of another kind of positions ({positions}), and not of places in a row"
        )
    return _ASKING[positions]
