"""Can one rotary function be swapped for another, and what has to be permuted or converted if not?"""

from rotcheck.results import Described, Difference, Identification, Likeness, Swappable


def likeness(own: Identification, other: Identification, name: str) -> Likeness:
    """Return whether `own` can take the place of `other`, which is called `name`."""
    ours, theirs = own.convention, other.convention
    if ours is None or theirs is None:
        return Likeness(other=name, swappable="unknown", differences=())
    if "builds" in (ours.kind, theirs.kind):
        found = _of_tables(ours, theirs)
    else:
        found = [*_of_values(ours, theirs), *_of_calls(ours, theirs)]
    return Likeness(other=name, swappable=_verdict(own, other, found), differences=tuple(found))


def _verdict(own: Identification, other: Identification, found: list[Difference]) -> Swappable:
    if not (own.follows and other.follows):
        return "no"
    return "with changes" if any(each.hard for each in found) else "as it is"


def _of_values(ours: Described, theirs: Described) -> list[Difference]:
    """What changes the values of a model that was trained with the other."""
    found = []
    if ours.pairing != theirs.pairing:
        sizes = "rotary_dim // 2, 2" if ours.pairing == "half" else "2, rotary_dim // 2"
        fix = f"w.view(heads, {sizes}, -1).transpose(1, 2).reshape(w.shape)"
        found.append(
            _differs(
                "pairing",
                ours.pairing,
                theirs.pairing,
                f"permute the rows of the q and k projections once: {fix}",
            )
        )
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


def _of_calls(ours: Described, theirs: Described) -> list[Difference]:
    """What has to be converted around a call."""
    found = []
    if ours.layout != theirs.layout and ours.layout and theirs.layout:
        fix = _transpose(ours.layout, theirs.layout)
        found.append(_differs("layout", ours.layout, theirs.layout, fix))
    if (ours.tables, ours.table_lanes, ours.table_axes) != (
        theirs.tables,
        theirs.table_lanes,
        theirs.table_axes,
    ):
        found.append(_differs("tables", _tables(ours), _tables(theirs), _conversion(ours, theirs)))
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
    order = {"half": " cat(f, f)", "interleaved": " each value twice", None: ""}[described.table_lanes]
    return f"{described.tables}{order}, axes {described.table_axes or 'its own'}"


def _conversion(wanted: Described, have: Described) -> str:
    """Return how tables of one form become those of another."""
    if wanted.tables == "positions":
        return "it makes its own tables: give it positions in their place"
    if have.tables == "positions":
        return "the other makes its own tables: build them, as wanted, beside this one"
    parts = []
    once = {"half": "t[..., : t.shape[-1] // 2]", "interleaved": "t[..., ::2]"}
    if have.table_lanes and wanted.table_lanes != have.table_lanes:
        parts.append(f"each pair's value once: {once[have.table_lanes]}")
    if wanted.table_lanes == "half" and have.table_lanes != "half":
        parts.append("torch.cat((t, t), -1)")
    if wanted.table_lanes == "interleaved" and have.table_lanes != "interleaved":
        parts.append("t.repeat_interleave(2, -1)")
    made = {
        "complex": "torch.complex(cos, sin)",
        "stacked": "torch.stack((cos, sin), -1)",
        "angles": "the angles themselves",
    }
    if wanted.tables != have.tables and wanted.tables in made:
        parts.append(made[wanted.tables])
    if have.tables == "complex" and wanted.tables != "complex":
        parts.insert(0, "cos, sin = t.real, t.imag")
    if wanted.table_axes != have.table_axes:
        parts.append(f"axes {wanted.table_axes or 'of the form'}")
    return "; ".join(parts) or "the same values in another order of axes"
