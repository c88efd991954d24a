"""Where something departs, in words: which of q, k and v, which lanes, heads, batch rows and rows."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor


def where(departs: Tensor, names: Sequence[str]) -> str:
    """Return the smallest description of a set (slots, B, S, H, D) that holds all elements that depart."""
    slots, batch, rows, heads, lanes = (_along(departs, axis) for axis in range(5))
    parts = [_lanes(lanes)]
    if len(names) > 1 and not all(slots):
        parts.append(f"of {' and '.join(name for name, one in zip(names, slots) if one)}")
    if not all(heads):
        parts.append(f"in {_some('head', heads)}")
    if not all(batch):
        parts.append(f"in {_some('batch row', batch)}")
    if (
        not all(rows) and any(rows) and rows != [False, *[True] * (len(rows) - 1)]
    ):  # row 0 of positions turns nothing
        parts.append(_rows(rows))
    return " ".join(parts)


def _along(departs: Tensor, axis: int) -> list[bool]:
    found: list[bool] = departs.movedim(axis, 0).flatten(1).double().mean(1).gt(0.02).tolist()
    return found


def _lanes(lanes: list[bool]) -> str:
    if all(lanes):
        return "all lanes"
    at = [lane for lane, one in enumerate(lanes) if one]
    return f"lane {at[0]}" if len(at) == 1 else f"lanes {span(at)}"


def _rows(rows: list[bool]) -> str:
    at = [row for row, one in enumerate(rows) if one]
    if at == list(range(at[0], len(rows))):
        return f"from row {at[0]} on"
    return f"in {'row' if len(at) == 1 else 'rows'} {span(at)}"


def _some(what: str, every: list[bool]) -> str:
    at = [place for place, one in enumerate(every) if one]
    if at == [len(every) - 1]:
        return f"the last {what}"
    if at == list(range(1, len(every))):
        return f"all {what}s but the first"
    return f"{what}{'s' if len(at) > 1 else ''} {span(at)}"


def span(at: Sequence[int]) -> str:
    """Return numbers in words: `8 to 15`, `1, 3, 5, ... to 15`."""
    if len(at) <= 2:
        return " and ".join(map(str, at))
    steps = {later - one for one, later in pairwise(at)}
    if steps == {1}:
        return f"{at[0]} to {at[-1]}"
    if len(steps) == 1:
        return f"{at[0]}, {at[1]}, {at[2]}, ... to {at[-1]}"
    return ", ".join(map(str, at[:6])) + (", ..." if len(at) > 6 else "")
