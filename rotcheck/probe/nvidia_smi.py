"""nvidia-smi: the driver's own word on the GPUs."""

import shutil

from rotcheck.isolation import Died, Outcome, Returned, command
from rotcheck.probe.lines import ended, joined, line, outcome_line, why
from rotcheck.results import Line

LIMIT = 3.0  # seconds; it answers in less than one, or hangs
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
    rows = [row.partition(", ") for row in outcome.value.splitlines() if row.strip()]
    driver, names = rows[0][0] if rows else None, [name for _, _, name in rows]
    detail = joined(f"driver {driver}", *names) if rows else "it names no GPU"
    return [line("libraries", "nvidia-smi", "runs", detail, runs=1, values={"driver": driver, "gpus": names})]


def _state(outcome: Outcome) -> str:
    """Return broken when it ended by itself with a complaint, else crashes or hangs."""
    return "broken" if isinstance(outcome, Died) and outcome.status > 0 else ended(outcome)


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Died) and outcome.status > 0 and outcome.output:
        return outcome.output.splitlines()[0]
    return why(outcome)
