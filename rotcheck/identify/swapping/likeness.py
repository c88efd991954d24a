"""Can one rotary function replace another, and if not, what has to be permuted or converted?"""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec.structs import replace

from rotcheck.convention import FORMS, order_words, role_of, shape
from rotcheck.convention.table_forms import NO_TABLES
from rotcheck.identify.swapping import adapter, call_lines, conversion, position_lines
from rotcheck.identify.swapping.angle_differences import of_angles, of_length
from rotcheck.identify.swapping.call_variants import reference, variants
from rotcheck.identify.swapping.conversion import Impossible, assignments, permutation
from rotcheck.results import (
    Description,
    Difference,
    FlagEffect,
    Identification,
    Likeness,
    Swappable,
)

APART = {
    "flash-attn-qkv": "flash-attn",
    **dict.fromkeys(
        ("native", "rotcheck", "rotcheck.rotary:apply_rotary_pos_emb"),
        "rotcheck.rotary:apply_rotary",
    ),
}
"""Of what takes packed q, k and v: its relative that takes them one by one."""

# fields that nothing around a call makes up for
_NEVER = ("kind", "sections", "blocks", "coordinates")


def likeness(ours: Identification, theirs: Identification, name: str) -> Likeness:
    """Whether `ours` can take the place of `theirs`, which is called `name`: with a flag, if that is nearer."""
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
    fix = _differs("flag", obstacle.own, obstacle.other, f"call it with {flag.flag}")
    code = nearest.adapter
    if (
        code
        and flag.convention
        and len(flag.convention.argument_order) > len(ours.convention.argument_order)
    ):
        code = _called_with(code, flag.flag)
    differences = (fix, *nearest.differences)
    return Likeness(other=name, swappable="with changes", differences=differences, adapter=code)


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
        unknown_convention = _differs(
            "convention",
            _known_words(our_answer.convention),
            _known_words(their_answer.convention),
            why,
        )
        return Likeness(other=name, swappable="unknown", differences=(unknown_convention,))
    theirs = reference(their_answer.convention, our_answer.convention)
    candidates = [
        (ours, _differences(ours, theirs, our_answer, their_answer))
        for ours in variants(our_answer.convention, theirs)
    ]
    ours, differences = min(candidates, key=lambda one: _work(one[0], theirs, one[1]))
    verdict = _verdict(our_answer, their_answer, differences)
    changes = any(candidate.hard and not of_length(candidate) for candidate in differences)
    code = adapter.adapter(ours, theirs) if verdict != "no" and changes else None
    return Likeness(other=name, swappable=verdict, differences=tuple(differences), adapter=code)


def _work(ours: Description, theirs: Description, differences: list[Difference]) -> int:
    """The weight of the changes: an argument is the least, merging batch and rows the most."""
    folds = adapter.of_batch(theirs) and (
        ours.layout in adapter.ONE_AXIS or not adapter.of_batch(ours)
    )
    return (
        sum(
            1 if difference.field == "arguments" else 2
            for difference in differences
            if difference.hard
        )
        + 4 * folds
    )


def _known_words(convention: Description | None) -> str:
    return "known" if convention else "unknown"


def _verdict(
    ours: Identification, theirs: Identification, differences: list[Difference]
) -> Swappable:
    if "wrong" in (ours.answer, theirs.answer) or any(map(_never, differences)):
        return "no"
    if not (ours.follows and theirs.follows) or any(
        "unknown" in (difference.own, difference.other)
        for difference in differences
        if difference.hard
    ):
        return "unknown"
    return "with changes" if any(difference.hard for difference in differences) else "as it is"


def _never(difference: Difference) -> bool:
    """Whether nothing makes up for a difference: for instance, one follows the length and the other does not."""
    unlike = difference.field == "frequencies" and not of_length(difference)
    return difference.field in _NEVER or unlike


def _differences(
    ours: Description, theirs: Description, our_answer: Identification, their_answer: Identification
) -> list[Difference]:
    if ours.kind != theirs.kind and "builds" in (ours.kind, theirs.kind):
        why = "one makes tables, the other applies them: neither takes the other's place"
        return [_differs("kind", ours.kind, theirs.kind, why)]
    angles = [_differs(*parts) for parts in of_angles(our_answer, their_answer, ours, theirs)]
    if ours.kind == "builds":
        return [*angles, *_of_tables(ours, theirs)]
    return [
        *_of_values(ours, theirs),
        *angles,
        *_of_calls(ours, theirs, our_answer.specification, their_answer.specification),
    ]


def _of_values(ours: Description, theirs: Description) -> Iterator[Difference]:
    """Differences that change the values of a model that was trained with the other."""
    for name in ("sections", "blocks"):
        our_value, their_value = getattr(ours, name), getattr(theirs, name)
        if our_value != their_value:
            yield _differs(
                name,
                our_value or "none",
                their_value or "none",
                "nothing around a call makes up for this",
            )
    if ours.pairing != theirs.pairing:
        fix = f"{permutation(ours)}  # permute the rows of the q and k projections once, biases too"
        yield _differs("pairing", ours.pairing or "unknown", theirs.pairing or "unknown", fix)
    if ours.direction != theirs.direction:
        fix_of_direction = (
            "; ".join(_backwards(ours)) if ours.takes_tables else "positions = -positions"
        )
        yield _differs(
            "direction",
            ours.direction or "unknown",
            theirs.direction or "unknown",
            fix_of_direction,
        )
    if ours.output_lanes != theirs.output_lanes:
        yield _differs(
            "output_lanes",
            ours.output_lanes,
            theirs.output_lanes,
            _code(partial(_reorder_result, ours, theirs)),
        )
    if ours.rotary_dim != theirs.rotary_dim:
        yield _differs(
            "rotary_dim",
            ours.rotary_dim or "all",
            theirs.rotary_dim or "all",
            _narrow(ours, theirs),
        )
    if ours.head_dim and theirs.head_dim and ours.head_dim != theirs.head_dim:
        yield _differs(
            "head_dim",
            ours.head_dim,
            theirs.head_dim,
            f"build it for heads of {theirs.head_dim} lanes",
        )
    elif ours.head_dim and not theirs.head_dim:
        fix = "build it for as many lanes as your heads have"
        yield _differs("head_dim", ours.head_dim, "any", fix, hard=False)
    if bool(ours.rotates_v) != bool(theirs.rotates_v):
        fix = "v = v.clone()  # before the call, and put it back behind it"
        yield _differs("rotates_v", _yes(ours.rotates_v), _yes(theirs.rotates_v), fix)


def _yes(value: bool | None) -> str:
    return "yes" if value else "no"


def _code(
    lines: Callable[[], list[str]], otherwise: str = "no lines of code are known that do this"
) -> str:
    try:
        return "; ".join(lines()).replace("\n", "; ")
    except Impossible as reason:
        return f"{otherwise}: {reason}"


def _backwards(ours: Description) -> list[str]:
    """The lines that turn our tables the other way round."""
    return conversion.tables(ours, replace(ours, direction=-(ours.direction or 1)))


def _reorder_result(ours: Description, theirs: Description) -> list[str]:
    """The line that puts the lanes of our result in the order of theirs."""
    return [
        assignments(
            ["q", "k"], conversion.reorder(adapter.output_order(ours), adapter.output_order(theirs))
        )
    ]


def _narrow(ours: Description, theirs: Description) -> str:
    if ours.rotary_dim:
        return f"build it for {theirs.rotary_dim or 'all'} lanes that turn"
    return _part(ours, str(theirs.rotary_dim))


def _part(ours: Description, lanes: str) -> str:
    """The line that rotates the first lanes alone."""
    first = f"x[..., :{lanes}]"
    call = call_lines.call_of(ours, dict.fromkeys(("x", "q", "k"), first))
    return (
        f"x = torch.cat(({call_lines.OURS}({call}), x[..., {lanes}:]), -1)  # for each of q and k"
    )


def _of_positions(ours: Description, theirs: Description) -> Iterator[Difference]:
    """Differences in the positions that two functions can take that make their own angles."""
    if ours.positions == theirs.positions or "positions" not in (ours.tables, theirs.tables):
        return
    fixes = {
        "any": "positions = torch.arange(offset, offset + rows)  # the positions themselves",
        "offset": "offset = int(positions[..., 0].max())  # consecutive rows alone, the same of each batch row",
        "from 0": "it counts rows from 0 and cannot be told positions: no decoding, no packed or padded sequences",
        "tables": "cos, sin = cos[positions], sin[positions]  # the rows of its tables are the positions",
    }
    our_positions = ours.positions or "unknown"
    fix = fixes.get(our_positions, "it has positions of its own")
    yield _differs("positions", our_positions, theirs.positions or "unknown", fix)


def _of_calls(
    ours: Description, theirs: Description, name: str, other_name: str
) -> Iterator[Difference]:
    """Differences that have to be converted around a call."""
    if ours.layout != theirs.layout and ours.layout:
        yield _differs(
            "layout", ours.layout, theirs.layout or "any", _layout(ours, theirs, name, other_name)
        )
    if not conversion.same_tables(ours, theirs):
        yield _differs("tables", _tables(ours), _tables(theirs), _conversion(ours, theirs))
    yield from _of_positions(ours, theirs)
    takes_offset = any(role_of(argument) == "offset" for argument in theirs.argument_order)
    if _arguments(ours, offset=takes_offset) != _arguments(theirs, offset=True):
        our_arguments, their_arguments = (
            ", ".join(argument.argument_order) for argument in (ours, theirs)
        )
        yield _differs(
            "arguments",
            our_arguments,
            their_arguments,
            f"{call_lines.OURS}({call_lines.call_of(ours)})",
        )
    if bool(ours.in_place) != bool(theirs.in_place):
        fix = (
            "q, k = q.clone(), k.clone()  # before the call" if ours.in_place else "q.copy_(result)"
        )
        yield _differs("in_place", _yes(ours.in_place), _yes(theirs.in_place), fix)
    if ours.dtype_rule != theirs.dtype_rule and ours.dtype_rule and theirs.dtype_rule:
        fix = "expect differences of a rounding step; cast the result where the dtype differs"
        yield _differs("dtype_rule", ours.dtype_rule, theirs.dtype_rule, fix, hard=False)
    refusals = [
        ability
        for ability, does in theirs.takes.items()
        if does and ours.takes.get(ability) is False
    ]
    if refusals:
        fix = "do without, or convert before the call"
        if adapter.NARROWER in refusals:
            fix = _part(ours, "cos.shape[-1]")
        if "fewer heads in k" in refusals:
            fix = (
                "q, k = ours(q, q, ...)[0], ours(k, k, ...)[0]  # k apart, where it has fewer heads"
            )
        yield _differs("takes", f"not {', '.join(refusals)}", "takes them", fix, hard=False)


def _arguments(description: Description, *, offset: bool) -> tuple[str, ...]:
    """The role of each argument; a single tensor has one name whether it is called x, q or k.

    `offset`: with an offset by keyword, which has a default.
    """
    tensors = [
        role for role in map(role_of, description.argument_order) if role in ("q", "k", "v", "x")
    ]
    single = tensors if len(tensors) == 1 else []
    arguments = [
        role for role in description.argument_order if offset or not role.endswith("=offset")
    ]
    return tuple("x" if role in single else role for role in arguments)


def _layout(ours: Description, theirs: Description, name: str, other_name: str) -> str:
    our_layout, their_layout = ours.layout or "", theirs.layout or ours.layout or ""
    if our_layout in conversion.PACKINGS and their_layout not in conversion.PACKINGS:
        apart = APART.get(name)
        instead = (
            f"use {apart}, which takes q and k one by one"
            if apart
            else "look for a call that takes q and k apart"
        )
        return f"packed q, k and v have the same heads: for grouped heads {instead}, or call it for each as below"
    if our_layout in conversion.PACKINGS or their_layout in conversion.PACKINGS:
        axis = conversion.PACKINGS.get(their_layout, ("", 2))[1]
        instead = (
            f"; for grouped heads {APART[other_name]} takes its place"
            if other_name in APART
            else ""
        )
        return f"q, k, v = qkv.unbind({axis})  # and torch.stack((q, k, v), {axis}) behind the call{instead}"
    try:
        before = conversion.layout_change(their_layout, our_layout)
        behind = conversion.to_bshd(our_layout, conversion.OF_BATCH) + conversion.from_bshd(
            their_layout
        )
    except Impossible as reason:
        return f"lay the tensors out as {our_layout} before the call, and back behind it: {reason}"
    return f"x = x{before}  # before the call, and x = x{behind} behind it"


def _of_tables(ours: Description, theirs: Description) -> Iterator[Difference]:
    """Differences between the tables that two functions make."""
    if not conversion.same_tables(ours, theirs):
        back = replace(theirs, direction=None), replace(ours, direction=None)
        yield _differs("tables", _tables(ours), _tables(theirs), _conversion(*back))
    if ours.order != theirs.order and ours.tables == theirs.tables:
        fix = (
            "cos, sin = sin, cos"
            if "sin, cos" in (ours.order, theirs.order)
            else "take cos and sin apart"
        )
        yield _differs("order", ours.order or "unknown", theirs.order or "unknown", fix)
    if ours.positions != theirs.positions:
        our_positions = ours.positions or "unknown"
        fix = (
            "cos, sin = cos[positions], sin[positions]"
            if our_positions == "from 0"
            else "positions = torch.arange(rows)"
        )
        yield _differs("positions", our_positions, theirs.positions or "unknown", fix)
    if ours.argument_order != theirs.argument_order:
        our_arguments, their_arguments = (
            ", ".join(description.argument_order) for description in (ours, theirs)
        )
        yield _differs(
            "arguments", our_arguments, their_arguments, f"{call_lines.OURS}({our_arguments})"
        )
    if ours.dtype_rule != theirs.dtype_rule:
        fix = "cos, sin = cos.to(dtype), sin.to(dtype)"
        yield _differs(
            "dtype_rule", ours.dtype_rule or "?", theirs.dtype_rule or "?", fix, hard=False
        )


def _differs(
    field: str, ours: object, theirs: object, fix: str, *, hard: bool = True
) -> Difference:
    return Difference(field=field, own=str(ours), other=str(theirs), fix=fix, hard=hard)


def _tables(description: Description) -> str:
    return f"{description.tables}{order_words(description.table_lanes, ' ')} {_shape(description)}".rstrip()


def _shape(description: Description) -> str:
    """The axes of a table as a shape: `(S, 1, D/2)`."""
    if not description.table_axes:
        return ""
    lanes = "D" if description.table_lanes else "D/2"
    return shape(description.table_axes, lanes, FORMS.get(description.tables or "", NO_TABLES).tail)


def _conversion(target: Description, have: Description) -> str:
    """The code that converts tables of one form to another."""
    if not target.takes_tables:
        return "it makes its own tables: give it positions in their place"
    if not have.takes_tables:
        alike = replace(have, direction=target.direction)
        return _code(partial(position_lines.made_tables, target, alike, "s", "q", folds=False))
    alike = replace(have, direction=target.direction)
    batch = "b" in (have.table_axes or "") and "b" not in (target.table_axes or "")
    lines = partial(conversion.tables, target, alike, folds=batch)
    return _code(lines) + ("  # batch and rows as one axis, of q and k too" if batch else "")
