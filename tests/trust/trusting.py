"""Judges implementations in this process: the checks of `compare`, one implementation,
shape and dtype at a time."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from rotcheck.compare.checks import names
from rotcheck.convention import Convention
from rotcheck.implementations import declarations, instances
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge
from rotcheck.measure.subject import Subject, Wrong

HERE = Path(__file__).parent
CPU = torch.device("cpu")
CHECKS = tuple(name for name in names("quick") if name != "state")  # the process is this one
DTYPES = ("float32", "bfloat16", "float16", "float64")

ROWS = (0, 1, 2, 5, 31, 300, 1023, 2047, 4099, 9001, 70001)
SHAPES = (
    Sizes(),
    Sizes(batch=3, heads=4, kv_heads=4, width=128, positions=ROWS),
    Sizes(batch=4, heads=3, kv_heads=3, width=80, positions=(0, 1, 3, 258, 1000, 4097, 65536)),
)
COUNTED = tuple(
    Sizes(batch=2 + at, heads=2, kv_heads=2, width=width, positions=tuple(range(261 + at)))
    for at, width in enumerate((64, 48, 32))
)
BATCHED = tuple(
    replace(
        shape,
        positions=tuple(
            tuple(abs(p - 3 * batch) for p in shape.positions) for batch in range(shape.batch)
        ),
    )
    for shape in SHAPES
)  # type: ignore[operator]


class Here(Subject):
    """An implementation judged in this process:
    what it does to switches is not looked at, and it is fast."""

    def __init__(self, function: Callable[..., Any], convention: Convention) -> None:
        self.raised: BaseException | None = None
        self.declares, self._no_gradient = True, None
        self.seconds = 0.0
        self.target, self._function = Target(function, convention), function
        self.device, self.convention, self.interpreted = CPU, convention, False

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.raised = error
            raise


@cache
def module(file: Path) -> ModuleType:
    """Import a file of this folder under a name that no other has."""
    sys.path.append(str(file.parent))
    specification = importlib.util.spec_from_file_location(f"trust_{file.stem}", file)
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = made
    specification.loader.exec_module(made)
    return made


def fresh(thing: Any) -> Callable[..., Any]:
    """Build what is a class."""
    return instances.construct(thing)[0] if inspect.isclass(thing) else thing


def shapes_for(convention: Convention) -> tuple[Sizes, ...]:
    """Return shapes that ask it everything: enough rows where it counts,
    a table for each batch row where it can."""
    if convention.positions in ("from 0", "offset"):
        return COUNTED
    return SHAPES + BATCHED[:1] if takes_batched(convention) else SHAPES


def takes_batched(convention: Convention) -> bool:
    """Return whether batch rows can have positions of their own."""
    batched = "b" in convention.table_axes or (
        convention.positions == "any" and "b" in convention.position_axes
    )
    return batched and "b" in convention.axes


def evidence(subject: Subject, case: Case, check: str) -> Evidence:
    """Return what a check finds; what the implementation raises is a finding too."""
    try:
        found: Evidence = importlib.import_module(f"rotcheck.compare.checks.{check}").run(
            subject, case
        )
    except Wrong as wrong:
        return wrong.evidence
    except Exception as error:
        return Evidence(finding="raised", message=f"{type(error).__name__}: {error}")
    return found


def finding(
    thing: Any, convention: Convention, dtype: str, sizes: Sizes, check: str = ""
) -> tuple[str, Evidence] | None:
    """Return the first check that does not agree, in the order of reports, and its evidence;
    or what `check` finds."""
    for each in (check,) if check else CHECKS:
        if each == "offset" and isinstance(sizes.positions[0], tuple):
            continue  # it asks for single rows, alike in all batch rows
        subject = Here(fresh(thing), convention)
        seen = evidence(subject, Case(subject, getattr(torch, dtype), sizes), each)
        if judge(seen) not in ("agrees", "skipped"):
            return each, seen
    return None


def defects() -> dict[str, Any]:
    """Return everything that is planted, by name, in the order of the files."""
    files = sorted(file for file in (HERE / "defects").glob("*.py") if file.stem != "planting")
    return {
        name: thing
        for file in files
        for name, thing in vars(module(file)).items()
        if hasattr(thing, "plant")
    }


def declared(thing: Any) -> Convention | None:
    """Return the convention that a planted defect declares."""
    return declarations.declared_convention(thing)


def module_of(thing: Any) -> Path:
    """Return the file of a planted defect."""
    return Path(inspect.getfile(thing))
