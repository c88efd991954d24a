"""Which cell of the matrix explains a run that went wrong: `rotcheck compare`, asked in the same pool."""

from collections.abc import Mapping, Sequence

import msgspec

from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.identify.identity import Identity
from rotcheck.isolation import Job
from rotcheck.results import FINDINGS, Cell, Course, Machine
from rotcheck.study.study import Study
from rotcheck.train.plan import matrix_jobs

EXPLAINABLE = ("disagrees", "raises", "crashes")
"""A hang would hang again in every check, and has told where it stood."""

Place = tuple[str, str, str]  # implementation, device, dtype


def with_failing_cells(
    courses: Sequence[Course],
    names: Mapping[str, str],
    identified: Mapping[str, Identity],
    study: Study,
    machine: Machine,
    timeout: float,
) -> list[Course]:
    """Return the courses, each that went wrong with the bad cells of its implementation, device and dtype.

    `names`: what each implementation is called in the report, by what it was asked for as; `identified`: what was
    found out about those that were given.
    """
    wrong = [_place(course) for course in courses if course.verdict in EXPLAINABLE]
    bad: dict[Place, list[Cell]] = {place: [] for place in wrong}
    for done in study.run(_jobs(wrong, names, identified, machine, timeout)):
        cell = cell_of(done, names[done.job.setup["implementation"]], evidence_of(done))
        if cell.verdict in FINDINGS:
            bad[cell.implementation, cell.device, cell.dtype].append(cell)
    return [
        msgspec.structs.replace(course, cells=tuple(bad[_place(course)]))
        if _place(course) in bad
        else course
        for course in courses
    ]


def _jobs(
    wrong: Sequence[Place],
    names: Mapping[str, str],
    identified: Mapping[str, Identity],
    machine: Machine,
    timeout: float,
) -> list[Job]:
    called = {shown: name for name, shown in names.items()}
    asked: dict[tuple[str, str], list[str]] = {}
    for name, device, dtype in wrong:
        asked.setdefault((device, dtype), []).append(called[name])
    return [
        job
        for (where, dtype), all_ in asked.items()
        for job in matrix_jobs(all_, where, dtype, machine, timeout, identified)
    ]


def _place(course: Course) -> Place:
    return course.implementation, course.device, course.dtype
