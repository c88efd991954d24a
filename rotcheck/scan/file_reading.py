"""From a file to its text and its tree; whatever hinders that is said in
a few words and never raised."""

import ast
import os
import warnings
from collections.abc import Callable
from pathlib import Path

from rotcheck import file_contents
from rotcheck.results import Gap
from rotcheck.scan import notebook
from rotcheck.scan.module import Module
from rotcheck.scan.source_files import File

LARGEST = 8 << 20  # bytes; the largest module of PyTorch has 0.9 MB
# of text that is not Python 3, NULs, endless nesting
FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError)


class Unreadable(Exception):
    """A file that cannot be read as Python; the message says why."""


def data(file: File) -> bytes:
    """The bytes of a file.

    Raises:
        Unreadable: it is no regular file, too large, or the system refuses.
    """
    try:
        if not os.path.isfile(file.path):
            raise Unreadable("not a regular file")
        return file_contents.contents(Path(file.path), LARGEST)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def module(file: File, content: bytes, say: Callable[[Gap], None] = lambda gap: None) -> Module:
    """The module that a file holds.

    Args:
        file: the file.
        content: its bytes.
        say: called with each cell of a notebook that is not Python.

    Raises:
        Unreadable: it is not Python.
    """
    try:
        if file.name.endswith(".ipynb"):
            return _of_notebook(file, content, say)
        source = file_contents.python(content)
        return Module(file.name, source, tree(source))
    except FAULTS as error:
        raise Unreadable(_why(error)) from error


def tree(source: str) -> ast.Module:
    """The tree of a source; what Python warns of is the project's own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _of_notebook(file: File, content: bytes, say: Callable[[Gap], None]) -> Module:
    cells = []
    for number, text in notebook.cells(content):
        try:
            tree(text)
            cells.append((number, text))
        except FAULTS as error:
            say(Gap(file=file.name, reason=f"cell {number}: {_why(error)}"))
    source = "".join(f"{text}\n" for _, text in cells)
    places = tuple((n, line) for n, text in cells for line in range(1, text.count("\n") + 2))
    return Module(file.name, source, tree(source), places)


def _why(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}: " if error.lineno else ""
        return f"not Python 3: {place}{error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"not {error.encoding}: byte {error.object[error.start]:#04x} at {error.start}"
    return "nested too deeply" if isinstance(error, RecursionError | MemoryError) else str(error)
