"""The front's part of a swap: the descriptions of both functions,
and a run side by side if both are here."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from rotcheck.identify.front_identity import Identity, without_folders
from rotcheck.identify.swapping import call_lines
from rotcheck.identify.swapping.call_variants import layout_of_run
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.several_lengths import asks_lengths, lengths_alone, of_lengths
from rotcheck.isolation import Done, Job, Returned
from rotcheck.measure.judge import ROUNDING
from rotcheck.results import Description, Difference, Identification, Likeness
from rotcheck.study.study import Study

SIDE_BY_SIDE = "rotcheck.identify.swapping.side_by_side:open_beside"
STEPS_APART = 2 * ROUNDING  # rounding steps: each may be half as far from the truth


def swaps(
    study: Study,
    identities: Mapping[str, Identity],
    like: str,
    other: Identity,
    device: str,
    timeout: float,
) -> dict[str, Likeness]:
    """Whether each function can take the place of another, by its SPEC.

    Args:
        study: where both are run side by side.
        identities: the functions, by their SPECs.
        like: the SPEC of the other one.
        other: its identity.
        device: where both are run.
        timeout: seconds for two of them.
    """
    theirs = _identification(other)
    likenesses = {
        spec: likeness(_identification(ours), theirs, without_folders(like))
        for spec, ours in identities.items()
    }
    here = {
        spec for spec, ours in identities.items() if not (ours.registration or other.registration)
    }
    builds = theirs.convention is not None and theirs.convention.kind == "builds"
    jobs = [
        _job(spec, identities[spec], likenesses[spec], like, other, device, timeout)
        for spec in identities
        if spec in here and runs(likenesses[spec]) and (other.convention is not None or builds)
    ]
    imports: dict[str, str] = {}
    for result in study.run(jobs):
        likenesses[result.job.name] = _judge(likenesses[result.job.name], result)
        if isinstance(result.outcome, Returned):
            imports[result.job.name] = result.outcome.value["imports"]
    return {
        spec: _with_imports(
            answer if spec in here else of_unseen(answer),
            identities[spec].identification,
            imports.get(spec, ""),
        )
        for spec, answer in likenesses.items()
    }


def _job(
    spec: str,
    ours: Identity,
    answer: Likeness,
    like: str,
    other: Identity,
    device: str,
    timeout: float,
) -> Job:
    """The job that runs a function, through its adapter if it needs one, beside the other."""
    our_identification, theirs = ours.identification, other.identification
    setup = {
        "own": spec,
        "takes": to_ask(answer, our_identification, theirs),
        "lengths": asks_lengths(answer),
        "convention": _as_run(other.convention, our_identification.convention, theirs.convention),
        "other": like,
        "device": device,
    }
    return Job(spec, SIDE_BY_SIDE, setup, [answer.adapter or ""], timeout, 3 * timeout)


def _as_run(
    convention: Mapping[str, Any] | None, ours: Description | None, theirs: Description | None
) -> Mapping[str, Any] | None:
    """The convention by which a worker calls the other,
    in the layout in which ours is held against it."""
    if convention is None or ours is None or theirs is None:
        return convention
    return {**convention, **layout_of_run(ours, theirs)}


def to_ask(answer: Likeness, ours: Identification, theirs: Identification) -> dict[str, bool]:
    """What the other takes beside the usual, and ours too, by itself or through the adapter."""
    if ours.convention is None or theirs.convention is None:
        return {}
    refusals = {} if answer.adapter else ours.convention.takes
    return {
        ability: does and refusals.get(ability) is not False
        for ability, does in theirs.convention.takes.items()
    }


def _with_imports(answer: Likeness, identification: Identification, imports: str) -> Likeness:
    """A likeness whose code imports what it calls; `imports`: the lines, of one that ran."""
    if answer.adapter is None:
        return answer
    lines = imports or call_lines.import_code(
        identification.specification, identification.device, identification.built
    )
    return replace(answer, adapter=call_lines.with_head(answer.adapter, lines))


def _identification(identity: Identity) -> Identification:
    """What is known of a function: where it did not run here, what it is registered with."""
    identification, registration = identity.identification, identity.registration
    if identification.convention is not None or registration is None:
        return identification
    return replace(identification, convention=registration, follows=True, declared=True)


def runs(answer: Likeness) -> bool:
    """Whether there is something to run: an adapter, or the function as it is."""
    as_it_is = answer.swappable == "as it is" or (asks_lengths(answer) and lengths_alone(answer))
    return answer.adapter is not None or as_it_is


def _judge(answer: Likeness, result: Done) -> Likeness:
    if isinstance(result.outcome, Returned):
        return of_run(
            answer, result.outcome.value["error"], lengths=result.outcome.value["lengths"]
        )
    return of_run(answer, None, str(result.outcome))


def of_run(
    answer: Likeness,
    error: float | None,
    message: str = "",
    lengths: Mapping[str, float] | None = None,
) -> Likeness:
    """A likeness with what a run of both side by side says;
    `message`: what became of it where it failed.

    `lengths`: how far they are apart for sequences of several lengths, where that was asked.
    """
    answer = of_lengths(answer, lengths, STEPS_APART) if lengths else answer
    if lengths and answer.swappable == "no":
        return answer
    if error is not None and error <= STEPS_APART:
        return replace(answer, error=error)
    words = f"{error:.3g} rounding steps apart" if error is not None else message
    if answer.adapter is not None:  # what does not do what it should is not shown
        return replace(answer, adapter=None)
    fix = "both were run on the same input: what they differ in is not known"
    values = Difference(field="values", own=words, other="the values of its own", fix=fix)
    return replace(
        answer,
        swappable="no" if error is not None else "unknown",
        differences=(*answer.differences, values),
    )


def of_unseen(answer: Likeness) -> Likeness:
    """A likeness of which one function did not run here:
    nothing says that it can be swapped as it is."""
    if answer.swappable != "as it is":
        return answer
    return replace(answer, swappable="unknown")
