"""A call that turned tensors, judged: each of them, and all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from rotcheck.measure.judge import ROUNDING
from rotcheck.model.config_holders import part_of
from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.judged_turn import JudgedTurn, judge_turn
from rotcheck.model.module_layers import layer_type
from rotcheck.model.table_angles import tables_of_turn
from rotcheck.model.turn_pairs import packed_finding, uneven_turns
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord

DOUBTS = ("per-head",)  # findings that tables which are handed in may explain


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """One call that turned tensors, judged.

    `tables`: those it was handed, of a tensor whose angles follow no positions, if it turns
    exactly by their angles. `part`: of the configuration, that its module holds; empty: the
    whole of it; None: unknown.
    """

    record: CallRecord
    turns: tuple[JudgedTurn, ...]
    layers: str
    tables: tuple[Tensor, ...] = ()
    part: str | None = None

    @property
    def finding(self) -> tuple[str, str]:
        """The code and the words of what is wrong; empty: nothing is."""
        for turn in self.turns:
            if turn.finding:
                return turn.finding, turn.message
        mistake = packed_finding(self.turns)
        if mistake:
            return mistake
        words = uneven_turns(self.turns)
        return ("q-and-k-differ", words) if words else ("", "")

    @property
    def is_explained(self) -> bool:
        """Whether the angles of all its tensors follow positions that are known."""
        return all(turn.fit.kind != "none" for turn in self.turns)


def judge_call(
    record: CallRecord,
    forward: ForwardPass,
    config: Mapping[str, Any] | None,
    candidates: Sequence[Schedule],
) -> JudgedCall:
    """Judge what a call turned.

    Args:
        record: the call.
        forward: the pass in which it was made.
        config: what the model declares, as plain data; None: nothing.
        candidates: schedules to try first.
    """
    tables: list[Tensor] = []
    turns = []
    for tensor in record.turns:
        turn = judge_turn(record, tensor, forward.length, forward.positions, candidates)
        doubt = turn.finding in DOUBTS
        if doubt or (turn.fit.kind == "none" and not turn.finding):
            exact = _exact_tables(record, turn, 2 if doubt else 1)
            tables += exact
            turn = replace(turn, finding="", message="") if exact else turn
        turns.append(turn)
    layers, part = layer_type(record.owner, config), part_of(record.owner, forward.holders)
    return JudgedCall(record, tuple(turns), layers, tuple(tables), part)


def _exact_tables(record: CallRecord, turn: JudgedTurn, axes: int) -> tuple[Tensor, ...]:
    """The tables, of so many axes of rows at least, that explain a turn within rounding.

    Of several axes, one is as long as the axis of the tensor along which the angles differ.
    """
    tables, error = tables_of_turn(record, turn.tensor) or ((), ROUNDING + 1)
    sizes = [sum(size > 1 for size in table.shape[:-1]) for table in tables]
    if error > ROUNDING or min(sizes) < axes:
        return ()
    axis = turn.angles.axis if turn.angles.uneven is None else turn.angles.uneven
    length = turn.tensor.before.shape[axis]
    return tables if axes < 2 or all(length in table.shape[:-1] for table in tables) else ()
