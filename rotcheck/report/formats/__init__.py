"""One file a format, named like the format; a new format is a new file here and nothing else.

A format's module has `SUFFIX`, the ending of files that are in it, and `MACHINE`, whether a program reads it
(it is then UTF-8 whatever the terminal says). For each kind of thing that it can show it has a function of
that name: `report(page, look)`, `probe(found, look)`, `trial(found, look)`, `bench(found, look)`,
`train(found, look)`, `convention(found, look)`, `check(found, look)`, `context(found, look)`, `failures(found, look)`,
`explanation(found, look)`, each of which returns the text. Where drawing needs a heavy import, `prepare()` makes it
ahead of time.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import PurePath
from types import ModuleType
from typing import Any

from rotcheck.errors import RequestError

Render = Callable[[Any, Any], str]


def names(kind: str) -> list[str]:
    """Return the formats that can show this kind of thing: "report", "probe", "train", "convention", ..."""
    return [name for name in _all() if hasattr(_module(name), kind)]


def check(name: str, kind: str) -> None:
    """Raise `RequestError` when there is no such format for this kind of thing."""
    if name in _all() and hasattr(_module(name), kind):
        return
    known = names(kind)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise RequestError(
        f"there is no format {name!r} for a {_WORDS.get(kind, kind)}: it can be {', '.join(known)}{hint}"
    )


def render(name: str, kind: str) -> Render:
    """Return the function that shows this kind of thing in this format."""
    found: Render = getattr(_module(name), kind)
    return found


def prepare(name: str) -> None:
    """Import what the format needs to draw, ahead of time."""
    ahead = getattr(_module(name), "prepare", None)
    if ahead:
        ahead()


def for_machines(name: str) -> bool:
    """Return whether a program reads this format."""
    machine: bool = _module(name).MACHINE
    return machine


def of_file(path: str, kind: str, otherwise: str) -> str:
    """Return the format that the file's suffix names, or `otherwise` when it has none.

    Raises `RequestError` for a suffix that is no format's.
    """
    suffix = PurePath(path).suffix.lower()
    if not suffix:
        return otherwise
    for name in _all():
        if suffix == _module(name).SUFFIX:
            check(name, kind)
            return name
    known = [_module(name).SUFFIX for name in names(kind)]
    near = difflib.get_close_matches(suffix, known, 1, 0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise RequestError(
        f"--output {path!r}: no format has the suffix {suffix!r}; it can be {', '.join(known)}, "
        f"or none at all, which takes that of --format{hint}"
    )


_WORDS = {
    "failures": "list of failures",
    "bench": "benchmark",
    "train": "training run",
    "context": "table of contexts",
}


def _all() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
