"""Is a rotation that was seen in a program right? Its values tell; nothing is called again.

Wrong is what a program's own call shows beyond the doubt of a fit: lanes that are only as exact as
half precision, positions that a narrow dtype cannot hold.
"""

import re
from typing import Any, cast

from rotcheck.measure import mistake_names
from rotcheck.model.judged_turn import JudgedTurn, judge_turn
from rotcheck.model.turn_angles import NARROW
from rotcheck.watch.inside.turn_positions import LEAST_ROWS, Runs, find_positions, runs_of
from rotcheck.witness.blank_rows import NOT_KNOWN_PADDING
from rotcheck.witness.call_record import CallRecord, TensorTurn

ROUNDING = (
    1000.0  # steps of float32: an angle that was fitted is good to less, half precision is not
)
DIGITS = 4  # of a number that was fitted
UNKNOWN_ANGLES = "its angles follow no positions that are known"
MANY_POSITIONS = "its rows turn by positions that begin again and again"
FEW_ROWS = "its rows are too few to tell their positions"
UNKNOWN_AXIS = "which of its axes is the sequence is not known"


def turn_verdict(turn: TensorTurn, axis: int | None) -> dict[str, Any]:
    """What a rotation does, and whether it is right, as fields of a record.

    Args:
        turn: a tensor before and after it.
        axis: which axis of the tensor is the sequence; None: nobody knows.
    """
    length = 0 if axis is None else turn.before.shape[axis]
    if 0 < length < LEAST_ROWS:  # a step of decoding: many angles explain it
        few = {"verdict": "unidentified", "finding": "", "message": FEW_ROWS}
        return {"does": turn.turn.pairing, "angles": "", "positions": [], **few}
    if turn.turn.blank is not None:
        return _of_blank(turn, length)
    judgement = judge_turn(cast(CallRecord, None), turn, length, None)  # the call is only kept
    if judgement.fit.kind != "rows" and length:  # two equal parts look like a grid too
        facts = _with_own_positions(judgement)
        if facts is not None:
            return facts
    verdict, finding, message = _verdict(judgement, bool(length))
    facts = {"verdict": verdict, "finding": finding, "message": message}
    return _fields(judgement) | facts | {"positions": _positions(judgement, length)}


def _of_blank(turn: TensorTurn, length: int) -> dict[str, Any]:
    """The verdict on a rotation which leaves nothing of some rows, that may be padding."""
    blank = turn.turn.blank
    assert blank is not None
    judgement = judge_turn(cast(CallRecord, None), turn, length, None)
    message = f"{blank.words} become {blank.result}: {NOT_KNOWN_PADDING}"
    doubt = {"verdict": "unidentified", "finding": "", "message": message}
    return _fields(judgement) | doubt | {"positions": []}


def _with_own_positions(judgement: JudgedTurn) -> dict[str, Any] | None:
    """The verdict on a rotation whose rows turn by positions that do not simply count up."""
    angles, turn = judgement.angles, judgement.tensor.turn
    answer = find_positions(angles.angles[0], angles.noise, turn.width)
    if answer is None or angles.uneven is not None:
        return None
    fit, positions = answer
    runs = runs_of(positions)
    facts = {"verdict": "agrees", "finding": "", "message": ""}
    if not runs:
        facts = {"verdict": "unidentified", "finding": "", "message": MANY_POSITIONS}
    angle_words = _few_digits(str(fit.schedule or fit.words))
    return {"does": judgement.words, "angles": angle_words, "positions": runs, **facts}


def _positions(judgement: JudgedTurn, length: int) -> Runs:
    """The positions of rows that count up from one that is known."""
    fit = judgement.fit
    counts_up = fit.kind == "rows" and not fit.finding and fit.first == int(fit.first)
    return [[int(fit.first), length]] if counts_up and length else []


def _verdict(judgement: JudgedTurn, knows_axis: bool) -> tuple[str, str, str]:
    """Verdict, finding, and why it is not right."""
    if judgement.doubt:
        return "unidentified", "", judgement.doubt
    if not knows_axis:
        return ("unidentified", "", UNKNOWN_AXIS) if judgement.fit.kind == "none" else _RIGHT
    if judgement.angles.uneven is not None:  # heads by design, or rows of a batch
        return "unidentified", "", judgement.message
    if judgement.fit.kind == "none":
        return "unidentified", "", UNKNOWN_ANGLES
    if judgement.fit.finding:  # what was rounded explains the angles of all rows
        return "disagrees", judgement.fit.finding, judgement.fit.why
    exact = judgement.tensor.before.dtype not in NARROW
    is_sure = judgement.error > ROUNDING or judgement.finding == mistake_names.TWICE[0]
    if judgement.finding and exact and is_sure:
        return "disagrees", judgement.finding, judgement.message
    return _RIGHT


_RIGHT = ("agrees", "", "")


def _fields(judgement: JudgedTurn) -> dict[str, Any]:
    fit = judgement.fit
    return {"does": judgement.words, "angles": _few_digits(str(fit.schedule or fit.words))}


def _few_digits(words: str) -> str:
    """The words with numbers of a few digits: 10000.007 is 10000 in float32."""
    return re.sub(
        r"\d+\.\d+", lambda number: f"{float(f'{float(number[0]):.{DIGITS}g}'):.10g}", words
    )
