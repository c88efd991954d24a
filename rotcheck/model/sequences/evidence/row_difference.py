"""Do the tokens of a row turn as in another pass? Which do not, and by how many positions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.model.module_layers import joined
from rotcheck.model.sequences.evidence.token_angles import RowAngles, TurnPlace
from rotcheck.model.sequences.way import NotComparable
from rotcheck.rotary.frequencies import wrap

SAME = 2e-3  # radians: what float32 leaves of an angle
SAME_NARROW = 0.05  # what bfloat16 leaves
FARTHEST = 4  # a wrong position is looked for as far as so many lengths of the row
DRIFT = 1e-5  # radians a position: of a frequency that was read off two rows


@dataclass(frozen=True, slots=True)
class RowDifference:
    """How a row turns, held against the same tokens in another pass.

    `shift`: positions by which the whole row is turned further, q and k alike; RoPE is relative,
    so that no attention notices. `tokens`: those that are turned wrongly, as positions; a position
    is None where the angles are those of none.
    """

    error: float  # radians, the largest difference, after the shift
    shift: int = 0
    tokens: tuple[tuple[int, int | None], ...] = ()
    places: tuple[TurnPlace, ...] = ()  # where they are

    @property
    def words(self) -> str:
        """Which tokens are wrong, and where; empty: none is."""
        if not self.tokens:
            return ""
        names = ", ".join(dict.fromkeys(place.argument for place in self.places))
        modules = joined(place.owner for place in self.places)
        where = f" ({names}{' in ' + modules if modules else ''})"
        return _turns_in_words(self.tokens, self.error) + where

    def follows(self, positions: Callable[[int], int]) -> bool:
        """Whether each wrong token is turned as the position that a function of it gives."""
        return bool(self.tokens) and all(at == positions(token) for token, at in self.tokens)


def row_difference(
    row: RowAngles, reference: RowAngles, tolerance: float = SAME, relative: bool = False
) -> RowDifference:
    """Hold the angles of a row's tokens against those of another pass.

    Args:
        row: angles (S, X, P) of each place.
        reference: those that are right, of tokens at positions 0, 1, 2, ...: as many, or more.
        tolerance: radians: angles that are nearer are the same.
        relative: the whole row may be turned further by a number of positions.
    """
    places = [place for place in reference if place in row]
    if not places:
        names = ", ".join(dict.fromkeys(place.function for place in reference))
        raise NotComparable(f"{names or 'nothing'} was not seen to run in this way")
    shift = _shift(row[places[0]], reference[places[0]], tolerance) if relative else 0
    errors = {place: _errors(row[place], reference[place], shift) for place in places}  # (S,)
    error = max(float(off.max()) for off in errors.values())
    wrong = [place for place in places if bool((errors[place] > tolerance).any())]
    if not wrong:
        return RowDifference(error, shift)
    first = wrong[0]
    tokens = (errors[first] > tolerance).nonzero().flatten().tolist()
    positions = [_position(row[first][t], reference[first], tolerance) for t in tokens]
    return RowDifference(error, shift, tuple(zip(tokens, positions)), tuple(wrong))


def _errors(row: Tensor, reference: Tensor, shift: int) -> Tensor:
    """The largest difference of each token, (S,)."""
    count = len(row)
    truth = reference[:count] + shift * _steps(reference)
    if 0 <= shift <= len(reference) - count:  # measured angles are more exact
        truth = reference[shift : shift + count]
    return wrap(row - truth).abs().amax((1, 2)).nan_to_num(torch.inf)


def _steps(reference: Tensor) -> Tensor:
    """By how much the angles grow from one position to the next, (X, P)."""
    return wrap(reference[1] - reference[0])


def _shift(row: Tensor, reference: Tensor, tolerance: float) -> int:
    """By how many positions the first token is turned further; 0 where it is by none."""
    return _position(row[0], reference, tolerance) or 0


def _position(angles: Tensor, reference: Tensor, tolerance: float) -> int | None:
    """The position to which the angles (X, P) of a token belong, the nearest to 0."""
    differences = wrap(angles - reference).abs().amax((1, 2))  # (S,)
    if float(differences.min()) <= tolerance:
        return int(differences.argmin())
    steps = _steps(reference)
    for distance in range(1, FARTHEST * len(reference)):
        for at in (distance, -distance):
            off = wrap(angles - reference[0] - at * steps).abs().max()
            if float(off) <= tolerance + DRIFT * distance:
                return at
    return None


def tokens_in_words(tokens: Sequence[int]) -> str:
    """Tokens by their numbers: "token 7", "tokens 3 to 10"."""
    if len(tokens) == 1:
        return f"token {tokens[0]}"
    if tokens[-1] - tokens[0] == len(tokens) - 1:
        return f"tokens {tokens[0]} to {tokens[-1]}"
    return "tokens " + ", ".join(map(str, tokens))


def _turns_in_words(tokens: Sequence[tuple[int, int | None]], error: float) -> str:
    first, at = tokens[0]
    subject = f"{tokens_in_words([t for t, _ in tokens])} {'is' if len(tokens) == 1 else 'are'}"
    positions = {position for _, position in tokens}
    if positions == {None}:
        return f"{subject} turned by the angles of no position, {error:.2g} rad off"
    if len(positions) == 1:
        return f"{subject} turned as position {at}"
    lags = {token - position for token, position in tokens if position is not None}
    if len(lags) == 1 and None not in positions:
        (lag,) = lags
        late = (
            f"{abs(lag)} position{'s' if abs(lag) > 1 else ''} {'behind' if lag > 0 else 'ahead'}"
        )
        return f"{subject} turned {late}: token {first} as position {at}"
    pairs = [f"{t} as {'no position' if p is None else f'position {p}'}" for t, p in tokens[:4]]
    return f"{subject} turned wrongly: token {', '.join(pairs)}{', ...' if tokens[4:] else ''}"
