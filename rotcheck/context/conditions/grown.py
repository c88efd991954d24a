"""Asked for a few positions, for others, for many, and then for the first ones again."""

from collections.abc import Sequence

from rotcheck.context import orders
from rotcheck.context.evidence import DoesNotApply, Evidence
from rotcheck.context.known import RIGHT
from rotcheck.context.sources import Source, reason
from rotcheck.context.trial import Trial

blames = "spoilt-by-growing"
OTHERS = tuple(range(100, 100 + len(orders.FEW)))


def run(trial: Trial) -> Evidence:
    """Have its table grow, where it has one, and measure the phases behind that."""
    if trial.known.asking == "none":
        raise DoesNotApply("it takes no positions: it returns the table that it holds")
    made = trial.fresh()
    asked = trial.asked(made)
    before = asked.ask(orders.FEW)
    evidence = Evidence()
    if trial.known.asking != "from 0":
        off = orders.worst(trial.known, asked.ask(OTHERS), OTHERS)
        if off > RIGHT and off > 2 * orders.worst(
            trial.known, trial.asked(trial.fresh()).ask(OTHERS), OTHERS
        ):
            evidence.finding, evidence.message = blames, _words(off, OTHERS, orders.FEW)
    grown = _grow(asked, trial.known.judged_to)
    after = asked.ask(orders.FEW)
    off = orders.worst(trial.known, after, orders.FEW)
    if off > RIGHT and off > 2 * orders.worst(trial.known, before, orders.FEW):
        evidence.finding = blames
        evidence.message = (
            f"after {grown}, the first {len(orders.FEW)} positions are off by up to {off:.2g} rad"
        )
    elif differ := orders.changed(before, after):
        evidence.note = f"after {grown}, the first rows are not the same bit by bit: {differ}"
    evidence.curve = trial.sweep(made)
    return evidence


def _grow(asked: Source, claimed: int) -> str:
    """Ask for more positions, as many as it takes; return what was done."""
    refused = ""
    for last in (2 * claimed + 1, claimed - 1, 300):
        try:
            asked.ask((0, last))
        except Exception as error:  # it does not grow as far
            refused = refused or f" (position {last} {reason(error)})"
            continue
        return f"being asked for position {last}{refused}"
    return f"more was refused{refused}"


def _words(off: float, positions: Sequence[int], first: Sequence[int]) -> str:
    span = f"{positions[0]} to {positions[-1]}"
    return f"asked for positions {span} after {first[0]} to {first[-1]}, it is off by {off:.2g} rad"
