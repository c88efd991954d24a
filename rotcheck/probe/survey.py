"""Collects the lines: from workers, from external programs,
and from what can be read without either."""

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
from rotcheck.probe.installation import is_installed
from rotcheck.probe.topic import work_off
from rotcheck.results import Line, Machine

GROUPS = ("devices", "torchscript", "libraries", "compilers", "switches")


class Survey:
    """The lines found so far, of some groups, and the machine that they describe."""

    def __init__(
        self, on_line: Callable[[Line], None] | None = None, groups: Collection[str] | None = None
    ) -> None:
        self.groups = frozenset(GROUPS if groups is None else groups)
        if strangers := ", ".join(sorted(self.groups - set(GROUPS))):
            raise ValueError(f"no such group of lines: {strangers}; there are {', '.join(GROUPS)}")
        self._on_line = on_line
        self._lines: list[Line] = []
        self.torch: Line | None = None

    def machine(self) -> Machine:
        """The machine with the lines found so far, in the order of a report."""
        version = self.torch.values.get("version") if self.torch else None
        return Machine(
            torch=version, lines=tuple(sorted(self._lines, key=_place)), **system.facts()
        )

    def run(self, pool: Pool, *, full: bool = False, trials: bool = True) -> None:
        """Find all lines; without `trials`, only the version of libraries other than torch."""
        with ExitStack() as stack:
            beside = _Beside(stack, self.groups)
            for line in [*switch_lines.of_environment(), *library_lines.absent()]:
                self._add(line)
            _read_failures()
            folder = stack.enter_context(_folder()) if full and "compilers" in self.groups else None
            library_topics = library_lines.topics() if trials and "libraries" in self.groups else []
            devices = device_lines.topic(self.groups, folder, library_topics)
            work_off(pool, [library_lines.torch_topic([devices])], self._add)
            has_torch = bool(self.torch and self.torch.state == "runs")
            version_lines = library_lines.versions() if has_torch and not trials else []
            has_cuda = bool(self.torch and self.torch.values.get("cuda"))
            for line in [*version_lines, *beside.lines(has_cuda)]:
                self._add(line)

    def _add(self, line: Line) -> None:
        if (line.group, line.name) == ("libraries", "torch"):
            self.torch = line
        if line.group in self.groups:
            self._lines.append(line)
            if self._on_line:
                self._on_line(line)


class _Beside:
    """The external programs, at work while the workers import torch."""

    def __init__(self, stack: ExitStack, groups: Collection[str]) -> None:
        here: list[Compiler] = []
        if "compilers" in groups:
            here.append(compilers.for_torch_compile())
            here += [compilers.for_triton()] if is_installed("triton") else []
        self._compilations = [
            (compiler, stack.enter_context(Beside(compiler.compile_something))) for compiler in here
        ]
        smi = Beside(nvidia_smi_lines.ask)
        self._nvidia_smi = stack.enter_context(smi) if "libraries" in groups else None

    def lines(self, cuda_built: bool) -> list[Line]:
        """Wait for the programs and return their lines."""
        lines = [
            compilers.compiler_line(compiler, *outcome.result())
            for compiler, outcome in self._compilations
        ]
        if self._nvidia_smi:
            lines += nvidia_smi_lines.lines(self._nvidia_smi.result(), cuda_built)
        return lines


def _read_failures() -> None:
    """Read the known failures now, while workers import torch.

    Not in a thread: an interrupt in the middle of an import leaves a lock that
    the other thread waits for.
    """
    from rotcheck.diagnose import match

    match("")


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rotcheck-", ignore_cleanup_errors=True) as folder:
        yield folder


def _place(line: Line) -> tuple[int, bool, list[str | int]]:
    """Where a line stands: by group, stand-ins last, then by name, `cuda:2` before `cuda:10`."""
    name = line.name.rpartition(" on ")[2] if line.group == "torchscript" else line.name
    parts = re.split(r"(\d+)", name.casefold())
    return (
        GROUPS.index(line.group),
        line.stand_in,
        [int(part) if part.isdigit() else part for part in parts],
    )
