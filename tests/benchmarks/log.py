"""How long `rotcheck.log.read` takes for a log, and how much memory.

    python tests/benchmarks/log.py [MEGABYTES]

Each kind runs in a process of its own; one line a kind:
seconds, MB/s, the process's memory at its largest.
"""

import io
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/srv/train.py", line 12, in <module>\n    main()\n'
    '  File "/srv/train.py", line 9, in main\n    step(batch)\n'
    "RuntimeError: CUDA error: an illegal memory access was encountered at {0}\n"
)
LINES: dict[str, str] = {
    "ordinary": "2026-01-01 10:00:00,123 INFO trainer.py:100] "
    "step {0} loss 2.345 lr 1e-4 grad_norm 0.71 tokens/s 51234\n",
    "metrics": "step {0} val_error: 0.{0} exit_rate 0.2 invalid 0 failed 0 memory 12.3 GB out of memory 0\n",
    "bars": " {0}%|####      | {0}/100 [00:01<00:02, 12.3it/s]\r",
    "warnings": "/srv/model_{0:x}.py:{0}: UserWarning: the tensor {0:x} of layer {0} is not contiguous\n",
    "errors": "ERROR: request {0:x} failed: connection {0} was closed\n",
    "tracebacks": TRACE,
    "ranks": "[rank{0}]: Traceback (most recent call last):\n[rank{0}]: ValueError: bad rank {0:x}\n",
    "nothing": "\0" * 100,
    # what an expression that is not linear shows itself on
    "digits": "1" * 8000 + " error {0:x}\n",
    "blanks": " " * 8000 + "error {0:x}\n",
    "one-line": "word {0} ",
    "one-line-of-errors": "Error: word {0:x} Traceback ",
}


class Generated(io.RawIOBase):
    """A stream of so many bytes, made while it is read."""

    def __init__(self, form: str, size: int) -> None:
        self.form, self.left, self.numbers, self.rest = form, size, count(), b""

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        while len(self.rest) < size:
            self.rest += "".join(self.form.format(next(self.numbers)) for _ in range(2000)).encode()
        piece, self.rest = self.rest[:size], self.rest[size:]
        self.left -= size
        return piece


def main() -> None:
    """Measure each kind, or the one that is named."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    if len(sys.argv) > 2:
        measure(sys.argv[2], size << 20)
        return
    for kind in LINES:
        subprocess.run([sys.executable, __file__, str(size), kind], check=True)


def measure(kind: str, size: int) -> None:
    """Read one log and print what it took, less the time its making took."""
    from rotcheck.log import read

    making = _seconds(lambda: list(_pieces(Generated(LINES[kind], size))) and None)
    log = None

    def reading() -> None:
        nonlocal log
        log = read(Generated(LINES[kind], size))  # type: ignore[arg-type]

    seconds = max(_seconds(reading) - making, 1e-3)
    memory = _peak()
    assert log
    print(
        f"{kind:20} {seconds:7.1f} s {size / seconds / 1e6:7.1f} MB/s {memory:6.0f} MiB  {len(log.events)} events"
    )


def _peak() -> float:
    """Return the most memory that this process held, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's getrusage counts what the parent held before the program began
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes on macOS


def _pieces(stream: Generated) -> Iterator[int]:
    while piece := stream.read(1 << 18):
        yield len(piece)


def _seconds(call: Callable[[], None]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
