"""Where something departs, in words: which of q, k and v, which lanes, heads,
batch rows and rows."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor


def where(departs: Tensor, slots: Sequence[str]) -> str:
    """The smallest description of a set (slots, B, S, H, D) that holds all elements that depart."""
    of_slots, batch, rows, heads, lanes = (_along(departs, axis) for axis in range(5))
    _, batches, length, head_count, width = departs.shape
    parts = [
        "all lanes" if len(lanes) == width else _name("lane", lanes) if lanes else "some lanes"
    ]
    if 0 < len(of_slots) < len(slots):
        parts.append(f"of {' and '.join(slots[at] for at in of_slots)}")
    for noun, at, size in (("head", heads, head_count), ("batch row", batch, batches)):
        if 0 < len(at) < size:
            parts.append(f"in {_some(noun, at, size)}")
    # row 0 of positions turns nothing
    if 0 < len(rows) < length and rows != list(range(1, length)):
        to_end = rows == list(range(rows[0], length))
        parts.append(f"from row {rows[0]} on" if to_end else f"in {_name('row', rows)}")
    return " ".join(parts)


def _along(departs: Tensor, axis: int) -> list[int]:
    shares = departs.movedim(axis, 0).flatten(1).double().mean(1)
    return shares.gt(0.02).nonzero().flatten().tolist()


def _some(noun: str, at: list[int], size: int) -> str:
    if at == [size - 1]:
        return f"the last {noun}"
    return f"all {noun}s but the first" if at == list(range(1, size)) else _name(noun, at)


def _name(noun: str, at: Sequence[int]) -> str:
    return f"{noun}{'' if len(at) == 1 else 's'} {span(at)}"


def span(numbers: Sequence[int]) -> str:
    """Numbers in words: `8 to 15`, `1, 3, 5, ... to 15`."""
    if len(numbers) <= 2:
        return " and ".join(map(str, numbers))
    first, last = numbers[0], numbers[-1]
    steps = {after - before for before, after in pairwise(numbers)}
    if steps == {1}:
        return f"{first} to {last}"
    if len(steps) == 1:
        return f"{first}, {numbers[1]}, {numbers[2]}, ... to {last}"
    return ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")
