"""A benchmark: who takes how long, and what may be said about who is faster."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rotcheck.bench.timing_statistics import NO_CHANGE, is_significant
from rotcheck.report import conventions, findings, summary, unidentified
from rotcheck.report import document as made_of
from rotcheck.report.document import (
    Columns,
    Conclusion,
    Document,
    Field,
    Grid,
    Lines,
    Part,
    Section,
    Table,
    Tone,
)
from rotcheck.report.findings import CellFinding
from rotcheck.report.text import one_line, plural
from rotcheck.results import Bench, Cell, Report, Spread, Timing, Verdict, summarise

WORD = "a benchmark"
RESULT = Bench

LEGEND = (
    "Each figure is the median of all rounds, and ± half the distance between their quartiles. "
    "of copy: the share of the bandwidth of copying the same input, measured in the same rounds. "
    "vs {against}: paired by round; `same` where that is within its noise or that of the baseline against itself. "
    "rank: 1 + how many are faster beyond that noise, so equal ranks cannot be told apart. "
    "memory: held at the peak beyond the inputs, in inputs. launches: kernels on a GPU, operations on a CPU. "
    "compile: loading and the first calls beyond steady ones, measured once. "
    "break-even: calls until that is paid back."
)
SPEED = ("rank", "time", "of copy")
COST = ("memory", "launches", "compile", "break-even")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
NOTHING = Field("-", "dim")
STATES = {"unidentified": "not identified"}
QUIET = 10  # percent of the processor that others may use
STEADY = 1.2  # times the shortest that the baseline may take in another row


@dataclass(frozen=True, slots=True)
class Race:
    """What is compared with each other: one device, dtype, shape and pass, the fastest first."""

    title: str
    rows: tuple[Timing, ...]

    @property
    def ran(self) -> list[Timing]:
        """The rows that have figures."""
        return [row for row in self.rows if row.seconds]


def document(bench: Bench) -> Document:
    """A table for each device, dtype, shape and pass, what went wrong, and what did not run."""
    return Document(tuple(_parts(bench)), "rotcheck bench")


def _parts(bench: Bench) -> Iterator[Part]:
    report = as_report(bench)
    machine = summary.machine_lines(bench.machine, bench.rotcheck)
    yield Lines([*machine, *findings.paths(report)])
    yield from conventions.wrong(bench.conventions)
    sections = [_section(race, bench.against) for race in races(bench)]
    yield from sections
    yield from made_of.legend(LEGEND.format(against=one_line(bench.against)), of=sections)
    yield from findings.shown(_findings(report))
    yield from unidentified.shown(report)
    yield from findings.not_run(report)
    yield Conclusion(summary_line(bench))


def _section(race: Race, against: str) -> Section:
    table = Table(grid(race, against), aspects=True, warnings=warnings(race, against))
    return Section(race.title, [table])


def races(found: Bench) -> list[Race]:
    """Return the races that have anything to show, in the order in which they were run."""
    groups: dict[str, list[Timing]] = {}
    for row in found.timings:
        if row.state not in ("unavailable", "skipped", "unidentified"):
            title = f"{row.shape} {row.dtype} {row.pass_} on {row.device}"
            groups.setdefault(title, []).append(row)
    return [Race(title, tuple(sorted(rows, key=_slowness))) for title, rows in groups.items()]


def grid(race: Race, against: str) -> Grid:
    """A race as a table: a row for each implementation, and one for copying packed qkv."""
    baseline = next((row for row in race.ran if row.implementation == against), None)
    lines = [
        (_name(row, against), _speed(row, race, baseline), _cost(row, against)) for row in race.rows
    ]
    if baseline:
        lines.append(("copy of qkv", _copy(baseline), [NOTHING] * len(COST)))
    names, speeds, costs = zip(*lines)
    against_columns = (*SPEED, f"vs {one_line(against)}")
    return Grid(
        "implementation",
        names,
        (
            Columns("speed", against_columns, tuple(map(tuple, speeds))),
            Columns("cost", COST, tuple(map(tuple, costs))),
        ),
    )


def warnings(race: Race, against: str) -> list[str]:
    """Return what speaks against trusting the figures: a baseline that drifts, processes that disturb."""
    times = sorted(row.baseline_seconds.median for row in race.ran if row.baseline_seconds)
    found = []
    if times and times[-1] > STEADY * times[0]:
        found.append(
            f"The machine was not steady: {one_line(against)} took {duration(times[0])} to {duration(times[-1])} "
            "beside the others. Ratios are taken round by round; do not compare times of different rows."
        )
    others = max((row.others_percent or 0.0 for row in race.ran), default=0.0)
    if others > QUIET:
        found.append(
            f"Other processes used up to {others:.0f} % of the processor meanwhile, which slows down functions "
            "with several threads most. Measure again when it is at rest."
        )
    return found


def rank(row: Timing, among: Sequence[Timing]) -> int:
    """Return 1 + how many of the others are faster by more than the noise of both."""
    return 1 + sum(_clearly_faster(other, row) for other in among)


def summary_line(bench: Bench) -> str:
    """`24 rows: 20 ran, 4 unavailable`, or how far an interrupted run came."""
    states = [row.state for row in bench.timings]
    rows = plural(len(states), "row")
    if bench.interrupted:
        rows = f"interrupted: {len(states)} of {plural(max(bench.planned, len(states)), 'row')}"
    counts = {
        state: f"{count} {STATES.get(state, state)}" for state, count in Counter(states).items()
    }
    nothing = "" if "ran" in states else "; nothing ran"
    return f"{rows}: {', '.join(counts.values())}{nothing}" if counts else f"{rows}{nothing}"


def as_report(found: Bench) -> Report:
    """Return the rows as the cells of a report, whose findings and reasons are then told as always."""
    cells = tuple(map(_cell, found.timings))
    return Report(
        rotcheck=found.rotcheck,
        machine=found.machine,
        cells=cells,
        summary=summarise(cells),
        conventions=found.conventions,
    )


def _findings(report: Report) -> list[CellFinding]:
    """What went wrong, each thing once; what is a check elsewhere is a shape and a pass here."""
    return [
        replace(finding, where=finding.where.replace("all checks", "all shapes and passes"))
        for finding in findings.findings(report)
    ]


def duration(seconds: float) -> str:
    """Return `213 ms`, `4.10 µs`: three digits."""
    size, unit = next((pair for pair in UNITS if seconds >= 0.9995 * pair[0]), UNITS[-1])
    return f"{_digits(seconds / size)} {unit}"


def noise(spread: Spread) -> str:
    """Return half of the distance between the quartiles, in percent of the median: `±4 %`."""
    percent = 50 * (spread.q75 - spread.q25) / spread.median
    return f"±{percent:.0f} %" if percent >= 0.95 else f"±{percent:.1f} %"


def speedup(spread: Spread, floor: Spread = NO_CHANGE) -> str:
    """Return `4.10× faster ±3 %`, `1.20× slower ±2 %`, or `same ±2 %` where the noise allows no more."""
    if not is_significant(spread, floor):
        return f"same {noise(spread)}"
    times, word = (spread.median, "faster") if spread.median > 1 else (1 / spread.median, "slower")
    return f"{_digits(times)}× {word} {noise(spread)}"


def _digits(value: float) -> str:
    """Return three digits."""
    return (
        f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    )


def _share(spread: Spread) -> str:
    """Return a percentage with its noise in percentage points: `12.2 ±0.3 %`."""
    places = 0 if spread.median >= 99.95 else 1 if spread.median >= 9.995 else 2
    return f"{spread.median:.{places}f} ±{(spread.q75 - spread.q25) / 2:.{places}f} %"


def _slowness(row: Timing) -> tuple[bool, bool, float]:
    """Return what to sort by: against the baseline, since what drifts between processes drifts for both."""
    if row.speedup:
        return False, False, 1 / row.speedup.median
    return row.seconds is None, True, row.seconds.median if row.seconds else 0.0


def _clearly_faster(one: Timing, other: Timing) -> bool:
    if one.speedup and other.speedup:
        return one.speedup.q25 > other.speedup.q75
    return bool(one.seconds and other.seconds and one.seconds.q75 < other.seconds.q25)


def _name(row: Timing, against: str) -> str:
    return one_line(
        f"{row.implementation} (baseline)" if row.implementation == against else row.implementation
    )


def _speed(row: Timing, race: Race, baseline: Timing | None) -> list[Field]:
    if row.seconds is None or row.copy_share is None:
        return [NOTHING, Field(row.state, "bad"), NOTHING, NOTHING]
    return [
        Field(str(rank(row, race.ran))),
        Field(_timed(row.seconds)),
        Field(_share(row.copy_share)),
        _versus(row, baseline),
    ]


def _versus(row: Timing, baseline: Timing | None) -> Field:
    if row.speedup is None:
        return NOTHING
    if row is baseline:
        return Field(f"{_digits(row.speedup.median)}× itself {noise(row.speedup)}")
    floor = baseline.speedup if baseline and baseline.speedup else NO_CHANGE
    tone: Tone = "good" if row.speedup.median > 1 else "bad"
    return Field(speedup(row.speedup, floor), tone if is_significant(row.speedup, floor) else "dim")


def _timed(spread: Spread) -> str:
    return f"{duration(spread.median)} {noise(spread)}"


def _cost(row: Timing, against: str) -> list[Field]:
    memory = NOTHING if row.peak_inputs is None else Field(f"{_digits(row.peak_inputs)}×")
    launched = NOTHING if row.launches is None else Field(str(row.launches))
    compiled = (
        NOTHING
        if row.compile_seconds is None
        else Field(_compiled(row.compile_seconds, row.seconds))
    )
    paid = NOTHING if row.implementation == against or not row.speedup else Field(_break_even(row))
    return [memory, launched, compiled, paid]


def _compiled(compile_seconds: float, seconds: Spread | None) -> str:
    """Return the seconds, or `none` for what is not worth a tenth of a call."""
    return (
        f"~{duration(compile_seconds)}"
        if seconds and compile_seconds > seconds.median / 10
        else "none"
    )


def _break_even(row: Timing) -> str:
    if row.break_even_calls is None:
        return "never"
    return f"~{plural(row.break_even_calls, 'call')}" if row.break_even_calls else "0 calls"


def _copy(baseline: Timing) -> list[Field]:
    """Return the copy as it was measured beside the baseline."""
    assert baseline.copy_seconds is not None, "it ran"
    assert baseline.times_copy is not None, "it ran"
    copy = baseline.times_copy
    return [NOTHING, Field(_timed(baseline.copy_seconds)), Field("100 %"), Field(speedup(copy))]


def _cell(row: Timing) -> Cell:
    verdict: Verdict = "agrees" if row.state == "ran" else row.state
    return Cell(
        implementation=row.implementation,
        device=row.device,
        dtype=row.dtype,
        check=f"{row.shape} {row.pass_}",
        verdict=verdict,
        path=row.path,
        message=row.message,
        trace=row.trace,
        failure=row.failure,
        cause=row.cause,
        fix=row.fix,
    )
