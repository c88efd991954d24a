"""Runs a benchmark: one row after another, each in a worker of its own, never two at a time."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rotcheck import __version__
from rotcheck.bench import plan
from rotcheck.bench.qkv_shapes import Capacity, too_large
from rotcheck.bench.timings import from_answer, not_run, timing_of, without_noise
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.identification_jobs import Identifier, unregistered
from rotcheck.identify.swapping.file_fit import fit_files
from rotcheck.identify.worker_setup import setup_of
from rotcheck.isolation import Job
from rotcheck.isolation.handle import HANG_AGAIN
from rotcheck.results import Bench, Machine, Spread, Timing
from rotcheck.study.devices import resolve_devices
from rotcheck.study.request import display_names
from rotcheck.study.study import SURVEY_PRELOAD, Study, ignore

# the first gradient imports it, which takes most of a second
SYMPY = "torch.fx.experimental.symbolic_shapes"
PRELOAD = (*SURVEY_PRELOAD, plan.WORKER, SYMPY)
SURVEY_GROUPS = ("devices", "libraries")
IDENTIFICATION_LIMIT = 60.0  # seconds to identify one function


def bench(
    implementations: Sequence[str] = (),
    *,
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    shapes: Sequence[str] = (),
    passes: Sequence[str] = (),
    against: str = "native",
    seconds: float = 0.5,
    timeout: float = 300.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_estimate: Callable[[float], None] | None = None,
    on_row: Callable[[Timing], None] | None = None,
) -> Bench:
    """Time each implementation on each device in each dtype, shape and pass.

    Args:
        implementations: as in `rotcheck.compare`; those that are not registered are identified
            first. None: all registered ones and native-compiled.
        devices: none: all that run here. No stand-ins.
        dtypes: none: float32 and bfloat16.
        shapes: "2x10x3x8x64" is batch, sequence, 3, heads, width of packed qkv; "2x10x8/2x64" is q
            with 8 heads and k with 2. None: three packed ones, from tiny to large.
        passes: none: "forward" and "forward+backward".
        against: the baseline, which is timed too.
        seconds: how long to time each of the three things in a row (the implementation, a copy of
            its input, the baseline), in 7 rounds at least.
        timeout: seconds for a whole row.
        memory_limit: GiB that a worker may hold.
        on_plan: called once with the number of rows.
        on_estimate: called once with about how many seconds they take.
        on_row: called with each row as it is finished.

    Returns:
        All rows; what was finished, with `interrupted` set, if a KeyboardInterrupt ended the run.

    Raises:
        RequestError: the request cannot be carried out.
        KeyboardInterrupt: before the machine was known.
    """
    request = plan.request(implementations, devices, dtypes, shapes, passes, against)
    with Study(PRELOAD, workers=1, memory_limit=memory_limit, on_plan=on_plan) as study:
        machine = study.survey(SURVEY_GROUPS)
        here = resolve_devices(request.devices, machine)
        capacities = plan.capacities(here, machine, study.pool.memory_limit)
        groups = plan.groups(request, capacities)
        timings = _Timings(request, study, capacities, seconds, timeout, on_row or ignore)
        with study.interruptible():
            rows = len(request.implementations)
            study.plan(len(groups) * rows)
            (on_estimate or ignore)(plan.estimate(groups, rows, seconds))
            for group in groups:
                timings.time(group)
    return timings.result(machine)


@dataclass
class _Timings:
    """The rows so far."""

    request: plan.BenchRequest
    study: Study
    capacities: Mapping[str, Capacity]
    seconds: float
    timeout: float
    on_row: Callable[[Timing], None]
    _identities: dict[str, Identity] = field(default_factory=dict)
    _rows: list[Timing] = field(default_factory=list)
    _hangs: set[tuple[str, str]] = field(default_factory=set)  # implementation and device

    def __post_init__(self) -> None:
        self._labels = display_names(self.request.implementations)

    def time(self, group: plan.Group) -> None:
        """Time all implementations in one group, the baseline first."""
        baseline = self._row(self.request.against, group, beside=True)
        for name in self.request.implementations[1:]:
            self._row(name, group, beside=baseline.state == "ran", floor=baseline.speedup)

    def _setup(self, name: str, device: str) -> dict[str, Any]:
        """How a worker calls an implementation, which is identified before its first row."""
        specs = [spec for spec in unregistered([name]) if spec not in self._identities]
        limit = min(self.timeout, IDENTIFICATION_LIMIT)
        self._identities |= Identifier(specs, device, limit).run_alone(self.study)
        return setup_of(self._identities.get(name))

    def _row(
        self, name: str, group: plan.Group, *, beside: bool, floor: Spread | None = None
    ) -> Timing:
        label = self._labels[name]
        answer = self._setup(name, group.device).get("instead")
        reason = too_large(group.shape, group.dtype, self.capacities[group.device])
        if answer:
            row = from_answer(label, group, answer)
        elif reason:
            row = not_run(label, group, "skipped", reason)
        else:
            row = self._measure(name, group, beside=beside)
            # the baseline itself has nothing to pay back
            row = without_noise(row, floor or row.speedup)
        self._rows.append(row)
        self.on_row(row)
        return row

    def _measure(self, name: str, group: plan.Group, *, beside: bool) -> Timing:
        hangs = (name, group.device) in self._hangs
        against = self.request.against
        baseline = {"implementation": against, "device": group.device}
        with tempfile.TemporaryDirectory(prefix="rotcheck-", ignore_cleanup_errors=True) as caches:
            setup = {
                "implementation": name,
                "shown": self._labels[name],
                "identity": self._setup(name, group.device),
                "baseline": self._setup(against, group.device) | baseline if beside else None,
                "device": group.device,
                "shape": group.shape,
                "seconds": self.seconds,
                "caches": caches,
            }
            limit = self.timeout / HANG_AGAIN if hangs else self.timeout
            task = [group.dtype, group.pass_]
            job = Job(name, f"{plan.WORKER}:open_row", setup, [task], limit, limit)
            (result,) = self.study.run([job])
        row = timing_of(result, self._labels[name], group)
        if row.state == "hangs":
            self._hangs.add((name, group.device))
        return row

    def result(self, machine: Machine) -> Bench:
        """What was finished."""
        return Bench(
            rotcheck=__version__,
            machine=machine,
            against=self._labels[self.request.against],
            budget_seconds=self.seconds,
            timings=tuple(self._rows),
            conventions=tuple(
                identity.identification for identity in fit_files(self._identities).values()
            ),
            interrupted=self.study.is_interrupted,
            planned=self.study.total,
        )
