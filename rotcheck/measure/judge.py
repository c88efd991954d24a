"""From the evidence of a cell to its verdict; docs/the-measure.md explains the bands."""

from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import Verdict

IN_DTYPE = 2.0  # units: correct code that computes in the dtype stays below 1.25
RIGHT_PHASE = 1e-2  # radians: a phase further off is not right
ROUNDING = 4.0  # units: rounding explains no more than this


def judge(evidence: Evidence) -> Verdict:
    """The verdict of a cell that answered."""
    if evidence.state != "ran":
        return evidence.state
    if evidence.finding or evidence.not_finite or (shown_error(evidence) or 0.0) > ROUNDING:
        return "disagrees"
    return "agrees"


def shown_error(evidence: Evidence) -> float | None:
    """The error that the verdict rests on: in float32's units if it computes in float32."""
    return evidence.error_float32 if computes_in_float32(evidence) else evidence.error


def computes_in_float32(evidence: Evidence) -> bool:
    """Whether float64 came back with float32's accuracy: by design, not an error."""
    wide, narrow = evidence.error, evidence.error_float32
    return wide is not None and narrow is not None and wide > ROUNDING >= narrow


def note(evidence: Evidence) -> str | None:
    """What is worth knowing about a cell that agrees."""
    notes = [evidence.note] if evidence.note else []
    if computes_in_float32(evidence):
        notes.append(
            "computes in float32 inside: float64 comes back with float32's accuracy; the error is in its units"
        )
    elif IN_DTYPE < (evidence.error or 0.0) <= ROUNDING:
        notes.append(
            f"{evidence.error:.2f} units: more roundings than arithmetic in the dtype needs"
        )
    return "; ".join(notes) or None
