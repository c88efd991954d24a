"""Asked for positions beyond its table, it must raise or turn them rightly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rotcheck.context.angle_profile import tolerance
from rotcheck.context.angle_sources import NoRotation, Turns
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen
from rotcheck.context.sweep import NO_ROTATION, Truth
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.rotary.frequencies import wrap

blames = "row-past-table"


def run(specimen: Specimen) -> ConditionResult:
    """Ask for the first positions past the last one, and for one far past it."""
    profile = specimen.profile
    if profile.asking == "none":
        raise DoesNotApply("it takes no positions: it returns the table that it holds")
    if profile.claims is None:
        raise DoesNotApply("it has no table and claims no length: nothing is beyond")
    answers: defaultdict[str, list[int]] = defaultdict(list)
    for position in (profile.claims + 3, profile.claims, 2 * profile.claims + 5):
        answer = _at(specimen, position, profile.claims)
        if isinstance(answer, ConditionResult):
            return answer
        answers[answer].append(position)
    return ConditionResult(note=_join(answers) + _negative(specimen))


def _at(specimen: Specimen, position: int, claims: int) -> str | ConditionResult:
    """Ask a new object for one position; what came of it in words, or what is wrong."""
    truth = Truth(specimen.profile)
    beyond = f"position {position}, beyond its table"
    try:
        turns = specimen.source().ask((0, position))
        off = truth.errors(turns, (0, position))[1]
    except NoRotation as error:
        if error.finding == "fewer-rows":
            return "fewer rows come back, so multiplying by them raises"
        return ConditionResult(finding=blames, message=f"{beyond}: it {error}")
    except Exception as error:
        return f"raises {type(error).__name__}"
    if off <= tolerance(position):
        return "right"
    if off == NO_ROTATION:
        _, words = truth.fault(turns.last, (position,))
        return ConditionResult(finding=blames, message=f"{beyond}: {words}")
    rows = {
        0: "unrotated",
        claims - 1: "turned as the last one",
        position % claims: "wrapped around",
    }
    for row, words in rows.items():
        if _is_row(specimen, turns.last, row):
            beyond = f"position {position}, beyond its {claims} positions"
            return ConditionResult(
                finding=blames if row else "positions-past-table",
                message=f"{beyond}, comes back {words} (as position {row})",
            )
    # schedules for longer contexts leave the fastest pair alone
    fastest = turns.last.angles[0, 0] - truth.angles((position,))[0, 0]
    if wrap(fastest).abs() < tolerance(position):
        return "turned by other frequencies, as by a schedule that follows the length"
    return ConditionResult(finding=blames, message=f"{beyond}, is {off:.2g} rad off")


def _is_row(specimen: Specimen, row: Turns, position: int) -> bool:
    return specimen.error(row, (position,)) < RIGHT_PHASE


def _negative(specimen: Specimen) -> str:
    """A note on position -1, which indexing takes for the last row."""
    profile = specimen.profile
    if profile.asking != "any" or profile.claims is None:
        return ""
    try:
        turns = specimen.source().ask((0, -1))
    except Exception:  # that is as it should be, or at least no wrong row
        return ""
    is_last = _is_row(specimen, turns.last, profile.claims - 1)
    return "; position -1 is taken for the last one" if is_last else ""


def _join(answers: Mapping[str, Sequence[int]]) -> str:
    return "; ".join(
        f"positions {', '.join(map(str, sorted(at)))}: {words}" for words, at in answers.items()
    )
