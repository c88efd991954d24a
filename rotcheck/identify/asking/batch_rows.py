"""Positions of its own for each batch row: does each row turn by these?"""

from dataclasses import replace

from rotcheck.convention import Convention
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, try_values
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT
from rotcheck.results import Remark

NEAR_POSITIONS = 100


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Give each batch row other positions, in the first of the calls that has room for them."""
    convention = function.convention
    alternatives = (
        with_angles_of(convention, alternative.convention) for alternative in match.alternatives
    )
    roomy = [
        call
        for call in (convention, *alternatives)
        if call.rotates_v == convention.rotates_v and has_room(call)
    ]
    if not roomy:
        return []
    row = tuple(at for at in sizes.positions if isinstance(at, int) and at < NEAR_POSITIONS)
    rows = replace(sizes, batch=2, positions=(row, tuple(reversed(row))))
    trial = try_values(replace(function, convention=roomy[0]), rows)
    # None: it takes one row of positions for all
    if trial is None or trial.measurement.error <= ROUNDING_LIMIT:
        return []
    message = "uses the positions of one batch row for all rows"
    evidence = f"two rows of other positions: error {trial.measurement.error:.0f} rounding steps"
    return [remark("per-batch", message, evidence)]


def with_angles_of(convention: Convention, alternative: Convention) -> Convention:
    """An alternative call of the same function, with what is known of its angles."""
    return replace(
        alternative,
        in_place=convention.in_place,
        theta=convention.theta,
        frequencies=convention.frequencies,
        last_position=convention.last_position,
        head_dim=convention.head_dim,
    )


def has_room(convention: Convention) -> bool:
    """Whether a call has room for positions of its own in each batch row."""
    takes_positions = not convention.takes_tables and convention.positions == "any"
    axes = convention.table_axes + (convention.position_axes if takes_positions else "")
    return "b" in convention.axes and "b" in axes


QUESTION = ValueQuestion(round=3, rank=1, ask=_ask, of_unjudged=True)
