"""What the angles of a function say: schedule, reach in context, offset,
and what is wrong or in doubt."""

from dataclasses import dataclass, field

import msgspec

from rotcheck.convention import Convention
from rotcheck.identify.angles.frequency_fit import Fit
from rotcheck.identify.angles.measured_angles import ALIKE, LAST_POSITION, Angles
from rotcheck.identify.angles.schedule_faults import exchanged_bands
from rotcheck.identify.remarks import remark
from rotcheck.results import Ambiguity, FieldEvidence, Remark
from rotcheck.rotary.departures import departure
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Linear, OverHeadDim, Proportional

UNKNOWN_SCHEDULE = "no known schedule"


@dataclass(slots=True)
class AngleFindings:
    """What the angles say."""

    convention: Convention
    positions: tuple[int, ...]  # that it can be asked for; empty: it makes none that can be read
    remarks: list[Remark] = field(default_factory=list)
    evidence: list[FieldEvidence] = field(default_factory=list)
    ambiguous: list[Ambiguity] = field(default_factory=list)
    schedule: str | None = None
    theta: float | None = None
    longest: int | None = None
    apart: bool = False  # its rows are no positions that others have: it cannot be judged like them
    attention: bool = False  # what comes back is scaled as its schedule asks
    doubt: str | None = None  # why it is not understood, whatever is right with it

    def call_schedule(self, words: str) -> None:
        """Give the schedule another name, in the evidence too."""
        self.schedule = words
        self.evidence[0] = msgspec.structs.replace(self.evidence[0], says=words)


def add_schedule(findings: AngleFindings, fit: Fit, last: int) -> None:
    """Add the schedule of a fit at positions up to the last one, its alternatives,
    and what they mean."""
    schedule, frequencies = fit.schedule, fit.frequencies
    findings.schedule = str(schedule) if schedule else None
    findings.theta = getattr(schedule, "theta", None)
    says = findings.schedule or UNKNOWN_SCHEDULE
    because = f"angles of all pairs at positions up to {last}: worst departure {fit.departure:.0e}"
    findings.evidence.append(FieldEvidence(field="theta", says=says, because=because))
    if fit.alternatives:
        possible = (findings.schedule or "", *map(str, fit.alternatives))
        why = "frequencies alone cannot tell these apart"
        findings.ambiguous.append(Ambiguity(field="schedule", possible=possible, why=why))
    if isinstance(schedule, OverHeadDim):
        words = "takes its frequencies over head_dim and not over rotary_dim"
        findings.remarks.append(remark("over-head-dim", words, because))
    if isinstance(schedule, Linear) and abs(schedule.factor - 0.5) < 1e-4:
        words = "rotates twice, or by twice the angle"
        findings.remarks.append(remark("rotated-twice", words, because))
    if schedule is None:
        _add_unknown(findings, fit)
    if fit.turning <= len(frequencies) // 4 and not _stands_still_by_design(fit):
        words = f"only {fit.turning} of {len(frequencies)} pairs turn at all"
        findings.remarks.append(remark("frequencies", words, because))
    _add_reach(findings, fit)


def _stands_still_by_design(fit: Fit) -> bool:
    return any(isinstance(schedule, Proportional) for schedule in (fit.schedule, *fit.alternatives))


def _add_unknown(findings: AngleFindings, fit: Fit) -> None:
    frequencies = fit.frequencies
    if len(frequencies) == 1 and abs(float(frequencies[0]) - 1) < ALIKE:
        return  # a single pair turns by 1 in every schedule
    findings.remarks += exchanged_bands(fit)
    words = departure(frequencies).words
    findings.doubt = f"its frequencies follow no known schedule: {words}"


def _add_reach(findings: AngleFindings, fit: Fit) -> None:
    """Add up to which position the angles are right, and what is wrong with those behind it."""
    right = f"right up to position {fit.longest}"
    if fit.wrong_at is None:
        says = f"{right}, the last one tested"
        because = f"phase at most {fit.error:.1e} rad off"
        findings.evidence.append(FieldEvidence(field="context", says=says, because=because))
    elif fit.why:
        words = f"at position {fit.wrong_at} its phase is {fit.error:.2g} rad off: {fit.why}"
        findings.remarks.append(remark("row-past-table" if fit.past else "phase", words, right))
    else:
        findings.apart = True
        words = f"its angles do not grow with the row beyond position {fit.longest}"
        findings.doubt = f"{words}: a grid, or positions of its own"
        findings.remarks.append(remark("own-positions", findings.doubt, right, mistake=False))


def add_offset(findings: AngleFindings, angles: Angles, fit: Fit, direction: int) -> int:
    """Add that position 0 turns already, as another one should; which one that is, 0: none."""
    zero = angles.get(0)
    if zero is None or float(zero.abs().max()) < 1e-5:
        return 0
    frequencies = fit.frequencies
    pair = next((at for at, frequency in enumerate(frequencies.tolist()) if frequency), 0)
    turn = float(zero[pair])
    position = round(turn * direction / (float(frequencies[pair]) or 1.0))
    because = f"pair {pair} turns by {turn:.4g} rad at position 0"
    all_pairs = bool(wrap(zero * direction - position * frequencies).abs().max() < 1e-2)
    if position and all_pairs and fit.schedule is not None and not findings.apart:
        words = f"position 0 is turned as position {position} should be"
        findings.remarks.append(remark("offset", words, because))
        return position
    words = f"position 0 is already rotated ({because}), by an angle that belongs to no position"
    findings.doubt = f"{words}: its rows are not consecutive positions"
    return 0


def no_end() -> FieldEvidence:
    """Why it was asked for no position further off."""
    because = "it does not run on the CPU, and elsewhere an index past the end of a table may end the process"
    return FieldEvidence(
        field="context", says=f"asked for positions up to {LAST_POSITION} only", because=because
    )
