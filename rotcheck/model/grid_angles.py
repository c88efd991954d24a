"""Angles that follow the row and the column of each token in an image, or film."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import wrap

MOST_PREFIX = 8  # tokens in front of a grid: a class token, registers


def grid_angles(angles: Tensor, tolerance: float) -> tuple[Tensor, str] | None:
    """The angles that a grid explains, (S, P), and the grid in words; None: none does.

    Args:
        angles: (S, P), as measured.
        tolerance: radians by which they may be off.
    """
    for prefix, sides in _grids(len(angles)):
        still = angles[:prefix]
        if prefix and float(wrap(still).abs().max()) > tolerance:
            continue
        truth = _along_sides(angles[prefix:], sides, tolerance)
        if truth is not None:
            words = f"by row and column in a grid of {' x '.join(map(str, sides))}"
            words += f", {prefix} tokens before it stand still" if prefix else ""
            return torch.cat((torch.zeros_like(still), truth)), words
    return None


def _grids(length: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield how many tokens stand before a grid, and the sides of the grid; squares first."""
    for prefix in range(MOST_PREFIX + 1):
        count = length - prefix
        sides = [(h, count // h) for h in range(2, count // 2 + 1) if count % h == 0]
        yield from ((prefix, side) for side in sorted(sides, key=lambda s: abs(s[0] - s[1])))
        for h, w in sides:
            yield from ((prefix, (t, h // t, w)) for t in range(2, h // 2 + 1) if h % t == 0)


def _along_sides(angles: Tensor, sides: Sequence[int], tolerance: float) -> Tensor | None:
    """The angles (N, P) that a grid explains: each pair turns evenly along one side or along
    several, and from no other value than that of the first square."""
    grid = angles.reshape(*sides, -1)  # (h, w, P)
    truth = angles[:1].expand(len(angles), -1)
    steps = [wrap(grid.select(axis, 1) - grid.select(axis, 0)) for axis in range(len(sides))]
    steps = [step.reshape(-1, step.shape[-1])[0] for step in steps]  # (P,) each
    if _is_line(steps, sides, tolerance):
        return None
    index = torch.arange(len(angles))
    for axis, side in enumerate(sides):
        inner = _product(sides[axis + 1 :])
        place = (index // inner) % side  # (N,)
        truth = truth + place[:, None] * steps[axis]
    return truth if float(wrap(angles - truth).abs().max()) < tolerance else None


def _is_line(steps: Sequence[Tensor], sides: Sequence[int], tolerance: float) -> bool:
    """Whether a grid explains no more than a line does, or a line that begins again."""
    inner = [_product(sides[axis + 1 :]) for axis in range(len(sides))]
    off = [wrap(step - count * steps[-1]) for step, count in zip(steps[:-1], inner)]
    even = all(float(angle.abs().max()) <= tolerance for angle in off)
    return even or any(float(step.abs().max()) <= tolerance for step in steps)


def _product(sides: Sequence[int]) -> int:
    product = 1
    for side in sides:
        product *= side
    return product
