"""torch, flash-attn and Triton: which are installed, which can be imported, which run."""

from collections.abc import Sequence
from typing import Protocol, cast

from rotcheck.isolation import Outcome, Raised, Returned
from rotcheck.probe import flash_attn, switches, triton
from rotcheck.probe.lines import ended, line, outcome_line
from rotcheck.probe.package import installed, version
from rotcheck.probe.topic import Reading, Topic, questions
from rotcheck.results import Line


class Library(Protocol):
    """What the file of a library gives."""

    NAME: str  # in the report
    PACKAGE: str  # as it is imported

    def topic(self) -> Topic:
        """Return the questions to ask where the package is installed."""


LIBRARIES = cast(Sequence[Library], (flash_attn, triton))


def absent() -> list[Line]:
    """Return the lines of the libraries that are not installed."""
    return [line("libraries", each.NAME, "absent") for each in LIBRARIES if not installed(each.PACKAGE)]


def untried() -> list[Line]:
    """Return the lines of the libraries that are installed and are not to be tried."""
    here = [each for each in LIBRARIES if installed(each.PACKAGE)]
    return [line("libraries", each.NAME, "installed", version(each.PACKAGE) or "") for each in here]


def topics() -> list[Topic]:
    """Return the topics of the libraries that are installed."""
    return [each.topic() for each in LIBRARIES if installed(each.PACKAGE)]


def torch_topic(then: Sequence[Topic]) -> Topic:
    """Return the topic of torch and its global switches; `then` is taken up when torch can be imported."""
    asked = questions("torch", ["inside.switches", "about"], ["inside.switches", "read"])

    def read(outcomes: list[Outcome]) -> Reading:
        about, switched = outcomes
        if not isinstance(about, Returned):
            return Reading([_broken(about), *_without_torch()])
        return Reading([_running(about.value), *switches.of_torch(switched)], then)

    return Topic([asked], read)


def _running(about: dict[str, str | None]) -> Line:
    built = next((f"{kind.upper()} {about[kind]}" for kind in ("cuda", "hip") if about[kind]), None)
    detail = f"{about['version']}, built {f'with {built}' if built else 'without CUDA'}"
    return line("libraries", "torch", "runs", detail, runs=1, values=about)


def _broken(outcome: Outcome) -> Line:
    """Return the line of a torch that is absent, broken, crashes or hangs."""
    state = ended(outcome)
    if isinstance(outcome, Raised):
        state = "absent" if "No module named 'torch'" in outcome.message else "broken"
    return outcome_line("libraries", "torch", outcome, state=state)


def _without_torch() -> list[Line]:
    """Return the lines of the libraries that are installed and of no use without torch."""
    here = [each.NAME for each in LIBRARIES if installed(each.PACKAGE)]
    return [line("libraries", name, "cannot run here", "torch cannot be imported") for name in here]
