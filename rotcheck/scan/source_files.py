"""Which files are read: each that is named, and all Python files and notebooks of a folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.results import Gap

SUFFIXES = (".py", ".pyw", ".ipynb")
SKIPPED_FOLDERS = {"__pycache__", "__pypackages__", "node_modules", "site-packages"}
ENVIRONMENT = ("pyvenv.cfg", "conda-meta")  # what a folder holds that is a Python environment


@dataclass(frozen=True, slots=True)
class File:
    """A file to read."""

    path: str
    name: str  # as it is shown: from the working directory, else from the folder that was named


def listing(paths: Sequence[str]) -> tuple[list[File], list[Gap]]:
    """Find the files to read.

    Args:
        paths: files, and folders whose Python files and notebooks are meant.

    Returns:
        The files, each once, in the order of their names, and the folders that cannot be read.

    Raises:
        RequestError: a path does not exist.
    """
    files: dict[str, File] = {}
    gaps: list[Gap] = []
    for path in paths:
        if not os.path.exists(path):
            raise RequestError(f"there is no file or folder {path!r}")
        for file in _below(path, gaps) if os.path.isdir(path) else [path]:
            files.setdefault(os.path.realpath(file), File(file, display_name(file, path)))
    return sorted(files.values(), key=lambda file: file.name), gaps


def _below(folder: str, gaps: list[Gap]) -> Iterator[str]:
    """Yield the files below a folder; links to folders are not followed,
    so that no circle of them is endless."""

    def refuse(error: OSError) -> None:
        gaps.append(
            Gap(file=display_name(error.filename, folder), reason=error.strerror or str(error))
        )

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not _is_skipped(place, name))
        for name in sorted(names):
            file = os.path.join(place, name)
            if name.endswith(SUFFIXES) and not name.startswith(".") and os.path.isfile(file):
                yield file


def _is_skipped(place: str, name: str) -> bool:
    return (
        name.startswith(".")
        or name in SKIPPED_FOLDERS
        or any(os.path.exists(os.path.join(place, name, sign)) for sign in ENVIRONMENT)
    )


def display_name(file: str, path: str) -> str:
    """How a file that was found under a path is shown: without anybody's home folder."""
    here = os.path.relpath(file)
    if not here.startswith(".."):
        return Path(here).as_posix()
    return Path(os.path.relpath(file, os.path.dirname(os.path.abspath(path)))).as_posix()
