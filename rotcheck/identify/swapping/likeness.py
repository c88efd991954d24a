"""Can one rotary function be swapped for another, and what has to be permuted or converted if not?"""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec.structs import replace

from rotcheck.convention import order_words, role_of, shape
from rotcheck.identify.swapping import adapter, call_lines, conversion, position_lines
from rotcheck.identify.swapping.angle_differences import of_angles, of_length
from rotcheck.identify.swapping.call_variants import reference, variants
from rotcheck.identify.swapping.conversion import Impossible, each, permutation
from rotcheck.results import Described, Difference, Identification, Likeness, Swappable, Turned

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


def likeness(own: Identification, other: Identification, name: str) -> Likeness:
    """Whether `own` can take the place of `other`, which is called `name`: with a flag, if that is nearer."""
    plain = _held(own, other, name)
    turned = [(_held(_with(own, one), other, name), one) for one in own.flags if one.follows]
    nearest, flag = min(turned, key=lambda held: _changes(held[0]), default=(plain, None))
    if flag is None or own.convention is None or _changes(nearest) >= _changes(plain):
        return plain
    gone = next(one for one in plain.differences if one.hard and one not in nearest.differences)
    fix = _differs("flag", gone.own, gone.other, f"call it with {flag.flag}")
    code = nearest.adapter
    if (
        code
        and flag.convention
        and len(flag.convention.argument_order) > len(own.convention.argument_order)
    ):
        code = _called_with(code, flag.flag)
    differences = (fix, *nearest.differences)
    return Likeness(other=name, swappable="with changes", differences=differences, adapter=code)


def _called_with(code: str, flag: str) -> str:
    """An adapter that calls ours with a flag besides."""
    bound = f"{call_lines.OURS}_with_flag"
    line = f"{bound} = functools.partial({call_lines.OURS}, {flag})\n\n\n"
    called = code.replace(f"{call_lines.OURS}(", f"{bound}(")
    return called.replace("import torch\n\n\n", f"import functools\n\nimport torch\n\n{line}", 1)


def _with(own: Identification, turned: Turned) -> Identification:
    """A function as it is with a flag the other way round, which stays out of its arguments."""
    found, arguments = turned.convention, own.convention.argument_order if own.convention else ()
    if found is not None and len(found.argument_order) > len(arguments):
        found = replace(found, argument_order=arguments)
    return replace(own, convention=found)


def _changes(found: Likeness) -> int:
    """How much has to be changed."""
    return sum(one.hard for one in found.differences)


def _held(own: Identification, other: Identification, name: str) -> Likeness:
    if own.convention is None or other.convention is None:
        why = (own if own.convention is None else other).message or "no rotation was found"
        known = _differs("convention", _known(own.convention), _known(other.convention), why)
        return Likeness(other=name, swappable="unknown", differences=(known,))
    theirs = reference(other.convention, own.convention)
    every = [
        (ours, _differences(ours, theirs, own, other)) for ours in variants(own.convention, theirs)
    ]
    ours, found = min(every, key=lambda one: _work(one[0], theirs, one[1]))
    verdict = _verdict(own, other, found)
    changes = any(one.hard and not of_length(one) for one in found)
    code = adapter.adapter(ours, theirs) if verdict != "no" and changes else None
    return Likeness(other=name, swappable=verdict, differences=tuple(found), adapter=code)


def _work(ours: Described, theirs: Described, found: list[Difference]) -> int:
    """How much has to be changed: an argument is the least, one axis of batch and rows the most."""
    folds = adapter.of_batch(theirs) and (
        ours.layout in adapter.ONE_AXIS or not adapter.of_batch(ours)
    )
    return sum(1 if one.field == "arguments" else 2 for one in found if one.hard) + 4 * folds


def _known(found: Described | None) -> str:
    return "known" if found else "unknown"


def _verdict(own: Identification, other: Identification, found: list[Difference]) -> Swappable:
    if "wrong" in (own.answer, other.answer) or any(map(_never, found)):
        return "no"
    if not (own.follows and other.follows) or any(
        "unknown" in (one.own, one.other) for one in found if one.hard
    ):
        return "unknown"
    return "with changes" if any(one.hard for one in found) else "as it is"


def _never(difference: Difference) -> bool:
    """Whether nothing makes up for a difference: one follows the length and the other does not, for instance."""
    unlike = difference.field == "frequencies" and not of_length(difference)
    return difference.field in _NEVER or unlike


def _differences(
    ours: Described, theirs: Described, own: Identification, other: Identification
) -> list[Difference]:
    if ours.kind != theirs.kind and "builds" in (ours.kind, theirs.kind):
        why = "one makes tables, the other applies them: neither takes the other's place"
        return [_differs("kind", ours.kind, theirs.kind, why)]
    angles = [_differs(*one) for one in of_angles(own, other, ours, theirs)]
    if ours.kind == "builds":
        return [*angles, *_of_tables(ours, theirs)]
    return [
        *_of_values(ours, theirs),
        *angles,
        *_of_calls(ours, theirs, own.specification, other.specification),
    ]


def _of_values(ours: Described, theirs: Described) -> Iterator[Difference]:
    """What changes the values of a model that was trained with the other."""
    for name in ("sections", "blocks"):
        own, other = getattr(ours, name), getattr(theirs, name)
        if own != other:
            yield _differs(
                name, own or "none", other or "none", "nothing around a call makes up for this"
            )
    if ours.pairing != theirs.pairing:
        fix = f"{permutation(ours)}  # permute the rows of the q and k projections once, biases too"
        yield _differs("pairing", ours.pairing or "unknown", theirs.pairing or "unknown", fix)
    if ours.direction != theirs.direction:
        turned = (
            "positions = -positions" if ours.tables == "positions" else "; ".join(_backwards(ours))
        )
        yield _differs(
            "direction", ours.direction or "unknown", theirs.direction or "unknown", turned
        )
    if ours.output_lanes != theirs.output_lanes:
        yield _differs(
            "output_lanes",
            ours.output_lanes,
            theirs.output_lanes,
            _code(partial(_written, ours, theirs)),
        )
    if ours.rotary_dim != theirs.rotary_dim:
        yield _differs(
            "rotary_dim",
            ours.rotary_dim or "all",
            theirs.rotary_dim or "all",
            _narrowed(ours, theirs),
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


def _backwards(ours: Described) -> list[str]:
    """The lines that turn our tables the other way round."""
    return conversion.tables(ours, replace(ours, direction=-(ours.direction or 1)))


def _written(ours: Described, theirs: Described) -> list[str]:
    """The line that puts the lanes of our result in the order of theirs."""
    return [each(["q", "k"], conversion.reordered(adapter.written(ours), adapter.written(theirs)))]


def _narrowed(ours: Described, theirs: Described) -> str:
    if ours.rotary_dim:
        return f"build it for {theirs.rotary_dim or 'all'} lanes that turn"
    return _part(ours, str(theirs.rotary_dim))


def _part(ours: Described, lanes: str) -> str:
    """The line that rotates the first lanes alone."""
    first = f"x[..., :{lanes}]"
    call = call_lines.call_of(ours, dict.fromkeys(("x", "q", "k"), first))
    return (
        f"x = torch.cat(({call_lines.OURS}({call}), x[..., {lanes}:]), -1)  # for each of q and k"
    )


def _of_positions(ours: Described, theirs: Described) -> Iterator[Difference]:
    """What each can be told of positions, of two that make their own angles."""
    if ours.positions == theirs.positions or "positions" not in (ours.tables, theirs.tables):
        return
    told = {
        "any": "positions = torch.arange(offset, offset + rows)  # the positions themselves",
        "offset": "offset = int(positions[..., 0].max())  # consecutive rows alone, the same of each batch row",
        "from 0": "it counts rows from 0 and cannot be told positions: no decoding, no packed or padded sequences",
        "tables": "cos, sin = cos[positions], sin[positions]  # the rows of its tables are the positions",
    }
    own = ours.positions or "unknown"
    fix = told.get(own, "it has positions of its own")
    yield _differs("positions", own, theirs.positions or "unknown", fix)


def _of_calls(ours: Described, theirs: Described, name: str, others: str) -> Iterator[Difference]:
    """What has to be converted around a call."""
    if ours.layout != theirs.layout and ours.layout:
        yield _differs(
            "layout", ours.layout, theirs.layout or "any", _layout(ours, theirs, name, others)
        )
    if not conversion.same_tables(ours, theirs):
        yield _differs("tables", _tables(ours), _tables(theirs), _conversion(ours, theirs))
    yield from _of_positions(ours, theirs)
    told = any(role_of(one) == "offset" for one in theirs.argument_order)
    if _arguments(ours, offset=told) != _arguments(theirs, offset=True):
        mine, other = (", ".join(one.argument_order) for one in (ours, theirs))
        yield _differs("arguments", mine, other, f"{call_lines.OURS}({call_lines.call_of(ours)})")
    if bool(ours.in_place) != bool(theirs.in_place):
        fix = (
            "q, k = q.clone(), k.clone()  # before the call" if ours.in_place else "q.copy_(result)"
        )
        yield _differs("in_place", _yes(ours.in_place), _yes(theirs.in_place), fix)
    if ours.dtype_rule != theirs.dtype_rule and ours.dtype_rule and theirs.dtype_rule:
        fix = "expect differences of a rounding step; cast the result where the dtype differs"
        yield _differs("dtype_rule", ours.dtype_rule, theirs.dtype_rule, fix, hard=False)
    refused = [
        what for what, does in theirs.takes.items() if does and ours.takes.get(what) is False
    ]
    if refused:
        fix = "do without, or convert before the call"
        if adapter.NARROWER in refused:
            fix = _part(ours, "cos.shape[-1]")
        if "fewer heads in k" in refused:
            fix = (
                "q, k = ours(q, q, ...)[0], ours(k, k, ...)[0]  # k apart, where it has fewer heads"
            )
        yield _differs("takes", f"not {', '.join(refused)}", "takes them", fix, hard=False)


def _arguments(described: Described, *, offset: bool) -> tuple[str, ...]:
    """What each argument is, a single tensor by the same name whether it is called x, q or k.

    `offset`: with an offset by keyword, which has a default.
    """
    tensors = [one for one in map(role_of, described.argument_order) if one in ("q", "k", "v", "x")]
    single = tensors if len(tensors) == 1 else []
    kept = [one for one in described.argument_order if offset or not one.endswith("=offset")]
    return tuple("x" if one in single else one for one in kept)


def _layout(ours: Described, theirs: Described, name: str, others: str) -> str:
    own, other = ours.layout or "", theirs.layout or ours.layout or ""
    if own in conversion.PACKED and other not in conversion.PACKED:
        apart = APART.get(name)
        instead = (
            f"use {apart}, which takes q and k one by one"
            if apart
            else "look for a call that takes q and k apart"
        )
        return f"packed q, k and v have the same heads: for grouped heads {instead}, or call it for each as below"
    if own in conversion.PACKED or other in conversion.PACKED:
        axis = conversion.PACKED.get(other, ("", 2))[1]
        instead = f"; for grouped heads {APART[others]} takes its place" if others in APART else ""
        return f"q, k, v = qkv.unbind({axis})  # and torch.stack((q, k, v), {axis}) behind the call{instead}"
    try:
        before = conversion.moved(other, own)
        behind = conversion.entered(own, conversion.OF_BATCH) + conversion.left(other)
    except Impossible as reason:
        return f"lay the tensors out as {own} before the call, and back behind it: {reason}"
    return f"x = x{before}  # before the call, and x = x{behind} behind it"


def _of_tables(ours: Described, theirs: Described) -> Iterator[Difference]:
    """In what the tables differ that two functions make."""
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
        own = ours.positions or "unknown"
        fix = (
            "cos, sin = cos[positions], sin[positions]"
            if own == "from 0"
            else "positions = torch.arange(rows)"
        )
        yield _differs("positions", own, theirs.positions or "unknown", fix)
    if ours.argument_order != theirs.argument_order:
        mine, other = (", ".join(one.argument_order) for one in (ours, theirs))
        yield _differs("arguments", mine, other, f"{call_lines.OURS}({mine})")
    if ours.dtype_rule != theirs.dtype_rule:
        fix = "cos, sin = cos.to(dtype), sin.to(dtype)"
        yield _differs(
            "dtype_rule", ours.dtype_rule or "?", theirs.dtype_rule or "?", fix, hard=False
        )


def _differs(field: str, own: object, other: object, fix: str, *, hard: bool = True) -> Difference:
    return Difference(field=field, own=str(own), other=str(other), fix=fix, hard=hard)


def _tables(described: Described) -> str:
    return (
        f"{described.tables}{order_words(described.table_lanes, ' ')} {_shape(described)}".rstrip()
    )


def _shape(described: Described) -> str:
    """The axes of a table as a shape: `(S, 1, D/2)`."""
    if not described.table_axes:
        return ""
    lanes = "D" if described.table_lanes else "D/2"
    return shape(described.table_axes, lanes, conversion.form_of(described).tail)


def _conversion(wanted: Described, have: Described) -> str:
    """How tables of one form become those of another."""
    if wanted.tables == "positions":
        return "it makes its own tables: give it positions in their place"
    if have.tables == "positions":
        alike = replace(have, direction=wanted.direction)
        return _code(partial(position_lines.made_tables, wanted, alike, "s", "q", folded=False))
    alike = replace(have, direction=wanted.direction)
    batch = "b" in (have.table_axes or "") and "b" not in (wanted.table_axes or "")
    folded = partial(conversion.tables, wanted, alike, folded=batch)
    return _code(folded) + ("  # batch and rows as one axis, of q and k too" if batch else "")
