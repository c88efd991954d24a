"""One file for each format, named like the format;
a new format is a new file here and nothing else.

A format's module has `SUFFIX`, the ending of files that are in it, `READS`, what it reads of a
result, and `render(what, display)`, which returns the text. What it reads decides which results it
can show:

- "document": what there is to say, for people. Every kind of result has one.
- "data": the result itself, for programs. Every kind of result is data.
- "alerts": what is wrong and where, for reviewers: of a comparison, a check, a scan, a preflight.
- "suites": cases that pass or fail, for CI systems: of a comparison, a check, a preflight.

`rotcheck.report.pages` says which kind has what. Where drawing needs a heavy import,
`prepare()` makes it ahead of time.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import PurePath
from types import ModuleType
from typing import Any

from rotcheck.errors import RequestError
from rotcheck.report import pages
from rotcheck.report.document import Display

Render = Callable[[Any, Display], str]


def names(kind: str) -> list[str]:
    """The formats that can show this kind of result: "comparison", "probe", "train", ..."""
    return [name for name in _format_names() if _reader(name, kind)]


def check(name: str, kind: str) -> None:
    """Raise `RequestError` when there is no such format for this kind of result."""
    if name in _format_names() and _reader(name, kind):
        return
    possible = names(kind)
    raise RequestError(
        f"there is no format {name!r} for {pages.word(kind)}: it can be {', '.join(possible)}"
        f"{_hint(name, possible, 0.5)}"
    )


def render(name: str, kind: str) -> Render:
    """The function that shows this kind of result in this format."""
    reader, module = _reader(name, kind), _module(name)
    assert reader is not None, "check() says which formats can show it"
    return lambda result, display: module.render(reader(result), display)


def prepare(name: str) -> None:
    """Import what the format needs to draw, ahead of time."""
    ahead = getattr(_module(name), "prepare", None)
    if ahead:
        ahead()


def for_machines(name: str) -> bool:
    """Whether a program reads this format, which is then UTF-8 whatever the terminal says."""
    return bool(_module(name).READS != "document")


def suffix(name: str) -> str:
    """The ending of files that are in this format."""
    ending: str = _module(name).SUFFIX
    return ending


def of_file(path: str, kind: str, otherwise: str) -> str:
    """The format that the file's suffix names, or `otherwise` when it has none.

    Raises `RequestError` for a suffix that is no format's.
    """
    ending = PurePath(path).suffix.lower()
    if not ending:
        return otherwise
    for name in _format_names():
        if ending == suffix(name):
            check(name, kind)
            return name
    possible = list(map(suffix, names(kind)))
    raise RequestError(
        f"--output {path!r}: no format has the suffix {ending!r}; it can be {', '.join(possible)}, "
        f"or none at all, which takes that of --format{_hint(ending, possible, 0.6)}"
    )


def _hint(name: str, possible: list[str], cutoff: float) -> str:
    near = difflib.get_close_matches(name, possible, 1, cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def _reader(name: str, kind: str) -> pages.Reader | None:
    return pages.reader(kind, _module(name).READS)


def _format_names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
