"""Tables whose angles follow coordinates that their maker is handed: seconds of a sound, pixels.

It is called again with the coordinates made so small that no angle comes around, then with twice as
large ones each time: so the whole angle of each pair is known, however often it comes around.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rotcheck.model.module_state import kept_state
from rotcheck.model.table_grid import TableGrid
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.call_record import CallRecord, map_tensors, tensors_in

OCTAVES = 24  # from the smallest coordinates to those that it was handed
SMALL = 0.5  # radians, of the smallest
EVEN = 0.02  # radians: what float32 leaves of angles that come around some thousand times
STILL = 1e-4  # radians
MOST_NUMBERS = 16  # of one row


def table_coordinates(call: CallRecord) -> TableGrid | None:
    """Read tables as those of coordinates that a maker was handed; None: they are none.

    Each pair has to turn evenly along one of them.
    """
    first = call.results[call.tables[0]]
    rows = max(first.shape[:-1], default=0)
    for name, value in call.arguments.items():
        for place, coordinates in tensors_in(value):
            if _may_be_coordinates(coordinates, rows):
                words = _follow(call, name, place, coordinates, rows)
                if words:
                    return TableGrid(f"{first.shape[-1]} lanes", words)
    return None


def _may_be_coordinates(x: Tensor, rows: int) -> bool:
    is_wide = x.numel() > MOST_NUMBERS * rows * max(x.shape[0] if x.dim() else 1, 1)
    return x.is_floating_point() and rows > 1 and rows in x.shape and not is_wide


def _follow(call: CallRecord, name: str, place: str, coordinates: Tensor, rows: int) -> str:
    """What the angles follow, in words; empty: not these coordinates."""

    def angles(factor: float) -> Tensor:
        def scale(x: Tensor) -> Tensor:
            return x * factor if x is coordinates else x

        with torch.no_grad(), kept_state(call.arguments.values()):
            result = call.call({name: map_tensors(call.arguments[name], scale)})
        results = dict(tensors_in(result))
        return _angles([results[at] for at in call.tables], rows)

    whole = _whole_angles(angles)
    if whole is None or float(whole.abs().max()) < STILL:
        return ""
    for choice in _choices(coordinates.detach().cpu().double(), rows):
        axis = _axis_of_pairs(whole, choice)
        if axis is not None:
            return _words(axis, len(choice))
    return ""


def _angles(tables: list[Tensor], rows: int) -> Tensor:
    """The angles (S, P) of tables: a complex one, or two, which are cos and sin."""
    if len(tables) == 1:
        numbers = tables[0].detach().cpu().to(torch.complex128)
    else:
        numbers = torch.complex(*(table.detach().cpu().double() for table in tables[:2]))
    axis = list(numbers.shape[:-1]).index(rows)
    return torch.angle(numbers.movedim(axis, -2).reshape(-1, rows, numbers.shape[-1])[0])


def _whole_angles(angles: Callable[[float], Tensor]) -> Tensor | None:
    """The angles (S, P) from coordinate 0 on, not wrapped; None: they do not grow evenly."""
    start = angles(0.0)
    whole = wrap(angles(2.0**-OCTAVES) - start)
    if float(whole.abs().max()) > SMALL:
        return None
    for octave in range(OCTAVES - 1, -1, -1):
        off = wrap(angles(2.0**-octave) - start - 2 * whole)
        if float(off.abs().max()) > EVEN:
            return None
        whole = 2 * whole + off
    return whole


def _choices(coordinates: Tensor, rows: int) -> Iterator[Tensor]:
    """Yield the numbers of each coordinate, (A, K, S), for each axis that may be that of these."""
    numbers = coordinates.movedim(coordinates.shape.index(rows), -1)  # (..., S)
    if numbers.dim() == 1:
        yield numbers[None, None]
    for axis in range(numbers.dim() - 1):
        if axis == 0 and numbers.dim() > 2 and bool((numbers == numbers[:1]).all()):
            numbers = numbers[:1]  # the rows of a batch
            continue
        yield numbers.movedim(axis, 0).flatten(1, -2) if numbers.dim() > 2 else numbers[:, None]


def _axis_of_pairs(whole: Tensor, choice: Tensor) -> Tensor | None:
    """Which coordinate each pair turns along, (P,); None: some follow none of them alone."""
    offs = []
    for numbers in choice:  # (K, S)
        line = numbers.T
        weights = torch.linalg.lstsq(line, whole, driver="gelsd").solution  # (K, P)
        offs.append((whole - line @ weights).abs().amax(0))  # (P,)
    least = torch.stack(offs).min(0)
    sizes = whole.abs().amax(0)  # (P,)
    axis = least.indices.where(sizes >= STILL, -1)
    return axis if bool((least.values <= (EVEN * sizes).clamp(STILL, EVEN)).all()) else None


def _words(axis: Tensor, count: int) -> str:
    pairs = Counter(axis.tolist())
    still = f"; {pairs[-1]} stand still" if pairs[-1] else ""
    if count == 1:
        return f"by the coordinate that it is handed{still}"
    numbers = ", ".join(str(pairs[at]) for at in range(count))
    return f"by the {count} coordinates that it is handed, {numbers} lanes{still}"
