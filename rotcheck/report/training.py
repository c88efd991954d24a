"""A training run in words and tables: the losses, how far the gradients are off, and what explains it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rotcheck.report.findings import Remark
from rotcheck.report.grid import Block, Entry, Grid, Marks, Tone
from rotcheck.report.summary import WORDS
from rotcheck.report.text import figure, one_line, plural
from rotcheck.report.where import device_name
from rotcheck.results import (
    FINDINGS,
    Cell,
    Course,
    Reference,
    Report,
    Training,
    exit_code,
    summarise,
)
from rotcheck.train.messages import percent
from rotcheck.train.plan import MINIATURE
from rotcheck.train.rounding_limits import LIMIT, times_rounding, worst

LEGEND = (
    "The loss at each step{unit}; {bad}: here it leaves the float64 curve by more than rounding explains. "
    "gradient off: the largest distance from the float64 gradient at the same weights and data. "
    "x rounding: that distance in the worst parameter, in multiples of what {rounding} gives; "
    f"over {LIMIT:g} is wrong."
)
MOST_COLUMNS = 6
NOTHING_RAN = 5
_SHORT = {"unavailable": "n/a", "skipped": "skip", "unidentified": "?"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one implementation, in every device and dtype where it is the same thing."""

    courses: tuple[Course, ...]

    @property
    def title(self) -> str:
        """What is wrong with whom."""
        return f"{one_line(self.courses[0].implementation)} {self.courses[0].verdict}"


def headline(found: Training) -> str:
    """Return what was trained, on what."""
    sequences = plural(found.sequences, "protein")
    return f"{one_line(found.model)}, {plural(found.planned, 'step')} on {sequences}, seed {found.seed}"


def grid(found: Training, marks: Marks, *, detail: bool) -> Grid:
    """Return the references and runs as a table, a block for each device and dtype."""
    places = list(dict.fromkeys((each.device, each.dtype) for each in found.courses))
    names = list(dict.fromkeys(each.implementation for each in found.courses))
    others = list(dict.fromkeys(each.name for each in found.references))
    return Grid(
        "rotation",
        (*others, *map(one_line, names)),
        tuple(_block(found, place, [*others, *names], marks, detail=detail) for place in places),
    )


def findings(found: Training) -> list[Finding]:
    """Return what went wrong, an implementation and verdict at a time."""
    groups: dict[tuple[str, str, str | None], list[Course]] = {}
    for course in found.courses:
        if course.verdict in FINDINGS:
            groups.setdefault((course.implementation, course.verdict, course.failure), []).append(
                course
            )
    return [Finding(tuple(group)) for group in groups.values()]


def details(finding: Finding) -> list[tuple[str, str]]:
    """Return what is known of a finding as labelled texts, in the order to show them."""
    first = finding.courses[0]
    cells = _distinct(finding.courses)
    known = next((cell for cell in cells if cell.cause), None)
    failures = dict.fromkeys(f for f in [first.failure, *(cell.failure for cell in cells)] if f)
    lines = [
        ("where", "; ".join(map(_where, finding.courses))),
        ("what", first.message or ""),
        (
            "loss",
            "; ".join(filter(None, (_loss(each, finding.courses) for each in finding.courses))),
        ),
        ("at", first.trace[0] if first.trace else ""),
        ("path", first.path if first.path and first.path != first.implementation else ""),
        ("note", first.note or ""),
        ("matrix", _matrix(first, cells)),
        ("cause", first.cause or (known.cause if known else "") or ""),
        ("fix", first.fix or (known.fix if known else "") or ""),
        ("more", "; ".join(f"rotcheck explain {failure}" for failure in failures)),
    ]
    return [(label, text) for label, text in lines if text]


def as_report(found: Training) -> Report:
    """Return the runs as the cells of a report, whose paths are then told as always."""
    cells = tuple(map(_cell, found.courses))
    return Report(
        rotcheck=found.rotcheck,
        machine=found.machine,
        cells=cells,
        summary=summarise(cells),
        conventions=found.conventions,
    )


def reasons(found: Training, verdict: str) -> list[Remark]:
    """Return why runs are unavailable or skipped, each reason once."""
    groups: dict[str, list[Course]] = {}
    for course in found.courses:
        if course.verdict == verdict:
            groups.setdefault(course.message or "no reason was given", []).append(course)
    return [
        Remark(_who(group), _places(group), one_line(reason)) for reason, group in groups.items()
    ]


def _who(courses: Sequence[Course]) -> str:
    return ", ".join(dict.fromkeys(one_line(course.implementation) for course in courses))


def _places(courses: Sequence[Course]) -> str:
    return ", ".join(
        dict.fromkeys(f"{device_name(_cell(course))} {course.dtype}" for course in courses)
    )


def broken_references(found: Training) -> list[str]:
    """Return which references stopped, and why: what they leave out is judged without them."""
    return [
        f"the reference {each.name} stopped behind step {len(each.losses)}: {each.message}"
        for each in found.references
        if each.message
    ]


def legend(found: Training, marks: Marks) -> str:
    """Return what the columns mean."""
    own = len(found.references) == 1
    rounding = (
        "moving each weight by one rounding step" if own else "a right rotation that rounds once"
    )
    unit = ", in nats a residue" if found.model == MINIATURE else ""
    return LEGEND.format(bad=marks.bad, rounding=rounding, unit=unit)


def summary_line(found: Training) -> str:
    """Return `9 runs: 7 agree, 2 unavailable`."""
    counts = [
        f"{count} {WORDS.get(verdict, verdict)}"
        for verdict, count in found.summary.items()
        if count
    ]
    runs = plural(len(found.courses), "run")
    early = "interrupted: " if found.interrupted else ""
    nothing = "; nothing ran" if exit_code(found.courses) == NOTHING_RAN else ""
    return f"{early}{runs}: {', '.join(counts)}{nothing}" if counts else f"{early}{runs}{nothing}"


def _block(
    found: Training, place: tuple[str, str], names: Sequence[str], marks: Marks, *, detail: bool
) -> Block:
    steps = _shown(found.planned)
    here = [each for each in found.courses if (each.device, each.dtype) == place]
    courses = {each.implementation: each for each in here}
    truth = found.references[0]
    beside = {
        each.name: each for each in found.references if (each.device, each.dtype) == place
    } | {"float64": truth}
    rows = [
        _reference(beside.get(name), steps, detail=detail)
        if name in beside
        else _course(courses.get(name), steps, marks, detail=detail)
        for name in names
    ]
    columns = [f"step {step}" if detail else str(step) for step in steps]
    off = ("gradient off", "x rounding") if detail else ("gradient", "x round.")
    return Block(f"{device_name(_cell(here[0]))} {place[1]}", (*columns, *off), tuple(rows))


def _shown(planned: int) -> list[int]:
    """Return the steps that there is room for: all, or some of them spread evenly."""
    if planned <= MOST_COLUMNS:
        return list(range(1, planned + 1))
    return [1 + round(at * (planned - 1) / (MOST_COLUMNS - 1)) for at in range(MOST_COLUMNS)]


def _reference(found: Reference | None, steps: Sequence[int], *, detail: bool) -> tuple[Entry, ...]:
    losses = found.losses if found else ()
    shown = [
        Entry(_figure(losses[step - 1], detail) if step <= len(losses) else "-") for step in steps
    ]
    return (*shown, Entry("-"), Entry("-"))


def _course(
    found: Course | None, steps: Sequence[int], marks: Marks, *, detail: bool
) -> tuple[Entry, ...]:
    if found is None or not found.steps:
        word = _SHORT.get(found.verdict, found.verdict) if found else "-"
        tone: Tone = "bad" if found and found.verdict in FINDINGS else "none"
        return (Entry(word, tone), *[Entry("")] * (len(steps) + 1))
    return (*(_step(found, step, marks, detail=detail) for step in steps), *_gradient(found, marks))


def _step(found: Course, step: int, marks: Marks, *, detail: bool) -> Entry:
    if step <= len(found.steps):
        loss = _figure(found.steps[step - 1].loss, detail)
        if found.parts_at is None or step < found.parts_at:
            return Entry(loss)
        return Entry(f"{loss} {marks.bad}" if step == found.parts_at else loss, "bad")
    if step > len(found.steps) + 1 or found.wrong_at or found.verdict not in FINDINGS:
        return Entry("-")
    return Entry(found.verdict, "bad")


def _gradient(found: Course, marks: Marks) -> tuple[Entry, Entry]:
    errors = [step.gradient_error for step in found.steps if step.gradient_error is not None]
    if not errors:
        return Entry("-"), Entry("-")
    furthest, wrong = worst(found.steps), found.wrong_at is not None
    ratio = f"{marks.bad if wrong else marks.good} {figure(times_rounding(furthest))}"
    return Entry(percent(next((e for e in errors if e != e), max(errors)))), Entry(
        ratio, "bad" if wrong else "good"
    )


def _figure(loss: float, detail: bool) -> str:
    if loss != loss or abs(loss) > 1e6:
        return figure(float("nan"))
    return f"{loss:.4f}" if detail else f"{loss:.3f}"


def _where(course: Course) -> str:
    place = f"{device_name(_cell(course))} {course.dtype}"
    return (
        f"{place} from step {course.wrong_at}"
        if course.wrong_at and course.verdict == "disagrees"
        else place
    )


def _loss(course: Course, among: Sequence[Course]) -> str:
    """Return what a reader of the loss alone would have seen."""
    if course.verdict != "disagrees" or len(course.steps) < 2:
        return ""
    first, last = course.steps[0].loss, course.steps[-1].loss
    falls = "falls all the same" if last < first else "does not fall"
    parts = f"leaves the float64 curve at step {course.parts_at}"
    stays = f"stays with the float64 curve for all {len(course.steps)} steps"
    place = f"{device_name(_cell(course))} {course.dtype}: " if len(among) > 1 else ""
    span = f"from {_figure(first, False)} to {_figure(last, False)}"
    return f"{place}{falls}, {span}; it {parts if course.parts_at else stays}"


def _matrix(course: Course, cells: Sequence[Cell]) -> str:
    """Return which cells of the matrix explain the run."""
    if course.cells is None:
        return ""
    if not cells:
        return "no cell explains it: all checks of `rotcheck compare` hold here; it shows in this model alone"
    return "; ".join(f"{', '.join(_checks(course, cell))}: {_told(course, cell)}" for cell in cells)


def _told(course: Course, cell: Cell) -> str:
    same = cell.verdict == course.verdict and (cell.message or "") in (course.message or "")
    return f"{cell.verdict} in the same way" if same else f"{cell.verdict}, {cell.message}"


def _distinct(courses: Sequence[Course]) -> list[Cell]:
    """Return one cell for each failure that the matrix has."""
    cells = [cell for course in courses for cell in course.cells or ()]
    return list({(cell.verdict, cell.failure): cell for cell in reversed(cells)}.values())[::-1]


def _checks(course: Course, like: Cell) -> list[str]:
    alike = [
        c for c in course.cells or () if (c.verdict, c.failure) == (like.verdict, like.failure)
    ]
    return [cell.check for cell in alike] or [like.check]


def _cell(course: Course) -> Cell:
    return Cell(
        implementation=course.implementation,
        device=course.device,
        dtype=course.dtype,
        check="train",
        verdict=course.verdict,
        path=course.path,
        note=course.note,
        message=course.message,
        fix=course.fix,
        stand_in=course.stand_in,
    )
