"""Triton: broken, without a driver, or running."""

import re

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import import_failed, state, version
from rotcheck.probe.outcome_lines import joined, outcome_line, whole, why
from rotcheck.probe.topic import Reading, Topic, questions

NAME = PACKAGE = "triton"
REINSTALL = (
    "This Triton is broken, or too old for what runs here. Run `python -m pip install --upgrade --force-reinstall "
    "triton`, in the version that this torch asks for (`python -m pip show torch`)."
)
_LACKS = re.compile(r"\b(Import|ModuleNotFound|Attribute)Error: ")


def topic() -> Topic:
    """Return the topic: an import, and a kernel on the device."""
    return Topic(
        [
            questions(
                NAME, ["inside.triton_launch", "version"], ["inside.triton_launch", "run_on_device"]
            )
        ],
        _read,
    )


def _read(outcomes: list[Outcome]) -> Reading:
    imported, ran = outcomes
    number = imported.value if isinstance(imported, Returned) else version(PACKAGE)
    found = outcome_line(
        "libraries",
        NAME,
        ran if isinstance(imported, Returned) else imported,
        state=state(imported, ran),
        detail=joined(number, _said(imported, ran), by="; "),
        values={"version": number},
    )
    lacks = not found.failure and _LACKS.search(f"{whole(imported)} {whole(ran)}")
    return Reading([replace(found, fix=REINSTALL) if lacks else found])


def _said(imported: Outcome, ran: Outcome) -> str:
    if not isinstance(imported, Returned):
        return import_failed(PACKAGE, imported)
    if isinstance(ran, Returned):
        return f"a kernel ran on {ran.value}"
    return (
        joined("imports", "no driver" if "active drivers" in whole(ran) else None) + f": {why(ran)}"
    )
