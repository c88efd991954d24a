"""Where something departs, in words: which of q, k and v, which lanes, heads, batch rows and rows."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor


def where(departs: Tensor, slots: Sequence[str]) -> str:
    """The smallest description of a set (slots, B, S, H, D) that holds all elements that depart."""
    of_slots, batch, rows, heads, lanes = (_along(departs, axis) for axis in range(5))
    parts = [_lanes(lanes)]
    if len(slots) > 1 and not all(of_slots):
        parts.append(f"of {' and '.join(slots[at] for at in _places(of_slots))}")
    if not all(heads):
        parts.append(f"in {_names_of('head', heads)}")
    if not all(batch):
        parts.append(f"in {_names_of('batch row', batch)}")
    all_but_first = [False, *[True] * (len(rows) - 1)]  # row 0 of positions turns nothing
    if not all(rows) and any(rows) and rows != all_but_first:
        parts.append(_rows(rows))
    return " ".join(parts)


def _along(departs: Tensor, axis: int) -> list[bool]:
    shares = departs.movedim(axis, 0).flatten(1).double().mean(1)
    return [bool(departs_there) for departs_there in shares.gt(0.02)]


def _places(mask: list[bool]) -> list[int]:
    return [place for place, departs in enumerate(mask) if departs]


def _lanes(lanes: list[bool]) -> str:
    if all(lanes):
        return "all lanes"
    at = _places(lanes)
    return f"lane {at[0]}" if len(at) == 1 else f"lanes {span(at)}"


def _rows(rows: list[bool]) -> str:
    at = _places(rows)
    if at == list(range(at[0], len(rows))):
        return f"from row {at[0]} on"
    return f"in {'row' if len(at) == 1 else 'rows'} {span(at)}"


def _names_of(noun: str, mask: list[bool]) -> str:
    at = _places(mask)
    if at == [len(mask) - 1]:
        return f"the last {noun}"
    if at == list(range(1, len(mask))):
        return f"all {noun}s but the first"
    return f"{noun}{'s' if len(at) > 1 else ''} {span(at)}"


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
