"""nvidia-smi: the driver's own word on the GPUs."""

import re
import shutil

from rotcheck.isolation import Died, Outcome, Raised, Returned, command
from rotcheck.probe.outcome_lines import ended, essence, joined, line, outcome_line, why
from rotcheck.results import Line

LIMIT = 3.0  # seconds; it answers in less than one, or hangs
LONGEST_ERROR = 4000  # characters
_ROW = re.compile(r"(\d+(?:\.\d+)+), *(\S.*)")  # "550.54.15, NVIDIA H100 80GB HBM3"
ASKED = ["--query-gpu=driver_version,name", "--format=csv,noheader"]


def ask() -> Outcome | None:
    """Return what became of nvidia-smi, None where it is not on the PATH."""
    program = shutil.which("nvidia-smi")
    return command([program, *ASKED], limit=LIMIT) if program else None


def lines(outcome: Outcome | None, cuda_built: bool) -> list[Line]:
    """Return its line; none where it is absent and torch has no use for it."""
    if outcome is None:
        return [line("libraries", "nvidia-smi", "absent")] if cuda_built else []
    if not isinstance(outcome, Returned):
        state, detail = _state(outcome), _said(outcome)
        return [outcome_line("libraries", "nvidia-smi", outcome, state=state, detail=detail)]
    every = [row.strip() for row in outcome.value.splitlines() if row.strip()]
    rows = [found for row in every if (found := _ROW.fullmatch(row))]
    other = [row for row in every if not _ROW.fullmatch(row)]
    driver, names = rows[0][1] if rows else None, [row[2] for row in rows]
    detail = joined(
        f"driver {driver}" if driver else None,
        *names,
        f"it says: {essence(other[0])}" if other else None,
    )
    return [
        line(
            "libraries",
            "nvidia-smi",
            "broken" if other else "runs",
            detail or "it names no GPU",
            error="\n".join(other)[:LONGEST_ERROR],
            runs=1,
            values={"driver": driver, "gpus": names},
        )
    ]


def _state(outcome: Outcome) -> str:
    """Return broken when it cannot be started or ended by itself with a complaint, else crashes or hangs."""
    complains = isinstance(outcome, Died) and outcome.status > 0
    return "broken" if complains or isinstance(outcome, Raised) else ended(outcome)


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Died) and outcome.status > 0 and outcome.output:
        return essence(outcome.output)
    return (
        f"it cannot be started: {outcome.message}" if isinstance(outcome, Raised) else why(outcome)
    )
