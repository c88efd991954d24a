"""Recognises each object as constructed, then measures it under every other condition.

An object for another device is recognised on the CPU, if possible: there the end of its table is
found without harm, and its angles on the device are held against those that it is meant to have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from rotcheck import __version__
from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.conditions import FIRST, ON_CPU, names
from rotcheck.context.reach_verdicts import maker_of, not_run, row_of
from rotcheck.errors import RequestError
from rotcheck.isolation import Done, Groundwork, Job, Returned
from rotcheck.measure.judge import RIGHT_PHASE
from rotcheck.results import Context, Reach, summarise
from rotcheck.study.request import check_known, display_names, expand_specs, unique
from rotcheck.study.study import Study, ignore

CPU = "cpu"
NOT_ON_CPU = (
    "it was not understood on cpu, and elsewhere it is not asked for rows that may not exist"
)
WORKER = "rotcheck.context.worker"
PRELOAD = ("torch", WORKER)
# seconds: where importing takes longer, several conditions share a process
SLOW_IMPORT = 1.0
# torch imports much for it, so that it begins first, and once for all objects
SLOWEST = "meta"
META_IMPORTS = Groundwork(f"{WORKER}:lay_meta", None)


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

    Every condition has an object of its own, and a process of its own unless importing takes longer
    than a second.

    Args:
        specifications: `package.module:function`, `path/to/file.py:Class`, or a `file.py`, which
            stands for all rotary functions in it. A class is built; a function without arguments is
            called for what it returns.
        conditions: what is done to them before they are asked; none: all. As constructed is always
            measured.
        device: where they run.
        timeout: seconds for one condition.
        memory_limit: GiB that a worker may hold.
        on_plan: called once with the number of rows.
        on_row: called with a name for each row as it is decided.

    Returns:
        All rows; what was finished, with `interrupted` set, if a KeyboardInterrupt ended the run.

    Raises:
        RequestError: the request cannot be carried out.
    """
    specs, selection = unique(expand_specs(specifications)), _conditions(conditions)
    tell = on_row or ignore
    with Study(PRELOAD, memory_limit=memory_limit, on_plan=on_plan) as study:
        study.plan(len(specs) * len(selection))
        return measure(
            study,
            specs,
            selection,
            device,
            timeout,
            lambda row: tell(f"{row.implementation} {row.condition}"),
        )


def measure(
    study: Study,
    specs: Sequence[str],
    conditions: Sequence[str],
    device: str,
    timeout: float,
    on_row: Callable[[Reach], None] | None = None,
    *,
    to: int | None = None,
) -> Context:
    """Measure as `context` does, in a study under way; `to`: positions that must be right."""
    rows = _Rows(specs, _conditions(conditions), device, timeout, on_row or ignore, to)
    with study.interruptible():
        rows.measure_constructed(study)
        rows.measure_conditions(study)
    return rows.result(interrupted=study.is_interrupted)


def _conditions(selection: Sequence[str]) -> list[str]:
    """The conditions to try, in the order to show them."""
    check_known("condition", selection, names())
    return [name for name in names() if not selection or name in selection or name == FIRST]


@dataclass
class _Rows:
    """The rows so far, and what is known of each object, by its SPEC."""

    specs: Sequence[str]
    conditions: Sequence[str]
    device: str
    timeout: float
    on_row: Callable[[Reach], None]
    to: int | None = None  # so many positions must be right; None: as many as each claims
    _profiles: dict[str, AngleProfile] = field(default_factory=dict)
    _rows: dict[tuple[str, str], Reach] = field(default_factory=dict)
    # seconds that importing and building took
    _opening: dict[str, float] = field(default_factory=dict)
    # why no object of a class could be made
    _refusals: dict[str, str] = field(default_factory=dict)
    _cpu_specs: tuple[str, ...] = ()  # recognised on the CPU, to be asked elsewhere
    _torch: str | None = None

    def __post_init__(self) -> None:
        self._labels = display_names(self.specs)
        self._on_cpu = self.device.partition(":")[0] == CPU
        self._later_conditions = [name for name in self.conditions if name != FIRST]

    def measure_constructed(self, study: Study) -> None:
        """Recognise and measure each object as constructed; `RequestError` if none can be built."""
        specs = self.specs if self._on_cpu else self._recognise(study)
        for answer in study.run([self._job(spec, FIRST) for spec in specs]):
            self._take(answer)
        if self._refusals and len(self._refusals) == len(self.specs):
            raise RequestError(self._refusals[self.specs[0]])

    def _recognise(self, study: Study) -> list[str]:
        """Recognise each object on the CPU; those that remain to be asked on the device."""
        jobs = [self._job(spec, FIRST, device=CPU, then=self.device) for spec in self.specs]
        for answer in study.run(jobs):
            if isinstance(answer.outcome, Returned) and answer.outcome.value.get("understood"):
                self._take(answer)  # it was understood, and there is nothing to measure
            else:
                self._keep(answer)
        self._cpu_specs = tuple(self._profiles)
        return [spec for spec in self.specs if (spec, FIRST) not in self._rows]

    def measure_conditions(self, study: Study) -> None:
        """Try every other condition on what was recognised; rows that say why not for the rest."""
        specs = [spec for spec, profile in self._profiles.items() if not profile.blind]
        for spec in self.specs:
            if spec not in specs:
                self._leave_out(spec)
        workers = study.pool.workers
        for answer in study.run([job for spec in specs for job in self._jobs(spec, workers)]):
            self._take(answer)

    def _jobs(self, spec: str, workers: int) -> list[Job]:
        """A job for each other condition; if importing is slow, one for each worker."""
        cpu_only = (
            [] if self._on_cpu else [name for name in self._later_conditions if name in ON_CPU]
        )
        here = sorted(
            (name for name in self._later_conditions if name not in cpu_only), key=SLOWEST.__ne__
        )
        slow = self._opening.get(spec, 0.0) > SLOW_IMPORT
        count = min(len(here), workers if slow else len(here))
        jobs = [self._job(spec, *here[index::count]) for index in range(count)]
        if spec in self._cpu_specs:
            return [*jobs, self._job(spec, *cpu_only, device=CPU)]
        for name in cpu_only:
            self._add(spec, name, not_run(self._labels[spec], name, self.device, NOT_ON_CPU))
        return jobs

    def _job(
        self, spec: str, *conditions: str, device: str | None = None, then: str | None = None
    ) -> Job:
        """The job that tries an object under conditions; `then`: that recognises it for there."""
        profile, device = self._profiles.get(spec), device or self.device
        if profile and device == CPU:  # there it may be asked for any position
            profile = msgspec.structs.replace(profile, last=None)
        return Job(
            spec,
            f"{WORKER}:open_context",
            {
                "specification": spec,
                "implementation": spec,
                "device": device,
                "then": then,
                "to": self.to,
                "known": msgspec.to_builtins(profile),
            },
            [["", condition] for condition in conditions],
            self.timeout,
            3 * self.timeout,
            fresh_after_raising=device.partition(":")[0] != CPU,
            groundwork=META_IMPORTS if conditions == (SLOWEST,) else None,
        )

    def _take(self, answer: Done) -> None:
        """Judge one answer."""
        self._keep(answer)
        spec, condition = answer.job.name, answer.task[1]
        first, profile = self._rows.get((spec, FIRST)), self._profiles.get(spec)
        self._add(spec, condition, row_of(answer, self._labels[spec], profile, first))

    def _keep(self, answer: Done) -> None:
        """Keep what an answer says of the object."""
        spec = answer.job.name
        if not isinstance(answer.outcome, Returned):
            return
        value = answer.outcome.value
        self._torch = value.get("torch") or self._torch
        self._opening.setdefault(spec, value.get("opening", 0.0))
        if "refused" in value:
            self._refusals[spec] = value["refused"]
        if "known" in value:
            self._profiles.setdefault(spec, msgspec.convert(value["known"], AngleProfile))

    def _leave_out(self, spec: str) -> None:
        first = self._rows[spec, FIRST]
        clear = first.verdict in ("skipped", "unavailable") or spec in self._profiles
        reason = f"{'' if clear else 'it was not recognised as constructed: '}{first.message}"
        verdict = "unavailable" if first.verdict == "unavailable" else "skipped"
        for condition in self._later_conditions:
            row = not_run(self._labels[spec], condition, self.device, reason)
            self._add(spec, condition, msgspec.structs.replace(row, verdict=verdict))

    def _add(self, spec: str, condition: str, row: Reach) -> None:
        self._rows[spec, condition] = row
        self.on_row(row)

    def result(self, *, interrupted: bool) -> Context:
        """What was finished, in the order of the request."""
        order = [(spec, condition) for spec in self.specs for condition in self.conditions]
        rows = tuple(self._rows[key] for key in order if key in self._rows)
        return Context(
            rotcheck=__version__,
            torch=self._torch,
            device=self.device,
            right=RIGHT_PHASE,
            makers=tuple(
                maker_of(self._labels[spec], self._profiles.get(spec)) for spec in self.specs
            ),
            rows=rows,
            summary=summarise(rows),
            interrupted=interrupted,
            planned=len(order),
        )
