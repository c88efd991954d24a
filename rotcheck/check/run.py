"""Checks a file in one study: each function identified once, then judged and measured as that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rotcheck import __version__
from rotcheck.check import headline
from rotcheck.check.plan import CheckRequest, judged_in, make_request, short_path
from rotcheck.check.verdict import part_of
from rotcheck.compare import plan as comparison
from rotcheck.compare import run as compare
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.context import run as context
from rotcheck.grouping import group_by
from rotcheck.identify import identification_jobs
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.identification_jobs import Identifier
from rotcheck.identify.swapping.file_fit import fit_files
from rotcheck.implementations.spec import NothingRotary
from rotcheck.isolation import Done, Pool
from rotcheck.probe import run as probe
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import (
    INTERPRETER,
    Cell,
    Check,
    Context,
    Machine,
    Reach,
)
from rotcheck.study.devices import resolve_devices
from rotcheck.study.request import display_names
from rotcheck.study.study import SURVEY_PRELOAD, Study, ignore

PRELOAD = tuple(dict.fromkeys((*compare.PRELOAD, *context.PRELOAD, *identification_jobs.PRELOAD)))
SURVEY_GROUPS = ("devices",)
STEPS = 3  # of each function: it is identified, judged, measured
CELL = 20.0  # seconds for one check of `compare`


def check(
    *specifications: str,
    dtypes: Sequence[str] = ("bfloat16",),
    to: int | None = None,
    device: str = "cpu",
    timeout: float = 60.0,
    memory_limit: float | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Check:
    """Say whether all rotary functions of a file are right, and how far.

    Each is identified; what rotates is judged by the quick checks of `compare`, and what makes its
    own angles is measured under what a model of these dtypes does to it. A class is built as its
    own file builds it.

    Args:
        specifications: `path/to/file.py`, or for one of its functions `path/to/file.py:function` or
            `package.module:function`.
        dtypes: those that the functions are to be right in.
        to: how many positions must be right; None: as many as each function claims, else 4096.
        device: where they run.
        timeout: seconds for identifying one function, and for one measurement.
        memory_limit: GiB that a worker may hold.
        on_plan: called once with the number of steps.
        on_step: called with a name for each step as it is done.

    Returns:
        A part for each function; what was finished, with `interrupted` set, if a KeyboardInterrupt
        ended the run.

    Raises:
        RequestError: the request cannot be carried out.
        KeyboardInterrupt: before the machine was known.
    """
    try:
        request = make_request(specifications, dtypes, to, device)
    except NothingRotary as error:
        titles = tuple(map(short_path, specifications))
        nothing = CheckRequest(titles, (), tuple(dtypes), to, device)
        return _Parts(nothing, _machine()).result(str(error), interrupted=False)
    with Study(PRELOAD, memory_limit=memory_limit, on_plan=on_plan) as study:
        machine = study.survey(SURVEY_GROUPS, trials=True)
        request = replace(request, device=resolve_devices((device,), machine)[0])
        parts = _Parts(request, machine, on_step or ignore)
        study.plan(STEPS * len(request.names))
        with study.interruptible():
            parts.identify(study, timeout)
            parts.judge(study)
            parts.measure(study, timeout)
    return parts.result(interrupted=study.is_interrupted)


def _machine() -> Machine:
    with Pool(preload=SURVEY_PRELOAD) as pool:
        return probe.survey(pool, groups=SURVEY_GROUPS)


@dataclass
class _Parts:
    """What is known of each function so far."""

    request: CheckRequest
    machine: Machine
    on_step: Callable[[str], None] = ignore
    _identities: dict[str, Identity] = field(default_factory=dict)
    _cells: list[Cell] = field(default_factory=list)
    _makers: dict[str, str] = field(default_factory=dict)
    _context: Context | None = None

    def identify(self, study: Study, timeout: float) -> None:
        """Identify each function, and hold those of one file against each other."""
        identifier = Identifier(self.request.names, self.request.device, timeout)
        self._identities = identifier.identities  # as each is known
        identifier.run_alone(study, lambda found: self.on_step(f"{found.specification} identified"))
        identities = {spec: self._identities[spec] for spec in self.request.names}
        self._identities = fit_files(identities, apart=False)

    def judge(self, study: Study) -> None:
        """Run the quick checks of `compare` on what rotates."""
        rotating = self._of_kind("applies", "both")
        # some kernels were identified under the Triton interpreter
        for device, specs in group_by(rotating, self._device_of).items():
            dtypes = judged_in(self.request.dtypes, device)
            request = comparison.make_request(specs, (device,), dtypes)
            identities = self._identities
            jobs = comparison.jobs(
                request, (device,), self.machine, timeout=CELL, identities=identities
            )
            for result in study.run(jobs):
                self._take(result)
        self._skip_steps(len(self.request.names) - len(rotating))

    def _device_of(self, spec: str) -> str:
        """Where a function was identified."""
        return self._identities[spec].identification.device

    def _take(self, result: Done) -> None:
        name = self.request.labels[result.job.setup["implementation"]]
        self._cells.append(cell_of(result, name, evidence_of(result)))
        if result.index == len(result.job.tasks) - 1:
            self.on_step(f"{name} judged")

    def measure(self, study: Study, timeout: float) -> None:
        """Measure how far what makes its own angles is right."""
        builders = self._of_kind("builds", "both")
        makers = [spec for spec in builders if self._device_of(spec) != INTERPRETER]
        device = "cpu" if self.request.device in STAND_INS else self.request.device
        if makers:
            self._makers = display_names(makers)  # as the context has them
            conditions, to = self.request.conditions, self.request.to
            self._context = context.measure(
                study, makers, conditions, device, timeout, self._tell_of_row, to=to
            )
        self._skip_steps(len(self.request.names) - len(makers))

    def _tell_of_row(self, row: Reach) -> None:
        if row.condition == self.request.conditions[-1]:
            self.on_step(f"{row.implementation} {row.condition} measured")

    def _skip_steps(self, count: int) -> None:
        for _ in range(count):
            self.on_step("")

    def _of_kind(self, *kinds: str) -> list[str]:
        """The functions that are understood as one of these kinds."""
        understood = (
            (spec, identity.identification.convention)
            for spec, identity in self._identities.items()
            if identity.identification.answer != "unknown"
        )
        return [spec for spec, convention in understood if convention and convention.kind in kinds]

    def result(self, nothing: str = "", *, interrupted: bool) -> Check:
        """The result so far, in the order of the files;
        `nothing`: why there is nothing to check."""
        identifications = {
            spec: self._identities[spec].identification
            for spec in self.request.names
            if spec in self._identities
        }
        rows, makers = (self._context.rows, self._context.makers) if self._context else ((), ())
        maker_of = {maker.implementation: maker for maker in makers}
        parts = [
            part_of(
                spec,
                identification,
                [cell for cell in self._cells if cell.implementation == self.request.labels[spec]],
                [row for row in rows if row.implementation == self._makers.get(spec)],
                maker_of.get(self._makers.get(spec, "")),
                self.request,
            )
            for spec, identification in identifications.items()
        ]
        return Check(
            rotcheck=__version__,
            machine=self.machine,
            asked=self.request.titles,
            device=self.request.device,
            dtypes=self.request.dtypes,
            to=self.request.to,
            answer=headline.answer(parts),
            headline=nothing or headline.headline(parts, self.request),
            parts=tuple(parts),
            advice=tuple(headline.advice(parts, self.request, self._context)),
            conventions=tuple(identifications.values()),
            cells=tuple(sorted(self._cells, key=self._place)),
            context=self._context,
            interrupted=interrupted,
        )

    def _place(self, cell: Cell) -> int:
        """Where the function of a cell stands in the files;
        its cells come in the order of checks."""
        return list(self.request.labels.values()).index(cell.implementation)
