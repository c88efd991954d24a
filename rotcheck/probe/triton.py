"""Triton: broken, without a driver, or running."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.lines import joined, outcome_line, whole, why
from rotcheck.probe.package import import_failed, state, version
from rotcheck.probe.topic import Reading, Topic, questions

NAME = PACKAGE = "triton"


def topic() -> Topic:
    """Return the topic: an import, and a kernel on the device."""
    return Topic([questions(NAME, ["inside.triton", "version"], ["inside.triton", "run_on_device"])], _read)


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
    return Reading([found])


def _said(imported: Outcome, ran: Outcome) -> str:
    if not isinstance(imported, Returned):
        return import_failed(PACKAGE, imported)
    if isinstance(ran, Returned):
        return f"a kernel ran on {ran.value}"
    return joined("imports", "no driver" if "active drivers" in whole(ran) else None) + f": {why(ran)}"
