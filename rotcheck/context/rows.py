"""From what became of a task to its row: the verdict, what is wrong in words, its cause and its fix."""

from typing import Any

import msgspec

from rotcheck import diagnose
from rotcheck.compare.cells import cell_of
from rotcheck.context.conditions import FIRST
from rotcheck.context.known import RIGHT, Known, allowed
from rotcheck.isolation import Done, Returned
from rotcheck.results import FINDINGS, Maker, Phase, Reach, Verdict

OWN_CAUSE = {"imaginary-dropped"}  # what is known to be lost so, whatever was done


def maker_of(shown: str, known: Known | None) -> Maker:
    """Return what is told of an object."""
    if known is None:
        return Maker(implementation=shown)
    fields = {
        name: getattr(known, name)
        for name in ("kind", "call", "built", "schedule", "claims", "claimed_by")
    }
    return Maker(implementation=shown, judged_to=known.judged_to, by_file=known.by_file, **fields)


def row_of(done: Done, shown: str, known: Known | None, first: Reach | None) -> Reach:
    """Return the row of one finished task; `first`: that of the object as constructed."""
    condition = done.task[1]
    if not isinstance(done.outcome, Returned):
        return _failed(done, shown)
    said = done.outcome.value
    row = Reach(
        implementation=shown,
        condition=condition,
        device=done.job.setup["device"],
        verdict="skipped",
        seconds=done.outcome.seconds,
    )
    if "unbuilt" in said:
        return msgspec.structs.replace(row, message=f"cannot be built: {said['unbuilt']}")
    for verdict in ("unavailable", "skipped"):
        if verdict in said:
            return msgspec.structs.replace(row, verdict=verdict, message=said[verdict])
    assert known is not None, "it was recognised, or nothing was measured"
    return _explained(_judged(_measured(row, said), said, known, first))


def not_run(shown: str, condition: str, device: str, message: str) -> Reach:
    """Return the row of a condition that was not tried."""
    return Reach(
        implementation=shown, condition=condition, device=device, verdict="skipped", message=message
    )


def _failed(done: Done, shown: str) -> Reach:
    cell = cell_of(done, shown, None)
    known = {
        name: getattr(cell, name)
        for name in ("verdict", "message", "trace", "failure", "cause", "fix")
    }
    if not done.opening:
        known["message"] = str(done.outcome)
    return Reach(implementation=shown, condition=cell.check, device=cell.device, **known)


def _measured(row: Reach, said: dict[str, Any]) -> Reach:
    curve = said.get("curve")
    row = msgspec.structs.replace(row, note=said.get("note"), emulated=said.get("emulated", False))
    if not curve:
        return row
    phases = tuple(Phase(position=at, error=off) for at, off in sorted(curve["errors"]))
    return msgspec.structs.replace(
        row,
        phases=phases,
        asked_to=phases[-1].position if phases else None,
        **{name: curve[name] for name in ("right_to", "wrong_at", "exact", "stopped")},
    )


def _judged(row: Reach, said: dict[str, Any], known: Known, first: Reach | None) -> Reach:
    """Say whether it agrees, and if not, what is wrong."""
    curve = said.get("curve") or {}
    if said.get("finding"):
        return _bad(row, "disagrees", said["finding"], said["message"])
    if curve.get("lost") == "raises":
        return _bad(row, "raises", said["blames"], curve["words"])
    wrong = wrong_within(row, known)
    if wrong is not None:
        own = curve.get("lost") if curve.get("lost") in OWN_CAUSE else None
        finding = own or _to_blame(row, first) or said["blames"]
        return _bad(row, "disagrees", finding, _words(row, known, wrong, curve.get("words")))
    if curve.get("refused") is not None and curve["refused"] < (known.to or known.claims or 0):
        finding = "short-table" if curve["refused"] < (known.claims or 0) else "short"
        return _bad(row, "raises", finding, f"{row.stopped}; {_within(known)}")
    return msgspec.structs.replace(row, verdict="agrees", note=_told(row, known))


def wrong_within(row: Reach, known: Known) -> Phase | None:
    """Return the first phase that is wrong among the positions that must be right."""
    bad = (
        each
        for each in row.phases
        if each.error is None or not each.error <= allowed(each.position)
    )
    return next((each for each in bad if each.position < known.judged_to), None)


def _to_blame(row: Reach, first: Reach | None) -> str | None:
    """Return the finding as constructed where that is as wrong: then what was done is not to blame."""
    if first is None or first.finding is None or first.wrong_at is None or row.wrong_at is None:
        return None
    return first.finding if first.wrong_at <= row.wrong_at else None


def _bad(row: Reach, verdict: Verdict, finding: str, message: str) -> Reach:
    return msgspec.structs.replace(row, verdict=verdict, finding=finding, message=message)


def _words(row: Reach, known: Known, wrong: Phase, lost: str | None) -> str:
    up_to = f"right up to position {row.right_to}" if row.right_to is not None else "right nowhere"
    within = _within(known)
    if wrong.error is None:
        return f"{lost or 'what comes back is no rotation'} (at position {wrong.position}); {up_to}, {within}"
    worst = max(
        (p for p in row.phases if p.position < known.judged_to), key=lambda each: each.error or 0
    )
    off = f"off by {wrong.error:.2g} rad at {wrong.position}"
    if worst.error is not None and worst.error > 2 * wrong.error:
        off += f" and by {worst.error:.2g} rad at {worst.position}"
    return f"{up_to}, {off}; {within}"


def _within(known: Known) -> str:
    """Return how many positions must be right, in words."""
    if known.to or not known.claims:
        return f"{known.judged_to} must be right"
    return f"it claims {known.claims} ({known.claimed_by})"


def _told(row: Reach, known: Known) -> str | None:
    """Return the note, how far float32's own loss goes within what the object claims, and where asking stopped."""
    told = [row.note] if row.note else []
    if known.doubt and row.condition == FIRST:
        told.append(f"{known.doubt}; see `rotcheck identify`")
    if row.wrong_at is not None and known.claims and row.wrong_at < known.claims:
        told.append(
            f"float32 phases are {RIGHT:g} rad off from position {row.wrong_at} on, as everybody's (N18)"
        )
    if row.asked_to is not None and row.asked_to < known.judged_to - 1:
        told.append(f"asked up to position {row.asked_to} and no further: {row.stopped}")
    return "; ".join(told) or None


def _explained(row: Reach) -> Reach:
    failure = diagnose.for_finding(row.finding) if row.finding and row.verdict in FINDINGS else None
    if failure is None:
        return row
    return msgspec.structs.replace(row, failure=failure.id, cause=failure.cause, fix=failure.fix)
