"""The positions of a model's calls one after another: does each go on where the one before ended?

A step of decoding has a few rows. The frequencies of longer calls tell their positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rotcheck.witness.call_record import TensorTurn, tensors_in

MOST_ROWS = 16  # of a step
FEWEST_REJECTIONS = 2
Key = tuple[Any, ...]


@dataclass(slots=True)
class ModelSteps:
    """What was seen of one model.

    `positions`: those of its calls so far; empty after a call of which they are not known. `tokens`
    and `guesses` of the last call: what went in, and what the model thinks comes after each.
    """

    positions: set[int] = field(default_factory=set)
    last: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    guesses: list[int] = field(default_factory=list)
    rejections: int = 0  # drafts of which the model thinks otherwise
    returns: int = 0  # after which the next token stood in the place of the first one
    advances: int = 0  # after which it stood behind all


class StepWatch:
    """Told of the first tensor that turns in each call of a model, and of the call's end."""

    def __init__(self) -> None:
        self._frequencies: dict[Key, Tensor] = {}
        self._models: dict[int, ModelSteps] = {}
        self._model = ModelSteps()
        self._id = 0
        self._inputs: Sequence[Tensor] = ()
        self._positions: list[int] | None = None
        self._key: Key | None = None
        self.rows = 0  # of the tensor that turned in this call; 0: none did

    def begin(self, model: int, inputs: Sequence[Tensor]) -> None:
        """A call of a model, known by its id, begins."""
        self._id, self._model = model, self._models.setdefault(model, ModelSteps())
        self._inputs, self._positions, self._key, self.rows = inputs, None, None, 0

    def know_turn(self, code: int, owner: str, turn: TensorTurn, axis: int | None) -> str:
        """Words, if the positions of the first tensor that turned do not go on from those of the
        call before; empty: they do, or it is not known."""
        if self.rows or axis is None:
            return ""
        self.rows = turn.before.shape[axis]
        key = (self._id, code, owner, turn.argument)
        self._positions = self._read(key, turn, axis)
        return self._judge() if self._positions else ""

    def _read(self, key: Key, turn: TensorTurn, axis: int) -> list[int] | None:
        from rotcheck.watch.inside.turn_positions import find_positions, whole_positions

        angles, noise = _angles(turn, axis), 1e-3
        frequencies = self._frequencies.get(key)
        if frequencies is not None:
            return whole_positions(angles, frequencies, noise)
        answer = find_positions(angles, noise, turn.turn.width) if len(angles) > 1 else None
        if answer is None:
            return None
        fit, positions = answer
        self._frequencies[key] = fit.direction * fit.frequencies
        return positions

    def _judge(self) -> str:
        """Words on the first position of a step."""
        model, positions = self._model, self._positions or []
        first, before = positions[0], max(model.positions, default=-1)
        if self.rows > MOST_ROWS or not model.positions or first == 0:
            return ""
        if first == before + 2:
            return f"position {first} follows position {before}: the positions of a step begin one late"
        return self._judge_draft(first)

    def _judge_draft(self, first: int) -> str:
        """Words, if the tokens that follow rejected drafts stand behind these."""
        model, tokens = self._model, self._tokens()
        pairs = list(zip(model.guesses, model.tokens[1:]))
        at = next((at for at, (guess, token) in enumerate(pairs) if guess != token), None)
        if at is None or not tokens:
            return ""
        right = model.last[at] + 1
        model.rejections += first in (right, model.last[-1] + 1)
        if tokens[0] == model.guesses[at]:
            model.returns += first == right
            model.advances += first == model.last[-1] + 1
        surely = model.advances >= max(FEWEST_REJECTIONS, 0.8 * model.rejections)
        if not surely or model.returns:
            return ""
        return (
            f"after a draft that the model rejects, the token of position {right} is turned as position "
            f"{first}: the cache keeps its length"
        )

    def end(self, result: Any) -> None:
        """The call of the model ends."""
        model, positions = self._model, self._positions
        self._inputs, tokens = (), self._tokens()
        if positions is None:
            self._models[self._id] = ModelSteps()
            return
        if positions[0] == 0:
            model.positions.clear()  # another sequence
        model.positions = {at for at in model.positions if at < positions[0]} | set(positions)
        is_step = len(positions) == len(tokens) <= MOST_ROWS and positions[0] > 0
        model.last, model.tokens = positions, tokens if is_step else []
        model.guesses = _guesses(result, len(tokens)) if is_step else []

    def _tokens(self) -> list[int]:
        """The tokens of the call, of one sequence; empty: there are several, or none."""
        for x in self._inputs:
            if x.dtype in (torch.int64, torch.int32) and x.shape == (1, self.rows):
                return [int(token) for token in x[0].tolist()]
        return []


def _angles(turn: TensorTurn, axis: int) -> Tensor:
    """The angle of each row and pair, (S, P), of the first row of a batch: the mean of heads."""
    form = turn.turn
    values = torch.polar(form.weights, form.angles)  # (..., blocks * P)
    values = values.reshape(*values.shape[:-1], form.blocks, -1).movedim(axis, -3)
    values = values[:1] if values.dim() > 4 else values  # (..., S, blocks, P)
    values = values.sum(-2).reshape(-1, values.shape[-3], values.shape[-1]).sum(0)  # (S, P)
    return torch.angle(values)


def _guesses(result: Any, rows: int) -> list[int]:
    """The token that a model finds the likeliest after each of the last rows."""
    for _, x in tensors_in(result):
        if x.dim() == 3 and x.shape[0] == 1 and x.shape[1] == rows and x.is_floating_point():
            return [int(token) for token in x[0].detach().argmax(-1).tolist()]
    return []
