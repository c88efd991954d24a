"""Can one rotary function be swapped for another, and what has to be permuted or converted if not?"""

from msgspec.structs import replace

from rotcheck.results import Described, Difference, Identification, Likeness, Swappable, Turned

_ORDERS = {"half": "cat(f, f)", "interleaved": "each value twice"}


def order_words(lanes: str | None, before: str = "") -> str:
    """Return how a full-width table repeats its lanes, behind some text; nothing of a table that does not."""
    return before + _ORDERS[lanes] if lanes else ""


def likeness(own: Identification, other: Identification, name: str) -> Likeness:
    """Return whether `own` can take the place of `other`, which is called `name`: with a flag, if that is nearer."""
    plain = _held(own, other, name)
    turned = [(_held(_with(own, one), other, name), one) for one in own.flags if one.follows]
    nearest, flag = min(turned, key=lambda held: _changes(held[0]), default=(plain, None))
    if flag is None or own.convention is None or _changes(nearest) >= _changes(plain):
        return plain
    gone = next(one for one in plain.differences if one.hard and one not in nearest.differences)
    fix = _differs("flag", gone.own, gone.other, f"call it with {flag.flag}")
    return Likeness(other=name, swappable="with changes", differences=(fix, *nearest.differences))


def _with(own: Identification, turned: Turned) -> Identification:
    """Return a function as it is with a flag the other way round, which stays out of its arguments."""
    found, arguments = turned.convention, own.convention.argument_order if own.convention else ()
    if found is not None and len(found.argument_order) > len(arguments):
        found = replace(found, argument_order=arguments)
    return replace(own, convention=found)


def _changes(found: Likeness) -> int:
    """Return how much has to be changed."""
    return sum(one.hard for one in found.differences)


def _held(own: Identification, other: Identification, name: str) -> Likeness:
    ours, theirs = own.convention, other.convention
    if ours is None or theirs is None:
        why = (own if ours is None else other).message or "no rotation was found"
        known = _differs("convention", _known(ours), _known(theirs), why)
        return Likeness(other=name, swappable="unknown", differences=(known,))
    ours, theirs = _lined_up(ours, theirs), _lined_up(theirs, ours)
    if "builds" in (ours.kind, theirs.kind):
        found = _of_tables(ours, theirs)
    else:
        found = [*_of_values(ours, theirs), *_of_calls(ours, theirs)]
    return Likeness(other=name, swappable=_verdict(own, other, found), differences=tuple(found))


def _known(found: Described | None) -> str:
    return "known" if found else "unknown"


def _verdict(own: Identification, other: Identification, found: list[Difference]) -> Swappable:
    if not (own.follows and other.follows) or any(each.field == "kind" for each in found):
        return "no"
    return "with changes" if any(each.hard for each in found) else "as it is"


def _of_values(ours: Described, theirs: Described) -> list[Difference]:
    """What changes the values of a model that was trained with the other."""
    found = []
    if ours.pairing != theirs.pairing:
        fix = f"permute the rows of the q and k projections once, biases too: {_permutation(ours)}"
        found.append(_differs("pairing", ours.pairing, theirs.pairing, fix))
    if ours.direction != theirs.direction:
        found.append(
            _differs(
                "direction",
                ours.direction,
                theirs.direction,
                "hand it -sin for sin (or conjugate tables, or negative positions)",
            )
        )
    if ours.output_lanes != theirs.output_lanes:
        fix = "q and k come out in another order of lanes: scores stay the same where it rotates both"
        found.append(_differs("output_lanes", ours.output_lanes, theirs.output_lanes, fix))
    if ours.rotary_dim != theirs.rotary_dim:
        fix = "rotate only the first rotary_dim lanes: x[..., :rotary_dim], and join the others behind"
        found.append(_differs("rotary_dim", ours.rotary_dim or "all", theirs.rotary_dim or "all", fix))
    if ours.rotates_v and not theirs.rotates_v:
        found.append(_differs("rotates_v", "yes", "no", "keep a copy of V and put it back"))
    if "both" in (ours.kind, theirs.kind) and ours.kind == theirs.kind and ours.schedule != theirs.schedule:
        found.append(
            _differs(
                "theta",
                ours.schedule or "unknown",
                theirs.schedule or "unknown",
                "build it with the other's theta and scaling",
            )
        )
    return found


def _permutation(ours: Described) -> str:
    """Return code that puts the rows of a projection w (heads * head_dim, ...) in our order of lanes."""
    sizes = "rotary_dim // 2, 2" if ours.pairing == "half" else "2, rotary_dim // 2"
    if ours.rotary_dim is None:
        return f"w.view(heads, {sizes}, -1).transpose(1, 2).reshape(w.shape)"
    each = "w.view(heads, head_dim, -1)"
    turning = f"{each}[:, :rotary_dim].unflatten(1, ({sizes})).transpose(1, 2).flatten(1, 2)"
    return f"torch.cat(({turning}, {each}[:, rotary_dim:]), 1).reshape(w.shape)"


def _lined_up(own: Described, other: Described) -> Described:
    """Return a convention that takes any layout as what it is in the other's: its tables line up with that."""
    axes = _PLAIN.get(other.layout or "")
    if own.layout is not None or axes is None or own.tables == "positions":
        return own
    aligned = "".join(axis if axis == "s" else "w" if axis == "d" else "1" for axis in axes).lstrip("1")
    return replace(own, layout=other.layout, table_axes=aligned)


def _of_positions(ours: Described, theirs: Described) -> list[Difference]:
    """What each can be told of positions, of two that make their own angles."""
    if ours.positions == theirs.positions or "positions" not in (ours.tables, theirs.tables):
        return []
    told = {
        "any": "give it the positions themselves: torch.arange(offset, offset + rows)",
        "offset": "it takes the first position of consecutive rows, and no others",
        "from 0": "it counts rows from 0 and cannot be told positions: no decoding, no packed or padded sequences",
        "tables": "the rows of its tables are the positions",
    }
    own = ours.positions or "unknown"
    return [
        _differs(
            "positions", own, theirs.positions or "unknown", told.get(own, "it has positions of its own")
        )
    ]


def _of_calls(ours: Described, theirs: Described) -> list[Difference]:
    """What has to be converted around a call."""
    found = []
    if ours.layout != theirs.layout and ours.layout and not theirs.layout:
        fix = f"it takes {ours.layout} alone: lay the tensors out so before the call, and back after it"
        found.append(_differs("layout", ours.layout, "any", fix))
    elif ours.layout != theirs.layout and ours.layout and theirs.layout:
        fix = _transpose(ours.layout, theirs.layout)
        found.append(_differs("layout", ours.layout, theirs.layout, fix))
    if (ours.tables, ours.table_lanes, ours.table_axes) != (
        theirs.tables,
        theirs.table_lanes,
        theirs.table_axes,
    ):
        found.append(_differs("tables", _tables(ours), _tables(theirs), _conversion(ours, theirs)))
    found += _of_positions(ours, theirs)
    if ours.argument_order != theirs.argument_order:
        mine, other = (", ".join(each.argument_order) for each in (ours, theirs))
        found.append(_differs("arguments", mine, other, f"call it as f({mine})"))
    if ours.in_place and not theirs.in_place:
        found.append(_differs("in_place", "yes", "no", "clone what must stay as it is before the call"))
    if ours.dtype_rule != theirs.dtype_rule:
        fix = "expect differences of a rounding step; cast the result where the dtype differs"
        found.append(
            _differs("dtype_rule", ours.dtype_rule or "?", theirs.dtype_rule or "?", fix, hard=False)
        )
    refused = [what for what, does in theirs.takes.items() if does and ours.takes.get(what) is False]
    if refused:
        found.append(
            _differs(
                "takes",
                f"not {', '.join(refused)}",
                "takes them",
                "do without, or convert before the call",
                hard=False,
            )
        )
    return found


def _of_tables(ours: Described, theirs: Described) -> list[Difference]:
    found = []
    if ours.kind != theirs.kind:
        return [
            _differs(
                "kind",
                ours.kind,
                theirs.kind,
                "one makes tables, the other applies them: neither takes the other's place",
            )
        ]
    if ours.schedule != theirs.schedule:
        found.append(
            _differs(
                "theta",
                ours.schedule or "unknown",
                theirs.schedule or "unknown",
                "build it with the other's theta and scaling",
            )
        )
    if (ours.tables, ours.table_lanes) != (theirs.tables, theirs.table_lanes):
        found.append(_differs("tables", _tables(ours), _tables(theirs), _conversion(theirs, ours)))
    return found


def _differs(field: str, own: object, other: object, fix: str, *, hard: bool = True) -> Difference:
    return Difference(field=field, own=str(own), other=str(other), fix=fix, hard=hard)


def _transpose(ours: str, theirs: str) -> str:
    swaps = {frozenset(("bshd", "bhsd")): "transpose(1, 2)", frozenset(("bshd", "sbhd")): "transpose(0, 1)"}
    swap = swaps.get(frozenset((ours, theirs)))
    return (
        f"x.{swap} before the call and after it"
        if swap
        else f"lay the tensors out as {ours} before the call, and back after it"
    )


def _tables(described: Described) -> str:
    return f"{described.tables}{order_words(described.table_lanes, ' ')} {_shape(described)}".rstrip()


def _shape(described: Described) -> str:
    """Return the axes of a table as a shape: `(S, 1, D/2)`."""
    if not described.table_axes:
        return ""
    words = {"b": "B", "s": "S", "w": "D" if described.table_lanes else "D/2"}
    behind = {"stacked": ["2"], "matrix": ["2", "2"]}.get(described.tables or "", [])
    return f"({', '.join([*(words.get(axis, axis) for axis in described.table_axes), *behind])})"


def _conversion(wanted: Described, have: Described) -> str:
    """Return how tables of one form become those of another."""
    if wanted.tables == "positions":
        return "it makes its own tables: give it positions in their place"
    if have.tables == "positions":
        return "the other makes its own tables: build them, as wanted, beside this one"
    axes = _axes(have.table_axes or "", wanted.table_axes or "")
    if (wanted.tables, wanted.table_lanes) == (have.tables, have.table_lanes):
        return "; ".join(axes)
    return "; ".join([*axes, *_form(wanted, have)])


def _form(wanted: Described, have: Described) -> list[str]:
    """Return the steps from one form to another: code in t, each of the tables, and in cos and sin."""
    once = {"half": "t[..., : t.shape[-1] // 2]", "interleaved": "t[..., ::2]"}
    twice = {"half": "torch.cat((t, t), -1)", "interleaved": "t.repeat_interleave(2, -1)"}
    steps = []
    if have.table_lanes and wanted.table_lanes != have.table_lanes:
        steps.append(f"each pair's value once: {once[have.table_lanes]}")
    both = wanted.tables in _ANGLES and have.tables in _ANGLES
    if have.tables in _READ and have.tables != wanted.tables and not both:
        steps.append(_READ[have.tables])
    if wanted.table_lanes and wanted.table_lanes != have.table_lanes:
        steps.append(twice[wanted.table_lanes])
    if wanted.tables in _MADE and wanted.tables != have.tables and not both:
        steps.append(_MADE[wanted.tables])
    return steps


def _axes(have: str, wanted: str) -> list[str]:
    """Return the steps that put the axes of a table, each row of a batch and each slot alike, where they are wanted."""
    if have == wanted:
        return []
    kept = [axis for axis in have if axis in wanted.replace("1", "")]
    taken = [":" if axis in kept else "0" for axis in have]
    steps = [f"t[{_trimmed(taken)}]"] if "0" in taken else []
    order = [axis for axis in wanted if axis in kept]
    if order != kept:
        steps.append("t.transpose(0, 1)")
    given = [":" if axis in kept else "None" for axis in wanted]
    steps += [f"t[{_trimmed(given)}]"] if "None" in given else []
    if "b" in wanted and "b" not in kept:
        steps.append(f"t.repeat_interleave(batch, {wanted.index('b')})")
    if "3" in wanted and "3" not in kept:
        steps.append(f"a slot each for q, k and v at axis {wanted.index('3')}, v's with cos 1 and sin 0")
    return steps


def _trimmed(index: list[str]) -> str:
    while index[-1] == ":":
        index = index[:-1]
    return ", ".join(index)


_PLAIN = {"bshd": "bshd", "bhsd": "bhsd", "sbhd": "sbhd", "thd": "shd", "hsd": "hsd"}
_ANGLES = ("angles", "angles-repeated")
_READ = {
    "complex": "cos, sin = t.real, t.imag",
    "stacked": "cos, sin = t.unbind(-1)",
    "matrix": "cos, sin = t[..., 0, 0], t[..., 1, 0]",
    "angles": "cos, sin = t.cos(), t.sin()",
    "angles-repeated": "cos, sin = t.cos(), t.sin()",
}
_MADE = {
    "angles": "the angles of which they were made, or: torch.atan2(sin, cos)",
    "angles-repeated": "the angles of which they were made, or: torch.atan2(sin, cos)",
    "complex": "torch.complex(cos, sin)",
    "stacked": "torch.stack((cos, sin), -1)",
    "matrix": "torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)",
}
