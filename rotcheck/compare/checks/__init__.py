"""The questions asked of an implementation, one file each; the file's name is the check's.

A check is a module with `run(subject, case) -> Evidence`, whose docstring says what it asks; `needs_values`, False
when the question can be asked of tensors without values (the `meta` stand-in); `needs_gradient = True` when it is
not asked of those that have none by design; and `level`: `quick` ones are asked by default, `full` ones by `--full`
or by name.
"""

import pkgutil
import re
from functools import cache
from pathlib import Path

_LEVEL = re.compile(r'^level = "(quick|full)"', re.MULTILINE)


def names(level: str | None = None) -> list[str]:
    """Return the names of all checks, or of those of a level, without importing any."""
    found = [name for name in levels() if level in (None, levels()[name])]
    return sorted(
        found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)
    )


@cache
def levels() -> dict[str, str]:
    """Return the level of each check, read off its file: importing one would import torch. One that says none is
    quick."""
    folder = Path(__path__[0])
    files = {module.name: folder / f"{module.name}.py" for module in pkgutil.iter_modules(__path__)}
    found = {name: _LEVEL.search(file.read_text("utf-8")) for name, file in files.items()}
    return {name: level[1] if level else "quick" for name, level in found.items()}


_ORDER = [
    "forward",
    "backward",
    "dtype",
    "inputs",
    "strides",
    "repeat",
    "offset",
    "batch",
    "positions",
    "sizes",
    "beyond",
    "state",
    "gqa",
    "shapes",
    "partial",
    "checkpoint",
    "double_backward",
    "vmap",
    "export",
    "compile",
    "inductor",
    "cuda_graph",
]  # as reports show them
