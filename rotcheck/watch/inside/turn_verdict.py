"""Is a rotation that was seen in a program right? Its values tell; nothing is called again.

Wrong is what a program's own call shows beyond the doubt of a fit: a head that turns unlike the
others, lanes as exact as half precision only, positions that a narrow dtype cannot hold.
"""

import re
from typing import Any, cast

import torch

from rotcheck.model.judged_turn import JudgedTurn, judge_turn
from rotcheck.witness.call_record import CallRecord, TensorTurn

ROUNDING = (
    1000.0  # steps of float32: an angle that was fitted is good to less, half precision is not
)
DIGITS = 4  # of a number that was fitted
NARROW = (torch.bfloat16, torch.float16)
UNKNOWN_ANGLES = "its angles follow no positions that are known"
UNKNOWN_AXIS = "which of its axes is the sequence is not known"


def turn_verdict(turn: TensorTurn, axis: int | None) -> dict[str, Any]:
    """What a rotation does, and whether it is right, as fields of a record.

    Args:
        turn: a tensor before and after it.
        axis: which axis of the tensor is the sequence; None: nobody knows.
    """
    length = 0 if axis is None else turn.before.shape[axis]
    judged = _judged(turn, length, None)
    if judged.fit.kind == "none" and length:
        rounded = _with_rounded_positions(turn, length)
        if rounded is not None:
            return rounded
    verdict, finding, message = _verdict(judged, bool(length))
    return _fields(judged) | {"verdict": verdict, "finding": finding, "message": message}


def _judged(turn: TensorTurn, length: int, positions: torch.Tensor | None) -> JudgedTurn:
    return judge_turn(cast(CallRecord, None), turn, length, positions)  # the call is only kept


def _with_rounded_positions(turn: TensorTurn, length: int) -> dict[str, Any] | None:
    """The verdict on a rotation that is right for positions as a narrow dtype has them."""
    places = torch.arange(length).double()  # (S,)
    for dtype in NARROW:
        positions = places.to(dtype).double()  # (S,)
        wrong = (positions != places).nonzero().flatten().tolist()
        judged = _judged(turn, length, positions) if wrong else None
        if judged is not None and judged.fit.kind == "rows":
            first = wrong[0]
            name = str(dtype).removeprefix("torch.")
            message = (
                f"its positions were rounded to {name}: {first} turns like {positions[first]:.0f}"
            )
            facts = {"verdict": "disagrees", "finding": "phase-rounded", "message": message}
            return _fields(judged) | facts
    return None


def _verdict(judged: JudgedTurn, knows_axis: bool) -> tuple[str, str, str]:
    """Verdict, finding, and why it is not right."""
    if not knows_axis:
        return ("unidentified", "", UNKNOWN_AXIS) if judged.fit.kind == "none" else _RIGHT
    uneven = judged.angles.uneven
    if uneven not in (None, 0):  # axis 0 may be a batch, each row with positions of its own
        return "disagrees", judged.finding, judged.message
    if judged.fit.kind == "none" or uneven == 0:
        return "unidentified", "", UNKNOWN_ANGLES
    exact = judged.tensor.before.dtype not in NARROW
    if judged.finding and exact and judged.error > ROUNDING:
        return "disagrees", judged.finding, judged.message
    return _RIGHT


_RIGHT = ("agrees", "", "")


def _fields(judged: JudgedTurn) -> dict[str, Any]:
    fit = judged.fit
    return {"does": judged.words, "angles": _rounded(str(fit.schedule or fit.words))}


def _rounded(words: str) -> str:
    """The words with numbers of a few digits: 10000.007 is 10000 in float32."""
    return re.sub(
        r"\d+\.\d+", lambda number: f"{float(f'{float(number[0]):.{DIGITS}g}'):.10g}", words
    )
