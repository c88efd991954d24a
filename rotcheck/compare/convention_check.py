"""What does `rotcheck identify` say of it?

Only for functions of your own.

Catches: ignored offsets, pairs that do not rotate, whatever no other check sees.
"""

from collections.abc import Sequence
from typing import Any

from rotcheck.compare.cells import cell
from rotcheck.compare.checks import CONVENTION
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.worker_setup import (
    MAKER,
    advice,
    makes_tables,
    may_declare,
    mistakes_text,
    why,
)
from rotcheck.results import FINDINGS, UNIDENTIFIED, Cell, Identification, knowledge_of, mistakes

GIVEN_CONVENTION = "its convention was given, and the other checks judge it by that"


def convention_cell(
    identity: Identity, implementation: str, device: str, dtype: str, *, other_cells: Sequence[Cell]
) -> Cell:
    """The cell of the check `convention` on a device in a dtype; `other_cells`: the function's
    other cells.

    A mistake is one wherever the function runs. What is right was seen on the device on which it
    was identified. Of a function that is held to what it declares, one finding of the other checks
    is enough.
    """
    identification = identity.identification
    if identification.declared and any(cell.verdict in FINDINGS for cell in other_cells):
        return given_cell(implementation, device, dtype)
    agreement = {"note": _choices(identification), "seconds": identification.seconds}
    fields = (
        _of_mistakes(identification)
        or _of_unknown(identity, other_cells)
        or _of_another_place(identification, device)
        or {"verdict": "agrees", **agreement}
    )
    return cell(implementation, device, dtype, CONVENTION, **fields)


def given_cell(implementation: str, device: str, dtype: str) -> Cell:
    """The cell of what is not identified, since its convention is given."""
    why = {"verdict": "skipped", "message": GIVEN_CONVENTION, "applies": False}
    return cell(implementation, device, dtype, CONVENTION, **why)


def _of_mistakes(identification: Identification) -> dict[str, Any] | None:
    remarks = mistakes(identification)
    if not remarks:
        return None
    demonstrations = (remark.demonstration for remark in remarks if remark.demonstration)
    return {
        "verdict": "disagrees",
        "message": mistakes_text(identification),
        "seconds": identification.seconds,
        "demonstration": next(demonstrations, None),
        **knowledge_of(remarks[0]),
    }


def _of_unknown(identity: Identity, other_cells: Sequence[Cell]) -> dict[str, Any] | None:
    """What is not understood; None for what died when it was tried, and declares its convention."""
    if identity.identification.answer != "unknown":
        return None
    message = why(identity.identification)
    was_called = any(cell.verdict != UNIDENTIFIED for cell in other_cells)
    if was_called and may_declare(identity):
        return {"verdict": "skipped", "message": f"nothing was seen: {message}", "applies": False}
    return {"verdict": UNIDENTIFIED, "message": message, "fix": advice(identity)}


def _of_another_place(identification: Identification, device: str) -> dict[str, Any] | None:
    if makes_tables(identification):
        return {"verdict": "skipped", "message": MAKER}
    if device == identification.device:
        return None
    where = f"it was identified on {identification.device}, and does the same wherever it is called"
    return {"verdict": "skipped", "message": where, "applies": False}


def _choices(identification: Identification) -> str | None:
    """What others do not do, and is legitimate."""
    return "; ".join(r.message for r in identification.findings if not r.mistake) or None
