"""`rotcheck list`: which names there are for implementations."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rotcheck import __version__
from rotcheck.cli.session import Session, command

if TYPE_CHECKING:
    from rotcheck.report.pages.list import Name


@command("list")
def list(session: Session) -> int:
    """List the names of implementations, and where each comes from.

    \b
    Example:
      rotcheck list

    Exit code 0. 2: an entry of pyproject.toml names nothing.
    """
    from rotcheck.report.pages.list import Names

    return session.show(Names(rotcheck=__version__, names=tuple(_names())))


def _names() -> "Iterator[Name]":
    """All names; nothing is imported for them, and so no torch."""
    from rotcheck.implementations import registry
    from rotcheck.implementations.libraries.library_table import LIBRARIES
    from rotcheck.report.pages.list import Name

    for name in registry.of_folder():
        yield Name(name=name, source="rotcheck", about=_about(name))
    for name, entry in registry.of_project().items():
        yield Name(name=name, source="project", about=entry.function)
    for name, target in registry.of_packages().items():
        yield Name(name=name, source="package", about=target)
    for name in registry.libraries():
        library = LIBRARIES[name]
        is_here = importlib.util.find_spec(library.package.module) is not None
        yield Name(name=name, source="library", about=library.about, installed=is_here)
    for name in registry.exhibits():
        yield Name(name=name, source="exhibit", about=_about(name))


def _about(name: str) -> str:
    """What the file of one of rotcheck's own says that it is."""
    from rotcheck.implementations import registry

    spec = importlib.util.find_spec(str(registry.module_of(name)))
    assert spec is not None, "the registry found its file"
    assert spec.origin is not None, "it is a file"
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
