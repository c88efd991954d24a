"""A benchmark: who takes how long, and what may be said about who is faster."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rotcheck.bench.standings import Race, races, rank, verdict
from rotcheck.bench.timing_statistics import NO_CHANGE, is_significant
from rotcheck.report import conventions, findings, summary, unidentified
from rotcheck.report import document as doc
from rotcheck.report.findings import CellFinding
from rotcheck.report.text import one_line, plural
from rotcheck.results import Bench, Cell, Spread, Timing, Verdict

WORD = "a benchmark"
RESULT = Bench

LEGEND = (
    "Each figure is the median of all rounds, and ± half the distance between their quartiles. "
    "of copy: the share of the bandwidth of copying the same input, measured in the same rounds. "
    "vs {against}: paired by round; `same` where that is within its noise or that of the baseline against itself. "
    "rank: 1 + how many are faster beyond that noise, so equal ranks cannot be told apart. "
    "memory: held at the peak beyond the inputs, in inputs. launches: kernels on a GPU, operations on a CPU."
)
COMPILE_LEGEND = (
    " compile: loading and the first calls beyond steady ones, measured once. "
    "break-even: calls until that is paid back."
)
SPEED = ("rank", "time", "of copy")
COST = ("memory", "launches")
COMPILE_COST = ("compile", "break-even")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
NOTHING = doc.Field("-", "dim")
QUIET = 10  # percent of the processor that others may use
STEADY = 1.2  # times the shortest that the baseline may take in another row
COMPILES = 5e-3  # seconds beyond steady calls: first calls that take less compile nothing
TOO_NOISY = 0.25  # of the median, between it and a quartile: nothing can be told then


def document(bench: Bench) -> doc.Document:
    """A table for each device, dtype, shape and pass, what went wrong, and what did not run."""
    return doc.Document(tuple(_parts(bench)), "rotcheck bench")


def _parts(bench: Bench) -> Iterator[doc.Part]:
    cells = list(map(_cell, bench.timings))
    machine = summary.machine_lines(bench.machine, bench.rotcheck)
    yield doc.Lines([*machine, *findings.paths(cells)])
    yield from conventions.wrong(bench.conventions)
    groups = races(bench)
    for race in groups:
        cautions = warnings(race, bench.against)
        table = doc.Table(grid(race, bench.against), aspects=True, warnings=cautions)
        yield doc.Section(race.title, [table])
    legend = LEGEND.format(against=one_line(bench.against))
    compiling = COMPILE_LEGEND if any(map(_compiling, groups)) else ""
    yield from doc.legend(legend + compiling, of=groups)
    yield from findings.parts(_findings(cells))
    yield from unidentified.parts(cells, bench.conventions)
    yield from findings.not_run(cells)
    fastest = verdict(bench)
    if fastest:
        yield doc.Lines([one_line(fastest)], tone="plain")
    yield doc.Summary(summary_line(bench))


def grid(race: Race, against: str) -> doc.Grid:
    """A race as a table: a row for each implementation, and one for copying packed qkv."""
    costs = (*COST, *(COMPILE_COST if _compiling(race) else ()))
    lines = [
        (_name(row, against), _speed(row, race), _cost(row, against)[: len(costs)])
        for row in race.rows
    ]
    if race.baseline:
        lines.append(("copy of qkv", _copy(race.baseline), [NOTHING] * len(costs)))
    names, speeds, cost_fields = zip(*lines)
    against_columns = (*SPEED, f"vs {one_line(against)}")
    return doc.Grid(
        "implementation",
        names,
        (
            doc.Columns("speed", against_columns, tuple(map(tuple, speeds))),
            doc.Columns("cost", costs, tuple(map(tuple, cost_fields))),
        ),
    )


def warnings(race: Race, against: str) -> list[str]:
    """What speaks against the figures: a baseline that drifts, other processes."""
    times = sorted(row.baseline_seconds.median for row in race.ran if row.baseline_seconds)
    texts = []
    if times and times[-1] > STEADY * times[0]:
        texts.append(
            f"The machine was not steady: {one_line(against)} took {duration(times[0])} to {duration(times[-1])} "
            "beside the others. Ratios are taken round by round; do not compare times of different rows."
        )
    percent = max((row.others_percent or 0.0 for row in race.ran), default=0.0)
    if percent > QUIET:
        texts.append(
            f"Other processes used up to {percent:.0f} % of the processor meanwhile, which slows down functions "
            "with several threads most. Measure again when the machine is idle."
        )
    return texts


def summary_line(bench: Bench) -> str:
    """`24 rows: 20 ran, 4 unavailable`, or how far an interrupted run came."""
    states: Counter[str] = Counter(row.state for row in bench.timings)
    planned = bench.planned if bench.interrupted else None
    rows = summary.progress("row", states.total(), planned)
    return summary.tally(rows, states, nothing="ran" not in states)


def _findings(cells: Sequence[Cell]) -> list[CellFinding]:
    """What went wrong, each thing once; what is a check elsewhere is a shape and a pass here."""
    return [
        replace(finding, where=finding.where.replace("all checks", "all shapes and passes"))
        for finding in findings.findings(cells)
    ]


def duration(seconds: float) -> str:
    """`213 ms`, `4.10 µs`: three digits."""
    size, unit = next((pair for pair in UNITS if seconds >= 0.9995 * pair[0]), UNITS[-1])
    return f"{_digits(seconds / size)} {unit}"


def noise(spread: Spread) -> str:
    """Half of the distance between the quartiles, in percent of the median: `±4 %`."""
    return _percent(_scatter(spread))


def speedup(spread: Spread, floor: Spread = NO_CHANGE) -> str:
    """`4.10× faster ±3 %`, `1.20× slower ±2 %`, or `same ±2 %` where the noise allows no more."""
    if not is_significant(spread, floor):
        return f"{'too noisy' if _scatter(spread) > TOO_NOISY else 'same'} {noise(spread)}"
    times, word = (spread.median, "faster") if spread.median > 1 else (1 / spread.median, "slower")
    return f"{_digits(times)}× {word} {noise(spread)}"


def _scatter(spread: Spread) -> float:
    return (spread.q75 - spread.q25) / 2 / spread.median


def _percent(share: float) -> str:
    percent = 100 * share
    return f"±{percent:.0f} %" if percent >= 0.95 else f"±{percent:.1f} %"


def _digits(value: float) -> str:
    """Three digits."""
    return f"{value:.{_places(value)}f}"


def _places(value: float) -> int:
    return 0 if value >= 99.95 else 1 if value >= 9.995 else 2


def _share(spread: Spread) -> str:
    """A percentage with its noise in percentage points: `12.2 ±0.3 %`."""
    places = _places(spread.median)
    return f"{spread.median:.{places}f} ±{(spread.q75 - spread.q25) / 2:.{places}f} %"


def _name(row: Timing, against: str) -> str:
    return one_line(row.implementation + (" (baseline)" if row.implementation == against else ""))


def _speed(row: Timing, race: Race) -> list[doc.Field]:
    if row.seconds is None or row.copy_share is None:
        return [NOTHING, doc.Field(row.state, "bad"), NOTHING, NOTHING]
    return [
        doc.Field(str(rank(row, race.ran))),
        doc.Field(_time(row.seconds)),
        doc.Field(_share(row.copy_share)),
        _versus(row, race),
    ]


def _versus(row: Timing, race: Race) -> doc.Field:
    if row.speedup is None:
        return NOTHING
    if row is race.baseline:
        most = max(_scatter(row.speedup), abs(row.speedup.median - 1))
        return doc.Field(f"noise {_percent(most)}")
    tone: doc.Tone = "good" if row.speedup.median > 1 else "bad"
    significant = is_significant(row.speedup, race.floor)
    return doc.Field(speedup(row.speedup, race.floor), tone if significant else "dim")


def _time(spread: Spread) -> str:
    return f"{duration(spread.median)} {noise(spread)}"


def _cost(row: Timing, against: str) -> list[doc.Field]:
    memory = NOTHING if row.peak_inputs is None else doc.Field(f"{_digits(row.peak_inputs)}×")
    launches = NOTHING if row.launches is None else doc.Field(str(row.launches))
    compile_time = NOTHING
    if row.compile_seconds is not None:
        compile_time = doc.Field(f"~{duration(row.compile_seconds)}" if _compiles(row) else "none")
    paid_back = row.speedup and row.implementation != against
    return [memory, launches, compile_time, doc.Field(_break_even(row)) if paid_back else NOTHING]


def _compiling(race: Race) -> bool:
    """Whether something compiles, so that what it costs is worth two columns."""
    return any(map(_compiles, race.ran))


def _compiles(row: Timing) -> bool:
    seconds, steady = row.compile_seconds or 0.0, row.seconds
    return steady is not None and seconds > max(COMPILES, steady.median / 10)


def _break_even(row: Timing) -> str:
    if row.break_even_calls is None:
        return "never"
    return f"~{plural(row.break_even_calls, 'call')}" if row.break_even_calls else "0 calls"


def _copy(baseline: Timing) -> list[doc.Field]:
    """The copy, as it was measured beside the baseline."""
    assert baseline.copy_seconds is not None, "it ran"
    assert baseline.times_copy is not None, "it ran"
    texts = (_time(baseline.copy_seconds), "100 %", speedup(baseline.times_copy))
    return [NOTHING, *map(doc.Field, texts)]


def _cell(row: Timing) -> Cell:
    verdict: Verdict = "agrees" if row.state == "ran" else row.state
    return findings.as_cell(row, check=f"{row.shape} {row.pass_}", verdict=verdict, seconds=None)
