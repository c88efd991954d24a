"""Devices: from what torch claims to have to what ran, and the TorchScript executors on each."""

from collections.abc import Collection, Sequence
from typing import Any

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe import compilers, executor_line
from rotcheck.probe.devices import DTYPES, Claim, families
from rotcheck.probe.outcome_lines import RUNS, joined, line, outcome_line, runs, whole, why
from rotcheck.probe.topic import Reading, Topic, questions
from rotcheck.results import Line

FIGURES = ("name", "memory_gib", "capability", "arch_list")


def topic(groups: Collection[str], folder: str | None, others: Sequence[Topic]) -> Topic:
    """Return the topic of all devices: every family says what it claims, and every claim is tried.

    `folder`: where torch.compile may write; None: it is not run. `others`: what else to take up beside the
    devices.
    """
    names = families()
    asked = questions("devices", *(["inside.families", "claims", name] for name in names))

    def read(outcomes: list[Outcome]) -> Reading:
        reading = _claimed(names, outcomes, groups, folder)
        return Reading(reading.lines, [*reading.then, *others])

    return Topic([asked], read)


def _claimed(
    names: list[str], outcomes: list[Outcome], groups: Collection[str], folder: str | None
) -> Reading:
    """Return lines for what is not here and for families that failed to answer, and a topic a device."""
    lines, topics = [], []
    for family, outcome in zip(names, outcomes, strict=True):
        if not isinstance(outcome, Returned):
            lines.append(_unanswered(family, outcome))
            continue
        for claim in (Claim(**fields) for fields in outcome.value):
            if claim.state:
                lines.append(_not_here(family, claim))
            else:
                topics.append(_device(family, claim, groups, folder))
    return Reading(lines, topics)


def _unanswered(family: str, outcome: Outcome) -> Line:
    detail = f"asking torch for {family}: {why(outcome)}"
    return outcome_line(
        "devices",
        family,
        outcome,
        state="claimed but does not run",
        detail=detail,
        values={"family": family},
    )


def _not_here(family: str, claim: Claim) -> Line:
    return line(
        "devices",
        claim.name,
        claim.state or "not here",
        claim.reason,
        error=claim.reason,
        stand_in=claim.stand_in,
        values={"family": family},
    )


def _device(family: str, claim: Claim, groups: Collection[str], folder: str | None) -> Topic:
    """Return the topic of one device: its figures, its dtypes, and what TorchScript does on it."""
    executors = claim.executors if "torchscript" in groups else ()
    asked = questions(
        f"device {claim.name}",
        ["inside.families", "facts", family, claim.name],
        *(["inside.families", "try_dtype", family, claim.name, dtype] for dtype in DTYPES),
        *(["inside.executors", "run", claim.name, executor] for executor in executors),
    )

    def read(outcomes: list[Outcome]) -> Reading:
        tried, scripted = outcomes[1 : 1 + len(DTYPES)], outcomes[1 + len(DTYPES) :]
        found = device_line(family, claim, outcomes[0], dict(zip(DTYPES, tried, strict=True)))
        if found.state != "runs":
            return Reading([found])
        fusers = [
            executor_line.executor_line(executor, claim, outcome)
            for executor, outcome in zip(executors, scripted, strict=True)
        ]
        compiled = (
            [compilers.torch_compile(claim.name, folder)] if folder and not claim.stand_in else []
        )
        return Reading([found, *fusers], compiled)

    return Topic([asked], read)


def device_line(family: str, claim: Claim, facts: Outcome, tried: dict[str, Outcome]) -> Line:
    """Return the line of a device from its figures and from what became of each dtype."""
    figures = facts.value if isinstance(facts, Returned) else {"warning": why(facts)}
    works = [dtype for dtype, outcome in tried.items() if isinstance(outcome, Returned)]
    values = {
        "family": family,
        "dtypes": works,
        **{name: figures[name] for name in FIGURES if figures.get(name)},
    }
    if failed := {dtype: why(outcome) for dtype, outcome in tried.items() if dtype not in works}:
        values["dtype_errors"] = failed
    return line(
        "devices",
        claim.name,
        "runs" if works else claim.failed,
        _described(figures, failed) if works else _refused(figures, failed),
        error="" if works else whole(tried["float32"]),
        runs=RUNS if works else runs(tried["float32"]),
        stand_in=claim.stand_in,
        values=values,
    )


def _described(figures: dict[str, Any], failed: dict[str, str]) -> str:
    """Return name, memory, capability, and the dtypes that do not work."""
    return joined(
        figures.get("name"),
        f"{figures['memory_gib']} GiB" if figures.get("memory_gib") else None,
        f"capability {figures['capability']}" if figures.get("capability") else None,
        f"without {' '.join(failed)}" if failed else None,
        figures.get("warning"),
    )


def _refused(figures: dict[str, Any], failed: dict[str, str]) -> str:
    """Return why nothing runs: what torch's own figures say of it, and what float32 met."""
    return joined(figures.get("name"), figures.get("warning"), failed["float32"], by="; ")
