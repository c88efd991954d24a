"""Which calls of a model turn q and k, so that something else can stand in for each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.judged_turn import JudgedTurn, judge_turn
from rotcheck.model.module_layers import layer_type
from rotcheck.model.turned_values import enters
from rotcheck.model.weights.new_turn import NewTurn
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.attention import AttentionCall
from rotcheck.witness.call_record import CallRecord, TensorTurn

EXACT = 1e-3  # radians: what the angles of a row may be off its position times its frequencies


class NoTurn(ValueError):
    """What turns in a model is not understood well enough to change it; the message says why."""


@dataclass(frozen=True, slots=True)
class TurnedTensor:
    """A tensor that a call turns, as it does.

    `name`: "q", "k"; empty where it was not seen what the attention takes it as. `layers`: the
    type of the layer, where the configuration has several.
    """

    judgement: JudgedTurn
    turn: NewTurn
    schedule: Schedule | None
    name: str
    layers: str

    @property
    def lanes(self) -> int:
        """The lanes of a head as they are handed in, those that do not turn too."""
        before = self.judgement.tensor.before
        return before.shape[-1] * (2 if before.is_complex() else 1)


@dataclass(frozen=True, slots=True)
class TurnedCall:
    """A call that turns tensors."""

    record: CallRecord
    tensors: tuple[TurnedTensor, ...]


def turned_calls(
    forward: ForwardPass, config: Mapping[str, Any] | None, candidates: Sequence[Schedule]
) -> list[TurnedCall]:
    """The calls that turned tensors in one pass.

    Args:
        forward: the pass, over a sequence whose positions are 0, 1, 2, ...
        config: what the model declares, as plain data.
        candidates: schedules to try first.

    Raises:
        NoTurn: none did, or one whose angles are not understood.
    """
    calls = forward.witness.calls
    if not calls:
        raise NoTurn("no call turned a tensor")
    return [
        TurnedCall(record, tuple(_tensors(record, forward, config, candidates))) for record in calls
    ]


def _tensors(
    record: CallRecord,
    forward: ForwardPass,
    config: Mapping[str, Any] | None,
    candidates: Sequence[Schedule],
) -> Iterator[TurnedTensor]:
    layers = layer_type(record.owner, config)
    for tensor in record.turns:
        judgement = judge_turn(record, tensor, forward.length, None, candidates)
        turn = _turn(judgement, forward.length)
        name = _name(tensor, record, forward.witness.attention)
        yield TurnedTensor(judgement, turn, _schedule(judgement, turn), name, layers)


def _name(tensor: TensorTurn, record: CallRecord, attention: Sequence[AttentionCall]) -> str:
    """What the next attention takes a tensor as."""
    following = next((call for call in attention if call.order > record.order), None)
    if following is None:
        return ""
    slots = {"q": following.q, "k": following.k}
    return next((name for name, slot in slots.items() if enters(slot, tensor)), "")


def _turn(judgement: JudgedTurn, length: int) -> NewTurn:
    """How the model turns a tensor. Raises NoTurn, where it is not understood."""
    turn, angles, fit = judgement.tensor.turn, judgement.angles, judgement.fit
    where = f"{judgement.call.name}: {judgement.tensor.argument}"
    if turn.blank is not None:
        raise NoTurn(f"{where}: {turn.blank.words} become {turn.blank.result}")
    if fit.kind != "rows" or angles.uneven is not None:
        raise NoTurn(f"{where} turns by angles that follow no positions that rotcheck knows")
    positions = fit.first + torch.arange(length, dtype=torch.float64)  # (S,)
    off = fit.truth - positions[:, None] * judgement.frequencies  # (B or 1, S, P)
    if not bool(wrap(off).abs().max() < EXACT):
        raise NoTurn(f"{where} is not turned by the positions 0, 1, 2, ...")
    lanes = (turn.pairing, turn.output_lanes, turn.start, turn.width, turn.blocks)
    frequencies = judgement.frequencies.repeat(turn.blocks)  # of all pairs
    return NewTurn(*lanes, turn.amplitude, positions, frequencies, angles.axis, angles.still)


def _schedule(judgement: JudgedTurn, turn: NewTurn) -> Schedule | None:
    """The schedule of a turn, where it has the frequencies of one over its width."""
    schedule = judgement.fit.schedule
    if schedule is None or turn.blocks > 1:
        return None
    try:
        frequencies = schedule.inverse_frequencies(turn.width)  # (P,)
    except ValueError:  # a schedule of other lanes
        return None
    return schedule if torch.allclose(frequencies, turn.frequencies.abs(), rtol=1e-3) else None
