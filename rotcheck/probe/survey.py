"""Collects the lines: from the workers, from external programs beside them, and from what can be read."""

import contextlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack

from rotcheck.isolation import Pool
from rotcheck.probe import (
    compilers,
    device_lines,
    library_lines,
    nvidia_smi_lines,
    switch_lines,
    system,
)
from rotcheck.probe.background import Beside
from rotcheck.probe.compilers import Compiler
from rotcheck.probe.installation import installed
from rotcheck.probe.topic import work_off
from rotcheck.results import Line, Machine

GROUPS = ("devices", "torchscript", "libraries", "compilers", "switches")


class Survey:
    """The lines found so far, of the groups that are wanted, and the machine they are from."""

    def __init__(
        self, on_line: Callable[[Line], None] | None = None, groups: Collection[str] | None = None
    ) -> None:
        self.groups = frozenset(GROUPS if groups is None else groups)
        if unknown := ", ".join(sorted(self.groups - set(GROUPS))):
            raise ValueError(f"no such group of lines: {unknown}; there are {', '.join(GROUPS)}")
        self._on_line = on_line
        self._lines: list[Line] = []
        self.torch: Line | None = None

    def machine(self) -> Machine:
        """Return the machine with the lines found so far, in the order of a report."""
        version = self.torch.values.get("version") if self.torch else None
        return Machine(
            torch=version, lines=tuple(sorted(self._lines, key=_place)), **system.facts()
        )

    def run(self, pool: Pool, *, full: bool = False, trials: bool = True) -> None:
        """Find all lines that are wanted; without `trials`, of libraries other than torch the version alone."""
        with ExitStack() as stack:
            beside = _Beside(stack, self.groups)
            for line in [*switch_lines.of_environment(), *library_lines.absent()]:
                self._found(line)
            _read_failures()
            folder = stack.enter_context(_folder()) if full and "compilers" in self.groups else None
            others = library_lines.topics() if trials and "libraries" in self.groups else []
            devices = device_lines.topic(self.groups, folder, others)
            work_off(pool, [library_lines.torch_topic([devices])], self._found)
            imported = bool(self.torch and self.torch.state == "runs")
            untried = library_lines.untried() if imported and not trials else []
            for line in [
                *untried,
                *beside.lines(bool(self.torch and self.torch.values.get("cuda"))),
            ]:
                self._found(line)

    def _found(self, line: Line) -> None:
        if (line.group, line.name) == ("libraries", "torch"):
            self.torch = line
        if line.group in self.groups:
            self._lines.append(line)
            if self._on_line:
                self._on_line(line)


class _Beside:
    """The external programs, at work while the workers import torch."""

    def __init__(self, stack: ExitStack, groups: Collection[str]) -> None:
        wanted: list[Compiler] = []
        if "compilers" in groups:
            wanted.append(compilers.for_torch_compile())
            if installed("triton"):
                wanted.append(compilers.for_triton())
        self._compiled = [
            (each, stack.enter_context(Beside(each.compile_something))) for each in wanted
        ]
        self._asked = (
            stack.enter_context(Beside(nvidia_smi_lines.ask)) if "libraries" in groups else None
        )

    def lines(self, cuda_built: bool) -> list[Line]:
        """Wait for the programs and return their lines."""
        found = [
            compilers.compiler_line(each, *compiled.result()) for each, compiled in self._compiled
        ]
        return found + (
            nvidia_smi_lines.lines(self._asked.result(), cuda_built) if self._asked else []
        )


def _read_failures() -> None:
    """Read the known failures now, while workers import torch.

    Not in a thread: an interrupt amid an import of this thread leaves a lock that the other waits for.
    """
    from rotcheck.diagnose import match

    match("")


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rotcheck-", ignore_cleanup_errors=True) as folder:
        yield folder


def _place(line: Line) -> tuple[int, bool, list[str | int]]:
    """Return where a line stands: by group, stand-ins last, then by name, `cuda:2` before `cuda:10`."""
    name = line.name.rpartition(" on ")[2] if line.group == "torchscript" else line.name
    parts = re.split(r"(\d+)", name.casefold())
    return (
        GROUPS.index(line.group),
        line.stand_in,
        [int(part) if part.isdigit() else part for part in parts],
    )
