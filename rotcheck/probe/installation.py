"""What the files of the libraries share: found without an import, and the states of an installed one."""

import importlib.util
from dataclasses import replace

from rotcheck.isolation import Died, Outcome, Raised, Returned
from rotcheck.probe.outcome_lines import ended, why


def installed(package: str) -> bool:
    """Return whether the package can be found; it is not imported."""
    return importlib.util.find_spec(package) is not None


def version(package: str) -> str | None:
    """Return the version under which the package was installed; None when none is written down."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def state(imported: Outcome, ran: Outcome) -> str:
    """Return broken, cannot run here, runs, crashes or hangs, from an import and a run on the device."""
    if not isinstance(imported, Returned):
        return "broken" if isinstance(imported, Raised) else ended(imported)
    return "cannot run here" if isinstance(ran, Raised) else ended(ran)


def import_failed(package: str, imported: Outcome) -> str:
    """Return why an import failed, and what asked for what is missing or which import crashed."""
    match imported:
        case Raised(kind="ImportError" | "ModuleNotFoundError", trace=(asked, *_)):
            return f"{why(imported)} ({asked})"
        case Died():
            return why(replace(imported, during=f"import {package}"))
        case _:
            return f"`import {package}`: {why(imported)}"
