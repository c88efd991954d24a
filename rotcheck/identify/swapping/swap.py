"""The front's half of a swap: what is known of both functions, and both run side by side where both are here."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from rotcheck.identify.swapping import adapter
from rotcheck.identify.swapping.call_variants import layout_of_run
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.several_lengths import asks_lengths, lengths_alone, of_lengths
from rotcheck.isolation import Done, Job, Pool, Returned
from rotcheck.measure.judge import ROUNDING
from rotcheck.results import Described, Difference, Identification, Likeness

WORKER = "rotcheck.identify.swapping.side_by_side:open_beside"
NEAR = 2 * ROUNDING  # rounding steps: each may be half as far from the truth


def swaps(
    pool: Pool,
    own: Mapping[str, tuple[Identification, Described | None]],
    other: tuple[str, Identification, Described | None, Mapping[str, Any] | None],
    device: str,
    timeout: float,
) -> dict[str, Likeness]:
    """Return for each function, by specification, whether it can take the other's place.

    Of each: what was found and, where it is not on this machine, what it is registered with. `other` has its
    specification in front, and behind the convention by which workers call it, which what makes tables has not.
    """
    name, theirs, registered, convention = other
    shown = name.rpartition("/")[2]
    found = {
        one: likeness(_known(told, declared), _known(theirs, registered), shown)
        for one, (told, declared) in own.items()
    }
    here = {one for one, (_, declared) in own.items() if declared is None and registered is None}
    asked = [one for one in here if runs(found[one])]
    setup = {"other": name, "device": device}
    jobs = [
        Job(
            one,
            WORKER,
            {
                "own": one,
                "takes": to_ask(found[one], own[one][0], theirs),
                "lengths": asks_lengths(found[one]),
                "convention": _as_run(convention, own[one][0].convention, theirs.convention),
                **setup,
            },
            [found[one].adapter or ""],
            timeout,
            3 * timeout,
        )
        for one in asked
        if convention is not None or (theirs.convention and theirs.convention.kind == "builds")
    ]
    imports: dict[str, str] = {}
    for done in pool.run(jobs):
        found[done.job.name] = _judged(found[done.job.name], done)
        if isinstance(done.outcome, Returned):
            imports[done.job.name] = done.outcome.value["imports"]
    return {
        one: _headed(held if one in here else of_unseen(held), own[one][0], imports.get(one, ""))
        for one, held in found.items()
    }


def _as_run(
    convention: Mapping[str, Any] | None, ours: Described | None, theirs: Described | None
) -> Mapping[str, Any] | None:
    """Return the convention by which a worker calls the other, in the layout in which ours is held against it."""
    if convention is None or ours is None or theirs is None:
        return convention
    return {**convention, **layout_of_run(ours, theirs)}


def to_ask(held: Likeness, own: Identification, other: Identification) -> dict[str, bool]:
    """Return what the other takes beside the usual, and ours too, by itself or through the adapter."""
    if own.convention is None or other.convention is None:
        return {}
    refused = {} if held.adapter else own.convention.takes
    return {
        what: does and refused.get(what) is not False
        for what, does in other.convention.takes.items()
    }


def _headed(held: Likeness, own: Identification, imports: str) -> Likeness:
    """Return a likeness whose code imports what it calls; `imports`: the lines, of one that ran."""
    if held.adapter is None:
        return held
    lines = imports or adapter.unseen(own.specification, own.device, own.built)
    return replace(held, adapter=adapter.headed(held.adapter, lines))


def _known(told: Identification, registered: Described | None) -> Identification:
    """Return what is known of a function: where it did not run here, what it is registered with."""
    if told.convention is not None or registered is None:
        return told
    return replace(told, convention=registered, follows=True, declared=True)


def runs(held: Likeness) -> bool:
    """Return whether there is something to run: an adapter, or the function as it is."""
    as_it_is = held.swappable == "as it is" or (asks_lengths(held) and lengths_alone(held))
    return held.adapter is not None or as_it_is


def _judged(held: Likeness, done: Done) -> Likeness:
    if isinstance(done.outcome, Returned):
        return of_run(held, done.outcome.value["error"], lengths=done.outcome.value["lengths"])
    return of_run(held, None, str(done.outcome))


def of_run(
    held: Likeness,
    error: float | None,
    message: str = "",
    lengths: Mapping[str, float] | None = None,
) -> Likeness:
    """Return a likeness with what a run of both side by side says; `message`: what became of it where it failed.

    `lengths`: how far they are apart for sequences of several lengths, where that was asked.
    """
    held = of_lengths(held, lengths, NEAR) if lengths else held
    if lengths and held.swappable == "no":
        return held
    if error is not None and error <= NEAR:
        return replace(held, error=error)
    seen = f"{error:.3g} rounding steps apart" if error is not None else message
    if held.adapter is not None:  # what does not do what it should is not shown
        return replace(held, adapter=None)
    fix = "both were run on the same input: what they differ in is not known"
    values = Difference(field="values", own=seen, other="the values of its own", fix=fix)
    return replace(
        held,
        swappable="no" if error is not None else "unknown",
        differences=(*held.differences, values),
    )


def of_unseen(held: Likeness) -> Likeness:
    """Return a likeness of which one function did not run here: nothing says that it can be swapped as it is."""
    if held.swappable != "as it is":
        return held
    return replace(held, swappable="unknown")
