"""The lines of torch, flash-attn and Triton: which are installed, which can be imported, which run."""

from collections.abc import Sequence
from typing import Protocol, cast

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Raised, Returned
from rotcheck.probe import flash_attn_line, switch_lines, triton_line
from rotcheck.probe.installation import is_installed, version
from rotcheck.probe.outcome_lines import failure_fields, line, outcome_line, state_of
from rotcheck.probe.topic import Conclusion, Topic, questions
from rotcheck.requirement import OLDEST, too_old
from rotcheck.results import Line


class LibraryFile(Protocol):
    """The contents of a library's file."""

    NAME: str  # in the report
    PACKAGE: str  # as it is imported

    def topic(self) -> Topic:
        """The questions to ask where the package is installed."""


LIBRARIES = cast(Sequence[LibraryFile], (flash_attn_line, triton_line))
ABOUT = ["inside.torch_switches", "about"]
INSTALL = f"Run `python -m pip install --upgrade torch`, version {OLDEST[0]}.{OLDEST[1]} or newer."


def absent() -> list[Line]:
    """The lines of the libraries that are not installed."""
    return [
        line("libraries", library.NAME, "absent")
        for library in LIBRARIES
        if not is_installed(library.PACKAGE)
    ]


def versions() -> list[Line]:
    """The lines of the installed libraries with their versions, without a trial."""
    here = [library for library in LIBRARIES if is_installed(library.PACKAGE)]
    return [
        line("libraries", library.NAME, "installed", version(library.PACKAGE) or "")
        for library in here
    ]


def topics() -> list[Topic]:
    """The topics of the libraries that are installed."""
    return [library.topic() for library in LIBRARIES if is_installed(library.PACKAGE)]


def torch_topic(then: Sequence[Topic]) -> Topic:
    """The topic of torch and its global switches; `then` follows if torch can be imported."""
    job = questions("torch", ABOUT, ["inside.torch_switches", "read"])

    def read(outcomes: list[Outcome]) -> Conclusion:
        about, switch_values = outcomes
        main_line = torch_line(about)
        if main_line.state != "runs":
            return Conclusion([main_line, *_without_torch(main_line.state)])
        return Conclusion([main_line, *switch_lines.of_torch(switch_values)], then)

    return Topic([job], read)


def torch_line(about: Outcome) -> Line:
    """The line of torch: it runs, is too old, absent or broken, or its import crashes or hangs."""
    if not isinstance(about, Returned):
        return _no_torch(about)
    version = about.value["version"]
    if refusal := too_old(version):
        return line(
            "libraries", "torch", "too old", refusal, runs=1, fix=INSTALL, values=about.value
        )
    platform = next(
        (f"{kind.upper()} {about.value[kind]}" for kind in ("cuda", "hip") if about.value[kind]),
        None,
    )
    detail = f"{version}, built {f'with {platform}' if platform else 'without CUDA'}"
    return line("libraries", "torch", "runs", detail, runs=1, values=about.value)


def _no_torch(outcome: Outcome) -> Line:
    """The line of a torch that is absent, broken, crashes or hangs."""
    if isinstance(outcome, Raised) and "No module named 'torch'" in outcome.message:
        return line(
            "libraries", "torch", "absent", "torch is not installed in this Python", fix=INSTALL
        )
    state = "broken" if isinstance(outcome, Raised) else state_of(outcome)
    line_of_outcome = outcome_line("libraries", "torch", outcome, state=state)
    return (
        line_of_outcome
        if line_of_outcome.failure
        else replace(line_of_outcome, **failure_fields("torch-import"))
    )


def _without_torch(state: str) -> list[Line]:
    """The lines of the installed libraries, which are of no use without torch."""
    here = [library.NAME for library in LIBRARIES if is_installed(library.PACKAGE)]
    why = "torch is too old" if state == "too old" else "torch cannot be imported"
    return [line("libraries", name, "cannot run here", why) for name in here]
