"""As it was constructed, in float32."""

from rotcheck.context.asked_positions import POSITIONS
from rotcheck.context.condition_result import ConditionResult
from rotcheck.context.specimen import Specimen
from rotcheck.context.sweep import Curve
from rotcheck.measure.judge import RIGHT_PHASE

blames = "phase-rounded"


def run(specimen: Specimen) -> ConditionResult:
    """Measure it, and notice if position 0 is turned already."""
    curve = specimen.sweep(specimen.fresh(), most=POSITIONS[-1])
    measurement = ConditionResult(curve)
    if specimen.profile.faults:
        measurement.finding, measurement.message = specimen.profile.faults[0]
    elif any(specimen.profile.zero):
        measurement.finding = "offset"
        most = max(specimen.profile.zero, key=abs)
        measurement.message = f"position 0 is turned already, a pair by {most:.4g} rad"
    elif _by_itself(specimen, curve):
        measurement.finding = "spoilt-by-growing"
        measurement.message = (
            f"position {curve.wrong_at} is right when it is the first call, and wrong after others"
        )
    return measurement


def _by_itself(specimen: Specimen, curve: Curve) -> bool:
    """Whether the first wrong position is right for an object that was asked for nothing before."""
    wrong, profile = curve.wrong_at, specimen.profile
    if wrong is None or wrong >= profile.judged_to or profile.asking not in ("any", "offset"):
        return False
    return specimen.error(specimen.source().ask((wrong,)), (wrong,)) <= RIGHT_PHASE
