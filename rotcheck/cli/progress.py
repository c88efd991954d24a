"""Progress on standard error, and only where that is a terminal; gone when the work is done."""

import sys
from types import TracebackType
from typing import Any, Self

from rotcheck.cli import screen
from rotcheck.report.text import one_line
from rotcheck.results import Cell, Line, Timing

CLEAR = "\r\x1b[K"


class Progress:
    """A line that says what is going on; nothing at all when nobody watches."""

    def __init__(self, first: str, *, no_color: bool = False) -> None:
        self._shown = screen.is_terminal(sys.stderr)
        self._first, self._no_color = first, no_color
        self._bar: Any = None
        self._total = 0

    def __enter__(self) -> Self:
        # by hand: importing rich would hold up the work by a tenth of a second
        self._say(self._first)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._say("")

    def line(self, found: Line) -> None:
        """Say which line of a probe was found."""
        self._say(f"probing: {found.name} {found.state}")

    def plan(self, cells: int, word: str = "cells") -> None:
        """Begin to count the cells, or whatever the word says."""
        self._total = cells
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._shown:
            self._say("")
            self._bar = _bar(word, screen.colour(sys.stderr, no_color=self._no_color))
            self._bar.start()
            self._task = self._bar.add_task("", total=cells)

    def cell(self, found: Cell) -> None:
        """Count a cell."""
        self._count(f"{found.implementation} {found.device} {found.dtype} {found.check}")

    def row(self, found: Timing) -> None:
        """Count a row of a benchmark."""
        self._count(
            f"{found.implementation} {found.device} {found.dtype} {found.shape} {found.pass_}"
        )

    def step(self, what: str) -> None:
        """Count a step of a training run."""
        self._count(what)

    def _count(self, what: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=one_line(what))

    def _say(self, text: str) -> None:
        if self._shown and self._bar is None:
            sys.stderr.write(f"{CLEAR}{one_line(text)[: screen.width() - 1]}")
            sys.stderr.flush()


def _bar(word: str, colour: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    console = Console(
        stderr=True, no_color=not colour, force_terminal=True, width=screen.width(), highlight=False
    )
    return Bar(
        TextColumn(f"{word} {{task.completed}}/{{task.total}}", markup=False),
        BarColumn(bar_width=20),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
