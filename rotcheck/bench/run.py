"""Runs a benchmark: one row after another, each in a worker of its own, never two at a time."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rotcheck import __version__
from rotcheck.bench import plan
from rotcheck.bench.qkv_shapes import Capacity, too_large
from rotcheck.bench.timings import from_answer, not_run, timing_of, without_noise
from rotcheck.identify.identifier import identify_each, unregistered
from rotcheck.identify.identity import Identity, fit_files
from rotcheck.identify.worker_setup import setup_of
from rotcheck.results import Bench, Machine, Spread, Timing
from rotcheck.study.request import display_names
from rotcheck.study.study import SURVEY_PRELOAD, Study, ignore

# the first gradient imports it, which takes most of a second
SYMPY = "torch.fx.experimental.symbolic_shapes"
PRELOAD = (*SURVEY_PRELOAD, plan.WORKER, SYMPY)
SURVEYED = ("devices", "libraries")
LONGEST = 60.0  # seconds to identify one function
HUNG = 10  # after a hang, the implementation's other rows get this fraction of the time limit


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
    on_row: Callable[[Timing], None] | None = None,
) -> Bench:
    """Time each implementation on each device in each dtype, shape and pass, and return all rows.

    Empty means the default: all registered implementations and native-compiled, all devices that run here,
    float32 and bfloat16, three shapes from tiny to large, `forward` and `forward+backward`. Implementations
    are named as in `rotcheck.compare`, and those that are given identified first; `against`, the baseline, is timed
    too. A shape is
    "2x10x3x8x64": batch, sequence, 3, heads, width of packed qkv. `seconds`: how long to time each of the
    three things in a row (the implementation, a copy of its input, the baseline), in 7 rounds at least.
    `timeout`: seconds for a whole row. `memory_limit`: GiB that a worker may hold. `on_plan` is called once
    with the number of rows, `on_row` with each row as it is finished.

    Raises `RequestError` when the request cannot be carried out. An interruption (KeyboardInterrupt) ends
    the run, and what was finished is returned with `interrupted` set; one that comes before the machine is
    known passes through.
    """
    wanted = plan.request(implementations, devices, dtypes, shapes, passes, against)
    with Study(PRELOAD, workers=1, memory_limit=memory_limit, on_plan=on_plan) as study:
        machine = study.survey(SURVEYED)
        rooms = plan.capacities(plan.devices(wanted, machine), machine, study.pool.memory_limit)
        groups = plan.groups(wanted, rooms)
        run = _Run(wanted, study, rooms, seconds, timeout, on_row or ignore)
        with study.interruptible():
            study.plan(len(groups) * len(wanted.implementations))
            for group in groups:
                run.group(group)
    return run.result(machine)


class _Run:
    """The rows so far."""

    def __init__(
        self,
        wanted: plan.BenchRequest,
        study: Study,
        rooms: Mapping[str, Capacity],
        seconds: float,
        timeout: float,
        on_row: Callable[[Timing], None],
    ) -> None:
        self._wanted, self._study, self._seconds, self._timeout = wanted, study, seconds, timeout
        self._rooms, self._on_row = rooms, on_row
        self._names = display_names(wanted.implementations)
        self._identified: dict[str, Identity] = {}
        self._rows: list[Timing] = []
        self._hung: set[tuple[str, str]] = set()  # implementation and device

    def _known(self, name: str, device: str) -> dict[str, Any]:
        """Return what a worker is told of an implementation; one that is given is identified before its first row."""
        asked = [one for one in unregistered([name]) if one not in self._identified]
        limit = min(self._timeout, LONGEST)
        self._identified |= identify_each(self._study, asked, device, limit)
        return setup_of(self._identified.get(name))

    def group(self, group: plan.Group) -> None:
        """Time all implementations in one group, the baseline first: the others need it only if it runs."""
        baseline = self._row(self._wanted.against, group, beside=True)
        for name in self._wanted.implementations[1:]:
            self._row(name, group, beside=baseline.state == "ran", floor=baseline.speedup)

    def _row(
        self, name: str, group: plan.Group, *, beside: bool, floor: Spread | None = None
    ) -> Timing:
        reason = too_large(group.shape, group.dtype, self._rooms[group.device])
        instead = self._known(name, group.device).get("instead")
        if instead:
            row = from_answer(self._names[name], group, instead)
        elif reason:
            row = not_run(self._names[name], group, "skipped", reason)
        else:
            row = self._timed(name, group, beside)
            row = without_noise(
                row, floor or row.speedup
            )  # the baseline itself has nothing to pay back
        self._rows.append(row)
        self._on_row(row)
        return row

    def _timed(self, name: str, group: plan.Group, beside: bool) -> Timing:
        hung = (name, group.device) in self._hung
        with tempfile.TemporaryDirectory(prefix="rotcheck-", ignore_cleanup_errors=True) as caches:
            job = plan.job(
                self._wanted,
                group,
                name,
                self._names[name],
                against=beside,
                memory=self._known(name, group.device),
                known_against=self._known(self._wanted.against, group.device),
                seconds=self._seconds,
                timeout=self._timeout / HUNG if hung else self._timeout,
                caches=caches,
            )
            (done,) = self._study.run([job])
        row = timing_of(done, self._names[name], group)
        if row.state == "hangs":
            self._hung.add((name, group.device))
        return row

    def result(self, machine: Machine) -> Bench:
        """Return what was finished."""
        return Bench(
            rotcheck=__version__,
            machine=machine,
            against=self._names[self._wanted.against],
            budget_seconds=self._seconds,
            timings=tuple(self._rows),
            conventions=tuple(
                identity.identification for identity in fit_files(self._identified).values()
            ),
            interrupted=self._study.interrupted,
            planned=self._study.planned,
        )
