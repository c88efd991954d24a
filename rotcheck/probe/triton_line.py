"""The line of Triton: broken, without a driver, or running."""

import re

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import library_line, version, words
from rotcheck.probe.outcome_lines import join, whole
from rotcheck.probe.topic import Conclusion, Topic, questions

NAME = PACKAGE = "triton"
REINSTALL = (
    "This Triton is broken, or too old for what runs here. Run `python -m pip install --upgrade --force-reinstall "
    "triton`, in the version that this torch asks for (`python -m pip show torch`)."
)
_LACKS = re.compile(r"\b(Import|ModuleNotFound|Attribute)Error: ")


def topic() -> Topic:
    """The topic: an import, and a kernel on the device."""
    calls = [["inside.triton_launch", name] for name in ("version", "run_on_device")]
    return Topic([questions(NAME, *calls)], _read)


def _read(outcomes: list[Outcome]) -> Conclusion:
    import_outcome, launch = outcomes
    number = import_outcome.value if isinstance(import_outcome, Returned) else version(PACKAGE)
    failed = f"{join('imports', 'no driver' if 'active drivers' in whole(launch) else None)}: "
    text = words(PACKAGE, import_outcome, launch, ran="a kernel ran on", failed=failed)
    detail = join(number, text, by="; ")
    main_line = library_line(NAME, import_outcome, launch, detail, {"version": number})
    lacks = not main_line.failure and _LACKS.search(f"{whole(import_outcome)} {whole(launch)}")
    return Conclusion([replace(main_line, fix=REINSTALL) if lacks else main_line])
