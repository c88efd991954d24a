"""Which position each row of a tensor was turned by, where they do not simply count up.

A row of a packed batch, a part of a sequence on one of several ranks: as soon as a run of rows
counts up, its steps are the frequencies, and these tell the position of every row.
"""

import torch
from torch import Tensor

from rotcheck.model.turn_fit import TurnFit, fit_rows
from rotcheck.rotary.frequencies import wrap

LEAST_ROWS = 8  # of a run that shows the frequencies
MOST_RUNS = 16  # that are told
OFF = 1e-2  # radians at least that an angle may be off

Runs = list[list[int]]
"""Positions that count up: the first, and how many."""


def find_positions(angles: Tensor, noise: float, head_dim: int) -> tuple[TurnFit, list[int]] | None:
    """The frequencies, and the position of each row; None: no whole positions explain the angles.

    Args:
        angles: of the rows, (S, P).
        noise: radians that rounding may hide.
        head_dim: the width of a head.
    """
    start, stop = _longest_run(angles, noise)
    if stop - start < LEAST_ROWS:
        return None
    run = wrap(angles[start:stop] - angles[start])  # (R, P), from position 0 on
    fit = fit_rows(run[None], noise, None, head_dim)
    if fit.kind != "rows":
        return None
    frequencies = fit.direction * fit.frequencies  # (P,)
    positions = whole_positions(angles, frequencies, noise)
    return None if positions is None else (fit, positions)


def whole_positions(angles: Tensor, frequencies: Tensor, noise: float) -> list[int] | None:
    """The position of each row (S, P), by frequencies (P,) that are known; None: no whole
    positions explain the angles."""
    positions = _positions(angles, frequencies).round()  # (S,)
    off = wrap(angles - positions[:, None] * frequencies).abs().max()
    if float(off) > max(10 * noise, OFF) or float(positions.min()) < 0:
        return None
    return [int(position) for position in positions.tolist()]


def runs_of(positions: list[int]) -> Runs:
    """Positions as runs that count up; empty where there are too many."""
    runs: Runs = []
    for position in positions:
        if runs and position == sum(runs[-1]):
            runs[-1][1] += 1
        else:
            runs.append([position, 1])
    return runs if len(runs) <= MOST_RUNS else []


def _longest_run(angles: Tensor, noise: float) -> tuple[int, int]:
    """The first and the end of the longest run of rows that turn on by the usual step."""
    steps = wrap(angles[1:] - angles[:-1])  # (S - 1, P)
    usual = steps.median(0).values  # (P,)
    fits = (wrap(steps - usual).abs().amax(-1) <= max(4 * noise, 1e-3)).tolist()
    best, start = (0, 0), 0
    for at, is_usual in enumerate([*fits, False]):
        if not is_usual:
            best = max(best, (start, at + 1), key=lambda run: run[1] - run[0])
            start = at + 1
    return best


def _positions(angles: Tensor, frequencies: Tensor) -> Tensor:
    """The positions (S,) of rows: the slowest pair tells about where, faster ones where exactly."""
    order = frequencies.abs().argsort()
    positions = torch.zeros(len(angles), dtype=torch.float64)
    for at, pair in enumerate(order.tolist()):
        frequency, angle = frequencies[pair], angles[:, pair]
        if float(frequency.abs()) < 1e-9:  # it stands still
            continue
        if at == 0 or not bool(positions.any()):
            angle = torch.remainder(angle * frequency.sign(), 2 * torch.pi) * frequency.sign()
            positions = angle / frequency
            continue
        turns = ((positions * frequency - angle) / (2 * torch.pi)).round()
        positions = (angle + 2 * torch.pi * turns) / frequency
    return positions
