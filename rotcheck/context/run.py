"""The front's half: recognises each object as constructed, then tries it under every other condition.

An object that is asked on another device is recognised on the CPU, where it can be: there its table's end is found
without spoiling anything, and its angles on the device are held against those that it is meant to have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from rotcheck import __version__
from rotcheck.context.angle_profile import RIGHT, AngleProfile
from rotcheck.context.conditions import FIRST, ON_CPU, names
from rotcheck.context.reach_verdicts import maker_of, not_run, row_of
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.implementations.spec import expand
from rotcheck.isolation import Done, Job, Returned
from rotcheck.results import Context, Reach, summarise
from rotcheck.study.request import display_names
from rotcheck.study.study import Study, ignore

WORKER, RECOGNITION = (
    "rotcheck.context.worker:open_context",
    "rotcheck.context.worker:open_recognition",
)
CPU = "cpu"
NOT_ON_CPU = (
    "it was not understood on cpu, and nowhere else is it asked for rows that may not be there"
)
PRELOAD = ("torch", "rotcheck.context.worker")
SHARED = 1.0  # seconds: where importing takes longer, several conditions share a process
SLOWEST = "meta"  # torch imports much for it, so that it begins first


def context(
    *specifications: str,
    conditions: Sequence[str] = (),
    device: str = "cpu",
    timeout: float = 60.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_row: Callable[[str], None] | None = None,
) -> Context:
    """Measure up to which position functions and modules that make their own angles are right.

    A specification is `package.module:function`, `path/to/file.py:Class`, or a `file.py`, which stands for all
    rotary functions in it; a class is built, a function of no argument is called for what it returns.
    `conditions`: what is done to them before they are asked, empty: all; as constructed is always measured. Every
    condition has an object of its own, and a process, unless importing takes longer than a second. `timeout`:
    seconds for one of them. `memory_limit`: GiB that a worker may hold. `on_plan` is called once with the number of
    rows, `on_row` with a name for each row as it is decided.

    Raises `RequestError` when the request cannot be carried out. An interruption (KeyboardInterrupt) ends the run,
    and what was finished is returned with `interrupted` set.
    """
    asked = list(dict.fromkeys(name for one in specifications for name in expand(one)))
    for name in asked:
        registry.check(name)
    wanted = _conditions(conditions)
    with Study(PRELOAD, memory_limit=memory_limit, on_plan=on_plan) as study:
        study.plan(len(asked) * len(wanted))
        return measure(study, asked, wanted, device, timeout, partial(_tell, on_row or ignore))


def _tell(on_row: Callable[[str], None], row: Reach) -> None:
    on_row(f"{row.implementation} {row.condition}")


def measure(
    study: Study,
    asked: Sequence[str],
    conditions: Sequence[str],
    device: str,
    timeout: float,
    on_row: Callable[[Reach], None] | None = None,
    *,
    to: int | None = None,
) -> Context:
    """Measure these as `context` does, in a study under way; `to`: how many positions must be right, of each."""
    run = _Run(asked, _conditions(conditions), device, timeout, on_row or ignore, to)
    with study.interruptible():
        run.first(study)
        run.others(study)
    return run.result(interrupted=study.interrupted)


def _conditions(asked: Sequence[str]) -> list[str]:
    """Return the conditions to try, in the order to show them."""
    unknown = [name for name in asked if name not in names()]
    if unknown:
        raise RequestError(f"unknown condition {unknown[0]!r}; it can be {', '.join(names())}")
    return [name for name in names() if not asked or name in asked or name == FIRST]


def _elsewhere(device: str) -> bool:
    return device.partition(":")[0] != CPU


@dataclass
class _Run:
    """What has been found so far."""

    asked: Sequence[str]
    conditions: Sequence[str]
    device: str
    timeout: float
    on_row: Callable[[Reach], None]
    to: int | None = None  # so many positions must be right; None: as many as each claims
    _known: dict[str, AngleProfile] = field(default_factory=dict)
    _rows: dict[tuple[str, str], Reach] = field(default_factory=dict)
    # seconds that importing and building took
    _opening: dict[str, float] = field(default_factory=dict)
    # of a class of which no object could be made
    _refused: dict[str, str] = field(default_factory=dict)
    _on_cpu: tuple[str, ...] = ()  # what was recognised there, to be asked elsewhere
    _torch: str | None = None

    def __post_init__(self) -> None:
        self._shown = display_names(self.asked)

    def first(self, study: Study) -> None:
        """Recognise and measure each object as constructed. Raises `RequestError` when none of them can be built."""
        asked = self._recognised(study) if _elsewhere(self.device) else self.asked
        for done in study.run([self._job(name, FIRST) for name in asked]):
            self._take(done)
        if self._refused and len(self._refused) == len(self.asked):
            raise RequestError(self._refused[self.asked[0]])

    def _recognised(self, study: Study) -> list[str]:
        """Recognise each object on the CPU; return those to ask on the device: all but what makes no angles."""
        for done in study.run(
            [self._job(name, FIRST, target=RECOGNITION, device=CPU) for name in self.asked]
        ):
            if isinstance(done.outcome, Returned) and done.outcome.value.get("understood"):
                self._take(done)  # what it is was understood, and it is none to measure
            else:
                self._keep(done)
        self._on_cpu = tuple(self._known)
        return [name for name in self.asked if (name, FIRST) not in self._rows]

    def others(self, study: Study) -> None:
        """Try every other condition on what was recognised, and say of the rest that it was not."""
        judged = [name for name in self._known if not self._known[name].blind]
        for name in (name for name in self.asked if name not in judged):
            self._left_out(name)
        for done in study.run(
            [job for name in judged for job in self._jobs(name, study.pool.workers)]
        ):
            self._take(done)

    def _jobs(self, name: str, workers: int) -> list[Job]:
        """Return the jobs of every other condition: one each, or as many as work at a time where importing is slow."""
        others = [each for each in self.conditions if each != FIRST]
        there = [each for each in others if each in ON_CPU and _elsewhere(self.device)]
        here = sorted((each for each in others if each not in there), key=SLOWEST.__ne__)
        several = min(len(here), workers if self._opening.get(name, 0.0) > SHARED else len(here))
        jobs = [self._job(name, *here[at::several]) for at in range(several)]
        if name in self._on_cpu:
            return [*jobs, self._job(name, *there, device=CPU)]
        for condition in there:
            self._add(
                name, condition, not_run(self._shown[name], condition, self.device, NOT_ON_CPU)
            )
        return jobs

    def _job(self, name: str, *conditions: str, target: str = WORKER, device: str = "") -> Job:
        profile, device = self._known.get(name), device or self.device
        if profile and device == CPU:
            profile = msgspec.structs.replace(
                profile, last=None
            )  # there it may be asked for anything
        setup: dict[str, Any] = {
            "specification": name,
            "implementation": name,
            "device": device,
            "then": self.device,
            "to": self.to,
            "known": msgspec.to_builtins(profile) if profile else None,
        }
        tasks = [["", condition] for condition in conditions]
        fresh = _elsewhere(device)
        return Job(
            name, target, setup, tasks, self.timeout, 3 * self.timeout, fresh_after_raising=fresh
        )

    def _take(self, done: Done) -> None:
        """Judge one answer."""
        self._keep(done)
        name, condition = done.job.name, done.task[1]
        first = self._rows.get((name, FIRST))
        self._add(name, condition, row_of(done, self._shown[name], self._known.get(name), first))

    def _keep(self, done: Done) -> None:
        """Keep what an answer says of the object."""
        name = done.job.name
        if isinstance(done.outcome, Returned):
            self._torch = done.outcome.value.get("torch") or self._torch
            self._opening.setdefault(name, done.outcome.value.get("opening", 0.0))
            if "refused" in done.outcome.value:
                self._refused[name] = done.outcome.value["refused"]
            if "known" in done.outcome.value:
                self._known.setdefault(
                    name, msgspec.convert(done.outcome.value["known"], AngleProfile)
                )

    def _left_out(self, name: str) -> None:
        first = self._rows[name, FIRST]
        profile = first.verdict in ("skipped", "unavailable") or name in self._known
        said = "" if profile else "it was not recognised as constructed: "
        for condition in (each for each in self.conditions if each != FIRST):
            row = not_run(self._shown[name], condition, self.device, f"{said}{first.message}")
            verdict = "unavailable" if first.verdict == "unavailable" else "skipped"
            self._add(name, condition, msgspec.structs.replace(row, verdict=verdict))

    def _add(self, name: str, condition: str, row: Reach) -> None:
        self._rows[name, condition] = row
        self.on_row(row)

    def result(self, *, interrupted: bool) -> Context:
        """Return what was finished, in the order asked for."""
        order: Iterable[tuple[str, str]] = (
            (name, each) for name in self.asked for each in self.conditions
        )
        rows = tuple(self._rows[key] for key in order if key in self._rows)
        return Context(
            rotcheck=__version__,
            torch=self._torch,
            device=self.device,
            right=RIGHT,
            makers=tuple(maker_of(self._shown[name], self._known.get(name)) for name in self.asked),
            rows=rows,
            summary=summarise(rows),
            interrupted=interrupted,
            planned=len(self.asked) * len(self.conditions),
        )
