"""Angles that no position explains: which known mistake are they?"""

from collections.abc import Callable

import torch
from torch import Tensor

from rotcheck.model.turn_fit import TurnFit
from rotcheck.rotary.frequencies import wrap

FEWEST_ROWS = 4  # of a table, or of a sequence that shows its frequencies
Explain = Callable[[Tensor, Tensor | None], TurnFit]
"""The fit of angles (B or 1, S, P) to positions (B or 1, S), or to 0, 1, 2, ..."""
Mistake = tuple[str, str]


def angle_mistake(
    angles: Tensor, noise: float, positions: Tensor | None, explain: Explain
) -> Mistake | None:
    """The code and the words of what is wrong with the angles of rows; None: nothing known.

    Args:
        angles: (B or 1, S, P), which no positions explain.
        noise: radians that rounding may hide.
        positions: (S,) or (B, S), where they are known.
        explain: fits angles to positions.
    """
    if positions is not None and positions.dim() > 2:
        return None  # several coordinates
    mistake = _exchanged_tables(angles, positions, explain)
    mistake = mistake or _row_of_batch(angles, positions, explain)
    return mistake or _end_of_table(angles, noise, positions, explain)


def _exchanged_tables(angles: Tensor, positions: Tensor | None, explain: Explain) -> Mistake | None:
    """cos where sin belongs makes each angle its complement."""
    for sign in (1, -1):
        if _is_of_rows(explain(wrap(sign * torch.pi / 2 - angles), positions)):
            words = "each angle is the complement of the right one: cos and sin are exchanged"
            return "tables-swapped", words
    return None


def _row_of_batch(angles: Tensor, positions: Tensor | None, explain: Explain) -> Mistake | None:
    """The positions of one row of the batch stand for those of all, or it counts on through all."""
    through = torch.arange(angles.shape[:2].numel()).view(angles.shape[:2])
    if len(angles) > 1 and _is_of_rows(explain(angles, through)):
        return "per-batch", "it goes on counting from one row of the batch to the next"
    if positions is None or positions.dim() < 2 or len(positions) < 2:
        return None
    for row, line in enumerate(positions):
        if _is_of_rows(explain(angles, line)):
            words = f"all rows of the batch turn by the positions of row {row}"
            return "first-of-batch", words
    return None


def _end_of_table(
    angles: Tensor, noise: float, positions: Tensor | None, explain: Explain
) -> Mistake | None:
    """Rows past the end of a table turn as its last one, begin again, or stand still."""
    if len(angles) > 1 or (positions is not None and positions.dim() > 1 and len(positions) > 1):
        return None
    length = angles.shape[1]
    rows = torch.arange(length) if positions is None else positions.reshape(-1)
    index = torch.arange(length)
    again = (angles[0, 1:] - angles[0, :-1], angles[0, 1:] - angles[0, :1])  # (S - 1, P) each
    near = [wrap(off).abs().amax(-1) <= 10 * noise for off in again]
    for end in range(FEWEST_ROWS, length):
        if positions is None and length % end == 0:
            continue  # a column of a grid begins again too
        if not near[0][end - 1] and not near[1][end - 1]:
            continue  # its first row past the end is neither the last one nor the first
        ways = {end - 1: index.clamp(max=end - 1), 0: index % end}
        for row, places in ways.items():
            match = wrap(angles[:, places] - angles).abs().max() <= 10 * noise
            if bool(match) and _is_of_rows(explain(angles[:, :end], rows[:end])):
                words = f"position {rows[end]:g} turns as position {rows[row]:g} does"
                return "row-past-table", f"{words}, and those after it go on from there"
    return None


def _is_of_rows(fit: TurnFit) -> bool:
    return fit.kind == "rows" and not fit.finding
