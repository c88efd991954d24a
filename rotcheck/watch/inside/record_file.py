"""The record of a process: a file to which a line is added for each thing that was seen.

It is opened for each line and closed again: the program may close descriptors that it did not open,
and give their numbers to files of its own.
"""

import contextlib
import json
import os
import time
from typing import Any


class RecordFile:
    """The record of this process; a process that is forked off has its own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.renew()

    def renew(self) -> None:
        """Begin a record of its own, as after a fork."""
        self.path = os.path.join(self.folder, f"{os.getpid()}-{time.time_ns()}.jsonl")

    def write(self, kind: str, **fields: Any) -> None:
        """Add a line; nothing happens where the watch is over, or this process may not write."""
        line = json.dumps({"kind": kind, "time": time.time(), **fields}) + "\n"
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
            try:
                os.write(descriptor, line.encode("utf-8", "backslashreplace"))
            finally:
                os.close(descriptor)
