"""From the angles of rows to positions and frequencies: what a tensor turns by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import fit_schedule
from rotcheck.identify.angles.measured_angles import estimate_frequencies
from rotcheck.model.turn_angles import NOISE
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.turning import wrap

EXACT = 2e-6  # radians: an angle of the first rows is as exact as that in float32
MOST_PREFIX = 8  # tokens in front of a grid: a class token, registers


@dataclass(frozen=True, slots=True)
class TurnFit:
    """What explains the angles of rows.

    `kind`: "rows", each row by its place in the sequence; "grid", by its row and column in an
    image; "none", not understood. `truth`: (B or 1, S, P), the angles that it explains, in
    float64. `error`: radians between these and the measured ones.
    """

    kind: str
    direction: int
    frequencies: Tensor  # (P,), radians a position; of a grid those of its sides
    schedule: Schedule | None
    first: float  # the position of the first row
    truth: Tensor
    error: float
    words: str = ""
    why: str = ""  # what was rounded


def fit_rows(
    angles: Tensor,
    noise: float,
    positions: Tensor | None,
    head_dim: int,
    candidates: Sequence[Schedule] = (),
) -> TurnFit:
    """Explain the angles (B or 1, S, P) of rows.

    Args:
        angles: as measured.
        noise: radians that rounding may hide.
        positions: (S,) or (B, S) of the rows, where they are known; None: 0, 1, 2, ...
        head_dim: the width of a head.
        candidates: schedules to try beside the usual ones.
    """
    length = angles.shape[1]
    rows = torch.arange(length) if positions is None else positions
    rows = rows.reshape(-1, length).double()  # (B or 1, S)
    fit = _of_candidates(angles, noise, rows, candidates)
    fit = fit or _of_positions(angles, noise, rows, head_dim, candidates)
    return fit or _of_grid(angles, noise) or _of_nothing(angles)


def _of_candidates(
    angles: Tensor, noise: float, rows: Tensor, candidates: Sequence[Schedule]
) -> TurnFit | None:
    """The first schedule that explains the angles, as far as rounding tells."""
    for schedule in candidates:
        try:
            frequencies = schedule.inverse_frequencies(2 * angles.shape[-1])  # (P,)
        except ValueError:  # no head of this width can have it
            continue
        for direction in (1, -1):
            truth = direction * rows[..., None] * frequencies  # (B or 1, S, P)
            error = float(wrap(angles - truth).abs().max())
            if error <= (noise if noise > NOISE else EXACT):
                start = float(rows.min())
                return TurnFit("rows", direction, frequencies, schedule, start, truth, error)
    return None


def _of_positions(
    angles: Tensor,
    noise: float,
    rows: Tensor,
    head_dim: int,
    candidates: Sequence[Schedule],
) -> TurnFit | None:
    by_position = _by_position(angles, rows)
    if len(by_position) < 2:
        return None
    direction = _direction(by_position)
    forward = {position: direction * angle for position, angle in by_position.items()}
    rough = estimate_frequencies(_from_zero(forward))  # (P,)
    start = min(forward)
    first = _first_position(forward[start], rough)
    offset = 0.0 if first is None else first - start
    truth = direction * (rows[..., None] + offset) * rough  # (B or 1, S, P)
    error = float(wrap(angles - truth).abs().max())
    if error > max(10 * noise, 1e-3):
        return None
    from_first = {round(position + offset): angle for position, angle in forward.items()}
    fit = fit_schedule(from_first, 1, head_dim, noise if noise > NOISE else EXACT, candidates)
    frequencies = fit.frequencies
    exact = direction * (rows[..., None] + offset) * frequencies
    off = float(wrap(angles - exact).abs().max())
    if off > max(10 * noise, 1e-2):  # the schedule is only near
        return TurnFit("rows", direction, rough, None, start + offset, truth, error, why=fit.why)
    return TurnFit(
        "rows", direction, frequencies, fit.schedule, start + offset, exact, off, why=fit.why
    )


def _by_position(angles: Tensor, rows: Tensor) -> dict[int, Tensor]:
    """The angles (P,) of each position, of the first row that has it."""
    batch = max(len(angles), len(rows))
    by_position: dict[int, Tensor] = {}
    for b in range(batch):
        line = rows[min(b, len(rows) - 1)]
        for position, angle in zip(line.tolist(), angles[min(b, len(angles) - 1)]):
            by_position.setdefault(round(position), angle)
    return by_position


def _from_zero(angles: dict[int, Tensor]) -> dict[int, Tensor]:
    """The angles, counted from the first position."""
    start = min(angles)
    return {at - start: wrap(angle - angles[start]) for at, angle in angles.items()}


def _direction(angles: dict[int, Tensor]) -> int:
    """Which way most pairs turn from the first position to the next one."""
    start, following, *_ = sorted(angles)
    steps = wrap(angles[following] - angles[start])  # (P,)
    slow = steps[steps.abs() < torch.pi / 2]
    return -1 if float((slow if len(slow) else steps).sum()) < 0 else 1


def _first_position(first: Tensor, frequencies: Tensor) -> float | None:
    """The position of the first row, if its angles (P,) are those of a small one."""
    for position in range(-2, 9):
        if bool(wrap(first - position * frequencies).abs().max() < 1e-2):
            return float(position)
    return None


def _of_grid(angles: Tensor, noise: float) -> TurnFit | None:
    """Angles that follow the row and the column of each token in an image, or film."""
    if len(angles) > 1:
        return None
    tolerance = max(10 * noise, 2e-3)
    for prefix, sides in _grids(angles.shape[1]):
        still = wrap(angles[0, :prefix])
        if prefix and float(still.abs().max()) > tolerance:
            continue
        truth = _along_sides(angles[0, prefix:], sides, tolerance)
        if truth is not None:
            whole = torch.cat((torch.zeros_like(angles[0, :prefix]), truth))[None]  # (1, S, P)
            error = float(wrap(angles - whole).abs().max())
            size = " x ".join(map(str, sides))
            words = f"by row and column in a grid of {size}" + (
                f", {prefix} tokens before it stand still" if prefix else ""
            )
            return TurnFit("grid", 1, torch.zeros(0), None, 0.0, whole, error, words)
    return None


def _grids(length: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield how many tokens stand before a grid, and the sides of the grid; squares first."""
    for prefix in range(MOST_PREFIX + 1):
        count = length - prefix
        sides = [(h, count // h) for h in range(2, count // 2 + 1) if count % h == 0]
        yield from ((prefix, side) for side in sorted(sides, key=lambda s: abs(s[0] - s[1])))
        for h, w in sides:
            yield from ((prefix, (t, h // t, w)) for t in range(2, h // 2 + 1) if h % t == 0)


def _along_sides(angles: Tensor, sides: tuple[int, ...], tolerance: float) -> Tensor | None:
    """The angles (N, P) that a grid explains: each pair turns evenly along one side or along
    several, and from no other value than that of the first square."""
    grid = angles.reshape(*sides, -1)  # (h, w, P)
    truth = grid.reshape(-1, grid.shape[-1])[:1]  # (1, P): the first square
    truth = truth.expand(len(angles), -1)
    index = torch.arange(len(angles))
    for axis, side in enumerate(sides):
        inner = 1
        for later in sides[axis + 1 :]:
            inner *= later
        place = (index // inner) % side  # (N,)
        first, second = grid.select(axis, 0), grid.select(axis, 1)
        step = wrap(second - first).reshape(-1, grid.shape[-1])[0]  # (P,)
        truth = truth + place[:, None] * step
    return truth if float(wrap(angles - truth).abs().max()) < tolerance else None


def _of_nothing(angles: Tensor) -> TurnFit:
    return TurnFit("none", 1, torch.zeros(0), None, 0.0, angles, 0.0)
