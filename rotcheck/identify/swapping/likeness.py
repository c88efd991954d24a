"""Can one rotary function replace another, and if not, what has to be permuted or converted?"""

from msgspec.structs import replace

from rotcheck.identify.swapping import adapter, call_lines
from rotcheck.identify.swapping.angle_differences import of_angles, of_length, verdict_of
from rotcheck.identify.swapping.call_variants import reference, variants
from rotcheck.identify.swapping.difference_table import (
    OF_MAKERS,
    OF_VALUES,
    differences,
    of_calls,
    refusals,
)
from rotcheck.identify.swapping.tensor_changes import ONE_AXIS, of_batch
from rotcheck.results import (
    Description,
    Difference,
    FlagEffect,
    Identification,
    Likeness,
    Swappable,
)

# fields that nothing around a call makes up for
_NEVER = ("kind", "sections", "blocks", "coordinates")


def likeness(ours: Identification, theirs: Identification, name: str) -> Likeness:
    """Whether `ours` can take the place of `theirs`, which is called `name`: with a flag,
    if that is nearer."""
    plain = _compare(ours, theirs, name)
    with_flags = [
        (_compare(_with(ours, item), theirs, name), item) for item in ours.flags if item.follows
    ]
    nearest, flag = min(with_flags, key=lambda held: _changes(held[0]), default=(plain, None))
    if flag is None or ours.convention is None or _changes(nearest) >= _changes(plain):
        return plain
    obstacle = next(
        item for item in plain.differences if item.hard and item not in nearest.differences
    )
    fix = replace(obstacle, field="flag", fix=f"call it with {flag.flag}")
    code = nearest.adapter
    if (
        code
        and flag.convention
        and len(flag.convention.argument_order) > len(ours.convention.argument_order)
    ):
        code = _called_with(code, flag.flag)
    return Likeness(
        other=name,
        swappable="with changes",
        differences=(fix, *nearest.differences),
        adapter=code,
    )


def _called_with(code: str, flag: str) -> str:
    """An adapter that calls ours with a flag besides."""
    bound_name = f"{call_lines.OURS}_with_flag"
    line = f"{bound_name} = functools.partial({call_lines.OURS}, {flag})\n\n\n"
    calling_code = code.replace(f"{call_lines.OURS}(", f"{bound_name}(")
    return calling_code.replace(
        "import torch\n\n\n", f"import functools\n\nimport torch\n\n{line}", 1
    )


def _with(ours: Identification, flag: FlagEffect) -> Identification:
    """A function as it is with a flag switched; the flag is not among its arguments."""
    convention, arguments = (
        flag.convention,
        ours.convention.argument_order if ours.convention else (),
    )
    if convention is not None and len(convention.argument_order) > len(arguments):
        convention = replace(convention, argument_order=arguments)
    return replace(ours, convention=convention)


def _changes(answer: Likeness) -> int:
    """The number of changes that are needed."""
    return sum(difference.hard for difference in answer.differences)


def _compare(our_answer: Identification, their_answer: Identification, name: str) -> Likeness:
    if our_answer.convention is None or their_answer.convention is None:
        why = (
            our_answer if our_answer.convention is None else their_answer
        ).message or "no rotation was found"
        own, other = (
            "known" if answer.convention else "unknown" for answer in (our_answer, their_answer)
        )
        unknown_convention = Difference(field="convention", own=own, other=other, fix=why)
        return Likeness(other=name, swappable="unknown", differences=(unknown_convention,))
    theirs = reference(their_answer.convention, our_answer.convention)
    candidates = [
        (ours, _differences(ours, theirs, our_answer, their_answer))
        for ours in variants(our_answer.convention, theirs)
    ]
    ours, changes = min(candidates, key=lambda one: _work(one[0], theirs, one[1]))
    verdict = _verdict(our_answer, their_answer, changes)
    needs_code = any(change.hard and not of_length(change) for change in changes)
    code = adapter.adapter(ours, theirs) if verdict != "no" and needs_code else None
    return Likeness(other=name, swappable=verdict, differences=tuple(changes), adapter=code)


def _work(ours: Description, theirs: Description, differences: list[Difference]) -> int:
    """The weight of the changes: an argument is the least, merging batch and rows the most."""
    folds = of_batch(theirs) and (ours.layout in ONE_AXIS or not of_batch(ours))
    return (
        sum(
            1 if difference.field == "arguments" else 2
            for difference in differences
            if difference.hard
        )
        + 4 * folds
    )


def _verdict(ours: Identification, theirs: Identification, changes: list[Difference]) -> Swappable:
    if "wrong" in (ours.answer, theirs.answer) or any(map(_never, changes)):
        return "no"
    return verdict_of(changes) if ours.follows and theirs.follows else "unknown"


def _never(difference: Difference) -> bool:
    """Whether nothing makes up for a difference:
    for instance, one follows the length and the other does not."""
    unlike = difference.field == "frequencies" and not of_length(difference)
    return difference.field in _NEVER or unlike


def _differences(
    ours: Description, theirs: Description, our_answer: Identification, their_answer: Identification
) -> list[Difference]:
    if ours.kind != theirs.kind and "builds" in (ours.kind, theirs.kind):
        why = "one makes tables, the other applies them: neither can take the other's place"
        return [Difference(field="kind", own=ours.kind, other=theirs.kind, fix=why)]
    angles = list(of_angles(our_answer, their_answer, ours, theirs))
    if ours.kind == "builds":
        return angles + differences(ours, theirs, OF_MAKERS)
    calls = of_calls(our_answer.specification, their_answer.specification)
    return [
        *differences(ours, theirs, OF_VALUES),
        *angles,
        *differences(ours, theirs, calls),
        *refusals(ours, theirs),
    ]
