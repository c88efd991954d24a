"""Do q and k turn alike?"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.turn_angles import NOISE
from rotcheck.rotary.frequencies import wrap

ALIKE = 1e-4  # radians a position


def uneven_turns(turns: Sequence[JudgedTurn]) -> str:
    """Words, if several tensors, q and k, do not turn alike; empty: they do."""
    first, *rest = turns
    return next((words for turn in rest if (words := _difference(first, turn))), "")


def _difference(first: JudgedTurn, second: JudgedTurn) -> str:
    a, b = first.tensor.turn, second.tensor.turn
    names = f"{first.tensor.name} and {second.tensor.name}"
    if first.tensor.name == second.tensor.name:
        names = "q and k"  # by two calls of one function
    if a.pairing != b.pairing:
        return f"{names} are paired differently: {a.pairing} and {b.pairing}"
    if a.output_lanes != b.output_lanes:
        return f"the lanes of {names} are written in different orders: {a.output_lanes} and {b.output_lanes}"
    if first.fit.kind != second.fit.kind or first.fit.kind == "none":
        return ""
    return (
        _of_rows(first, second, names)
        if first.fit.kind == "rows"
        else _of_angles(first, second, names)
    )


def _of_rows(first: JudgedTurn, second: JudgedTurn, names: str) -> str:
    p, q = _pad(first.frequencies, second.frequencies)
    alike = max(ALIKE, _noise(first, second) / max(_rows(first) - 1, 1))
    if bool((p + q).abs().max() <= alike):
        return f"{names} turn in opposite directions"
    if bool((p - q).abs().max() > alike):
        schedules = [str(turn.fit.schedule or "no known schedule") for turn in (first, second)]
        return f"{names} turn by different frequencies: {' and '.join(schedules)}"
    if abs(first.fit.first - second.fit.first) > 0.5 and _rows(first) == _rows(second):
        positions = f"{first.fit.first:g} and {second.fit.first:g}"
        return f"{names} begin at different positions: {positions}"
    return _of_angles(first, second, names)


def _of_angles(first: JudgedTurn, second: JudgedTurn, names: str) -> str:
    """Words, if the same rows turn by different angles: by other coordinates."""
    noise = _noise(first, second)
    if noise:  # what a truth follows was measured too roughly to be counted up over many rows
        a, b = first.angles.angles, second.angles.angles  # (B or 1, S, P)
    else:
        a, b = first.fit.truth, second.fit.truth  # (B or 1, S, P)
    alike = max(100 * ALIKE, noise)
    if a.shape[1:] != b.shape[1:] or bool(wrap(a - b).abs().max() <= alike):
        return ""
    return f"the rows of {names} turn by different angles"


def _noise(first: JudgedTurn, second: JudgedTurn) -> float:
    """Radians by which rounding alone may part the angles of two tensors; 0 in float32."""
    noises = first.angles.noise, second.angles.noise
    return sum(noises) if max(noises) > NOISE else 0.0


def _pad(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Two rows of frequencies, made as long as one another: what is not there stands still."""
    size = max(len(first), len(second))
    a, b = (torch.nn.functional.pad(x, (0, size - len(x))) for x in (first, second))
    return a, b


def _rows(turn: JudgedTurn) -> int:
    return turn.angles.angles.shape[1]


def packed_finding(turns: Sequence[JudgedTurn]) -> tuple[str, str] | None:
    """The code and the words of what is wrong with the parts of q, k and v in one tensor that
    turned; None: nothing is, or there is no such tensor."""
    places: dict[tuple[str, int], set[int]] = {}
    for turn in turns:
        name, shape = turn.tensor.argument, turn.tensor.before.shape
        whole = turn.call.arguments.get(name)
        if turn.tensor.part and isinstance(whole, Tensor):
            axis, place = turn.tensor.part
            if whole.shape[axis] == 3:
                places.setdefault((name, axis), set()).add(place)
        elif turn.angles.still and len(shape) > 4 and shape[turn.angles.still[0]] == 3:
            axis, still = turn.angles.still
            places[name, axis] = set(range(3)) - set(still)
    findings = (_of_packed(name, axis, turning) for (name, axis), turning in places.items())
    return next((finding for finding in findings if finding), None)


def _of_packed(name: str, axis: int, turning: set[int]) -> tuple[str, str] | None:
    q, k, v = (f"{name}[{':, ' * axis}{place}]" for place in range(3))
    if 2 in turning:
        still = next((part for place, part in enumerate((q, k)) if place not in turning), "")
        return "v-rotated", f"{v} turns" + (f", and {still} does not" if still else "")
    if turning != {0, 1}:
        still, moves = (k, q) if 0 in turning else (q, k)
        return "not-rotated", f"{still} comes back as it went in, {moves} turned"
    return None
