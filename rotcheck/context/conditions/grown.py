"""Asked for a few positions, for others, for many, and then for the first ones again."""

from rotcheck.context.angle_sources import AngleSource, reason
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen
from rotcheck.measure.judge import RIGHT_PHASE

blames = "spoilt-by-growing"
FEW = tuple(range(8))
OTHER_POSITIONS = tuple(range(100, 108))


def run(specimen: Specimen) -> ConditionResult:
    """Make its table grow, where it has one, and measure the phases after that."""
    if specimen.profile.asking == "none":
        raise DoesNotApply("it takes no positions: it returns the table that it holds")
    target = specimen.fresh()
    source = specimen.source(target)
    before = source.ask(FEW)
    measurement = ConditionResult()
    if specimen.profile.asking != "from 0":
        off = specimen.error(source.ask(OTHER_POSITIONS), OTHER_POSITIONS)
        if off > RIGHT_PHASE and off > 2 * specimen.error(
            specimen.source().ask(OTHER_POSITIONS), OTHER_POSITIONS
        ):
            measurement.finding = blames
            measurement.message = (
                f"asked for positions {OTHER_POSITIONS[0]} to {OTHER_POSITIONS[-1]} "
                f"after {FEW[0]} to {FEW[-1]}, it is off by {off:.2g} rad"
            )
    growth = _grow(source, specimen.profile.judged_to)
    after = source.ask(FEW)
    off = specimen.error(after, FEW)
    if off > RIGHT_PHASE and off > 2 * specimen.error(before, FEW):
        measurement.finding = blames
        measurement.message = (
            f"after {growth}, the first {len(FEW)} positions are off by up to {off:.2g} rad"
        )
    elif differ := before.difference(after):
        measurement.note = f"after {growth}, the first rows are not bit-identical: {differ}"
    measurement.curve = specimen.sweep(target)
    return measurement


def _grow(source: AngleSource, length: int) -> str:
    """Ask for more positions, as many as it accepts; what was done, in words."""
    refusal = ""
    for last in (2 * length + 1, length - 1, 300):
        try:
            source.ask((0, last))
        except Exception as error:  # it does not grow as far
            refusal = refusal or f" (position {last} {reason(error)})"
            continue
        return f"being asked for position {last}{refusal}"
    return f"more was refused{refusal}"
