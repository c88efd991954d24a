"""From the angles of rows to positions and frequencies: what a tensor turns by."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import fit_schedule
from rotcheck.identify.angles.measured_angles import estimate_frequencies
from rotcheck.model.grid_angles import GridAngles, grid_angles
from rotcheck.model.grid_coordinates import GridCoordinates, grid_coordinates
from rotcheck.model.grid_steps import GridSteps
from rotcheck.model.rounded_phases import rounded_phases, rounded_tables
from rotcheck.model.turn_angles import NOISE
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.recognition import WELL_KNOWN_THETAS
from rotcheck.rotary.schedules import Plain, Schedule

EXACT = 2e-6  # radians: an angle of the first rows is as exact as that in float32
PHASE = 2 * torch.finfo(torch.float32).eps  # relative: what float32 costs a phase
MOST_ROUNDED = 0.98  # of the angles of rounded tables: so many are those of the same rounding
TABLE_STEP = 0.01  # radians: two steps of a cos in bfloat16
MEAN_NOISE = (1 / 16, 1 / 8, 1 / 4, 1)  # of what rounding may hide, what it hides of means of heads
FARTHEST = 4096  # the first position of a sequence, at most, and EARLIEST at least
EARLIEST = -64


@dataclass(frozen=True, slots=True)
class TurnFit:
    """What explains the angles of rows.

    `kind`: "rows", each row by its place in the sequence; "grid", by its row and column in an
    image; "none", not understood. `truth`: (B or 1, S, P), the angles that it explains, in
    float64. `error`: radians between these and the measured ones. `finding`: the code of what is
    wrong with them.
    """

    kind: str
    direction: int
    frequencies: Tensor  # (P,), radians a position; of a grid none
    schedule: Schedule | None
    first: float  # the position of the first row
    truth: Tensor
    error: float
    words: str = ""
    why: str = ""  # what is wrong: what was rounded
    finding: str = ""
    steps: GridSteps | None = None  # of a grid


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
        positions: (S,) or (B, S) of the rows, where they are known; None: 0, 1, 2, ...; (A, B, S)
            where they have several coordinates.
        head_dim: the width of a head.
        candidates: schedules to try beside the usual ones.
    """
    length = angles.shape[1]
    likely = list(dict.fromkeys((*candidates, *map(Plain, WELL_KNOWN_THETAS))))
    if positions is not None and positions.dim() > 2:
        return _of_coordinates(angles, noise, positions.double(), likely) or _of_nothing(angles)
    rows = torch.arange(length) if positions is None else positions
    rows = rows.reshape(-1, length).double()  # (B or 1, S)
    fit = _of_rounded_tables(angles, rows, likely) if noise > NOISE else None
    fit = fit or _of_candidates(angles, noise, rows, likely)
    fit = fit or _of_rounding(angles, noise, rows, likely)
    fit = fit or _of_positions(angles, noise, rows, head_dim, candidates)
    return fit or _of_grid(angles, noise) or _of_nothing(angles)


def _of_candidates(
    angles: Tensor, noise: float, rows: Tensor, candidates: Sequence[Schedule]
) -> TurnFit | None:
    """The first schedule that explains the angles, as far as rounding tells."""
    for schedule, frequencies in _frequencies(candidates, angles.shape[-1]):
        for direction in (1, -1):
            truth = direction * rows[..., None] * frequencies  # (B or 1, S, P)
            off = wrap(angles - truth).abs()
            if bool((off <= _allowance(truth, noise)).all()):
                start, error = float(rows.min()), float(off.max())
                return TurnFit("rows", direction, frequencies, schedule, start, truth, error)
    return None


def _of_coordinates(
    angles: Tensor, noise: float, coordinates: Tensor, candidates: Sequence[Schedule]
) -> TurnFit | None:
    """The first schedule by which each pair turns along one of several coordinates (A, B, S)."""
    for schedule, frequencies in _frequencies(candidates, angles.shape[-1]):
        for direction in (1, -1):
            phases = direction * coordinates[..., None] * frequencies  # (A, B, S, P)
            off = wrap(angles - phases).abs() - _allowance(phases, noise)
            fits = (off <= 0).flatten(1, 2).all(1)  # (A, P)
            if bool(fits.any(0).all()):
                axis = fits.int().argmax(0)  # (P,)
                truth = phases.gather(0, axis.expand(1, *phases.shape[1:]))[0]  # (B, S, P)
                error, start = float(wrap(angles - truth).abs().max()), float(coordinates.min())
                words = f"pairs by coordinate {', '.join(map(str, axis.tolist()))}"
                words = words if bool(axis.any()) else ""
                fields = (direction, frequencies, schedule, start, truth, error, words)
                return TurnFit("rows", *fields)
    return None


def _of_rounding(
    angles: Tensor, noise: float, rows: Tensor, candidates: Sequence[Schedule]
) -> TurnFit | None:
    """The first schedule that explains the angles, if a narrower dtype held a part of them."""
    for schedule, frequencies in _frequencies(candidates, angles.shape[-1]):
        for truth, why in rounded_phases(rows[..., None], frequencies):
            for direction in (1, -1):
                off = wrap(angles - direction * truth).abs()
                if bool((off <= _allowance(truth, noise)).all()):
                    fields = (float(rows.min()), direction * truth, float(off.max()), "", why)
                    numbers = (direction, frequencies, schedule, *fields, "phase-rounded")
                    return TurnFit("rows", *numbers)
    return None


def _of_rounded_tables(
    angles: Tensor, rows: Tensor, candidates: Sequence[Schedule]
) -> TurnFit | None:
    """The first schedule whose cos and sin explain the angles, once they are rounded.

    Where a value lies between two that the dtype has, float32 may have been rounded to the other.
    """
    for schedule, frequencies in _frequencies(candidates, angles.shape[-1]):
        truth = rows[..., None] * frequencies  # (B or 1, S, P)
        for rounded, why in rounded_tables(rows[..., None], frequencies):
            for direction in (1, -1):
                off = wrap(angles - direction * rounded).abs()
                near = (off <= _allowance(truth, NOISE)).double().mean()
                if float(near) >= MOST_ROUNDED and float(off.max()) <= TABLE_STEP:
                    fields = (float(rows.min()), direction * truth, float(off.max()), "", why)
                    return TurnFit("rows", direction, frequencies, schedule, *fields)
    return None


def _frequencies(candidates: Sequence[Schedule], pairs: int) -> Iterator[tuple[Schedule, Tensor]]:
    for schedule in candidates:
        with suppress(ValueError):  # no head of this width can have it
            yield schedule, schedule.inverse_frequencies(2 * pairs)


def _allowance(truth: Tensor, noise: float) -> Tensor:
    """Radians that rounding hides of each angle."""
    exact = EXACT + PHASE * truth.abs()
    return exact if noise <= NOISE else torch.full_like(exact, noise)


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
    places = rows + offset  # (B or 1, S)
    near = rough + direction * _slope(wrap(angles - truth), places)
    truth = direction * places[..., None] * near
    error = float(wrap(angles - truth).abs().max())
    from_first = {round(position + offset): angle for position, angle in forward.items()}
    fit = fit_schedule(from_first, 1, head_dim, noise if noise > NOISE else EXACT, candidates)
    exact = direction * places[..., None] * fit.frequencies
    off = wrap(angles - exact).abs()
    schedule = fit.schedule
    if bool((off > 2 * _allowance(exact, noise)).any()):
        schedule = None  # it is only near
    if schedule is None or float(off.max()) > 2 * error:  # its numbers are known only so far
        return TurnFit("rows", direction, near, schedule, start + offset, truth, error)
    fields = (fit.frequencies, schedule, start + offset, exact, float(off.max()))
    return TurnFit("rows", direction, *fields)


def _slope(angles: Tensor, places: Tensor) -> Tensor:
    """Radians a position, (P,), by which angles (B, S, P) grow, in the least squares."""
    rows = places[..., None].expand(angles.shape)
    return (rows * angles).flatten(0, 1).sum(0) / (rows * rows).flatten(0, 1).sum(0).clamp_min(1)


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
    """The position of the first row, if its angles (P,) are those of one; the nearest to 0."""
    positions = torch.arange(EARLIEST, FARTHEST)
    off = wrap(first - positions[:, None] * frequencies).abs().amax(-1)
    near = positions[off < 1e-2]
    return float(near[near.abs().argmin()]) if len(near) else None


def _of_grid(angles: Tensor, noise: float) -> TurnFit | None:
    """Angles that follow the row and the column of each token in an image, or film."""
    if len(angles) > 1:
        return None
    parts = (1,) if noise <= NOISE else MEAN_NOISE
    grids = (_grid(angles[0], noise * part) for part in parts)
    grid = next((grid for grid in grids if grid is not None), None)
    if grid is None:
        return None
    error = float(wrap(angles - grid.truth).abs().max())
    if noise > NOISE and error > noise:
        return None  # more than rounding of q and k explains
    fields = (grid.truth[None], error, grid.words)
    return TurnFit("grid", 1, torch.zeros(0), None, 0.0, *fields, steps=grid.steps)


def _grid(angles: Tensor, noise: float) -> GridAngles | GridCoordinates | None:
    return grid_angles(angles, max(10 * noise, 2e-3)) or grid_coordinates(angles, noise)


def _of_nothing(angles: Tensor) -> TurnFit:
    return TurnFit("none", 1, torch.zeros(0), None, 0.0, angles, 0.0)
