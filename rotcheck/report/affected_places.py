"""Says in few words in which devices, dtypes and checks something was found."""

from collections.abc import Sequence

from rotcheck.results import Cell, Course

FEW = 4  # left out are few when so many times as many are possible


def device_name(cell: Cell | Course) -> str:
    """The cell's device, a stand-in marked as one."""
    return f"{cell.device} (stand-in)" if cell.stand_in else cell.device


def places(cells: Sequence[Cell], among: Sequence[Cell]) -> str:
    """Where the cells are: `cpu: float32, bfloat16 (forward); meta (stand-in): all dtypes (dtype)`.

    `among` are all cells that could have been meant; where every dtype or check of theirs is, or every one but a
    few, the word is `all`.
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
        + ("" if checks == "all checks" else f" ({checks})")
        for where, dtypes, checks in _parts(cells, among)
    )


def _parts(cells: Sequence[Cell], among: Sequence[Cell]) -> list[tuple[list[str], str, str]]:
    """Devices, dtypes and checks, as few rows as hold all of the cells and no other."""
    every_dtype, every_check = {cell.dtype for cell in among}, {cell.check for cell in among}
    checks: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        checks.setdefault((device_name(cell), cell.dtype), []).append(cell.check)
    dtypes: dict[tuple[str, str], list[str]] = {}
    for (device, dtype), names in checks.items():
        dtypes.setdefault((device, _summarise(names, every_check, "checks")), []).append(dtype)
    rows: dict[tuple[str, str], list[str]] = {}
    for (device, named_checks), names in dtypes.items():
        rows.setdefault((_summarise(names, every_dtype, "dtypes"), named_checks), []).append(device)
    return [
        (where, named_dtypes, named_checks) for (named_dtypes, named_checks), where in rows.items()
    ]


def _summarise(names: Sequence[str], possible: set[str], word: str) -> str:
    """Which of the possible ones are chosen: all, all but a few, or their names."""
    omitted_names = sorted(possible - set(names))
    if len(possible) < 2 or len(omitted_names) * FEW > len(possible):
        return ", ".join(names)
    return f"all {word} but {', '.join(omitted_names)}" if omitted_names else f"all {word}"
