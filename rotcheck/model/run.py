"""Runs a model in a worker and reports on the rotary code in it: the public function of this
room."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from rotcheck import __version__, diagnose
from rotcheck.compare.cells import fields_of_failure
from rotcheck.isolation import Done, Returned
from rotcheck.model import plan
from rotcheck.model.against_jobs import AgainstJobs
from rotcheck.model.sequences import names as way_names
from rotcheck.results import (
    AgainstRow,
    DeclaredRow,
    Machine,
    ModelReport,
    ModelRow,
    OtherModel,
    WayRow,
    WeightsFit,
    summarise,
)
from rotcheck.study.devices import resolve_devices
from rotcheck.study.request import display_names
from rotcheck.study.study import SURVEY_PRELOAD, Study, ignore

Row = TypeVar("Row", ModelRow, DeclaredRow, WayRow, WeightsFit, AgainstRow)

SURVEY_GROUPS = ("devices",)
PRELOAD = (*SURVEY_PRELOAD, plan.WORKER)


def model(
    spec: str,
    *,
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    ways: Sequence[str] | None = None,
    text: str | None = None,
    against: str | None = None,
    timeout: float = 300.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_row: Callable[[str], None] | None = None,
) -> ModelReport:
    """Run a model once and report on its rotary code: what ran, and whether it is right.

    Args:
        spec: `package.module:factory` or `path/to/file.py:factory`, which returns a
            torch.nn.Module, alone or with its inputs; `transformers:ARCHITECTURE`; or a folder or
            file with a Hugging Face `config.json`.
        devices: where it runs; none: all that run here.
        dtypes: of its weights; none: float32, or those of the module that a factory returns.
        ways: in which it is called beside the one pass, as `decode`; None: the usual ones; an
            empty list: no other.
        text: judge trained weights by the text of this file, or by the "sample" that comes with
            rotcheck: does another rotation fit them better? `spec` is then a folder with weights,
            or a factory that loads them.
        against: another model, of any kind that `spec` may be, or a `.gguf` or `params.json` file:
            do both turn q and k alike, in each type of layers, at each length that they declare?
            Then no other `ways` are usual.
        timeout: seconds for the one pass, and for each way.
        memory_limit: GiB that a worker may hold.
        on_plan: called once with the number of runs.
        on_row: called with a name for each run as it ends.

    Returns:
        What was finished, with `interrupted` set, if a KeyboardInterrupt ended the run.

    Raises:
        RequestError: the request cannot be carried out.
    """
    request = plan.request(spec, devices, dtypes, ways, text, against)
    comparison = AgainstJobs(timeout)
    with Study(PRELOAD, memory_limit=memory_limit, on_plan=on_plan) as study:
        machine = study.survey(SURVEY_GROUPS)
        jobs = plan.jobs(request, resolve_devices(request.devices, machine), timeout)
        answers: list[Done] = []
        with study.interruptible():
            study.plan(sum(len(job.tasks) for job in jobs))
            for answer in study.run(jobs):
                answers.append(answer)
                study.add(list(comparison.following(answer)) if against else [])
                (on_row or ignore)(f"{answer.job.setup['device']} {' '.join(answer.task)}")
        names = display_names([spec, *([against] if against else [])])
        other = _other(names[against], answers, comparison.rows) if against else None
        spec_answers = [answer for answer in answers if answer.job.setup.get("side") != plan.OTHER]
        return _report(names[spec], machine, spec_answers, other, interrupted=study.is_interrupted)


def _report(
    spec: str,
    machine: Machine,
    answers: Sequence[Done],
    other: OtherModel | None,
    *,
    interrupted: bool,
) -> ModelReport:
    ways = [answer for answer in answers if answer.task[1] in way_names()]
    weights = tuple(_weights(answer) for answer in answers if answer.task[1] == plan.WEIGHTS)
    report = ModelReport(
        rotcheck=__version__,
        machine=machine,
        **_of_passes(spec, answers),
        ways=tuple(map(_way, ways)),
        weights=weights,
        other=other,
        summary={},
        interrupted=interrupted,
    )
    return msgspec.structs.replace(report, summary=summarise(report.all_rows))


def _of_passes(spec: str, answers: Sequence[Done]) -> dict[str, Any]:
    """What the passes of a model over a whole sequence told."""
    passes = [answer for answer in answers if answer.task[1] == plan.FORWARD]
    values = [answer.outcome.value for answer in passes if isinstance(answer.outcome, Returned)]
    built: dict[str, Any] = values[0] if values else {}
    return {
        "spec": spec,
        "model": built.get("model", spec),
        "changes": tuple(built.get("changes", ())),
        "rows": tuple(row for answer in passes for row in _rows(answer)),
        "declared": tuple(row for answer in passes for row in _declared(answer)),
    }


def _other(spec: str, answers: Sequence[Done], rows: Sequence[AgainstRow]) -> OtherModel:
    """The model that stands beside the one that was asked for."""
    passes = [answer for answer in answers if answer.job.setup.get("side") == plan.OTHER]
    return OtherModel(**_of_passes(spec, passes), against=tuple(map(with_knowledge, rows)))


def _rows(answer: Done) -> list[ModelRow]:
    """The rows of a task; one that says what became of it, where it did not come back."""
    if isinstance(answer.outcome, Returned):
        rows = msgspec.convert(answer.outcome.value.get("rows", []), list[ModelRow])
        return [with_knowledge(row) for row in rows]
    fields = _place(answer) | fields_of_failure(answer)
    return [ModelRow(kind="forward", function="forward", **fields)]


def _declared(answer: Done) -> list[DeclaredRow]:
    """The configuration beside what was done in a pass."""
    if not isinstance(answer.outcome, Returned):
        return []
    value = answer.outcome.value
    place = {} if plan.only_declares(answer.job.setup["spec"]) else _place(answer)
    rows = msgspec.convert(value.get("declared", []), list[DeclaredRow])
    return [with_knowledge(msgspec.structs.replace(row, **place)) for row in rows]


def _place(answer: Done) -> dict[str, Any]:
    value = answer.outcome.value if isinstance(answer.outcome, Returned) else {}
    dtype = value.get("dtype", answer.job.setup["dtype"])
    return {"device": answer.job.setup["device"], "dtype": dtype}


def _way(answer: Done) -> WayRow:
    """The row of a way; one that says what became of it, where it did not come back."""
    if isinstance(answer.outcome, Returned):
        return with_knowledge(msgspec.convert(answer.outcome.value["way"], WayRow))
    fields = _place(answer) | fields_of_failure(answer)
    return WayRow(way=answer.task[1], what="", **fields)


def _weights(answer: Done) -> WeightsFit:
    """How the weights fit; what became of asking, where it did not come back."""
    if isinstance(answer.outcome, Returned):
        fit = msgspec.convert(answer.outcome.value["weights"], WeightsFit)
        return with_knowledge(msgspec.structs.replace(fit, **_place(answer)))
    fields = fields_of_failure(answer)
    fields.pop("trace")
    return WeightsFit(**_place(answer), **fields)


def with_knowledge(row: Row) -> Row:
    """The row with the cause and the fix of its finding."""
    if row.failure:
        return row
    failure = diagnose.for_finding(row.finding) if row.finding else None
    return msgspec.structs.replace(row, **diagnose.fields_of(failure))
