"""What the place lacks where a command runs, told from what was raised:
packages, files, processes, memory, space."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType, TracebackType

PACKAGES = ("torch", "typer", "rich", "msgspec", "psutil")  # that rotcheck cannot do without
_SYSTEM = {
    errno.EMFILE: "the limit on open files is too low here (`ulimit -n`); 64 is enough",
    errno.ENFILE: "this machine has as many files open as it can; close what holds them",
    errno.ENOMEM: "there is too little memory here (`ulimit -v`, or the limit of the container)",
    errno.ENOSPC: "there is no space left where this is written",
    errno.EDQUOT: "your quota of space is used up where this is written",
}
# a folder, or a zip
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARCHIVE = (
    "this rotcheck is inside an archive, where it cannot list its own files: install or unpack it"
)
_PROCESSES = (
    "no more processes or threads can be started here (`ulimit -u`, or the limit of the container)"
)


def lack(error: BaseException) -> str | None:
    """What to change so that rotcheck can run here; None where the place is not the reason.

    It imports nothing at first: anything may be missing, a file descriptor too.
    """
    return _of_system(error) or _of_packages(error) or _of_names(error)


def _of_system(error: BaseException) -> str | None:
    """What the system refused."""
    if isinstance(error, MemoryError):
        return _SYSTEM[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _PROCESSES
    if not isinstance(error, OSError):
        return None
    # a fork, no stream
    if isinstance(error, BlockingIOError) and not hasattr(error, "characters_written"):
        return _PROCESSES
    if "No usable temporary directory" in str(error):
        return "no temporary folder is writable; set TMPDIR to one that is, with space left"
    if error.filename == sys.executable:
        return f"this Python cannot be started a second time, as a worker: {error.strerror}"
    if is_archive():
        return ARCHIVE
    if error.errno in _SYSTEM:
        return _SYSTEM[error.errno]
    if str(error.filename).startswith("/proc"):
        return "/proc cannot be read here, and without it workers cannot be watched; mount it"
    return None


def is_archive() -> bool:
    """Whether rotcheck itself lies in a zip: some of its lists of files would be empty there."""
    return os.path.isfile(_HOME)


def _of_packages(error: BaseException) -> str | None:
    """Which packages are not installed, when one of them is what was asked for."""
    if not isinstance(error, ModuleNotFoundError) or error.name not in PACKAGES:
        return None
    missing = absent(PACKAGES)
    requirements = " ".join(f'"{requirement}"' for requirement in _requirements(missing))
    return f"not installed in this Python: {', '.join(missing)}. Run `python -m pip install {requirements}`"


def absent(packages: Sequence[str]) -> list[str]:
    """Those of the packages that are not installed; none of them is imported."""
    import importlib.util

    return [name for name in packages if importlib.util.find_spec(name) is None]


def _requirements(names: list[str]) -> list[str]:
    """The packages with the versions that rotcheck asks for, where it is installed and says so."""
    import re
    from importlib import metadata

    try:
        requirements = metadata.requires("rotcheck") or []
    except metadata.PackageNotFoundError:  # run from its sources
        requirements = []
    versions = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]: requirement
        for requirement in requirements
        if "extra ==" not in requirement
    }
    return [versions.get(name, name) for name in names]


def _of_names(error: BaseException) -> str | None:
    """Which file has the name of a module that rotcheck or Python needs, and comes before it."""
    for file in (*_files_of(error), *_module_files()):
        folder, name = os.path.split(os.path.splitext(file)[0])
        if name == "__init__":
            folder, name = os.path.split(folder)
        if (name in PACKAGES or name in sys.stdlib_module_names) and _foreign(folder):
            return (
                f"a file or folder named {name} hides the module {name}: rename it, or take its folder off PYTHONPATH "
                f'(`python -c "import {name}; print({name}.__file__)"` shows which it is)'
            )
    return None


def _files_of(error: BaseException) -> Iterator[str]:
    """The files that an error passed through, the innermost first, and those that it speaks of."""
    trace: TracebackType | None = error.__traceback__
    frames = []
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    yield from reversed(frames)
    parent = sys.modules.get((getattr(error, "name", None) or "").partition(".")[0])
    for about in (parent, getattr(error, "obj", None)):
        if isinstance(about, ModuleType) and about.__file__:
            yield about.__file__
    if getattr(error, "path", None):
        yield error.path  # type: ignore[attr-defined]


def _module_files() -> Iterator[str]:
    """The files of the modules that were imported under a name of Python's own."""
    for name, module in list(sys.modules.items()):
        if name in sys.stdlib_module_names and getattr(module, "__file__", None):
            yield str(module.__file__)


def _foreign(folder: str) -> bool:
    """Whether modules are found in this folder, and it is none of those that Python installs to."""
    library = os.path.dirname(os.__file__)
    inside = folder.startswith(library) or os.path.basename(folder) in (
        "site-packages",
        "dist-packages",
    )
    return not inside and folder in [os.path.abspath(path) for path in sys.path]
