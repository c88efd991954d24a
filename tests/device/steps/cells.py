"""From a report of `rotcheck compare` to a line for each implementation."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from record import Step

BAD = ("disagrees", "raises", "crashes", "hangs")
NOT_RUN = ("unavailable", "skipped", "unidentified")
KNOWN_OF_OLD = ("cpu", "cuda", "xpu")
MOST = 3  # findings that a line tells; the report has them all

Cell = dict[str, Any]


def judged(step: Step, report: dict[str, Any], names: Sequence[str]) -> None:
    """Say of each implementation whether all of its cells agree on the device,
    and where they differ from the CPU's."""
    cells = [cell for cell in report.get("cells", []) if not _of_old(step, cell)]
    here = [cell for cell in cells if cell["device"].startswith(step.kind)]
    for name in names:
        _implementation(step, name, [cell for cell in here if cell["implementation"] == name])
    others = [cell for cell in cells if cell not in here]
    if others:
        _beside(step, here, others)


def _of_old(step: Step, cell: Cell) -> bool:
    """Return whether a cell asks TorchScript's old executor of a device that it does not know,
    which it refuses."""
    return cell["implementation"] == "torchscript-legacy" and step.kind not in KNOWN_OF_OLD


def _implementation(step: Step, name: str, cells: list[Cell]) -> None:
    counted = Counter(cell["verdict"] for cell in cells)
    bad = [cell for cell in cells if cell["verdict"] in BAD]
    said = ", ".join(f"{number} {verdict}" for verdict, number in counted.items())
    if bad:
        step.say(f"{name} agrees", False, f"{said}: {'; '.join(map(words, bad[:MOST]))}")
    elif counted["agrees"]:
        step.say(f"{name} agrees", True, said)
    else:
        reasons = dict.fromkeys(cell["message"] for cell in cells)
        step.pass_over(f"{name} agrees", "; ".join(map(str, reasons)) or "no cell of it was asked")


def words(cell: Cell) -> str:
    """Return what became of a cell."""
    error = f" error {cell['error']:.3g}" if cell["error"] is not None else ""
    message = f" ({cell['message']})" if cell["message"] else ""
    return f"{cell['dtype']} {cell['check']} {cell['verdict']}{error}{message}"


def _beside(step: Step, here: list[Cell], others: list[Cell]) -> None:
    """Say which verdicts the CPU does not share, of cells that ran on both."""
    on_cpu = {_key(cell): cell for cell in others if cell["verdict"] not in NOT_RUN}
    both = [cell for cell in here if cell["verdict"] not in NOT_RUN and _key(cell) in on_cpu]
    apart = [cell for cell in both if cell["verdict"] != on_cpu[_key(cell)]["verdict"]]
    told = [f"{cell['implementation']} {words(cell)}" for cell in apart[:MOST]]
    more = f": {'; '.join(told)}" if told else ""
    step.say(
        "same verdicts as on the CPU", not apart, f"{len(apart)} of {len(both)} cells differ{more}"
    )


def _key(cell: Cell) -> tuple[str, str, str]:
    return cell["implementation"], cell["dtype"], cell["check"]
