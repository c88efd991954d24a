"""The watch of one process: what it is, when it forks, what it dies of."""

import atexit
import faulthandler
import os
import sys
from types import TracebackType
from typing import Any

from rotcheck.watch.inside.callers import program_lines, trace_lines
from rotcheck.watch.inside.import_watch import ImportWatch
from rotcheck.watch.inside.record_file import RecordFile

RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
DESCRIPTOR = 200  # at least: of a file that a dying process writes to; programs use low ones


class ProcessWatch:
    """What is watched in this process, and its record."""

    def __init__(self, folder: str) -> None:
        self.record = RecordFile(folder)
        self._fault: int | None = None
        self._steps: Any = None

    def begin(self) -> None:
        """Say which process this is, and watch it from now on."""
        self._introduce("started")
        sys.addaudithook(self._hear)
        atexit.register(self._end)
        os.register_at_fork(after_in_child=self._fork)
        ImportWatch(self.record, self._know_torch).begin()

    def _introduce(self, how: str) -> None:
        self.record.write(
            "process",
            how=how,
            pid=os.getpid(),
            parent=os.getppid(),
            command=sys.orig_argv,
            python=sys.version.split()[0],
            **{name.lower(): os.environ.get(name) for name in RANKS},
        )

    def _fork(self) -> None:
        """Be the watch of a process that was forked off."""
        self.record.renew()
        self._introduce("forked")
        if self._fault is not None:
            self._hold_faults()
        if self._steps is not None:
            self._steps.end()

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of what ends this program, whichever hooks it has set."""
        if event == "sys.excepthook":
            self._note_death(*arguments[1:])
        elif event == "os.exec":
            where = program_lines(sys._getframe(1))
            self.record.write("exec", program=os.fsdecode(arguments[0]), where=where)

    def _note_death(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        import traceback

        try:
            text = "".join(traceback.format_exception(kind, error, trace))
        except Exception as second:  # __str__ of the program's exceptions may raise anything
            text = f"{kind.__name__}: (its message cannot be read: {type(second).__name__})"
        self.record.write("death", text=text, where=trace_lines(trace))

    def _end(self) -> None:
        self.record.write("end")

    def _know_torch(self, torch: Any) -> None:
        """Watch what torch is made to do; it has just been imported."""
        try:
            self._watch_torch(torch)
        except Exception as error:  # the program's import must end as it would; it is told instead
            self._say_why_not(error)

    def _watch_torch(self, torch: Any) -> None:
        self.record.write("torch", version=str(torch.__version__))
        if not faulthandler.is_enabled():
            self._hold_faults()
        from rotcheck.watch.inside.first_steps import FirstSteps
        from rotcheck.watch.inside.switch_watch import SwitchWatch
        from rotcheck.witness.uncompiled import skip

        for function in (ProcessWatch._hear, ImportWatch.find_spec):
            skip(function.__code__)
        SwitchWatch(self.record).begin()
        self._steps = FirstSteps(self.record)
        self._steps.begin()

    def _say_why_not(self, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"
        self.record.write("unwatched", pid=os.getpid(), python=sys.version.split()[0], why=why)

    def _hold_faults(self) -> None:
        """Have a deadly signal write the frames that it found, beside the record."""
        import fcntl

        if self._fault is not None:
            os.close(self._fault)
        try:
            file = os.open(f"{self.record.path}.fault", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
        except OSError:  # the watch is over, or this process may not write
            return
        self._fault = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, DESCRIPTOR)
        os.close(file)
        faulthandler.enable(self._fault)


def begin(folder: str) -> None:
    """Watch this process; its record goes into the folder."""
    ProcessWatch(folder).begin()
