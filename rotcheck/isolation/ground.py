"""The front's record of the groundworks: the processes that do them, and then fork workers."""

import socket
from collections import deque
from collections.abc import Iterable

from rotcheck.isolation.handle import Handle
from rotcheck.isolation.outcome import Groundwork, Job, Outcome, Raised, Returned
from rotcheck.isolation.starters import Forks

Entry = tuple[Job, int, bool]
"""A job, which of its tasks comes next, and whether one of its tasks hung."""


class Ground(Handle):
    """A worker process that does a groundwork, and from then on forks the workers of jobs.

    Attributes:
        waiting: the jobs that wait for it.
        is_settled: it is done, or will not be.
        forks: what starts workers; None: each does itself what it needs.
        failure: what became of it, where that is the outcome of all tasks.
    """

    def __init__(self, number: int, groundwork: Groundwork) -> None:
        opening = Job("", groundwork.target, groundwork.setup, [], opening_limit=groundwork.limit)
        super().__init__(number, opening, 0, hung=False)
        self.waiting: deque[Entry] = deque()
        self.is_settled = False
        self.forks: Forks | None = None
        self.failure: Outcome | None = None
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control, self._their_control = pair

    def descriptors(self) -> list[int]:
        """What a worker process needs, and the connection over which it is asked to fork."""
        return [*super().descriptors(), self._their_control.fileno()]

    def begin(self, pid: int) -> None:
        """Note that the process runs, and tell it to do the groundwork."""
        super().begin(pid)
        self._their_control.close()

    def settle(self, outcome: Outcome, *, fit: bool) -> deque[Entry]:
        """Note what became of it, and return the jobs that waited for it.

        `fit`: workers can be forked from its process, which does so from now on.
        """
        self.is_settled = True
        if fit and isinstance(outcome, Returned):
            self._send("fork", None)
            self.forks = Forks(self._control)
        else:
            self.failure = None if isinstance(outcome, Returned | Raised) else outcome
            self.close()
        waiting, self.waiting = self.waiting, deque()
        return waiting

    def close(self) -> None:
        """End the process and release what the front holds of it; there may be no more workers."""
        super().close()
        self.pid = self.forks = None
        for control in (self._control, self._their_control):
            control.close()


class Grounds:
    """The groundworks of a pool."""

    def __init__(self) -> None:
        self._by_key: dict[str, Ground] = {}

    def of(self, job: Job) -> Ground | None:
        """That of a job, if it was begun."""
        return self._by_key.get(job.groundwork.key) if job.groundwork else None

    def add(self, number: int, groundwork: Groundwork) -> Ground:
        """Begin one, in a process of that number."""
        ground = self._by_key[groundwork.key] = Ground(number, groundwork)
        return ground

    def forks(self) -> list[Forks]:
        """What starts workers."""
        return [ground.forks for ground in self._by_key.values() if ground.forks]

    def serving(self, pid: int) -> Ground | None:
        """The one whose process has that number and forks workers."""
        serving = (ground for ground in self._by_key.values() if ground.forks)
        return next((ground for ground in serving if ground.pid == pid), None)

    def end_idle(self, jobs: Iterable[Job]) -> None:
        """End those that none of the jobs needs."""
        needed = {job.groundwork.key for job in jobs if job.groundwork}
        idle = [key for key, ground in self._by_key.items() if ground.is_settled]
        for key in set(idle) - needed:
            self._by_key.pop(key).close()

    def close(self) -> list[Entry]:
        """End them all, and return the jobs that waited for one."""
        waiting = [entry for ground in self._by_key.values() for entry in ground.waiting]
        for ground in self._by_key.values():
            ground.close()
        self._by_key.clear()
        return waiting
