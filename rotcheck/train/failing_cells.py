"""Which cells of `rotcheck compare` explain a run that went wrong, asked in the same study."""

from collections.abc import Mapping, Sequence

import msgspec

from rotcheck.compare import plan
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.grouping import group_by
from rotcheck.identify.front_identity import Identity
from rotcheck.isolation import Job
from rotcheck.results import FINDINGS, Cell, Course, Machine
from rotcheck.study.study import Study

EXPLAINABLE = ("disagrees", "raises", "crashes")
"""A hang would hang again in every check, and has already said where."""

Place = tuple[str, str, str]  # implementation, device, dtype


def with_failing_cells(
    courses: Sequence[Course],
    labels: Mapping[str, str],
    identities: Mapping[str, Identity],
    study: Study,
    machine: Machine,
    timeout: float,
) -> list[Course]:
    """The courses; one that went wrong gets the failing cells of its function, device and dtype.

    Args:
        courses: those of all runs.
        labels: what the report calls each implementation, by its SPEC.
        identities: of the functions that were identified, by SPEC.
        study: where the cells are run.
        machine: what this machine has.
        timeout: seconds for one cell.
    """
    places = [_place(course) for course in courses if course.verdict in EXPLAINABLE]
    cells: dict[Place, list[Cell]] = {place: [] for place in places}
    for answer in study.run(_jobs(places, labels, identities, machine, timeout)):
        cell = cell_of(answer, labels[answer.job.setup["implementation"]], evidence_of(answer))
        if cell.verdict in FINDINGS:
            cells[cell.implementation, cell.device, cell.dtype].append(cell)
    return [
        msgspec.structs.replace(course, cells=tuple(cells[_place(course)]))
        if _place(course) in cells
        else course
        for course in courses
    ]


def _jobs(
    places: Sequence[Place],
    labels: Mapping[str, str],
    identities: Mapping[str, Identity],
    machine: Machine,
    timeout: float,
) -> list[Job]:
    """The jobs of `rotcheck compare` for these implementations, there."""
    specs = {label: spec for spec, label in labels.items()}
    jobs: list[Job] = []
    for (device, dtype), group in group_by(places, lambda place: place[1:]).items():
        request = plan.make_request([specs[label] for label, *_ in group], [device], [dtype], ())
        jobs += plan.jobs(request, [device], machine, timeout=timeout, identities=identities)
    return jobs


def _place(course: Course) -> Place:
    return course.implementation, course.device, course.dtype
