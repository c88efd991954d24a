"""Runs a comparison: the machine first, then its cells in workers, each judged as it comes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from rotcheck import __version__
from rotcheck.compare import judgement, plan
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.compare.checks import names as check_names
from rotcheck.compare.judgement import CONVENTION, Identifier
from rotcheck.compare.pairs import Outputs
from rotcheck.errors import REQUEST, RequestError
from rotcheck.identify import run as identify
from rotcheck.identify.run import Identified
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Pool, Raised
from rotcheck.probe import run as probe
from rotcheck.results import Cell, Machine, Report, summarise

_CHECKS = "rotcheck.compare.checks"
PRELOAD = (*probe.PRELOAD, plan.WORKER, *(f"{_CHECKS}.{name}" for name in check_names("quick")))
TRACERS = ("checkpoint", "double_backward", "export", "compile", "inductor")
"""Checks that have torch import its tracer, which takes longer than torch itself: once, then, for all workers."""
SURVEYED = ("devices", "libraries")


def compare(
    implementations: Sequence[str] = (),
    *,
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    checks: Sequence[str] = (),
    full: bool = False,
    everything: bool = False,
    pairwise: bool = False,
    timeout: float = 20.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_cell: Callable[[Cell], None] | None = None,
) -> Report:
    """Run each implementation on each device in each dtype under each check, and return the report.

    Empty means the default: rotcheck's implementations and those that the project names, all devices that run here,
    float32, bfloat16, float16 and, where the device has it, float64, the quick checks, or all of them with `full`.
    An implementation is a registered name, `package.module:function`, `path/to/file.py:function`, or `file.py` for all
    in it; such a function is identified first, and judged in its own convention. `everything`: those of libraries and
    of other installed packages too. `timeout`: seconds for one cell, 15 at least on other devices than the CPU; three
    times as many for importing the implementation. `memory_limit`: GiB that a worker may hold. `pairwise` also measures
    each two implementations against each other. `on_plan` is called once with the number of cells, `on_cell` with each
    cell as it is decided.

    Raises `RequestError` when the request cannot be carried out, its `NoTorch` where there is no torch of use. An
    interruption (KeyboardInterrupt) ends the run, and what was finished is returned in a report with `interrupted`
    set; one that comes before the machine is known passes through.
    """
    implementations = (*implementations, *(registry.everything() if everything else ()))
    wanted = plan.request(implementations, devices, dtypes, checks, full)
    with Pool(preload=_preload(wanted), memory_limit=memory_limit) as pool:
        machine = probe.workplace(pool, SURVEYED)
        here = plan.devices(wanted.devices, machine)
        run = _Run(wanted, machine, here, on_cell or (lambda cell: None))
        all_jobs = partial(
            plan.jobs, devices=here, machine=machine, timeout=timeout, outputs=pairwise
        )
        registered, given = _parted(wanted)
        run.planned = sum(len(job.tasks) for job in all_jobs(wanted)) + run.conventions_planned()
        try:
            if on_plan:
                on_plan(run.planned)
            identifier = Identifier(given.implementations, identifying_device(here), timeout)
            run.identified = identifier.found
            for done in pool.run([*all_jobs(registered), *identifier.jobs]):
                if not identifier.asked(done):
                    run.take(done)
                    continue
                name, flags = identifier.take(done)
                one = replace(given, implementations=(name,) if name else ())
                pool.add([*all_jobs(one, identified=identifier.found), *flags])
            if pairwise:
                run.outputs.measure(pool)
        except KeyboardInterrupt:
            run.interrupted = True
        return run.report()


def _preload(wanted: plan.Request) -> tuple[str, ...]:
    """Return what to import once, before workers are forked."""
    others = [f"{_CHECKS}.{name}" for name in wanted.checks if name != CONVENTION]
    tracing = ["torch._dynamo"] if set(wanted.checks) & set(TRACERS) else []
    identifying = identify.PRELOAD if any(judgement.given(wanted.implementations)) else ()
    return tuple(dict.fromkeys((*PRELOAD, *others, *tracing, *identifying)))


def _parted(wanted: plan.Request) -> tuple[plan.Request, plan.Request]:
    """Return what was asked of registered implementations, and of functions that were given."""
    given = tuple(judgement.given(wanted.implementations))
    others = tuple(name for name in wanted.implementations if name not in given)
    return replace(wanted, implementations=others), replace(wanted, implementations=given)


def identifying_device(devices: Sequence[str]) -> str:
    """Return where functions are identified: on the first device that computes."""
    return next((device for device in devices if device != "meta"), "cpu")


class _Run:
    """What has been found so far."""

    def __init__(
        self,
        wanted: plan.Request,
        machine: Machine,
        devices: Sequence[str],
        on_cell: Callable[[Cell], None],
    ) -> None:
        self.planned = 0
        self.interrupted = False
        self.identified: dict[str, Identified] = {}
        self._wanted, self._machine, self._devices, self._on_cell = (
            wanted,
            machine,
            devices,
            on_cell,
        )
        self._names = plan.display_names(wanted.implementations)
        self.outputs = Outputs(list(self._names.values()))
        self._cells: list[Cell] = []

    def conventions_planned(self) -> int:
        """Return how many cells the check `convention` has, if all goes well."""
        return sum(
            self._asked(name, device) for name in self._names for device, _ in self._places()
        )

    def _asked(self, name: str, device: str) -> bool:
        """Return whether the check is asked of a function on a device: there where it is identified, or by itself."""
        if self._wanted.checks == (CONVENTION,):
            return True
        here = device == identifying_device(self._devices) and bool(judgement.given([name]))
        return here and CONVENTION in self._wanted.checks

    def _places(self) -> list[tuple[str, str]]:
        """Return each device with each dtype asked for there."""
        wanted, machine = self._wanted, self._machine
        return [
            (device, dtype)
            for device in self._devices
            for dtype in plan.dtypes_on(wanted, device, machine)
        ]

    def _judge_conventions(self) -> None:
        """Add the cells of the check `convention`: those that were asked for, and every mistake."""
        for name, shown in self._names.items():
            others = [cell for cell in self._cells if cell.implementation == shown]
            for device, dtype in self._places():
                cell = self._convention(name, device, dtype, others)
                if cell and (self._asked(name, device) or cell.verdict == "disagrees"):
                    self._cells.append(cell)
                    self._on_cell(cell)

    def _convention(
        self, name: str, device: str, dtype: str, others: Sequence[Cell]
    ) -> Cell | None:
        if name in self.identified:
            found = self.identified[name]
            return judgement.cell(found, self._names[name], device, dtype, others=others)
        registered = not judgement.given([name])
        return judgement.held(self._names[name], device, dtype) if registered else None

    def take(self, done: Done) -> None:
        """Judge one answer. Raises `RequestError` when it says that there is no such implementation."""
        if isinstance(done.outcome, Raised) and done.outcome.kind == REQUEST:
            raise RequestError(done.outcome.message)
        evidence = evidence_of(done)
        cell = cell_of(done, self._names[done.job.setup["implementation"]], evidence)
        self._cells.append(cell)
        self.outputs.add(cell.implementation, cell.device, cell.dtype, cell.check, evidence)
        self._on_cell(cell)

    def report(self) -> Report:
        """Return the report of what was finished, in the order of the plan."""
        self.identified = judgement.fitted(self.identified)
        self._judge_conventions()
        cells = tuple(sorted(self._cells, key=self._place))
        return Report(
            rotcheck=__version__,
            machine=self._machine,
            cells=cells,
            summary=summarise(cells),
            pairs=tuple(self.outputs.pairs),
            conventions=tuple(
                self.identified[name].told for name in self._names if name in self.identified
            ),
            interrupted=self.interrupted,
            planned=self.planned,
        )

    def _place(self, cell: Cell) -> tuple[int, ...]:
        return (
            list(self._names.values()).index(cell.implementation),
            self._devices.index(cell.device),
            plan.DTYPES.index(cell.dtype),
            plan.check_names().index(cell.check),
        )
