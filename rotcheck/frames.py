"""Whose a line of code is: rotcheck's own, or that of a function under test."""

from functools import lru_cache
from pathlib import PurePosixPath

from rotcheck.scrub import shorten_path

_JUDGED = ("implementations", "rotary")  # rooms that hold functions under test


@lru_cache(maxsize=1024)
def is_own(file: str) -> bool:
    """Whether a file is rotcheck's and holds no function under test; `file`: its path."""
    package, *rooms = PurePosixPath(shorten_path(file)).parts
    return package == "rotcheck" and rooms[:1] != [] and rooms[0] not in _JUDGED
