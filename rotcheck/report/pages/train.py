"""A training run: the losses, how far the gradients are off, and what explains it."""

from collections.abc import Iterator, Sequence

from rotcheck.exit_codes import NOTHING_RAN
from rotcheck.grouping import group_by
from rotcheck.report import conventions, summary, unidentified
from rotcheck.report import document as doc
from rotcheck.report import findings as of_cells
from rotcheck.report.affected_places import device_name
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import (
    FINDINGS,
    Cell,
    Course,
    Reference,
    Training,
    exit_code,
)
from rotcheck.train.messages import percent
from rotcheck.train.plan import MINIATURE
from rotcheck.train.rounding_limits import LIMIT, times_rounding, worst

WORD = "a training run"
RESULT = Training

LEGEND = (
    "The loss at each step{unit}; {bad}: here it leaves the float64 curve by more than rounding explains. "
    "gradient off: the largest distance from the float64 gradient at the same weights and data. "
    "x rounding: that distance in the worst parameter, in multiples of what {rounding} gives; "
    f"over {LIMIT:g} is wrong."
)
MOST_COLUMNS = 6
_SHORT = {"unavailable": "n/a", "skipped": "skip", "unidentified": "?"}


def document(training: Training) -> doc.Document:
    """The losses and gradients of each run, what went wrong, and what explains it."""
    return doc.Document(tuple(_parts(training)), "rotcheck train")


def _parts(training: Training) -> Iterator[doc.Part]:
    cells = [of_cells.as_cell(course, check="") for course in training.courses]
    machine = summary.machine_lines(training.machine, training.rotcheck)
    paths = of_cells.paths(cells)
    yield doc.Lines([*machine, _trained_on(training), *paths, *_broken_references(training)])
    yield from conventions.wrong(training.conventions)
    if training.courses:
        yield doc.Table(grid(training, detail=True), grid(training, detail=False))
        yield doc.Legend(_legend(training))
    yield from _findings(training.courses)
    yield from unidentified.parts(cells, training.conventions)
    yield from of_cells.worth_knowing(cells)
    yield from of_cells.not_run(cells)
    yield doc.Summary(_summary_line(training))


def _trained_on(training: Training) -> str:
    proteins = plural(training.sequences, "protein")
    steps = plural(training.planned, "step")
    return f"{one_line(training.model)}, {steps} on {proteins}, seed {training.seed}"


def grid(training: Training, *, detail: bool) -> doc.Grid:
    """The references and runs as a table, a group of columns for each device and dtype."""
    places = list(dict.fromkeys((run.device, run.dtype) for run in training.courses))
    names = list(dict.fromkeys(run.implementation for run in training.courses))
    references = list(dict.fromkeys(reference.name for reference in training.references))
    rows = [*references, *names]
    return doc.Grid(
        "rotation",
        (*references, *map(one_line, names)),
        tuple(_group(training, place, rows, detail=detail) for place in places),
    )


def _findings(courses: Sequence[Course]) -> Iterator[doc.Finding]:
    """What went wrong, an implementation and verdict at a time, wherever it is the same."""
    bad = [course for course in courses if course.verdict in FINDINGS]
    groups = group_by(bad, lambda run: (run.implementation, run.verdict, run.failure))
    for (name, verdict, _), group in groups.items():
        yield doc.Finding(f"{one_line(name)} {verdict}", _details(group))


def _details(courses: Sequence[Course]) -> list[doc.Detail]:
    """What is known of a finding, in the order to show it."""
    first, cells = courses[0], _distinct(courses)
    explanation = next((cell for cell in cells if cell.cause), None)
    failures = dict.fromkeys(filter(None, [first.failure, *(cell.failure for cell in cells)]))
    losses = filter(None, (_loss(course, courses) for course in courses))
    cause = first.cause or (explanation and explanation.cause) or ""
    fix = first.fix or (explanation and explanation.fix) or ""
    return doc.details(
        doc.Detail("where", "; ".join(map(_where, courses))),
        doc.Detail("what", first.message or "", "quote"),
        doc.Detail("loss", "; ".join(losses)),
        doc.Detail("at", first.trace[0] if first.trace else ""),
        doc.Detail("path", first.path if first.path and first.path != first.implementation else ""),
        doc.Detail("note", first.note or ""),
        doc.Detail("matrix", _matrix(first, cells)),
        doc.Detail("cause", cause, failure=first.failure),
        doc.Detail("fix", fix, failure=first.failure),
        doc.Detail("more", "; ".join(f"rotcheck explain {failure}" for failure in failures)),
    )


def _broken_references(training: Training) -> list[str]:
    """Which references stopped, and why: what they leave out is judged without them."""
    return [
        f"the reference {run.name} stopped after step {len(run.losses)}: {run.message}"
        for run in training.references
        if run.message
    ]


def _legend(training: Training) -> str:
    alone = len(training.references) == 1
    rounding = (
        "moving each weight by one rounding step" if alone else "a right rotation that rounds once"
    )
    unit = ", in nats a residue" if training.model == MINIATURE else ""
    return LEGEND.format(bad=doc.BAD, rounding=rounding, unit=unit)


def _summary_line(training: Training) -> str:
    """`9 runs: 7 agree, 2 unavailable`."""
    early = "interrupted: " if training.interrupted else ""
    runs = f"{early}{plural(len(training.courses), 'run')}"
    nothing = exit_code(training.courses) == NOTHING_RAN
    return summary.tally(runs, training.summary, nothing=nothing)


def _group(
    training: Training, place: tuple[str, str], names: Sequence[str], *, detail: bool
) -> doc.Columns:
    steps = _columns(training.planned)
    here = [run for run in training.courses if (run.device, run.dtype) == place]
    courses = {run.implementation: run for run in here}
    references = {run.name: run for run in training.references if (run.device, run.dtype) == place}
    references["float64"] = training.references[0]
    rows = [
        _reference(references[name], steps, detail=detail)
        if name in references
        else _course(courses.get(name), steps, detail=detail)
        for name in names
    ]
    columns = [f"step {step}" if detail else str(step) for step in steps]
    off = ("gradient off", "x rounding") if detail else ("gradient", "x round.")
    return doc.Columns(_place(here[0]), (*columns, *off), tuple(rows))


def _columns(count: int) -> list[int]:
    """The steps that there is room for: all, or some of them spread evenly."""
    if count <= MOST_COLUMNS:
        return list(range(1, count + 1))
    return [1 + round(at * (count - 1) / (MOST_COLUMNS - 1)) for at in range(MOST_COLUMNS)]


def _reference(
    reference: Reference, steps: Sequence[int], *, detail: bool
) -> tuple[doc.Field, ...]:
    losses = reference.losses
    figures = [
        doc.Field(_figure(losses[step - 1], detail) if step <= len(losses) else "-")
        for step in steps
    ]
    return (*figures, doc.Field("-"), doc.Field("-"))


def _course(course: Course | None, steps: Sequence[int], *, detail: bool) -> tuple[doc.Field, ...]:
    if course is not None and course.steps:
        return (*(_step(course, step, detail=detail) for step in steps), *_gradient(course))
    word = _SHORT.get(course.verdict, course.verdict) if course else "-"
    bad = course is not None and course.verdict in FINDINGS
    return (doc.Field(word, "bad" if bad else "dim"), *[doc.Field("")] * (len(steps) + 1))


def _step(course: Course, step: int, *, detail: bool) -> doc.Field:
    if step <= len(course.steps):
        loss = _figure(course.steps[step - 1].loss, detail)
        if course.parts_at is None or step < course.parts_at:
            return doc.Field(loss)
        return doc.Field(f"{loss} {doc.BAD}" if step == course.parts_at else loss, "bad")
    if step > len(course.steps) + 1 or course.wrong_at or course.verdict not in FINDINGS:
        return doc.Field("-")
    return doc.Field(course.verdict, "bad")


def _gradient(course: Course) -> tuple[doc.Field, doc.Field]:
    errors = [step.gradient_error for step in course.steps if step.gradient_error is not None]
    if not errors:
        return doc.Field("-"), doc.Field("-")
    furthest, wrong = worst(course.steps), course.wrong_at is not None
    largest = next((error for error in errors if error != error), max(errors))
    ratio = f"{doc.BAD if wrong else doc.GOOD} {figure(times_rounding(furthest))}"
    return doc.Field(percent(largest)), doc.Field(ratio, "bad" if wrong else "good")


def _figure(loss: float, detail: bool) -> str:
    if loss != loss or abs(loss) > 1e6:
        return figure(float("nan"))
    return f"{loss:.4f}" if detail else f"{loss:.3f}"


def _place(course: Course) -> str:
    return f"{device_name(course)} {course.dtype}"


def _where(course: Course) -> str:
    late = course.wrong_at and course.verdict == "disagrees"
    return f"{_place(course)} from step {course.wrong_at}" if late else _place(course)


def _loss(course: Course, among: Sequence[Course]) -> str:
    """What a reader of the loss alone would have seen."""
    if course.verdict != "disagrees" or len(course.steps) < 2:
        return ""
    first, last = course.steps[0].loss, course.steps[-1].loss
    falls = "falls all the same" if last < first else "does not fall"
    parts = f"leaves the float64 curve at step {course.parts_at}"
    stays = f"stays with the float64 curve for all {len(course.steps)} steps"
    place = f"{_place(course)}: " if len(among) > 1 else ""
    span = f"from {_figure(first, False)} to {_figure(last, False)}"
    return f"{place}{falls}, {span}; it {parts if course.parts_at else stays}"


def _matrix(course: Course, cells: Sequence[Cell]) -> str:
    """Which cells of the matrix explain the run."""
    if course.cells is None:
        return ""
    if not cells:
        return "no cell explains it: all checks of `rotcheck compare` hold here; it shows only in this model"
    return "; ".join(
        f"{', '.join(_checks(course, cell))}: {_in_words(course, cell)}" for cell in cells
    )


def _in_words(course: Course, cell: Cell) -> str:
    alike = cell.verdict == course.verdict and (cell.message or "") in (course.message or "")
    return f"{cell.verdict} in the same way" if alike else f"{cell.verdict}, {cell.message}"


def _distinct(courses: Sequence[Course]) -> list[Cell]:
    """One cell for each failure that the matrix has."""
    cells = [cell for course in courses for cell in course.cells or ()]
    return [group[0] for group in group_by(cells, _failure).values()]


def _checks(course: Course, like: Cell) -> list[str]:
    alike = [cell for cell in course.cells or () if _failure(cell) == _failure(like)]
    return [cell.check for cell in alike] or [like.check]


def _failure(cell: Cell) -> tuple[str, str | None]:
    return cell.verdict, cell.failure
