"""Runs the command line as people do: in a pipe, in a terminal,
and with a reader who leaves early."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROTCHECK = [sys.executable, "-m", "rotcheck"]
CHANGES = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTIONS",
    "COLUMNS",
    "LINES",
    "PYTHONIOENCODING",
)
SOURCES = str(Path(__file__).parents[2])
LIMIT = 240  # seconds, against a hang; nothing is expected to come near it


@dataclass(frozen=True)
class Ran:
    """What became of a command."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which nothing asks for colours or widths but what is given."""
    kept = {name: value for name, value in os.environ.items() if name not in CHANGES}
    return {
        **kept,
        "TERM": "xterm-256color",
        "PYTHONPATH": SOURCES,
        "PYTHONUTF8": "0",
        "LC_ALL": "C.UTF-8",
        **more,
    }


def rotcheck(*arguments: str, text: str = "", cwd: Path | None = None, **more: str) -> Ran:
    """Run the command line in pipes."""
    done = subprocess.run(
        [*ROTCHECK, *arguments],
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        env=environment(**more),
        cwd=cwd,
        timeout=LIMIT,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def in_terminal(
    *arguments: str,
    width: int = 80,
    cwd: Path | None = None,
    piped: Sequence[str] = (),
    **more: str,
) -> Ran:
    """Run the command line in a terminal of this width; what both streams write there is `err`.

    `piped=["stdout"]`: that stream is a pipe, and its text is `out`.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    process = subprocess.Popen(
        [*ROTCHECK, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE if "stdout" in piped else theirs,
        stderr=theirs,
        env=environment(**more),
        cwd=cwd,
    )
    os.close(theirs)
    screen = _read_all(ours)
    out = process.stdout.read().decode() if process.stdout else ""
    return Ran(process.wait(LIMIT), out, screen)


def _read_all(descriptor: int) -> str:
    read = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            os.close(descriptor)
            return read.decode()
        read += part


def left_on_screen(written: str) -> list[str]:
    """Return the lines that stand on a screen after all of this was written to it."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[?\d;]*[a-zA-Z]|[\r\n]|[^\x1b\r\n]+", written):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif not part.startswith("\x1b"):
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + len(part) :]
            column += len(part)
        elif part.endswith("K"):
            lines[row] = "" if part == "\x1b[2K" else lines[row][:column]
        elif part.endswith("A"):
            row = max(0, row - int(part[2:-1] or 1))
    return [line.rstrip() for line in lines if line.strip()]


def without(environment_: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the environment without these variables."""
    return {name: value for name, value in environment_.items() if name not in names}
