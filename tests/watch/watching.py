"""Runs a program under watch, as people do, and reads the JSON of its report."""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rotcheck.results import Watch, WatchRow

ROTCHECK = [sys.executable, "-m", "rotcheck", "watch"]
SOURCES = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Seen:
    """How rotcheck ended, what the program wrote, and the report."""

    code: int
    out: bytes
    errors: str
    watch: Watch


def watched(
    folder: Path, *command: str, program: str = "", text: bytes = b"", **variables: str
) -> Seen:
    """Run a command in a folder, or a Python program that is given as its text."""
    if program:
        (folder / "program.py").write_text(program)
        command = (sys.executable, "program.py", *command)
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        running = start(folder, ["-q", "-o", report.name, "--", *command], **variables)
        out, errors = running.communicate(text)
        watch = msgspec.json.decode(Path(report.name).read_bytes(), type=Watch)
    return Seen(running.returncode, out, errors.decode(), watch)


def start(folder: Path, arguments: Sequence[str], **variables: str) -> subprocess.Popen[bytes]:
    """Start `rotcheck watch` in a folder."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*ROTCHECK, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )


def rows_of_class(seen: Seen, program: Path, name: str) -> list[WatchRow]:
    """The rows of what a report saw in the lines of a class of a program."""
    (kind,) = (
        node
        for node in ast.parse(program.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    lines = range(kind.lineno, (kind.end_lineno or 0) + 1)
    return [row for row in seen.watch.rows if row.place.line in lines]
