"""Says in few words in which devices, dtypes and checks something was found."""

from collections.abc import Sequence

from rotcheck.grouping import group_by
from rotcheck.results import Cell, Course

FEW = 4  # left out are few when so many times as many are possible


def device_name(cell: Cell | Course) -> str:
    """The cell's device, a stand-in marked as one."""
    return f"{cell.device} (stand-in)" if cell.stand_in else cell.device


def places(cells: Sequence[Cell], among: Sequence[Cell]) -> str:
    """Where the cells are: `cpu: float32, bfloat16 (forward); meta (stand-in): all dtypes (dtype)`.

    `among` are all cells that could have been meant; where every dtype or check of theirs is,
    or every one but a few, the word is `all`.
    """
    return "; ".join(
        f"{', '.join(devices)}: {dtypes} ({checks})"
        for devices, dtypes, checks in _parts(cells, among)
    )


def devices(cells: Sequence[Cell], among: Sequence[Cell]) -> str:
    """The same as `places` without what needs no mention: `cpu` when all of its cells are meant."""
    return "; ".join(
        ", ".join(where)
        + (f" {dtypes}" if dtypes not in ("", "all dtypes") else "")
        + (f" ({checks})" if checks not in ("", "all checks") else "")
        for where, dtypes, checks in _parts(cells, among)
    )


def _parts(cells: Sequence[Cell], among: Sequence[Cell]) -> list[tuple[list[str], str, str]]:
    """Devices, dtypes and checks, as few rows as hold all of the cells and no other."""
    every_dtype, every_check = {cell.dtype for cell in among}, {cell.check for cell in among}
    by_place = group_by(cells, lambda cell: (device_name(cell), cell.dtype))
    checks = {
        place: _summarise([cell.check for cell in group], every_check, "checks")
        for place, group in by_place.items()
    }
    by_device = group_by(checks, lambda place: (place[0], checks[place]))
    dtypes = {
        row: _summarise([dtype for _, dtype in places], every_dtype, "dtypes")
        for row, places in by_device.items()
    }
    rows = group_by(dtypes, lambda row: (dtypes[row], row[1]))
    return [([device for device, _ in group], *words) for words, group in rows.items()]


def _summarise(names: Sequence[str], possible: set[str], word: str) -> str:
    """Which of the possible ones are chosen: all, all but a few, or their names."""
    omitted_names = sorted(possible - set(names))
    if len(possible) < 2 or len(omitted_names) * FEW > len(possible):
        return ", ".join(names)
    return f"all {word} but {', '.join(omitted_names)}" if omitted_names else f"all {word}"
