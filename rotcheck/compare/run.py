"""Runs a comparison: its cells in workers, each judged as it comes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rotcheck import __version__
from rotcheck.compare import checks as check_files
from rotcheck.compare import plan
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.compare.checks import CONVENTION
from rotcheck.compare.convention_check import convention_cell, given_cell
from rotcheck.compare.output_pairs import Outputs
from rotcheck.identify import identification_jobs
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.identification_jobs import Identifier, unregistered
from rotcheck.identify.swapping.file_fit import fit_files
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Job
from rotcheck.results import Cell, Machine, Report, summarise
from rotcheck.study.devices import first_computing, resolve_devices
from rotcheck.study.request import DTYPES, display_names
from rotcheck.study.study import SURVEY_PRELOAD, Study, ignore

PRELOAD = (
    *SURVEY_PRELOAD,
    plan.WORKER,
    *(check.module for check in check_files.files().values() if check.level == "quick"),
)
SURVEY_GROUPS = ("devices", "libraries")


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
    """Run each implementation on each device in each dtype under each check.

    What is not registered is identified first, and judged in its own convention.

    Args:
        implementations: registered names, `package.module:function`, `path/to/file.py:function`, or
            `file.py` for all in it; none: rotcheck's own and those that the project names.
        devices: none: all that run here.
        dtypes: none: float32, bfloat16, float16 and, where the device has it, float64.
        checks: none: the quick ones.
        full: without `checks`, all of them.
        everything: those of libraries and of other installed packages too.
        pairwise: also measure each two implementations against each other.
        timeout: seconds for one cell, 15 at least on other devices than the CPU; importing the
            implementation may take three times as many.
        memory_limit: GiB that a worker may hold.
        on_plan: called once with the number of cells.
        on_cell: called with each cell as it is decided.

    Returns:
        All cells; what was finished, with `interrupted` set, if a KeyboardInterrupt ended the run.

    Raises:
        RequestError: the request cannot be carried out; `NoTorch` if there is no usable torch.
        KeyboardInterrupt: before the machine was known.

    Example:
        >>> report = compare(["native"], devices=["cpu"], dtypes=["float32"], checks=["forward"])
        >>> [(cell.implementation, cell.verdict) for cell in report.cells]
        [('native', 'agrees')]
    """
    implementations = (*implementations, *(registry.everything() if everything else ()))
    request = plan.make_request(implementations, devices, dtypes, checks, full)
    with Study(_preload(request), memory_limit=memory_limit, on_plan=on_plan) as study:
        machine = study.survey(SURVEY_GROUPS)
        here = resolve_devices(request.devices, machine)
        run = _Matrix(request, machine, here, on_cell or ignore)
        jobs = partial(plan.jobs, devices=here, machine=machine, timeout=timeout, outputs=pairwise)
        with study.interruptible():
            study.plan(sum(len(job.tasks) for job in jobs(request)) + run.conventions_planned())
            for result in _answers(study, request, run, jobs, timeout):
                run.take(result)
            if pairwise:
                run.outputs.measure(study)
        return run.report(study)


def _preload(request: plan.CompareRequest) -> tuple[str, ...]:
    """What to import once, before workers are forked."""
    checks = [check for check in check_files.files().values() if check.name in request.checks]
    tracer = ["torch._dynamo"] if any(check.traces for check in checks) else []
    identifying = identification_jobs.PRELOAD if unregistered(request.implementations) else ()
    modules = [check.module for check in checks]
    return tuple(dict.fromkeys((*PRELOAD, *modules, *tracer, *identifying)))


def _answers(
    study: Study,
    request: plan.CompareRequest,
    run: "_Matrix",
    jobs: Callable[..., list[Job]],
    timeout: float,
) -> Iterator[Done]:
    """Yield what workers answer: of the registered ones, and of the others once identified."""
    to_identify = unregistered(request.implementations)
    registered_specs = [name for name in request.implementations if name not in to_identify]
    functions = Identifier(to_identify, first_computing(run.devices), timeout)
    run.identities = functions.identities
    yield from functions.run(
        study,
        jobs(request.of(registered_specs)),
        lambda spec: jobs(request.of([spec]), identities=functions.identities),
    )


class _Matrix:
    """The cells so far."""

    def __init__(
        self,
        request: plan.CompareRequest,
        machine: Machine,
        devices: Sequence[str],
        on_cell: Callable[[Cell], None],
    ) -> None:
        self.devices = devices
        self.identities: dict[str, Identity] = {}
        self._request, self._machine, self._on_cell = request, machine, on_cell
        self._names = display_names(request.implementations)
        self.outputs = Outputs(list(self._names.values()))
        self._cells: list[Cell] = []

    def conventions_planned(self) -> int:
        """How many cells the check `convention` has, if all goes well."""
        return sum(
            self._asks_convention(spec, device)
            for spec in self._names
            for device, _ in self._places()
        )

    def _asks_convention(self, spec: str, device: str) -> bool:
        """Whether the check is asked there: where a function is identified,
        or if asked by itself."""
        if self._request.checks == (CONVENTION,):
            return True
        here = device == first_computing(self.devices) and bool(unregistered([spec]))
        return here and CONVENTION in self._request.checks

    def _places(self) -> list[tuple[str, str]]:
        """Each device with each dtype to run in there."""
        return [
            (device, dtype)
            for device in self.devices
            for dtype in self._request.dtypes_on(device, self._machine)
        ]

    def _judge_conventions(self) -> None:
        """Add the cells of the check `convention`: those that were asked for, and every mistake."""
        self.identities = fit_files(self.identities)
        for spec, name in self._names.items():
            cells = [cell for cell in self._cells if cell.implementation == name]
            for device, dtype in self._places():
                cell = self._convention(spec, device, dtype, cells)
                if cell and (self._asks_convention(spec, device) or cell.verdict == "disagrees"):
                    self._add(cell)

    def _convention(self, spec: str, device: str, dtype: str, cells: Sequence[Cell]) -> Cell | None:
        name = self._names[spec]
        if spec in self.identities:
            return convention_cell(self.identities[spec], name, device, dtype, other_cells=cells)
        return None if unregistered([spec]) else given_cell(name, device, dtype)

    def take(self, result: Done) -> None:
        """Judge one answer."""
        evidence = evidence_of(result)
        cell = cell_of(result, self._names[result.job.setup["implementation"]], evidence)
        self.outputs.add(cell.implementation, cell.device, cell.dtype, cell.check, evidence)
        self._add(cell)

    def _add(self, cell: Cell) -> None:
        self._cells.append(cell)
        self._on_cell(cell)

    def report(self, study: Study) -> Report:
        """The report of what was finished, in the order of the plan."""
        self._judge_conventions()
        cells = tuple(sorted(self._cells, key=self._place))
        return Report(
            rotcheck=__version__,
            machine=self._machine,
            cells=cells,
            summary=summarise(cells),
            pairs=tuple(self.outputs.pairs),
            conventions=tuple(
                self.identities[spec].identification
                for spec in self._names
                if spec in self.identities
            ),
            interrupted=study.is_interrupted,
            planned=study.total,
        )

    def _place(self, cell: Cell) -> tuple[int, ...]:
        return (
            list(self._names.values()).index(cell.implementation),
            self.devices.index(cell.device),
            DTYPES.index(cell.dtype),
            plan.check_names().index(cell.check),
        )
