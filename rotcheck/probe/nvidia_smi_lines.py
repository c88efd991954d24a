"""The line of nvidia-smi: the driver's version and the GPUs that it reports."""

import re
import shutil

from rotcheck.isolation import Died, Outcome, Raised, Returned, command
from rotcheck.probe.outcome_lines import essence, join, line, outcome_line, program_state, why
from rotcheck.results import Line

LIMIT = 3.0  # seconds; it answers in less than one, or hangs
LONGEST_ERROR = 4000  # characters
_ROW = re.compile(r"(\d+(?:\.\d+)+), *(\S.*)")  # "550.54.15, NVIDIA H100 80GB HBM3"
QUERY = ["--query-gpu=driver_version,name", "--format=csv,noheader"]


def ask() -> Outcome | None:
    """The outcome of nvidia-smi; None if it is not on the PATH."""
    program = shutil.which("nvidia-smi")
    return command([program, *QUERY], limit=LIMIT) if program else None


def lines(outcome: Outcome | None, cuda_built: bool) -> list[Line]:
    """Its line; none if it is absent and torch has no use for it."""
    if outcome is None:
        return [line("libraries", "nvidia-smi", "absent")] if cuda_built else []
    if not isinstance(outcome, Returned):
        state, detail = program_state(outcome), _words(outcome)
        return [outcome_line("libraries", "nvidia-smi", outcome, state=state, detail=detail)]
    rows = [row.strip() for row in outcome.value.splitlines() if row.strip()]
    gpu_rows = [match for row in rows if (match := _ROW.fullmatch(row))]
    complaints = [row for row in rows if not _ROW.fullmatch(row)]
    driver, names = gpu_rows[0][1] if gpu_rows else None, [row[2] for row in gpu_rows]
    detail = join(
        f"driver {driver}" if driver else None,
        *names,
        f"it says: {essence(complaints[0])}" if complaints else None,
    )
    return [
        line(
            "libraries",
            "nvidia-smi",
            "broken" if complaints else "runs",
            detail or "it names no GPU",
            error="\n".join(complaints)[:LONGEST_ERROR],
            runs=1,
            values={"driver": driver, "gpus": names},
        )
    ]


def _words(outcome: Outcome) -> str:
    if isinstance(outcome, Raised):
        return f"it cannot be started: {outcome.message}"
    if isinstance(outcome, Died) and outcome.status > 0 and outcome.output:
        return essence(outcome.output)
    return why(outcome)
