"""By which axis of a grid each pair turns, and by how much from place to place."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import wrap

STILL, SEVERAL = -1, -2
EXACT = 2e-7  # radians: what float32 leaves of a small angle that is a mean of several
CLEAR = 10  # times what rounding leaves: a pair that turns by more turns for certain


@dataclass(frozen=True, slots=True)
class GridSteps:
    """What the pairs of rows in a grid turn by.

    The axes are in the order in which they change, the one that changes last first: of an image
    whose rows are one after another height, then width.

    `axes`: of each pair, (P,) int64; `STILL` where it turns too little to tell, `SEVERAL` where
    it turns along more than one. `frequencies`: (P,) float64, radians a place. `sides`: how many
    places each axis has. `noise`: radians a place by which frequencies may be off. `in_order`:
    whether the second row is the neighbour of the first, so that the order of the axes is known.
    """

    axes: Tensor
    frequencies: Tensor
    sides: tuple[int, ...]
    noise: float
    in_order: bool


def grid_steps(angles: Tensor, places: Tensor) -> GridSteps:
    """Measure the steps of rows with angles (N, P) at places (N, A), which follow these."""
    places = _from_first(places[:, _order(places)])
    sides = tuple(int(side) + 1 for side in places.amax(0).tolist())
    steps = _first_steps(angles, places)  # (A, P)
    line = torch.cat((torch.ones(len(places), 1, dtype=torch.float64), places), 1)  # (N, 1 + A)
    for _ in range(2):
        off = wrap(angles - angles[:1] - (places - places[:1]) @ steps)  # (N, P)
        steps = steps + torch.linalg.lstsq(line, off).solution[1:]
    rounding = float((off - off.mean(0)).abs().max()) + EXACT
    ways = steps.abs() * (torch.tensor(sides)[:, None] - 1)  # (A, P), from end to end
    turns = ways > CLEAR * rounding
    axes = ways.argmax(0).where(turns.sum(0) == 1, SEVERAL).where(turns.any(0), STILL)
    frequencies = steps.gather(0, ways.argmax(0)[None])[0]  # (P,)
    slow = frequencies[frequencies.abs() < torch.pi / 2]
    sign = -1 if float(slow.sum()) < 0 else 1
    noise = 2 * rounding / max(min(sides) - 1, 1)
    neighbours = int((places[1] != places[0]).sum()) == 1
    return GridSteps(axes, sign * frequencies, sides, noise, neighbours)


def _order(places: Tensor) -> list[int]:
    """The axes of places (N, A) in the order in which they change, the last one first."""
    changes = (places != places[:1]).int().argmax(0)  # (A,)
    order: list[int] = changes.argsort(descending=True).tolist()
    return order


def _from_first(places: Tensor) -> Tensor:
    """Places (N, A) from 0, each axis counted from the side on which the first row is."""
    places = places - places.amin(0)
    far = places.amax(0)
    return (far - places).where(places[0] > far / 2, places)


def _first_steps(angles: Tensor, places: Tensor) -> Tensor:
    """The angle from one row to its neighbour along each axis, (A, P)."""
    steps = []
    for axis in range(places.shape[1]):
        target = places[0].clone()
        target[axis] += 1
        row = int((places == target).all(1).int().argmax())
        steps.append(wrap(angles[row] - angles[0]))
    return torch.stack(steps)
