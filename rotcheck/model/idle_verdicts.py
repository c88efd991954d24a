"""The verdicts of functions that are called as rotary code is, and in which nothing turned."""

from collections.abc import Sequence
from typing import Any

from rotcheck.errors import first_line
from rotcheck.model.closed_call import UNSEEN, code_inside
from rotcheck.model.idle_call import explain_idle, has_zeros, uses_tables
from rotcheck.model.table_free_call import explain_table_free
from rotcheck.witness.call_record import CallRecord

MOST_TRIALS = 3  # of a function: where it begins, its positions may all be the same
NO_USE = "is handed tables, and does not use them"


def of_table_free(records: Sequence[CallRecord], length: int) -> dict[str, Any]:
    """What is wrong with a function, or not understood; empty: nothing is known."""
    for record in records[:MOST_TRIALS]:
        try:
            call = explain_table_free(record, length)
        except Exception:  # a stranger's function, called with other values: nothing is known
            continue
        if call is not None:
            verdict = "disagrees" if call.finding else "unidentified"
            return {
                "verdict": verdict,
                "finding": call.finding or None,
                "message": call.message,
            }
    return {}


def of_idle(record: CallRecord, length: int) -> dict[str, Any]:
    """The verdict of a function that is handed tables, and whether it uses them."""
    why = "its tensors are zeros, which show no rotation" if has_zeros(record) else NO_USE
    no_use = {"verdict": "skipped", "message": why}
    try:
        idle = explain_idle(record, length)
        if idle is None and not (record.reads_tables and uses_tables(record)):
            return no_use
    except Exception as error:  # a stranger's function, called with other values
        if not record.reads_tables:
            return no_use
        words = f"raises with other values: {first_line(error)}"
        return {"verdict": "unidentified", "message": words}
    if idle is None:
        words = "is handed tables, and no tensor that comes back is one that went in, turned"
        return {"verdict": "unidentified", "message": words}
    if idle.finding:
        return {"verdict": "disagrees", "finding": idle.finding, "message": idle.message}
    return {"verdict": "unidentified", "message": idle.message}


def of_closed(records: Sequence[CallRecord]) -> dict[str, Any]:
    """Of a compiled function, words on the rotary code inside; empty: it is not compiled, or has
    none."""
    call = next((record for record in records if record.runner is not None), None)
    if call is None:
        return {}
    try:
        words = code_inside(call)
    except Exception as error:  # a stranger's function, as it is written
        words = f"{UNSEEN}; as it is written it raises: {first_line(error)}"
    return {"verdict": "unidentified", "message": words} if words else {}
