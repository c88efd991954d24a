"""More rows than the probe has: is each of them turned by its own angle?"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.convention import Convention, shape
from rotcheck.identify.asking import judged_function
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.locations import span
from rotcheck.identify.remarks import as_far_as, has_room, remark
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark
from rotcheck.rotary import rotate

MOST_OTHERS = 3
MANY = 300
HEADS = 2
BATCH = 3
ONE = 7  # the position of a single row
WITH_ONE_ROW = "with a single row, as in decoding"
FEW = 40  # where a call takes a second and grows with its rows
NEAR = 1e-3


def of_many_rows(
    asked: judged_function.Function, others: Sequence[Convention], sizes: Sizes
) -> list[Remark]:
    """Return what is wrong with the values of some hundred rows, in a call that is right for a few.

    `others`: further calls that fit. One of which later rows turn as another row is a mistake, whichever is meant.
    """
    few = replace(sizes, heads=HEADS, kv_heads=HEADS)
    wrong = _wrong(asked, few)
    for other in others[:MOST_OTHERS] if not (wrong or interprets()) else ():
        past = _wrong(
            replace(asked, convention=as_far_as(other, asked.convention)), few, past_alone=True
        )
        if past:
            return past
    return wrong


def of_one_row(asked: judged_function.Function, sizes: Sizes) -> list[Remark]:
    """Return what is wrong with a single row of a batch, as when a model decodes, in a call that is right for more."""
    known = asked.convention
    if known.tables == "positions" and known.positions == "from 0":
        return []  # it turns by nothing
    apart = has_room(known) and known.positions not in ("from 0", "offset")
    at = tuple((ONE + row,) for row in range(BATCH)) if apart else (ONE,)
    one = replace(sizes, batch=BATCH, heads=HEADS, kv_heads=HEADS, positions=at)
    try:
        case = Case(replace(asked, convention=placed(known)), torch.float32, one)
        call = case.call()
        found = asked(replace(call, offset=ONE) if known.positions == "offset" else call)
        off = against(case, found, case.truth)
    except Exception:  # it takes no single row
        return []
    if off.error <= ROUNDING_LIMIT and not off.not_finite:
        return []
    _, words = explain(case, found)
    place = f"position {ONE}" if not apart else f"positions {ONE}, {ONE + 1}, ..."
    seen = f"random values in one row at {place} of {case.batch} batch rows in {call_words(known)}"
    return [remark("one-row", f"{WITH_ONE_ROW}: {words}", seen)]


def placed(known: Convention) -> Convention:
    """Return a call of which a single row lies where it is told to, where an offset tells that."""
    return replace(known, positions="any") if known.positions == "offset" else known


def _wrong(
    asked: judged_function.Function, sizes: Sizes, *, past_alone: bool = False
) -> list[Remark]:
    """Return what is wrong with many rows; `past_alone`: nothing but rows that turn as another."""
    known = asked.convention
    last = MANY if known.last_position is None else known.last_position + 1
    rows = min(FEW if interprets() else MANY, last)
    try:
        case = Case(asked, torch.float32, replace(sizes, positions=tuple(range(rows))))
        found = asked(case.call())
        off = against(case, found, case.truth)
    except Exception:  # it takes fewer rows
        return []
    if off.error <= ROUNDING_LIMIT and not off.not_finite:
        return []
    seen = (
        f"random values at rows 0 to {rows - 1} in {call_words(known)} with {shape(known.axes)}: "
        f"error {off.error:.0f} rounding steps of float32"
    )
    told = _as_another(case, found)
    if told:
        return [remark("row-past-table", told, seen)]
    if past_alone:
        return []
    code, words = explain(case, found)
    return [remark(code, f"in {rows} rows: {words}", seen)]


def _as_another(case: Case, found: tuple[Tensor, ...]) -> str:
    """Return in words which rows turn by the angle of another; empty: that is not what is wrong."""
    got, given, right = case.read(found)[0], case.pairs[0], case.truth[0]  # (B, S, H, P, 2) each
    wrong = ((got - right).abs() > NEAR).flatten(2).any(-1).any(0).nonzero().flatten().tolist()
    angles = case.angles[..., : case.rotary_dim // 2]
    if not wrong or angles.dim() != 2:
        return ""
    turning = angles.shape[-1]
    taken = [_row(got[0, at, 0, :turning], given[0, at, 0, :turning], angles) for at in wrong]
    if None in taken:
        return ""
    where = (
        f"rows from {wrong[0]} on"
        if wrong == list(range(wrong[0], case.length))
        else f"rows {span(wrong)}"
    )
    same = set(taken)
    if len(same) == 1:
        return f"{where} turn as row {taken[0]}"
    return f"{where} turn as rows {span([row for row in taken if row is not None])}"


def _row(got: Tensor, given: Tensor, angles: Tensor) -> int | None:
    """Return the row by whose angles (S, P) these pairs (P, 2) turn; None: that of no row."""
    # (S, P, 2)
    turned = rotate(given.expand(len(angles), 1, *given.shape).unsqueeze(0), angles)[0, :, 0]
    fitting = ((turned - got).abs().flatten(1).amax(1) < NEAR).nonzero().flatten()
    return int(fitting[0]) if len(fitting) else None
