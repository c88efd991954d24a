"""What `identify` says of a function, taken over by whoever runs it: one judgement, one answer.

`setup_of` is what a worker is told of a function, `cell` the function's own cell: the check `convention`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from rotcheck.identify import run as identify
from rotcheck.identify.run import Identified
from rotcheck.identify.swapping import file_fit
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Job
from rotcheck.measure.evidence import Evidence
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import FINDINGS, INFERENCE, UNIDENTIFIED, Cell, Identification, Remark

CONVENTION = "convention"
"""The check that no worker runs: its cell is what `identify` says of the function."""

MAKER = (
    "it makes tables and rotates nothing: `rotcheck context SPEC` measures how far they are right, "
    "`rotcheck check FILE` judges a whole file"
)
HELD = "it is held to a convention that was given, and the other checks judge it by that"
DECLARE = (
    'declare how it is called, in the line above it, for instance: `@rotcheck.declare(pairing="half", '
    'layout="bshd", tables="repeated", arguments=("q", "k", "cos", "sin"))`'
)
BUILD = (
    "name a function without arguments that builds it with its sizes, as path/to/file.py:factory"
)
SLOWLY = "give it more time with --timeout, or "


def given(names: Iterable[str]) -> list[str]:
    """Return those that are identified before they are run: what is not registered with its convention."""
    return [name for name in names if registry.module_of(name) is None]


class Identifier:
    """Identifies functions among the other jobs of a pool, as `rotcheck identify` does; `found` is what is known.

    `jobs` are to be run, `take` takes what comes back of them.
    """

    def __init__(self, names: Sequence[str], device: str, timeout: float) -> None:
        self.found: dict[str, Identified] = {}
        self.jobs = identify.jobs(names, device, timeout)

    def asked(self, done: Done) -> bool:
        """Return whether it is an answer to one of these jobs."""
        return done.job.target in (identify.WORKER, identify.FLAGS)

    def take(self, done: Done) -> tuple[str | None, list[Job]]:
        """Keep an answer; return the name of the function that is known by it, and the jobs that ask for its flags.

        Raises `RequestError` when there is no such function.
        """
        name = done.job.name
        if done.job.target == identify.FLAGS:
            told = identify.with_flag(self.found[name].told, done)
            self.found[name] = replace(self.found[name], told=told)
            return None, []
        self.found[name] = identify.identified(done)
        return name, identify.flag_jobs(done, self.found[name])


def fitted(found: Mapping[str, Identified]) -> dict[str, Identified]:
    """Return what was found of each function, those of one file held against each other, no two of one name."""
    told = file_fit.of_files(list(found), [one.told for one in found.values()])
    told = identify.apart(list(found), told)
    return {name: replace(found[name], told=one) for name, one in zip(found, told, strict=True)}


def setup_of(found: Identified | None) -> dict[str, Any]:
    """Return what a worker is told: the convention by which to call a function, or what it answers instead.

    A function whose identification died may still declare how it is called, which shows only when it is loaded:
    `unidentified` is what to answer if it does not.
    """
    if found is None:
        return {}
    reason = _left_out(found)
    if reason:
        return {"instead": msgspec.to_builtins(Evidence(state="skipped", message=reason))}
    if found.told.answer == "unknown":
        evidence = Evidence(state="unidentified", message=why(found.told), advice=advice(found))
        sure = found.came_back or found.unbuilt or found.missing
        return {"instead" if sure else "unidentified": msgspec.to_builtins(evidence)}
    known = {
        "convention": found.convention,
        "called": found.called,
        "declares": found.told.declared,
    }
    return known | {"no_gradient": no_gradient(found.told)}


def no_gradient(told: Identification) -> str | None:
    """Return why no gradient flows, by design, of a function that declares nothing."""
    design = [one.message for one in told.findings if one.code == INFERENCE]
    return design[0] if design and not told.declared else None


def _left_out(found: Identified) -> str | None:
    """Return why a function that is understood is not run."""
    told = found.told
    if told.convention is not None and told.convention.kind == "builds":
        return MAKER
    if told.answer == "unknown" or found.convention is not None:
        return None
    return f"there is nothing to hold its values against: {told.message or title(told)}"


def why(told: Identification) -> str:
    """Return why a function was not identified."""
    return told.message or "no call that was tried gave back a rotation"


def advice(found: Identified) -> str:
    """Return what to do so that a function can be judged."""
    if found.told.advice:
        return "; ".join(found.told.advice)
    if found.unbuilt:
        return BUILD
    return (SLOWLY if (found.told.message or "").startswith("no answer within") else "") + DECLARE


def title(told: Identification) -> str:
    """Return the mistakes of a function, the first of them by its message alone."""
    return "; ".join(
        [one.message + _known(one) * (at > 0) for at, one in enumerate(mistakes(told))]
    )


def mistakes(told: Identification) -> list[Remark]:
    """Return what of an identification is a mistake, and not a choice."""
    return [one for one in told.findings if one.mistake]


def _known(one: Remark) -> str:
    return f" (rotcheck explain {one.failure})" if one.failure else ""


def cell(
    found: Identified, implementation: str, device: str, dtype: str, *, others: Sequence[Cell]
) -> Cell:
    """Return the cell of the check `convention` on a device in a dtype; `others`: the function's other cells.

    A mistake is one wherever the function runs. What is right was seen on the device on which it was identified. Of a
    function that is held to what it declares, one finding of the other checks is enough.
    """
    if found.told.declared and any(one.verdict in FINDINGS for one in others):
        return held(implementation, device, dtype)
    fields = (
        _mistaken(found.told)
        or _unidentified(found, others)
        or _skipped(found, device)
        or {"verdict": "agrees", "note": _choices(found.told), "seconds": found.told.seconds}
    )
    return Cell(
        implementation=implementation,
        device=device,
        dtype=dtype,
        check=CONVENTION,
        stand_in=device in STAND_INS,
        **fields,
    )


def _mistaken(told: Identification) -> dict[str, Any] | None:
    wrong = mistakes(told)
    if not wrong:
        return None
    shown = next((one.demonstration for one in wrong if one.demonstration), None)
    known = {name: getattr(wrong[0], name) for name in ("failure", "cause", "fix")}
    return {
        "verdict": "disagrees",
        "message": title(told),
        "seconds": told.seconds,
        "demonstration": shown,
        **known,
    }


def _unidentified(found: Identified, others: Sequence[Cell]) -> dict[str, Any] | None:
    """Return the cell of what is not understood; None for what died when it was tried, and declares its convention."""
    if found.told.answer != "unknown":
        return None
    loaded = [each for each in others if each.verdict != UNIDENTIFIED]
    if loaded and not found.came_back and not found.unbuilt and not found.missing:
        return {
            "verdict": "skipped",
            "message": f"nothing was seen: {why(found.told)}",
            "applies": False,
        }
    return {"verdict": UNIDENTIFIED, "message": why(found.told), "fix": advice(found)}


def _skipped(found: Identified, device: str) -> dict[str, Any] | None:
    if found.told.convention is not None and found.told.convention.kind == "builds":
        return {"verdict": "skipped", "message": MAKER}
    if device == found.told.device:
        return None
    where = f"it was identified on {found.told.device}, and does the same wherever it is called"
    return {"verdict": "skipped", "message": where, "applies": False}


def _choices(told: Identification) -> str | None:
    """Return what others do not do, and is legitimate."""
    return "; ".join(one.message for one in told.findings if not one.mistake) or None


def held(implementation: str, device: str, dtype: str) -> Cell:
    """Return the cell of what is not identified, since its convention is given: the check has no sense for it."""
    return Cell(
        implementation=implementation,
        device=device,
        dtype=dtype,
        check=CONVENTION,
        verdict="skipped",
        message=HELD,
        stand_in=device in STAND_INS,
        applies=False,
    )
