"""Angles that follow the row and the column of each token in an image, or film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.model.grid_steps import GridSteps, grid_steps
from rotcheck.rotary.frequencies import wrap

MOST_PREFIX = 8  # tokens in front of a grid: a class token, registers


@dataclass(frozen=True, slots=True)
class GridAngles:
    """The angles that a grid explains: `truth` (S, P). `words`: the grid. `steps`: along its
    sides."""

    truth: Tensor
    words: str
    steps: GridSteps


def grid_angles(angles: Tensor, tolerance: float, flat: bool = False) -> GridAngles | None:
    """The angles that a grid explains; None: none does.

    Args:
        angles: (S, P), as measured.
        tolerance: radians by which they may be off.
        flat: whether all pairs may turn along one side: as a line does that begins again.
    """
    for prefix, sides in _grids(len(angles)):
        still = angles[:prefix]
        if prefix and float(wrap(still).abs().max()) > tolerance:
            continue
        truth = _along_sides(angles[prefix:], sides, tolerance, flat)
        if truth is not None:
            words = f"by row and column in a grid of {' x '.join(map(str, sides))}"
            words += f", {prefix} tokens before it stand still" if prefix else ""
            steps = grid_steps(angles[prefix:], _places(sides))
            return GridAngles(torch.cat((torch.zeros_like(still), truth)), words, steps)
    return None


def _grids(length: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield how many tokens stand before a grid, and the sides of the grid; squares first."""
    for prefix in range(MOST_PREFIX + 1):
        count = length - prefix
        sides = [(h, count // h) for h in range(2, count // 2 + 1) if count % h == 0]
        yield from ((prefix, side) for side in sorted(sides, key=lambda s: abs(s[0] - s[1])))
        for h, w in sides:
            yield from ((prefix, (t, h // t, w)) for t in range(2, h // 2 + 1) if h % t == 0)


def _along_sides(
    angles: Tensor, sides: Sequence[int], tolerance: float, flat: bool
) -> Tensor | None:
    """The angles (N, P) that a grid explains: each pair turns evenly along one side or along
    several, and from no other value than that of the first square."""
    grid = angles.reshape(*sides, -1)  # (h, w, P)
    truth = angles[:1].expand(len(angles), -1)
    steps = [wrap(grid.select(axis, 1) - grid.select(axis, 0)) for axis in range(len(sides))]
    steps = [step.reshape(-1, step.shape[-1])[0] for step in steps]  # (P,) each
    if _is_line(steps, sides, tolerance) or (not flat and _is_flat(steps, tolerance)):
        return None
    truth = truth + _places(sides) @ torch.stack(steps)
    return truth if float(wrap(angles - truth).abs().max()) < tolerance else None


def _places(sides: Sequence[int]) -> Tensor:
    """The place of each row in a grid whose last side changes first, (N, A) float64."""
    return torch.cartesian_prod(*(torch.arange(side, dtype=torch.float64) for side in sides))


def _is_line(steps: Sequence[Tensor], sides: Sequence[int], tolerance: float) -> bool:
    """Whether a grid explains no more than a line does."""
    inner = [_product(sides[axis + 1 :]) for axis in range(len(sides))]
    off = [wrap(step - count * steps[-1]) for step, count in zip(steps[:-1], inner)]
    return all(float(angle.abs().max()) <= tolerance for angle in off)


def _is_flat(steps: Sequence[Tensor], tolerance: float) -> bool:
    """Whether no pair turns along one of the sides: a line that begins again."""
    return any(float(step.abs().max()) <= tolerance for step in steps)


def _product(sides: Sequence[int]) -> int:
    product = 1
    for side in sides:
        product *= side
    return product
