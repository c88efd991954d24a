"""By which angles each token is turned, in each call of a pass that turns tensors."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.sequences.way import NotComparable
from rotcheck.model.turn_angles import turn_angles
from rotcheck.witness.call_record import CallRecord, TensorTurn


class TurnPlace(NamedTuple):
    """Which tensor of which call: the same one in each pass of a model."""

    owner: str  # the module of the model that made the call
    function: str
    argument: str
    turn: int  # how often that module had turned that argument with this function before


TokenAngles = Mapping[TurnPlace, Tensor]
"""Of each place the angles (B, S, X, P); X: heads, and whatever else a tensor has."""
RowAngles = Mapping[TurnPlace, Tensor]
"""Of each place the angles (S, X, P) of one row of a batch."""


@dataclass(frozen=True, slots=True)
class SequenceAxes:
    """Which axis of each tensor that a model turns is its sequence, as the whole pass shows it.

    `short`: in words, the tensors that have fewer rows than there are tokens, as those of a
    compressor: no token can be followed in them.
    """

    axes: Mapping[TurnPlace, int]
    short: tuple[str, ...] = ()

    @classmethod
    def of_pass(cls, whole: ForwardPass) -> "SequenceAxes":
        """Read the axes off a pass over a whole sequence.

        Raises:
            NotComparable: all tensors have fewer rows than there are tokens.
        """
        axes, short = {}, {}
        for place, tensor in place_turns(whole.witness.calls).items():
            axis = turn_angles(tensor.turn, tensor.before.dtype, whole.length).axis
            if (size := tensor.turn.angles.shape[axis]) < whole.length:
                name = f"{place.argument} of {place.function.rpartition('.')[2]}"
                short[place] = f"{name}, {size} rows of {whole.length} tokens"
            else:
                axes[place] = axis
        words = tuple(dict.fromkeys(short.values()))
        if words and not axes:
            raise NotComparable("; ".join(words))
        return cls(axes, words)

    def token_angles(self, calls: Iterable[CallRecord], batch: int, length: int) -> TokenAngles:
        """The angles of the last `length` tokens of each tensor that turned in a pass."""
        return {
            place: _by_token(tensor.turn.angles, self.axes[place], batch, length, place)
            for place, tensor in place_turns(calls).items()
            if place in self.axes
        }


def place_turns(calls: Iterable[CallRecord]) -> dict[TurnPlace, TensorTurn]:
    """Give each tensor that turned in a pass its place."""
    counts: Counter[tuple[str, str, str]] = Counter()
    places: dict[TurnPlace, TensorTurn] = {}
    for record in calls:
        for tensor in record.turns:
            name = record.owner, record.name, tensor.name
            places[TurnPlace(*name, counts[name])] = tensor
            counts[name] += 1
    return places


def _by_token(angles: Tensor, axis: int, batch: int, length: int, place: TurnPlace) -> Tensor:
    """Angles (..., P) of a tensor as (B, S, X, P)."""
    size = angles.shape[axis]
    if size == batch * length and batch > 1:  # the tokens of all rows in one axis
        angles = angles.reshape(*angles.shape[:axis], batch, length, *angles.shape[axis + 1 :])
        rows, tokens = axis, axis + 1
    elif size < length:
        raise NotComparable(f"{place.argument} of {place.function} has {size} of {length} tokens")
    else:
        angles = angles.narrow(axis, size - length, length)
        if batch == 1:
            return _flat(angles[None], 0, axis + 1)
        rows, tokens = (0 if axis else 1), axis
        if angles.shape[rows] != batch:
            raise NotComparable(f"{place.argument} of {place.function} has no axis of {batch} rows")
    return _flat(angles, rows, tokens)


def _flat(angles: Tensor, rows: int, tokens: int) -> Tensor:
    angles = angles.movedim((rows, tokens), (0, 1))  # (B, S, ..., P)
    return angles.reshape(*angles.shape[:2], -1, angles.shape[-1])  # (B, S, X, P)


def row_angles(angles: TokenAngles, row: int, tokens: slice = slice(None)) -> RowAngles:
    """The angles of some tokens of one row of a batch."""
    return {place: x[row, tokens] for place, x in angles.items()}


def chain_steps(steps: Sequence[TokenAngles]) -> TokenAngles:
    """The angles of consecutive passes as those of one."""
    places = [place for place in steps[0] if all(place in step for step in steps)]
    return {place: torch.cat([step[place] for step in steps], 1) for place in places}
