"""Checks a file in one pool: each function is identified once, then judged and measured as what it was found to be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rotcheck import __version__
from rotcheck.check import headline
from rotcheck.check.plan import Request, judged_in, request, shown
from rotcheck.check.verdict import part_of
from rotcheck.compare import plan as comparing
from rotcheck.compare import run as compare
from rotcheck.compare.cells import cell_of, evidence_of
from rotcheck.context import run as context
from rotcheck.errors import REQUEST, RequestError
from rotcheck.identify import run as identify
from rotcheck.identify.run import Identified
from rotcheck.identify.swapping import file_fit
from rotcheck.implementations.registry import NothingRotary
from rotcheck.isolation import Done, Pool, Raised
from rotcheck.probe import run as probe
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import INTERPRETER, Cell, Check, Context, Identification, Machine

PRELOAD = tuple(dict.fromkeys((*compare.PRELOAD, *context.PRELOAD, *identify.PRELOAD)))
SURVEYED = ("devices",)
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

    A specification is a `path/to/file.py`, or `path/to/file.py:function` or `package.module:function` for one of its
    functions. Each is identified; what rotates is judged by the quick checks of `compare` in these `dtypes`, and what
    makes its own angles is measured up to position `to` under what a model of these dtypes does to it. `to`: how many
    positions must be right; None: as many as each claims, else 4096. A class is built as its own file builds it.
    `timeout`: seconds for identifying one function, and for one measurement. `memory_limit`: GiB for a worker.
    `on_plan` is called once with the number of steps, `on_step` with a name for each step as it is done.

    Raises `RequestError` when the request cannot be carried out. An interruption (KeyboardInterrupt) ends the run, and
    what was finished is returned with `interrupted` set; one that comes before the machine is known passes through.
    """
    try:
        asked = request(specifications, dtypes, to, device)
    except NothingRotary as error:
        nothing = Request(tuple(map(shown, specifications)), (), tuple(dtypes), to, device)
        return _Run(nothing, _machine()).result(str(error))
    with Pool(preload=PRELOAD, memory_limit=memory_limit) as pool:
        machine = probe.workplace(pool, SURVEYED, trials=True)
        asked = replace(asked, device=comparing.devices((device,), machine)[0])
        run = _Run(asked, machine, on_step or (lambda name: None))
        if on_plan:
            on_plan(STEPS * len(asked.names))
        try:
            run.identify(pool, timeout)
            run.judge(pool)
            run.measure(pool, timeout)
        except KeyboardInterrupt:
            run.interrupted = True
    return run.result()


def _machine() -> Machine:
    with Pool(preload=probe.PRELOAD) as pool:
        return probe.survey(pool, groups=SURVEYED)


@dataclass
class _Run:
    """What has been found so far."""

    asked: Request
    machine: Machine
    on_step: Callable[[str], None] = print
    interrupted: bool = False
    _seen: dict[str, Identification] = field(
        default_factory=dict
    )  # by its name without folders, as it is done
    _found: dict[str, Identified] = field(default_factory=dict)
    _cells: list[Cell] = field(default_factory=list)
    _makers: dict[str, str] = field(default_factory=dict)
    _context: Context | None = None

    def identify(self, pool: Pool, timeout: float) -> None:
        """Identify each function, and hold those of one file against each other. Raises `RequestError`."""
        found = identify.of_all(
            pool, self.asked.names, self.asked.device, timeout, self._identified, flags=True
        )
        told = file_fit.of_files(self.asked.names, [found[name].told for name in self.asked.names])
        self._found = {
            name: replace(found[name], told=one) for name, one in zip(self.asked.names, told)
        }

    def _identified(self, told: Identification) -> None:
        self._seen[told.specification] = told
        self.on_step(f"{told.specification} identified")

    def judge(self, pool: Pool) -> None:
        """Run the quick checks of `compare` on what rotates."""
        rotating = self._of_kind("applies", "both")
        for device, names in self._by_device(rotating).items():
            wanted = comparing.request(names, (device,), judged_in(self.asked.dtypes, device), ())
            jobs = comparing.jobs(
                wanted, (device,), self.machine, timeout=CELL, outputs=False, identified=self._found
            )
            for done in pool.run(jobs):
                self._take(done)
        self._skip_steps(len(self.asked.names) - len(rotating))

    def _by_device(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return functions by where they were identified: kernels that find no GPU under the Triton interpreter."""
        devices: dict[str, list[str]] = {}
        for name in names:
            devices.setdefault(self._found[name].told.device, []).append(name)
        return devices

    def _take(self, done: Done) -> None:
        if isinstance(done.outcome, Raised) and done.outcome.kind == REQUEST:
            raise RequestError(done.outcome.message)
        cell = cell_of(done, self.asked.shown[done.job.setup["implementation"]], evidence_of(done))
        self._cells.append(cell)
        if done.index == len(done.job.tasks) - 1:
            self.on_step(f"{cell.implementation} judged")

    def measure(self, pool: Pool, timeout: float) -> None:
        """Measure how far what makes its own angles is right."""
        every = self._of_kind("builds", "both")
        makers = [name for name in every if self._found[name].told.device != INTERPRETER]
        device = "cpu" if self.asked.device in STAND_INS else self.asked.device
        if makers:
            self._makers = comparing.display_names(makers)  # as the context has them
            self._context = context.measure(
                pool,
                makers,
                self.asked.conditions,
                device,
                timeout,
                self._measured,
                to=self.asked.to,
            )
            self.interrupted = self._context.interrupted
        self._skip_steps(len(self.asked.names) - len(makers))

    def _measured(self, row: str) -> None:
        if row.endswith(f" {self.asked.conditions[-1]}"):
            self.on_step(f"{row} measured")

    def _skip_steps(self, count: int) -> None:
        for _ in range(count):
            self.on_step("")

    def _of_kind(self, *kinds: str) -> list[str]:
        """Return the functions that are understood as one of these kinds."""
        understood = [
            (name, one.told) for name, one in self._found.items() if one.told.answer != "unknown"
        ]
        return [
            name for name, told in understood if told.convention and told.convention.kind in kinds
        ]

    def result(self, nothing: str = "") -> Check:
        """Return what was finished, in the order of the files; `nothing`: why there is nothing to check."""
        shown_name, done = self.asked.shown, self._done()
        rows = self._context.rows if self._context else ()
        makers = (
            {maker.implementation: maker for maker in self._context.makers} if self._context else {}
        )
        parts = [
            part_of(
                name,
                told,
                [cell for cell in self._cells if cell.implementation == shown_name[name]],
                [row for row in rows if row.implementation == self._makers.get(name)],
                makers.get(self._makers.get(name, "")),
                self.asked,
            )
            for name, told in done.items()
        ]
        return Check(
            rotcheck=__version__,
            machine=self.machine,
            asked=self.asked.asked,
            device=self.asked.device,
            dtypes=self.asked.dtypes,
            to=self.asked.to,
            answer=headline.answer(parts),
            headline=nothing or headline.headline(parts, self.asked),
            parts=tuple(parts),
            advice=tuple(headline.advice(parts, self.asked, self._context)),
            conventions=tuple(done.values()),
            cells=tuple(self._cells),
            context=self._context,
            interrupted=self.interrupted,
        )

    def _done(self) -> dict[str, Identification]:
        """Return what was found of each function that was identified before an interruption."""
        if self._found:
            return {name: self._found[name].told for name in self.asked.names}
        seen = {name: self._seen.get(identify.shown(name)) for name in self.asked.names}
        return {name: told for name, told in seen.items() if told is not None}
