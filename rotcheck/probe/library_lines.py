"""torch, flash-attn and Triton: which are installed, which can be imported, which run."""

from collections.abc import Sequence
from typing import Protocol, cast

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Raised, Returned
from rotcheck.probe import flash_attn_line, switch_lines, triton_line
from rotcheck.probe.installation import installed, version
from rotcheck.probe.outcome_lines import ended, known, line, outcome_line
from rotcheck.probe.topic import Reading, Topic, questions
from rotcheck.requirement import OLDEST, too_old
from rotcheck.results import Line


class Library(Protocol):
    """What the file of a library gives."""

    NAME: str  # in the report
    PACKAGE: str  # as it is imported

    def topic(self) -> Topic:
        """Return the questions to ask where the package is installed."""


LIBRARIES = cast(Sequence[Library], (flash_attn_line, triton_line))
ABOUT = ["inside.torch_switches", "about"]
INSTALL = f"Run `python -m pip install --upgrade torch`, version {OLDEST[0]}.{OLDEST[1]} or newer."


def absent() -> list[Line]:
    """Return the lines of the libraries that are not installed."""
    return [
        line("libraries", each.NAME, "absent") for each in LIBRARIES if not installed(each.PACKAGE)
    ]


def untried() -> list[Line]:
    """Return the lines of the libraries that are installed and are not to be tried."""
    here = [each for each in LIBRARIES if installed(each.PACKAGE)]
    return [line("libraries", each.NAME, "installed", version(each.PACKAGE) or "") for each in here]


def topics() -> list[Topic]:
    """Return the topics of the libraries that are installed."""
    return [each.topic() for each in LIBRARIES if installed(each.PACKAGE)]


def torch_topic(then: Sequence[Topic]) -> Topic:
    """Return the topic of torch and its global switches; `then` is taken up when torch can be imported."""
    asked = questions("torch", ABOUT, ["inside.torch_switches", "read"])

    def read(outcomes: list[Outcome]) -> Reading:
        about, switched = outcomes
        found = torch_line(about)
        if found.state != "runs":
            return Reading([found, *_without_torch(found.state)])
        return Reading([found, *switch_lines.of_torch(switched)], then)

    return Topic([asked], read)


def torch_line(about: Outcome) -> Line:
    """Return the line of torch: it runs, is too old, absent or broken, or its import crashes or hangs."""
    if not isinstance(about, Returned):
        return _broken(about)
    version = about.value["version"]
    if refusal := too_old(version):
        return line(
            "libraries", "torch", "too old", refusal, runs=1, fix=INSTALL, values=about.value
        )
    built = next(
        (f"{kind.upper()} {about.value[kind]}" for kind in ("cuda", "hip") if about.value[kind]),
        None,
    )
    detail = f"{version}, built {f'with {built}' if built else 'without CUDA'}"
    return line("libraries", "torch", "runs", detail, runs=1, values=about.value)


def _broken(outcome: Outcome) -> Line:
    """Return the line of a torch that is absent, broken, crashes or hangs."""
    if isinstance(outcome, Raised) and "No module named 'torch'" in outcome.message:
        return line(
            "libraries", "torch", "absent", "torch is not installed in this Python", fix=INSTALL
        )
    state = "broken" if isinstance(outcome, Raised) else ended(outcome)
    found = outcome_line("libraries", "torch", outcome, state=state)
    return found if found.failure else replace(found, **known("torch-import"))


def _without_torch(state: str) -> list[Line]:
    """Return the lines of the libraries that are installed and of no use without torch."""
    here = [each.NAME for each in LIBRARIES if installed(each.PACKAGE)]
    why = "torch is too old" if state == "too old" else "torch cannot be imported"
    return [line("libraries", name, "cannot run here", why) for name in here]
