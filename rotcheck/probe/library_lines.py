"""The lines of torch, flash-attn and Triton:
which are installed, which can be imported, which run."""

from collections.abc import Sequence
from types import ModuleType

from msgspec.structs import replace

from rotcheck.isolation import Outcome, Raised, Returned
from rotcheck.probe import flash_attn_line, switch_lines, triton_line
from rotcheck.probe.installation import is_installed, version
from rotcheck.probe.outcome_lines import failure_fields, line, outcome_line, state_of
from rotcheck.probe.topic import Conclusion, Topic, questions
from rotcheck.requirement import OLDEST, too_old
from rotcheck.results import Line

LIBRARIES = (flash_attn_line, triton_line)
"""Each has its `NAME` in the report, its `PACKAGE` as it is imported, and what to ask of it,
`topic()`."""

ABOUT = ["inside.torch_switches", "about"]
INSTALL = f"Run `python -m pip install --upgrade torch`, version {OLDEST[0]}.{OLDEST[1]} or newer."


def _libraries(*, here: bool = True) -> list[ModuleType]:
    """Those that are installed, or those that are not."""
    return [library for library in LIBRARIES if is_installed(library.PACKAGE) == here]


def absent() -> list[Line]:
    """The lines of the libraries that are not installed."""
    return [line("libraries", library.NAME, "absent") for library in _libraries(here=False)]


def versions() -> list[Line]:
    """The lines of the installed libraries with their versions, without a trial."""
    return [
        line("libraries", library.NAME, "installed", version(library.PACKAGE) or "")
        for library in _libraries()
    ]


def topics() -> list[Topic]:
    """The topics of the libraries that are installed."""
    return [library.topic() for library in _libraries()]


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
    kinds = [kind for kind in ("cuda", "hip") if about.value[kind]]
    platform = f"with {kinds[0].upper()} {about.value[kinds[0]]}" if kinds else "without CUDA"
    detail = f"{version}, built {platform}"
    return line("libraries", "torch", "runs", detail, runs=1, values=about.value)


def _no_torch(outcome: Outcome) -> Line:
    """The line of a torch that is absent, broken, crashes or hangs."""
    if isinstance(outcome, Raised) and "No module named 'torch'" in outcome.message:
        return line(
            "libraries", "torch", "absent", "torch is not installed in this Python", fix=INSTALL
        )
    state = "broken" if isinstance(outcome, Raised) else state_of(outcome)
    line_of_outcome = outcome_line("libraries", "torch", outcome, state=state)
    if line_of_outcome.failure:
        return line_of_outcome
    return replace(line_of_outcome, **failure_fields("torch-import"))


def _without_torch(state: str) -> list[Line]:
    """The lines of the installed libraries, which are of no use without torch."""
    why = "torch is too old" if state == "too old" else "torch cannot be imported"
    return [line("libraries", library.NAME, "cannot run here", why) for library in _libraries()]
