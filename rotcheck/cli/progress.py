"""Progress on standard error, and only where that is a terminal; gone when the work is done."""

import sys
from typing import Any

from rotcheck.cli import screen
from rotcheck.report.text import one_line
from rotcheck.results import Cell

CLEAR = "\r\x1b[K"


class Progress:
    """A line that says what is going on; nothing at all when nobody watches."""

    def __init__(self, *, no_color: bool = False) -> None:
        self._visible, self._no_color = screen.is_terminal(sys.stderr), no_color
        self._active = False
        self._bar: Any = None
        self._task: Any = None

    def begin(self, text: str) -> None:
        """Say what comes first."""
        self._active = True
        self.say(text)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._active:
            self.say("")
        self._active = False

    def say(self, text: str) -> None:
        """Say what is going on, by hand: importing rich would hold up the work by
        a tenth of a second."""
        if self._visible and self._bar is None:
            sys.stderr.write(f"{CLEAR}{one_line(text)[: screen.width() - 1]}")
            sys.stderr.flush()

    def plan(self, count: int, word: str = "cells") -> None:
        """Begin to count the cells, or whatever the word says."""
        if not self._visible:
            return
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self.say("")
        self._bar = _bar(word, screen.colour(sys.stderr, no_color=self._no_color))
        self._bar.start()
        self._task = self._bar.add_task("", total=count)

    def step(self, text: str) -> None:
        """Count one of them."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=one_line(text))

    def estimate(self, seconds: float) -> None:
        """Say about how long the planned work takes, until its first step is done."""
        if self._bar is not None:
            about = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
            self._bar.update(self._task, description=f"about {about}")

    def cell(self, cell: Cell) -> None:
        """Count a cell."""
        self.step(f"{cell.implementation} {cell.device} {cell.dtype} {cell.check}")


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
