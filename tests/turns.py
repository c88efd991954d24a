"""Turns that the workers of a run in parallel take,
so that what measures time is alone while it does."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """The turns of one worker, and locks in a folder that all of them share;
    without a folder it is by itself."""

    def __init__(self, folder: Path | None) -> None:
        self._door = open(folder / "door", "w") if folder else None
        self._room = open(folder / "room", "w") if folder else None

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        """Run one test, as the others do theirs."""
        self._enter(fcntl.LOCK_SH)
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Run a part of a test while no other worker runs one."""
        self._leave()
        self._enter(fcntl.LOCK_EX)
        try:
            yield
        finally:
            self._leave()
            self._enter(fcntl.LOCK_SH)

    def _enter(self, how: int) -> None:
        """Wait for the room with the door shut behind us,
        so that who wants it alone is not overtaken for ever."""
        if self._door and self._room:
            fcntl.flock(self._door, fcntl.LOCK_EX)
            fcntl.flock(self._room, how)
            fcntl.flock(self._door, fcntl.LOCK_UN)

    def _leave(self) -> None:
        if self._room:
            fcntl.flock(self._room, fcntl.LOCK_UN)
