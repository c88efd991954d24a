"""Installed packages: found without an import, and the state that an import and a run show."""

import importlib.util
from dataclasses import replace
from typing import Any

from rotcheck.isolation import Died, Outcome, Raised, Returned
from rotcheck.probe.outcome_lines import outcome_line, state_of, why
from rotcheck.results import Line


def is_installed(package: str) -> bool:
    """Whether the package can be found; it is not imported."""
    return importlib.util.find_spec(package) is not None


def version(package: str) -> str | None:
    """The version of the installed package; None if it has none."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def state(import_outcome: Outcome, launch: Outcome) -> str:
    """ "broken", "cannot run here", "runs", "crashes" or "hangs",
    from an import and a run on the device."""
    if not isinstance(import_outcome, Returned):
        return "broken" if isinstance(import_outcome, Raised) else state_of(import_outcome)
    return "cannot run here" if isinstance(launch, Raised) else state_of(launch)


def library_line(
    name: str, import_outcome: Outcome, launch: Outcome, detail: str, values: dict[str, Any]
) -> Line:
    """The line of a library: of its import where that failed, else of its run on the device."""
    outcome = launch if isinstance(import_outcome, Returned) else import_outcome
    state_ = state(import_outcome, launch)
    return outcome_line("libraries", name, outcome, state=state_, detail=detail, values=values)


def words(
    package: str, import_outcome: Outcome, launch: Outcome, *, ran: str, failed: str = ""
) -> str:
    """What became of import and run: "`ran` cuda:0", or after `failed` why it did not run."""
    if not isinstance(import_outcome, Returned):
        return import_failed(package, import_outcome)
    return f"{ran} {launch.value}" if isinstance(launch, Returned) else f"{failed}{why(launch)}"


def import_failed(package: str, import_outcome: Outcome) -> str:
    """Why an import failed, with the line that imports what is missing,
    or the import that crashed."""
    match import_outcome:
        case Raised(kind="ImportError" | "ModuleNotFoundError", trace=(asked, *_)):
            return f"{why(import_outcome)} ({asked})"
        case Died():
            return why(replace(import_outcome, during=f"import {package}"))
        case _:
            return f"`import {package}`: {why(import_outcome)}"
