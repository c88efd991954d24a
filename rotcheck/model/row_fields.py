"""From calls and tables that were judged to the fields of their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from rotcheck.grouping import group_by
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.module_layers import joined, layer_type
from rotcheck.model.table_reach import TableReach
from rotcheck.witness.call_record import CallRecord, tensors_in

UNKNOWN_ANGLES = "its angles follow no positions that rotcheck knows"
UNKNOWN_POSITIONS = (
    "it turns exactly by the angles of the tables that it is handed, which follow no positions that "
    "rotcheck knows"
)


def fields_of_records(
    kind: str, records: Sequence[CallRecord], device: str, config: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Those that tell of records where and with what they ran."""
    first = records[0]
    tensors = [x for value in first.arguments.values() for _, x in tensors_in(value)]
    dtypes = [dtype_name(x) for x in tensors if x.is_floating_point() or x.is_complex()]
    return {
        "kind": kind,
        "function": first.function.__qualname__,
        "home": first.function.__module__ or "",
        "modules": joined(record.owner for record in records),
        "layers": ", ".join(
            dict.fromkeys(t for r in records if (t := layer_type(r.owner, config)))
        ),
        "calls": len(records),
        "device": device,
        "dtype": "",
        "tensors": dtypes[0] if dtypes else "",
    }


def dtype_name(x: Tensor) -> str:
    """`float32`."""
    return str(x.dtype).removeprefix("torch.")


def fields_of_reach(reach: TableReach) -> dict[str, Any]:
    """Those of tables: how far they are right."""
    fit = reach.fit
    schedule = str(fit.schedule) if fit.schedule else ""
    form = {"error": fit.error, "right_to": fit.longest, "angles": schedule, "does": _form(reach)}
    if fit.wrong_at is None:
        return form | {"verdict": "agrees"}
    why = f": {fit.why}" if fit.why else ""
    words = f"position {fit.wrong_at} is {fit.error:.2g} rad off its own frequencies{why}"
    phase = "phase-rounded" if "rounded" in fit.why else "phase"
    finding = "row-past-table" if fit.past else phase
    return form | {
        "wrong_at": fit.wrong_at, "verdict": "disagrees", "finding": finding, "message": words,
    }  # fmt: skip


def _form(reach: TableReach) -> str:
    tables = reach.tables
    amplitude = f", times {tables.amplitude:.4g}" if abs(tables.amplitude - 1) > 1e-3 else ""
    lanes = {"half": "for half pairing", "interleaved": "for interleaved pairs", None: ""}
    words = f"{tables.form} {lanes[tables.table_lanes]}".strip()
    return f"{words}, {tables.lanes} lanes{amplitude}"


def fields_of_calls(calls: Sequence[JudgedCall], knows_tables: bool) -> dict[str, Any]:
    """Those of like calls: their angles, and whether these are right."""
    first = calls[0]
    turns = [turn for call in calls for turn in call.turns]
    errors = [turn.error for turn in turns if turn.fit.kind == "rows"]
    schedules = dict.fromkeys(_angles(turn) for turn in turns)
    fields = {"angles": "; ".join(schedules), "error": max(errors) if errors else None}
    finding, message = first.finding
    if finding:
        return fields | {"verdict": "disagrees", "finding": finding, "message": message}
    doubt = next((turn.doubt for turn in turns if turn.doubt), "")
    if doubt:
        return fields | {"verdict": "unidentified", "message": doubt}
    if first.is_explained:
        return fields | {"verdict": "agrees"}
    if knows_tables:
        return fields | {"verdict": "agrees", "angles": "those of its tables"}
    message = UNKNOWN_POSITIONS if first.tables else UNKNOWN_ANGLES
    return fields | {"verdict": "unidentified", "message": message}


def _angles(turn: JudgedTurn) -> str:
    fit = turn.fit
    if fit.kind == "grid":
        return fit.words
    if fit.kind == "none":
        return ""
    start = f" from position {fit.first:g}" if fit.first else ""
    pairs, still = len(fit.frequencies), int((fit.frequencies == 0).sum())
    words = f", {fit.words}" if fit.words else ""
    words += f", {still} of {pairs} pairs stand still" if still else ""
    return (str(fit.schedule) if fit.schedule else "no known schedule") + start + words


def turns_in_words(turns: Sequence[JudgedTurn]) -> str:
    """What is done to each tensor: `q, k: half, 16 lanes`."""
    groups = group_by(turns, lambda turn: turn.words)
    return "; ".join(
        f"{', '.join(turn.tensor.name for turn in group)}: {words}"
        for words, group in groups.items()
    )
