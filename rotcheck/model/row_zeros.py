"""Rows of zeros, as those of padding: they show no angle, and the others are explained alone."""

from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.model.angle_mistakes import Explain
from rotcheck.model.turn_fit import TurnFit
from rotcheck.witness.turning import Turn

FEWEST = 2  # rows that are not zero


def rows_of_values(turn: Turn, axis: int) -> Tensor | None:
    """Which rows along an axis, in their order, are not zero; None: all, or too few.

    Args:
        turn: of a tensor whose rows these are.
        axis: of the sequence.
    """
    lengths = turn.weights.movedim(axis, 0).flatten(1).amax(1)  # (S,)
    rows = lengths.nonzero().flatten()
    return rows if FEWEST <= len(rows) < len(lengths) else None


def fit_values(angles: Tensor, rows: Tensor, positions: Tensor | None, explain: Explain) -> TurnFit:
    """What explains the angles (B or 1, S, P) of some of the rows.

    Args:
        angles: of all rows.
        rows: which of them.
        positions: (..., S) of all rows; None: 0, 1, 2, ...
        explain: fits angles to positions.
    """
    positions = torch.arange(angles.shape[1]) if positions is None else positions
    fit = explain(angles[:, rows], positions[..., rows])
    truth = angles.new_zeros(len(fit.truth), *angles.shape[1:])
    truth[:, rows] = fit.truth
    return replace(fit, truth=truth)
