"""From the outcome of a task to its row: the verdict, what is wrong, its cause and its fix."""

import math
from typing import Any

import msgspec

from rotcheck import diagnose
from rotcheck.compare.cells import fields_of_failure
from rotcheck.context.angle_profile import AngleProfile, tolerance
from rotcheck.context.conditions import FIRST
from rotcheck.isolation import Done, Returned
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.results import FINDINGS, Maker, Phase, Reach, Verdict

SHOWN = ("kind", "call", "built", "schedule", "claims", "claimed_by", "judged_to", "by_file")
CERTAIN = {"imaginary-dropped"}  # causes that do not depend on the condition


def maker_of(label: str, profile: AngleProfile | None) -> Maker:
    """What the report says of an object, whatever the condition."""
    if profile is None:
        return Maker(implementation=label)
    return Maker(implementation=label, **{name: getattr(profile, name) for name in SHOWN})


def row_of(result: Done, name: str, profile: AngleProfile | None, first: Reach | None) -> Reach:
    """The row of a finished task; `first`: that of the object as constructed."""
    if not isinstance(result.outcome, Returned):
        return _failure(result, name)
    answer = result.outcome.value
    row = not_run(name, result.task[1], result.job.setup["device"], None)
    row = msgspec.structs.replace(row, seconds=result.outcome.seconds)
    if "unbuilt" in answer:
        return msgspec.structs.replace(row, message=f"cannot be built: {answer['unbuilt']}")
    for verdict in ("unavailable", "skipped"):
        if verdict in answer:
            return msgspec.structs.replace(row, verdict=verdict, message=answer[verdict])
    assert profile is not None, "it was recognised, or nothing was measured"
    return _with_cause(_with_verdict(_with_curve(row, answer), answer, profile, first))


def not_run(name: str, condition: str, device: str, message: str | None) -> Reach:
    """The row of a condition that was not tried."""
    return Reach(
        implementation=name, condition=condition, device=device, verdict="skipped", message=message
    )


def _failure(result: Done, label: str) -> Reach:
    fields = fields_of_failure(result)
    if not result.opening:
        fields["message"] = str(result.outcome)
    device = result.job.setup["device"]
    return Reach(implementation=label, condition=result.task[1], device=device, **fields)


def _with_curve(row: Reach, answer: dict[str, Any]) -> Reach:
    curve = answer.get("curve")
    row = msgspec.structs.replace(
        row, note=answer.get("note"), emulated=answer.get("emulated", False)
    )
    if not curve:
        return row
    phases = tuple(Phase(position=at, error=off) for at, off in sorted(curve["errors"]))
    return msgspec.structs.replace(
        row,
        phases=phases,
        asked_to=phases[-1].position if phases else None,
        stopped=curve["limit"],
        **{name: curve[name] for name in ("right_to", "wrong_at", "exact")},
    )


def _with_verdict(
    row: Reach, answer: dict[str, Any], profile: AngleProfile, first: Reach | None
) -> Reach:
    """Say whether it agrees, and if not, what is wrong."""
    curve = answer.get("curve") or {}
    if answer.get("finding"):
        return _bad(row, "disagrees", answer["finding"], answer["message"])
    if curve.get("fault") == "raises":
        return _bad(row, "raises", answer["blames"], curve["words"])
    wrong = wrong_within(row, profile)
    if wrong is not None:
        certain = curve.get("fault") if curve.get("fault") in CERTAIN else None
        finding = certain or _to_blame(row, first) or answer["blames"]
        return _bad(row, "disagrees", finding, _words(row, profile, wrong, curve.get("words")))
    refusal = curve.get("refusal")
    if refusal is not None and refusal < (profile.to or profile.claims or 0):
        finding = "short-table" if refusal < (profile.claims or 0) else "short"
        return _bad(row, "raises", finding, f"{row.stopped}; {_within(profile)}")
    return msgspec.structs.replace(row, verdict="agrees", note=_note(row, profile))


def wrong_within(row: Reach, profile: AngleProfile) -> Phase | None:
    """The first phase that is wrong among the positions that must be right."""
    for phase in row.phases:
        error = math.inf if phase.error is None else phase.error
        if phase.position < profile.judged_to and not error <= tolerance(phase.position):
            return phase
    return None


def _to_blame(row: Reach, first: Reach | None) -> str | None:
    """The finding as constructed, where that is as wrong: then the condition is not to blame."""
    if first is None or first.finding is None or first.wrong_at is None or row.wrong_at is None:
        return None
    return first.finding if first.wrong_at <= row.wrong_at else None


def _bad(row: Reach, verdict: Verdict, finding: str, message: str) -> Reach:
    return msgspec.structs.replace(row, verdict=verdict, finding=finding, message=message)


def _words(row: Reach, profile: AngleProfile, wrong: Phase, fault: str | None) -> str:
    up_to = f"right up to position {row.right_to}" if row.right_to is not None else "right nowhere"
    within = _within(profile)
    if wrong.error is None:
        fault = fault or "the result is not a rotation"
        return f"{fault} (at position {wrong.position}); {up_to}, {within}"
    phases = (phase for phase in row.phases if phase.position < profile.judged_to)
    worst = max(phases, key=lambda phase: phase.error or 0)
    off = f"off by {wrong.error:.2g} rad at {wrong.position}"
    if worst.error is not None and worst.error > 2 * wrong.error:
        off += f" and by {worst.error:.2g} rad at {worst.position}"
    return f"{up_to}, {off}; {within}"


def _within(profile: AngleProfile) -> str:
    """How many positions must be right, in words."""
    if profile.to or not profile.claims:
        return f"{profile.judged_to} must be right"
    return f"it claims {profile.claims} ({profile.claimed_by})"


def _note(row: Reach, profile: AngleProfile) -> str | None:
    """The note: float32's own loss within the claim, and why no larger position was asked for."""
    notes = [row.note] if row.note else []
    if profile.doubt and row.condition == FIRST:
        notes.append(f"{profile.doubt}; see `rotcheck identify`")
    if row.wrong_at is not None and profile.claims and row.wrong_at < profile.claims:
        notes.append(
            f"float32 phases are {RIGHT_PHASE:g} rad off from position {row.wrong_at} on, "
            "the float32 limit (N18)"
        )
    if row.asked_to is not None and row.asked_to < profile.judged_to - 1:
        notes.append(f"tested up to position {row.asked_to} and no further: {row.stopped}")
    return "; ".join(notes) or None


def _with_cause(row: Reach) -> Reach:
    failure = diagnose.for_finding(row.finding) if row.finding and row.verdict in FINDINGS else None
    return msgspec.structs.replace(row, **diagnose.fields_of(failure))
