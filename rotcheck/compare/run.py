"""Runs a comparison: the machine first, then its cells in workers, each judged as it comes."""

from collections.abc import Callable, Sequence

from rotcheck import __version__
from rotcheck.compare import plan
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.compare.checks import names as check_names
from rotcheck.compare.pairs import Outputs
from rotcheck.errors import RequestError
from rotcheck.identify import run as identify
from rotcheck.identify.run import Identified
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Pool, Raised
from rotcheck.probe import run as probe
from rotcheck.results import Cell, Identification, Machine, Report, summarise

PRELOAD = (*probe.PRELOAD, plan.WORKER, *(f"rotcheck.compare.checks.{name}" for name in check_names()))
SURVEYED = ("devices", "libraries")

_REQUEST = f"{RequestError.__module__}.{RequestError.__qualname__}"


def compare(
    implementations: Sequence[str] = (),
    *,
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    checks: Sequence[str] = (),
    pairwise: bool = False,
    timeout: float = 20.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_cell: Callable[[Cell], None] | None = None,
) -> Report:
    """Run each implementation on each device in each dtype under each check, and return the report.

    Empty means the default: all registered implementations, all devices that run here, float32, bfloat16,
    float16 and, where the device has it, float64, all checks. An implementation is a registered name,
    `package.module:function` or `path/to/file.py:function`; such a function is identified first, and judged in
    its own convention. `timeout`: seconds for one cell; three
    times as many for importing the implementation. `memory_limit`: GiB that a worker may hold.
    `pairwise` also measures each two implementations against each other. `on_plan` is called once with the
    number of cells, `on_cell` with each cell as it is decided.

    Raises `RequestError` when the request cannot be carried out. An interruption (KeyboardInterrupt) ends
    the run, and what was finished is returned in a report with `interrupted` set; one that comes before the
    machine is known passes through.
    """
    wanted = plan.request(implementations, devices, dtypes, checks)
    with Pool(preload=PRELOAD, memory_limit=memory_limit) as pool:
        machine = probe.survey(pool, groups=SURVEYED)
        here = plan.devices(wanted.devices, machine)
        own = _identified(pool, wanted, here, timeout)
        calls = {name: one.convention for name, one in own.items() if one.convention}
        jobs = plan.jobs(wanted, here, machine, timeout=timeout, outputs=pairwise, conventions=calls)
        run = _Run(wanted, machine, here, sum(len(job.tasks) for job in jobs), on_cell or (lambda cell: None))
        run.conventions = [one.told for one in own.values()]
        try:
            if on_plan:
                on_plan(run.planned)
            for done in pool.run(jobs):
                run.take(done)
            if pairwise:
                run.outputs.measure(pool)
        except KeyboardInterrupt:
            run.interrupted = True
        return run.report()


def _identified(
    pool: Pool, wanted: plan.Request, devices: Sequence[str], timeout: float
) -> dict[str, Identified]:
    """Identify the functions that were given, on the first device that computes."""
    given = [name for name in wanted.implementations if registry.module_of(name) is None]
    device = next((device for device in devices if device != "meta"), "cpu")
    return identify.of_all(pool, given, device, timeout) if given else {}


class _Run:
    """What has been found so far."""

    def __init__(
        self,
        wanted: plan.Request,
        machine: Machine,
        devices: Sequence[str],
        planned: int,
        on_cell: Callable[[Cell], None],
    ) -> None:
        self.planned = planned
        self.interrupted = False
        self.conventions: list[Identification] = []
        self._machine, self._devices, self._on_cell = machine, devices, on_cell
        self._names = plan.display_names(wanted.implementations)
        self.outputs = Outputs(list(self._names.values()))
        self._cells: list[Cell] = []

    def take(self, done: Done) -> None:
        """Judge one answer. Raises `RequestError` when it says that there is no such implementation."""
        if isinstance(done.outcome, Raised) and done.outcome.kind == _REQUEST:
            raise RequestError(done.outcome.message)
        evidence = evidence_of(done)
        cell = cell_of(done, self._names[done.job.setup["implementation"]], evidence)
        self._cells.append(cell)
        self.outputs.add(cell.implementation, cell.device, cell.dtype, cell.check, evidence)
        self._on_cell(cell)

    def report(self) -> Report:
        """Return the report of what was finished, in the order of the plan."""
        cells = tuple(sorted(self._cells, key=self._place))
        return Report(
            rotcheck=__version__,
            machine=self._machine,
            cells=cells,
            summary=summarise(cells),
            pairs=tuple(self.outputs.pairs),
            conventions=tuple(self.conventions),
            interrupted=self.interrupted,
            planned=self.planned,
        )

    def _place(self, cell: Cell) -> tuple[int, ...]:
        return (
            list(self._names.values()).index(cell.implementation),
            self._devices.index(cell.device),
            plan.DTYPES.index(cell.dtype),
            check_names().index(cell.check),
        )
