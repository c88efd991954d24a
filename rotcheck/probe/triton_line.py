"""The line of Triton: broken, without a driver, or running."""

import re

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import import_failed, state, version
from rotcheck.probe.outcome_lines import join, outcome_line, whole, why
from rotcheck.probe.topic import Conclusion, Topic, questions

NAME = PACKAGE = "triton"
REINSTALL = (
    "This Triton is broken, or too old for what runs here. Run `python -m pip install --upgrade --force-reinstall "
    "triton`, in the version that this torch asks for (`python -m pip show torch`)."
)
_LACKS = re.compile(r"\b(Import|ModuleNotFound|Attribute)Error: ")


def topic() -> Topic:
    """The topic: an import, and a kernel on the device."""
    return Topic(
        [
            questions(
                NAME, ["inside.triton_launch", "version"], ["inside.triton_launch", "run_on_device"]
            )
        ],
        _read,
    )


def _read(outcomes: list[Outcome]) -> Conclusion:
    import_outcome, launch = outcomes
    number = import_outcome.value if isinstance(import_outcome, Returned) else version(PACKAGE)
    main_line = outcome_line(
        "libraries",
        NAME,
        launch if isinstance(import_outcome, Returned) else import_outcome,
        state=state(import_outcome, launch),
        detail=join(number, _result_words(import_outcome, launch), by="; "),
        values={"version": number},
    )
    lacks = not main_line.failure and _LACKS.search(f"{whole(import_outcome)} {whole(launch)}")
    return Conclusion([replace(main_line, fix=REINSTALL) if lacks else main_line])


def _result_words(import_outcome: Outcome, launch: Outcome) -> str:
    if not isinstance(import_outcome, Returned):
        return import_failed(PACKAGE, import_outcome)
    if isinstance(launch, Returned):
        return f"a kernel ran on {launch.value}"
    return (
        join("imports", "no driver" if "active drivers" in whole(launch) else None)
        + f": {why(launch)}"
    )
