"""The lines around a report: the machine it ran on, and how many cells came out how."""

from collections.abc import Mapping, Sequence

from rotcheck.exit_codes import NOTHING_RAN
from rotcheck.report.document import Tone
from rotcheck.report.text import one_line, plural
from rotcheck.results import Cell, Context, Course, Line, Machine, Reach, Report, exit_code

ABSENT = {"absent", "not built in", "no driver", "not here", "default", "cannot run here"}
DEFAULT = "default executor"  # the one that runs unless code switches on another
WORDS = {
    "agrees": "agree",
    "disagrees": "disagree",
    "raises": "raise",
    "crashes": "crash",
    "hangs": "hang",
    "unidentified": "not identified",
}


def machine_lines(machine: Machine, rotcheck: str) -> list[str]:
    """The machine in two lines, and one for each device that is named here and does not run."""
    first = f"rotcheck {rotcheck}, {_torch(machine)}, Python {machine.python}, {machine.system}"
    memory = f"{machine.memory_gib:.1f} GiB of memory"
    second = f"{machine.processor}, {plural(machine.cores, 'core')}, {memory}"
    runs = ", ".join(machine.live_devices())
    failing = [
        f"{line.name} does not run: {line.state}, {line.detail}"
        for line in machine.devices().values()
        if not line.stand_in and tone(line) == "bad"
    ]
    return list(map(one_line, (first, f"{second}; runs: {runs}" if runs else second, *failing)))


def _torch(machine: Machine) -> str:
    if machine.torch:
        return f"torch {machine.torch}"
    torch_line = any((line.group, line.name) == ("libraries", "torch") for line in machine.lines)
    return "no torch that can be imported" if torch_line else "torch not yet asked"


def tone(line: Line) -> Tone:
    """Whether a line of a probe is good news, bad news or neither."""
    if line.state == "runs":
        return "good"
    switched_on = line.group == "torchscript" and not line.name.startswith(DEFAULT)
    nothing_ran = line.runs == 0 and not line.failure
    return "dim" if line.state in ABSENT or switched_on or nothing_ran else "bad"


def run_on(rotcheck: str, torch: str | None, device: str) -> str:
    """`rotcheck 0.1.0, torch 2.13.0, on cpu`."""
    return one_line(f"rotcheck {rotcheck}{f', torch {torch}' if torch else ''}, on {device}")


def summary_line(report: Report) -> str:
    """`224 cells: 192 agree, 32 unavailable`."""
    return of_rows("cell", report.cells, report)


def of_rows(word: str, rows: Sequence[Cell | Course | Reach], result: Report | Context) -> str:
    """How many rows came out how, or how far an interrupted run came."""
    total = progress(word, len(rows), result.planned if result.interrupted else None)
    return tally(total, result.summary, nothing=exit_code(rows) == NOTHING_RAN)


def progress(word: str, count: int, planned: int | None) -> str:
    """`24 rows`; of a run that was interrupted, `interrupted: 3 of 24 rows`."""
    if planned is None:
        return plural(count, word)
    return f"interrupted: {count} of {plural(max(planned, count), word)}"


def tally(total: str, counts: Mapping[str, int], *, nothing: bool) -> str:
    """`224 cells: 192 agree, 32 unavailable`; `nothing`: none of them ran."""
    words = [f"{count} {WORDS.get(name, name)}" for name, count in counts.items() if count]
    end = "; nothing ran" if nothing else ""
    return f"{total}: {', '.join(words)}{end}" if words else f"{total}{end}"
