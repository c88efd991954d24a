"""As it was constructed, in float32."""

from rotcheck.context import orders
from rotcheck.context.evidence import Evidence
from rotcheck.context.known import POSITIONS, RIGHT
from rotcheck.context.sweep import Curve
from rotcheck.context.trial import Trial

blames = "phase-rounded"


def run(trial: Trial) -> Evidence:
    """Ask it, and notice a position 0 that turns already."""
    curve = trial.sweep(trial.fresh(), most=POSITIONS[-1])
    evidence = Evidence(curve)
    if trial.known.faults:
        evidence.finding, evidence.message = trial.known.faults[0]
    elif any(trial.known.zero):
        evidence.finding = "offset"
        most = max(trial.known.zero, key=abs)
        evidence.message = f"position 0 is turned already, a pair by {most:.4g} rad"
    elif _by_itself(trial, curve):
        evidence.finding = "spoilt-by-growing"
        evidence.message = (
            f"position {curve.wrong_at} is right when it is asked first, and wrong after others"
        )
    return evidence


def _by_itself(trial: Trial, curve: Curve) -> bool:
    """Whether the first wrong position is right for an object that was asked for nothing before."""
    wrong = curve.wrong_at
    if (
        wrong is None
        or wrong >= trial.known.judged_to
        or trial.known.asking not in ("any", "offset")
    ):
        return False
    return orders.worst(trial.known, trial.asked(trial.fresh()).ask((wrong,)), (wrong,)) <= RIGHT
