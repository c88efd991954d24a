"""Two ways to start a worker process: forked from a warm server, or as a fresh interpreter.

Linux forks. Where forking is unsafe once the system's frameworks are loaded (macOS), each worker is
a fresh interpreter and pays for its own import of torch.
"""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rotcheck.isolation.handle import tail
from rotcheck.isolation.traces import last_lines, of_fault

Event = tuple[str, int, int]
"""("started", number, pid), ("ended", pid, exit status)
or ("lost", 0, exit status of the server)."""


class Forks:
    """The connection to a process that forks a worker on request.

    Attributes:
        ready: workers can be started, or failed to be.
    """

    def __init__(self, control: socket.socket) -> None:
        self.ready, self._is_open, self._control = False, True, control
        self._control.setblocking(False)

    def readable(self) -> list[int]:
        """The descriptors that become readable with news."""
        return [self._control.fileno()] if self._is_open else []

    def start(self, number: int, descriptors: Sequence[int]) -> None:
        """Ask for a worker with these descriptors: connection, standard output, standard error."""
        with contextlib.suppress(OSError):  # the process died; its parent says so
            socket.send_fds(self._control, [str(number).encode()], list(descriptors))

    def news(self) -> list[Event]:
        """What happened since the last call, without waiting."""
        events: list[Event] = []
        while True:
            try:
                message = self._control.recv(4096)
            except BlockingIOError:
                return events
            except ConnectionError:
                message = b""
            if not message:
                self._is_open = False
                return events
            match json.loads(message):
                case {"ready": True}:
                    self.ready = True
                case {"started": number, "pid": pid}:
                    events.append(("started", number, pid))
                case {"ended": pid, "status": status}:
                    events.append(("ended", pid, status))


class ForkServer(Forks):
    """A server process that imports the heavy packages once and forks a worker on request.

    Attributes:
        pid: of the server.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._output = tempfile.TemporaryFile()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours)
        code = "from rotcheck.isolation.server import main; main(int(sys.argv[2]), sys.argv[3:])"
        self._process = subprocess.Popen(
            _interpreter(code, [str(theirs.fileno()), *preload]),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        self.pid: int | None = self._process.pid
        theirs.close()

    def news(self) -> list[Event]:
        """What happened since the last call, without waiting; its own end, too."""
        events = super().news()
        return events if self._is_open else [*events, ("lost", 0, self._process.wait())]

    def remains(self) -> tuple[tuple[str, ...], str]:
        """The frames and last lines of a server that was lost."""
        text = tail(self._output)
        return of_fault(text), last_lines(text)

    def abort(self) -> None:
        """Abort a server that takes too long, so that it leaves its traceback."""
        self._process.send_signal(signal.SIGABRT)

    def kill(self) -> None:
        """End a server that does not answer; `news` reports that it was lost."""
        self._process.kill()

    def close(self) -> None:
        """End it and wait for its end."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._output.close()


class Spawner:
    """Starts every worker as a fresh interpreter;
    its methods do what those of `ForkServer` do, without a server."""

    def __init__(self) -> None:
        self.ready = True
        self.pid: int | None = None
        self._events: list[Event] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def readable(self) -> list[int]:
        return []

    def start(self, number: int, descriptors: Sequence[int]) -> None:
        code = "from rotcheck.isolation.worker_process import main; main(*map(int, sys.argv[2:5]))"
        process = subprocess.Popen(
            _interpreter(code, [str(descriptor) for descriptor in descriptors]),
            pass_fds=list(descriptors),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes.append(process)
        self._events.append(("started", number, process.pid))

    def news(self) -> list[Event]:
        ends = [process for process in self._processes if process.poll() is not None]
        self._processes = [process for process in self._processes if process not in ends]
        events = self._events + [("ended", process.pid, process.returncode) for process in ends]
        self._events = []
        return events

    def remains(self) -> tuple[tuple[str, ...], str]:
        return (), ""

    def abort(self) -> None:
        """There is no server to end."""

    kill = abort

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


Starter = ForkServer | Spawner


def _interpreter(code: str, arguments: Sequence[str]) -> list[str]:
    """The command of a Python with the import path of this one, that runs the code."""
    imports = "home, *sys.path[:] = json.loads(sys.argv[1]); sys.path.insert(0, home); import rotcheck; del sys.path[0]"
    boot = f"import json, sys; {imports}; {code}"
    home = str(
        Path(__file__).parents[2]
    )  # of this rotcheck, not of another one earlier in the path
    return [sys.executable, "-P", "-c", boot, json.dumps([home, *sys.path]), *arguments]
