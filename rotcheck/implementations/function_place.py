"""Where a function is defined: its file, from the working directory, and its line;
nothing is imported."""

import os
from functools import cache
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.implementations import rotary_code, spec


def place(specification: str) -> tuple[str, int | None] | None:
    """The file and the line of `path/to/file.py:function` or `package.module:function`.

    None: it is none of the working directory. The line is None where the file has no such name.
    """
    target, _, name = specification.rpartition(":")
    file = Path(target if target.endswith(".py") else f"{target.replace('.', '/')}.py")
    if not target or not spec.is_file(file):
        return None
    path = os.path.relpath(file)
    return (file.name if path.startswith("..") else Path(path).as_posix()), _lines(file).get(name)


@cache
def _lines(file: Path) -> dict[str, int]:
    try:
        return rotary_code.lines(spec.tree(file))
    except RequestError:
        return {}
