"""Process-wide switches kept apart: those that the code under test sets,
and those of rotcheck's own code."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rotcheck.measure import switches


class World:
    """What the code under test does to the process: it holds inside `enter()` and not outside.

    `before`: the switches as they were at first. `inside`: as the code under test left them.
    `threads`: how many rotcheck's own code has outside; None: as many as there are.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.before = self.inside = switches.read()
        if threads:
            torch.set_num_threads(threads)
        self._outside = switches.read()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Have the switches as the code under test left them."""
        switches.move(self.inside, now=self._outside)
        try:
            yield
        finally:
            self.inside = switches.read()
            switches.move(self._outside, now=self.inside)


@contextmanager
def restore_afterwards() -> Iterator[None]:
    """Set every switch back afterwards."""
    before = switches.read()
    try:
        yield
    finally:
        switches.move(before, now=switches.read())
