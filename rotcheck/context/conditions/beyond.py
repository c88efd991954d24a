"""Asked for positions beyond its table, it must raise or turn them rightly."""

import torch

from rotcheck.context.angle_profile import AngleProfile, tolerance
from rotcheck.context.angle_sources import NoRotation, Turns
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen
from rotcheck.context.sweep import NO_ROTATION, Truth
from rotcheck.identify.angles.measured_angles import wrap
from rotcheck.measure.judge import RIGHT_PHASE

blames = "row-past-table"


def run(specimen: Specimen) -> ConditionResult:
    """Ask for the first positions past the last one, and for one far past it."""
    profile = specimen.profile
    if profile.asking == "none":
        raise DoesNotApply("it takes no positions: it returns the table that it holds")
    if profile.claims is None:
        raise DoesNotApply("it has no table and claims no length: nothing is beyond")
    answers: dict[str, list[int]] = {}
    for position in (profile.claims + 3, profile.claims, 2 * profile.claims + 5):
        fault = _at(specimen, position, answers)
        if fault:
            return fault
    return ConditionResult(note=_join(answers) + _negative(specimen))


def _at(specimen: Specimen, position: int, answers: dict[str, list[int]]) -> ConditionResult | None:
    """Ask a new object for one position; return what is wrong, or add to the answers."""
    try:
        turns = specimen.source(specimen.fresh()).ask((0, position))
        off = Truth(specimen.profile).errors(turns, (0, position))[1]
    except NoRotation as error:
        if error.finding != "fewer-rows":
            return ConditionResult(
                finding=blames, message=f"position {position}, beyond its table: it {error}"
            )
        answers.setdefault("fewer rows come back, so whoever multiplies by them raises", []).append(
            position
        )
        return None
    except Exception as error:
        answers.setdefault(f"raises {type(error).__name__}", []).append(position)
        return None
    if off <= tolerance(position):
        answers.setdefault("right", []).append(position)
        return None
    return _wrong(specimen.profile, turns, position, off, answers)


def _wrong(
    profile: AngleProfile, turns: Turns, position: int, off: float, answers: dict[str, list[int]]
) -> ConditionResult | None:
    row = Turns(turns.cos[1:], turns.sin[1:])
    if off == NO_ROTATION:
        _, words = Truth(profile).fault(row, (position,))
        return ConditionResult(
            finding=blames, message=f"position {position}, beyond its table: {words}"
        )
    claims = profile.claims or 0
    rows = {
        0: "unrotated",
        claims - 1: "turned as the last one",
        position % claims: "wrapped around",
    }
    for row_position, words in rows.items():
        if _is_row(profile, row, row_position):
            beyond = f"position {position}, beyond its {claims} positions"
            return ConditionResult(
                finding="positions-past-table" if row_position == 0 else blames,
                message=f"{beyond}, comes back {words} (as position {row_position})",
            )
    if _first_pair_right(profile, row, position):
        answers.setdefault(
            "turned by other frequencies, as by a schedule that follows the length", []
        ).append(position)
        return None
    return ConditionResult(
        finding=blames, message=f"position {position}, beyond its table, is {off:.2g} rad off"
    )


def _is_row(profile: AngleProfile, row: Turns, position: int) -> bool:
    return Truth(profile).errors(row, (position,))[0] < RIGHT_PHASE


def _first_pair_right(profile: AngleProfile, row: Turns, position: int) -> bool:
    """Whether the fastest pair is right: schedules for longer contexts leave it alone."""
    angle = torch.atan2(row.sin, row.cos)[0, 0]
    return bool(wrap(angle - Truth(profile).angles((position,))[0, 0]).abs() < tolerance(position))


def _negative(specimen: Specimen) -> str:
    """A note on position -1, which indexing takes for the last row."""
    profile = specimen.profile
    if profile.asking != "any" or profile.claims is None:
        return ""
    try:
        turns = specimen.source(specimen.fresh()).ask((0, -1))
    except Exception:  # that is as it should be, or at least no wrong row
        return ""
    row = Turns(turns.cos[1:], turns.sin[1:])
    return (
        "; position -1 is taken for the last one"
        if _is_row(profile, row, profile.claims - 1)
        else ""
    )


def _join(answers: dict[str, list[int]]) -> str:
    return "; ".join(
        f"positions {', '.join(map(str, sorted(at)))}: {words}" for words, at in answers.items()
    )
