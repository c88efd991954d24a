"""Runs a program under watch, and gathers what its processes wrote down."""

import os
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rotcheck import __version__
from rotcheck.errors import RequestError
from rotcheck.results import Watch
from rotcheck.watch import hook, records
from rotcheck.watch.launcher import launch
from rotcheck.watch.program_death import program_death
from rotcheck.watch.rank_positions import rank_positions
from rotcheck.watch.rotations import rotations
from rotcheck.watch.sightings import fallbacks, flips, notes, processes

FOLDER = "ROTCHECK_WATCH"
"""The variable that tells the processes of the program where their records go."""

LONGEST_OUTPUT = 1 << 20  # bytes of what the program wrote to its standard error, from its end


def watch(command: Sequence[str]) -> Watch:
    """Run a program unchanged, and say what was seen in it.

    Args:
        command: The program and its arguments. It has the standard streams of this process.

    Returns:
        What it did to the process-wide switches, which exceptions it swallowed, and what it died
        of.

    Raises:
        RequestError: The program cannot be started, or there is no folder for the records.
    """
    start, place = time.monotonic(), _output_place()
    try:
        folder = tempfile.TemporaryDirectory(prefix="rotcheck-watch-", ignore_cleanup_errors=True)
    except OSError as error:
        raise RequestError(
            f"there is no folder for what is seen: {error.strerror}; set TMPDIR to one"
        ) from error
    with folder:
        status = launch(command, _environment(folder.name))
        seconds = time.monotonic() - start
        lines = records.read(Path(folder.name))
    switches = flips(lines)
    death = program_death(status, lines, switches, _output(place))
    return Watch(
        rotcheck=__version__,
        command=tuple(command),
        status=status,
        seconds=round(seconds, 3),
        processes=tuple(processes(lines)),
        rows=tuple(rotations(lines)),
        rank_positions=tuple(rank_positions(lines)),
        flips=switches,
        fallbacks=tuple(fallbacks(lines, death)),
        death=death,
        notes=tuple(notes(lines)),
    )


def _environment(folder: str) -> Mapping[str, str]:
    """The variables of the program: ours, with the hook before the other folders of modules."""
    modules = [str(Path(hook.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(modules), FOLDER: folder}


def _output_place() -> int | None:
    """Where the program's standard error begins, where that is a file; else it cannot be read."""
    try:
        is_file = stat.S_ISREG(os.fstat(2).st_mode)
        return os.lseek(2, 0, os.SEEK_CUR) if is_file else None
    except OSError:
        return None


def _output(place: int | None) -> str:
    """The end of what the program wrote to its standard error."""
    if place is None:
        return ""
    try:
        with open("/dev/fd/2", "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(place, size - LONGEST_OUTPUT))
            return file.read().decode("utf-8", "replace")
    except OSError:  # opened for writing alone, by another user
        return ""
