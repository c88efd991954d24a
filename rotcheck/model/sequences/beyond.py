"""Positions beyond the length that the model was trained with, and the first ones again."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.model.sequences.evidence.far_pass import original_length
from rotcheck.model.sequences.evidence.outcome_words import same_angle
from rotcheck.model.sequences.evidence.row_difference import row_difference
from rotcheck.model.sequences.evidence.token_angles import RowAngles, TurnPlace, row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, TokenCall
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject
from rotcheck.rotary.frequencies import wrap

TITLE = "positions beyond its original length, then the first ones again"
LONGEST = 1500  # tokens that are handed over, where a model takes no positions
NO_STEP = 1e-3  # radians: two tokens that turn no further apart stand at one position
FAR_OFF = 0.1  # radians: what float32 leaves of a far angle, and of frequencies that are measured


def run(subject: WaySubject) -> WayOutcome:
    """Ask a new copy of the model for the first positions, far ones, and the first ones again."""
    length = original_length(subject.config)
    if length is None:
        raise WayClosed("its configuration gives no original length")
    call = TokenCall(subject, subject.rebuild().to(subject.device).eval())
    tokens = call.rows(1)
    first = row_angles(call.run(tokens).angles, 0)
    start = 2 * length  # so far that a dynamic schedule turns visibly otherwise
    far, note = _far_row(call, start)
    again = row_angles(call.run(tokens).angles, 0)
    difference = row_difference(again, first, same_angle(subject.dtype))
    if difference.tokens:
        words = f"after a pass at position {start} and later, {difference.words}"
        return WayOutcome(TITLE, difference.error, "spoilt-by-growing", words)
    if far is None:
        return WayOutcome(TITLE, difference.error, note=note)
    turns: FarPlaces = {
        place: FarTurns(first[place], far[place], start) for place in first if place in far
    }
    if any(turn.fault for turn in turns.values()):
        turns = _of_moved_places(call, turns)
    return _judge_far(subject, turns, difference.error)


def _far_row(call: TokenCall, start: int) -> tuple[RowAngles | None, str]:
    """The angles of tokens from position `start` on; else why there are none."""
    try:
        tokens, arguments = call.rows(1), call.row_positions(start)
    except WayClosed:
        if start > LONGEST:
            return None, f"it takes no positions, and {start} tokens are too many to try"
        tokens, arguments = call.rows(1, start + LENGTH), {}
    try:
        angles = call.run(tokens, **arguments).angles
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        return None, f"positions from {start} on raise {type(error).__name__}: {first_line(error)}"
    return row_angles(angles, 0, slice(-LENGTH, None)), ""


@dataclass(frozen=True, slots=True)
class FarTurns:
    """How far tokens turn, held against the frequencies of the first ones.

    `first`: angles (S, X, P) of the first positions. `far`: those of as many from `start` on.
    """

    first: Tensor
    far: Tensor
    start: int

    @property
    def fault(self) -> str:
        """As which other position one is turned; empty: as none."""
        still = wrap(self.far[1:] - self.far[:-1]).abs().amax((1, 2)) < NO_STEP  # (S - 1,)
        if bool(still.any()):
            at = self.start + int(still.nonzero()[0])
            return f"position {at + 1} is turned as position {at}"
        near = wrap(self.far[0] - self.first).abs().amax((1, 2)) < NO_STEP  # (S,)
        if bool(near.any()):
            return f"position {self.start} is turned as position {int(near.nonzero()[0])}"
        return ""

    @property
    def doubt(self) -> str:
        """What is not understood; empty: nothing."""
        steps = wrap(self.far[1:] - self.far[:-1])  # (S - 1, X, P)
        if float(wrap(steps - steps[:1]).abs().max()) > self._tolerance:
            return f"positions from {self.start} on do not turn evenly"
        off = float(wrap(self.far[0] - self.start * self._frequencies).abs().max())
        if self.has_other_frequencies or off <= self._tolerance:
            return ""
        return f"position {self.start} is {off:.2g} rad off the frequencies of the first ones"

    @property
    def has_other_frequencies(self) -> bool:
        """Whether pairs turn faster or slower than at the first positions."""
        last = len(self.far) - 1
        whole = wrap(self.far[-1] - self.far[0] - last * self._frequencies)
        return float(whole.abs().max()) > self._tolerance

    @property
    def _tolerance(self) -> float:
        """Radians: what is left of an angle so far out, which is rounded to float32 itself."""
        return FAR_OFF + 2 * self.start * torch.finfo(torch.float32).eps

    @property
    def _frequencies(self) -> Tensor:
        """Radians a position, (X, P), as exactly as the last of the first tokens tells."""
        last = len(self.first) - 1
        steps = wrap(self.first[1] - self.first[0])
        return steps + wrap(self.first[-1] - self.first[0] - last * steps) / last


FarPlaces = Mapping[TurnPlace, FarTurns]


def _of_moved_places(call: TokenCall, turns: FarPlaces) -> FarPlaces:
    """Those of the places that the model's positions reach: others turn as if there were none."""
    try:
        arguments = call.row_positions(1)
    except WayClosed:
        return turns
    row = row_angles(call.run(call.rows(1), **arguments).angles, 0)
    reached = {
        place: turn
        for place, turn in turns.items()
        if place not in row or float(wrap(row[place] - turn.first).abs().max()) > NO_STEP
    }
    if not reached:
        raise WayClosed(f"{next(iter(arguments))} has no effect")
    return reached


def _judge_far(subject: WaySubject, turns: FarPlaces, error: float) -> WayOutcome:
    for place, turn in turns.items():
        where = f" ({place.argument} in {place.owner})"
        if turn.fault:
            return WayOutcome(TITLE, error, "row-past-table", turn.fault + where)
        if turn.doubt and subject.dtype == torch.float32:
            return WayOutcome(TITLE, error, message=turn.doubt + where)
    changes = any(turn.has_other_frequencies for turn in turns.values())
    start = next((turn.start for turn in turns.values()), 0)
    note = f"from position {start} on, pairs turn by other frequencies"
    return WayOutcome(TITLE, error, note=note if changes else None)
