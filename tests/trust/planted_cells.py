"""The planted defects, judged: those that declare a convention are held to it,
the others are identified first."""

from dataclasses import dataclass, field
from typing import Any

from trusting import BATCHED, CPU, HERE, declared, defects, finding, fresh, shapes_for

import rotcheck
from rotcheck import diagnose
from rotcheck.convention import Convention
from rotcheck.identify import function_identification
from rotcheck.implementations.target import Target
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import Reach


@dataclass
class Planted:
    """What became of one planted defect."""

    name: str
    code: str  # by which it must be named
    stands_for: str
    declares: bool
    cells: int = 0  # shapes and dtypes it was tried in
    missed: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    # by dtype, of those found by their values
    errors: dict[str, list[float]] = field(default_factory=dict)

    @property
    def failure(self) -> str:
        """The id of the failure that is shown with it."""
        known = diagnose.for_finding(self.code)
        return known.id if known else ""

    def take(self, dtype: str, where: str, seen: tuple[str, Evidence] | None) -> None:
        """Note what was found in one shape and dtype."""
        self.cells += 1
        if seen is None:
            self.missed.append(f"{dtype} {where}")
            return
        check, found = seen
        if found.finding != self.code:
            self.misnamed.append(f"{dtype} {where} {check}: {found.finding}, {found.message}")
        if check == "forward" and found.error is not None and not found.not_finite:
            self.errors.setdefault(dtype, []).append(found.error)


def run() -> list[Planted]:
    """Judge every planted defect: here, and those that something has to be done to
    by `rotcheck context`."""
    here = [_judged(name, thing) for name, thing in defects().items() if not thing.plant.condition]
    return here + in_context()


def in_context() -> list[Planted]:
    """Ask `rotcheck context`, in its own processes,
    for what is right until something is done to it."""
    things = {name: thing for name, thing in defects().items() if thing.plant.condition}
    wanted = sorted({thing.plant.condition for thing in things.values()})
    report = rotcheck.context(
        *(f"{HERE}/defects/conditions.py:{name}" for name in things), conditions=wanted
    )
    rows = {(row.implementation.rpartition(":")[2], row.condition): row for row in report.rows}
    return [
        _of_rows(name, thing, rows[name, "constructed"], rows[name, thing.plant.condition])
        for name, thing in things.items()
    ]


def _of_rows(name: str, thing: Any, whole: Reach, spoilt: Reach) -> Planted:
    made = Planted(name, thing.plant.code, thing.plant.stands_for, False)
    where = thing.plant.condition
    if whole.verdict != "agrees":
        made.misnamed.append(f"constructed: {whole.verdict}, {whole.message}")
    found = (
        None
        if spoilt.verdict != "disagrees"
        else Evidence(finding=spoilt.finding, message=spoilt.message)
    )
    made.take("float32", where, found and ("context", found))
    return made


def _judged(name: str, thing: Any) -> Planted:
    convention, plant = declared(thing), thing.plant
    made = Planted(name, plant.code, plant.stands_for, convention is not None)
    if convention is not None:
        _held(made, thing, convention)
    else:
        _identified(made, thing)
    return made


def _held(made: Planted, thing: Any, convention: Convention) -> None:
    plant = thing.plant
    for sizes in BATCHED if plant.batched else shapes_for(convention):
        for dtype in plant.dtypes:
            where = f"{sizes.batch}x{sizes.heads}x{sizes.width}"
            made.take(dtype, where, finding(thing, convention, dtype, sizes, plant.check))


def _identified(made: Planted, thing: Any) -> None:
    """Identify it; what shows no mistake there is compared in the convention that was found."""
    told = function_identification.identify(
        Target(fresh(thing), None, "as the tests build it"), CPU
    )
    mistakes = [remark for remark in told.identification.findings if remark.mistake]
    if mistakes:
        first = mistakes[0]
        made.take(
            "float32", "identify", ("identify", Evidence(finding=first.code, message=first.message))
        )
    elif told.convention is None:
        made.take("float32", f"identify: {told.identification.message}", None)
    else:
        for sizes in shapes_for(told.convention):
            for dtype in ("float32", "bfloat16"):
                made.take(dtype, "compare", finding(thing, told.convention, dtype, sizes))
