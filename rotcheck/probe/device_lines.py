"""The lines of devices: what torch claims to have, what ran,
and the TorchScript executors on each."""

from collections.abc import Collection, Sequence
from typing import Any

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe import compilers
from rotcheck.probe.devices import DTYPES, DeviceClaim, families
from rotcheck.probe.outcome_lines import RUNS, join, line, outcome_line, runs, whole, why
from rotcheck.probe.topic import Conclusion, Topic, questions
from rotcheck.results import Line

FIGURES = ("name", "memory_gib", "capability", "arch_list")


def topic(groups: Collection[str], folder: str | None, more_topics: Sequence[Topic]) -> Topic:
    """The topic of all devices: each family lists its claims, and every claim is tried.

    `folder`: where torch.compile may write; None: do not run it. `more_topics`: what else
    to take up beside the devices.
    """
    names = families()
    job = questions("devices", *(["inside.families", "claims", name] for name in names))

    def read(outcomes: list[Outcome]) -> Conclusion:
        reading = _lines_and_topics(names, outcomes, groups, folder)
        return Conclusion(reading.lines, [*reading.then, *more_topics])

    return Topic([job], read)


def _lines_and_topics(
    names: list[str], outcomes: list[Outcome], groups: Collection[str], folder: str | None
) -> Conclusion:
    """Lines for what is not here and for families that failed to answer,
    and one topic for each device."""
    lines, topics = [], []
    for family, outcome in zip(names, outcomes, strict=True):
        if not isinstance(outcome, Returned):
            lines.append(_no_answer(family, outcome))
            continue
        for claim in (DeviceClaim(**fields) for fields in outcome.value):
            if claim.state:
                lines.append(_not_here(family, claim))
            else:
                topics.append(_device(family, claim, groups, folder))
    return Conclusion(lines, topics)


def _no_answer(family: str, outcome: Outcome) -> Line:
    detail = f"asking torch for {family}: {why(outcome)}"
    return outcome_line(
        "devices",
        family,
        outcome,
        state="claimed but does not run",
        detail=detail,
        values={"family": family},
    )


def _not_here(family: str, claim: DeviceClaim) -> Line:
    return line(
        "devices",
        claim.name,
        claim.state or "not here",
        claim.reason,
        error=claim.reason,
        stand_in=claim.stand_in,
        values={"family": family},
    )


def _device(family: str, claim: DeviceClaim, groups: Collection[str], folder: str | None) -> Topic:
    """The topic of one device: its figures, its dtypes, and what TorchScript does on it."""
    executors = claim.executors if "torchscript" in groups else ()
    job = questions(
        f"device {claim.name}",
        ["inside.families", "facts", family, claim.name],
        *(["inside.families", "try_dtype", family, claim.name, dtype] for dtype in DTYPES),
        *(["inside.executors", "run", claim.name, executor] for executor in executors),
    )

    def read(outcomes: list[Outcome]) -> Conclusion:
        by_dtype, by_executor = outcomes[1 : 1 + len(DTYPES)], outcomes[1 + len(DTYPES) :]
        main_line = device_line(
            family, claim, outcomes[0], dict(zip(DTYPES, by_dtype, strict=True))
        )
        if main_line.state != "runs":
            return Conclusion([main_line])
        fusers = [
            _executor_line(executor, claim, outcome)
            for executor, outcome in zip(executors, by_executor, strict=True)
        ]
        compile_topics = (
            [compilers.torch_compile(claim.name, folder)] if folder and not claim.stand_in else []
        )
        return Conclusion([main_line, *fusers], compile_topics)

    return Topic([job], read)


def _executor_line(executor: str, claim: DeviceClaim, outcome: Outcome) -> Line:
    """The line of a scripted rotation under this executor on this device."""
    settings = outcome.value if isinstance(outcome, Returned) else {}
    is_plain_python = settings.get("scripted") is False
    return outcome_line(
        "torchscript",
        executor if executor.endswith("CPU") else f"{executor} on {claim.name}",
        outcome,
        detail="ran as plain Python: scripting is switched off" if is_plain_python else "",
        stand_in=claim.stand_in,
        values={"executor": executor, "device": claim.name, **settings},
    )


def device_line(
    family: str, claim: DeviceClaim, facts: Outcome, by_dtype: dict[str, Outcome]
) -> Line:
    """The line of a device from its figures and the outcome of each dtype."""
    figures = facts.value if isinstance(facts, Returned) else {"warning": why(facts)}
    works = [dtype for dtype, outcome in by_dtype.items() if isinstance(outcome, Returned)]
    values = {
        "family": family,
        "dtypes": works,
        **{name: figures[name] for name in FIGURES if figures.get(name)},
    }
    if errors := {dtype: why(outcome) for dtype, outcome in by_dtype.items() if dtype not in works}:
        values["dtype_errors"] = errors
    return line(
        "devices",
        claim.name,
        "runs" if works else claim.failure_state,
        _figure_words(figures, errors) if works else _reason(figures, errors),
        error="" if works else whole(by_dtype["float32"]),
        runs=RUNS if works else runs(by_dtype["float32"]),
        stand_in=claim.stand_in,
        values=values,
    )


def _figure_words(figures: dict[str, Any], errors: dict[str, str]) -> str:
    """Name, memory, capability, and the dtypes that do not work."""
    return join(
        figures.get("name"),
        f"{figures['memory_gib']} GiB" if figures.get("memory_gib") else None,
        f"capability {figures['capability']}" if figures.get("capability") else None,
        f"without {' '.join(errors)}" if errors else None,
        figures.get("warning"),
    )


def _reason(figures: dict[str, Any], errors: dict[str, str]) -> str:
    """Why nothing runs: the warning in torch's own figures, and the error in float32."""
    return join(figures.get("name"), figures.get("warning"), errors["float32"], by="; ")
