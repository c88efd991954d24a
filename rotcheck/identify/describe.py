"""From what was found to what is said: the convention, the evidence of each line, mistakes and ambiguities."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import torch

from rotcheck import __version__, diagnose
from rotcheck.identify import builders, engine, own_angles, traits
from rotcheck.identify.engine import Found, NotFound
from rotcheck.identify.found import Reading
from rotcheck.identify.response import SAME
from rotcheck.implementations import construct
from rotcheck.implementations.load import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import Ambiguity, Described, Identification, Remark, Told
from rotcheck.rotary.conventions import LAYOUTS, Convention
from rotcheck.rotary.tables import AXES

WORDS = {"b": "B", "s": "S", "3": "3", "h": "H", "d": "D", "e": "H*D", "f": "3*D", "1": "1", "w": "W"}


@dataclass(frozen=True, slots=True)
class Identified:
    """What is told, and the convention by which to judge; None: there is none."""

    told: Identification
    convention: Convention | None


def identified(target: Target, device: torch.device) -> Identified:
    """Identify a function that was loaded."""
    if target.convention is not None:
        return _declared(target, target.convention, device)
    recipe, built, _ = builders.find(target.function)
    if recipe is not None and built is not None:
        return own_angles.of_builder(target, recipe, built, device, _told)
    function = target.function
    found = engine.search(function, device, construct.width_hints(function), construct.length_hints(function))
    if isinstance(found, NotFound):
        return _nothing(target, found, device)
    return _applied(target, found, device)


def _told(target: Target, device: torch.device, **fields: Any) -> Identification:
    return Identification(
        rotcheck=__version__,
        specification="",
        torch=str(torch.__version__),
        device=str(device),
        built=target.built,
        **fields,
    )


def remark(code: str, message: str, evidence: str, *, mistake: bool = True) -> Remark:
    """Return a finding with the cause and fix that are known for it."""
    known = diagnose.for_finding(code)
    cause, fix, failure = (known.cause, known.fix, known.id) if known else (None, None, None)
    return Remark(
        code=code, message=message, evidence=evidence, mistake=mistake, cause=cause, fix=fix, failure=failure
    )


def _nothing(target: Target, found: NotFound, device: torch.device) -> Identified:
    message = "no call that was tried gave back a rotation of what it was given, nor tables of one"
    return Identified(_told(target, device, follows=False, convention=None, message=message, tried=found.reasons), found.likeliest)


def shape_words(axes: str, lanes: str = "W") -> str:
    """Return axes as a shape: `(B, S, 1, D)`."""
    return f"({', '.join(WORDS[axis] if axis != 'w' else lanes for axis in axes)})"


def _declared(target: Target, convention: Convention, device: torch.device) -> Identified:
    asked = traits.Function(target.function, convention, device)
    described = described_by(convention)
    told = Told(field="all", says="as declared", because="it says so itself; its values were held against that")
    findings: list[Remark] = []
    error = None
    evidence = [told]
    if device.type != "meta":
        sizes = Sizes(width=convention.head_dim or 64)
        error, findings = _judged(asked, sizes)
        _, more = _more(asked, sizes)
        evidence += more.evidence
        described = msgspec.structs.replace(described, dtype_rule=more.dtype_rule, takes=more.takes or {})
    return Identified(
        _told(
            target, device, follows=not findings, convention=described, declared=True, call=call_words(convention),
            evidence=tuple(evidence), findings=tuple(findings), error=error,
        ),
        convention,
    )  # fmt: skip


def described_by(convention: Convention, kind: str | None = None) -> Described:
    """Return a convention as plain data."""
    own = convention.tables == "positions"
    return Described(
        kind=kind or ("both" if own else "applies"),  # type: ignore[arg-type]
        pairing=convention.pairing,
        direction=1 if convention.direction > 0 else -1,
        output_lanes=convention.output_lanes,
        layout=convention.layout,
        tables=convention.tables,
        table_axes=convention.table_axes or AXES.get(convention.tables),
        table_lanes=_full_lanes(convention),
        argument_order=convention.called_with,
        rotary_dim=convention.rotary_dim,
        head_dim=convention.head_dim,
        theta=convention.theta if own and not convention.frequencies else None,
        frequencies=convention.frequencies,
        positions=convention.positions,
        rotates_v=convention.rotates_v if "v" in convention.slots else None,
        in_place=convention.in_place,
    )


def _full_lanes(convention: Convention) -> Any:
    full = convention.tables in ("repeated", "packed", "angles-repeated")
    return (convention.table_lanes or convention.pairing) if full else None


def call_words(convention: Convention) -> str:
    """Return the call in words, with the shapes of what goes in."""
    names = {"table": f"{convention.tables} table"}
    return f"f({', '.join(names.get(role, role) for role in convention.called_with)})"


def _judged(asked: traits.Function, sizes: Sizes) -> tuple[float | None, list[Remark]]:
    try:
        off = traits.measured(asked, sizes)
        wrong = traits.mistake(asked, sizes)
    except Exception as error:  # it takes the probe's call and not this one
        line = (str(error).splitlines() or [""])[0][:160]
        return None, [remark("raised", f"raises {type(error).__name__} for other sizes: {line}", "a call with random values")]
    shown = f"random values, hard positions: error {off.error:.2f} rounding steps of float32"
    return off.error, [remark(*wrong, shown)] if wrong else []


def _verified(target: Target, found: Found, device: torch.device) -> Found:
    """Return the first of the calls that fit whose values are right for other sizes and positions too."""
    candidates = [replace(found, others=()), *found.others]
    if len(candidates) == 1 or found.convention.tables == "positions":
        return found
    sizes = Sizes(width=found.trier.probe.width)
    for each in candidates:
        try:
            right = traits.mistake(traits.Function(target.function, each.convention, device), sizes) is None
        except Exception:  # it takes the probe's sizes and not these
            right = False
        if right:
            return replace(each, others=tuple(other for other in candidates if other is not each))
    return found


def _applied(target: Target, found: Found, device: torch.device) -> Identified:
    found = _verified(target, found, device)
    found, fixed = _with_width(found, construct.width_hints(target.function))
    remarks = _remarks(found)
    convention, own = found.convention, None
    if convention.tables == "positions" and found.reading.angles is not None:
        own = own_angles.of_applied(found, remark)
        convention = own.convention
        remarks += own.remarks
    width = found.trier.probe.width if fixed else (64 if own is None else found.trier.probe.width)
    sizes = Sizes(width=width) if own is None else Sizes(width=width, positions=own.positions)
    asked = traits.Function(target.function, replace(convention, head_dim=width if fixed else None), device)
    error, wrong = (None, []) if remarks and any(r.mistake for r in remarks) else _judged(asked, sizes)
    asked, told = _more(asked, sizes)
    remarks += wrong + told.remarks
    if not any(one.mistake for one in remarks):
        remarks += _by_row(asked, [each.convention for each in found.others], sizes)
    return _said(target, found, asked, own, remarks, told, error, device)


def _with_width(found: Found, hints: tuple[int, ...]) -> tuple[Found, bool]:
    """Say whether it takes heads of this width only."""
    probe = found.trier.probe
    other = replace(probe, width=24 if probe.width != 24 else 48, rotary=24 if probe.width != 24 else 48)
    trier = engine.Trier(found.trier.function, found.trier.device, other, found.trier.dtype)
    try:
        seen = engine.read(trier, found.convention)
    except Exception:  # it does not take the other width
        return found, True
    return found, seen.exact is not found.exact


def _by_row(asked: traits.Function, others: list[Convention], sizes: Sizes) -> list[Remark]:
    """Give each batch row positions of its own, in the first of the calls that has room for them."""
    every = (asked.convention, *(replace(other, in_place=asked.convention.in_place) for other in others))
    roomy = [each for each in every if "b" in each.axes and _has_room(each)]
    if not roomy:
        return []
    few = tuple(at for at in sizes.positions if isinstance(at, int) and at < 100)
    rows = (few, tuple(reversed(few)))
    try:
        off = traits.measured(replace(asked, convention=roomy[0]), replace(sizes, batch=2, positions=rows))
    except Exception:  # it takes one row of positions for all
        return []
    if off.error <= traits.SAME:
        return []
    words = "uses the positions of one batch row for all rows"
    return [remark("per-batch", words, f"two rows of other positions: error {off.error:.0f} rounding steps")]


def _has_room(convention: Convention) -> bool:
    given = convention.tables == "positions" and convention.positions == "any" and "b" in convention.position_axes
    return "b" in convention.table_axes or given


@dataclass(slots=True)
class _More:
    remarks: list[Remark]
    evidence: list[Told]
    dtype_rule: str | None = None
    takes: dict[str, bool] | None = None
    follows_tables: bool = False


def _more(asked: traits.Function, sizes: Sizes) -> tuple[traits.Function, _More]:
    """Ask for memory, dtypes and what it takes."""
    more = _More([], [])
    try:
        in_place, wrong = traits.memory(asked, sizes)
    except Exception:  # told by `_judged` already
        return asked, more
    if wrong:
        more.remarks.append(remark(*wrong, "inputs and tables compared with copies, bit by bit"))
    asked = replace(asked, convention=replace(asked.convention, in_place=in_place))
    more.evidence.append(
        Told(field="in_place", says="yes" if in_place else "no", because="its input compared with a copy, bit by bit")
    )
    more.dtype_rule, because = traits.dtype_rule(asked, sizes)
    more.evidence.append(Told(field="dtype_rule", says=more.dtype_rule or "refuses bfloat16", because=because))
    more.takes, raised = traits.takes(asked, sizes)
    for question, words in raised.items():
        more.evidence.append(Told(field="takes", says=f"not {question}", because=words))
    more.follows_tables = traits.follows_tables(asked, sizes)
    return asked, more


def _remarks(found: Found) -> list[Remark]:
    reading, convention = found.reading, found.convention
    evidence = f"the matrix of each position, measured with basis vectors in {call_words(convention)}"
    remarks = []
    if reading.problem:
        remarks.append(remark(reading.problem, reading.words, evidence))
    if reading.direction == -1 and not reading.problem:
        remarks.append(remark("direction", "rotates by the negative angle: a choice, as nanochat's", evidence, mistake=False))
    if found.k is not None and found.k != reading:
        remarks.append(_unlike(found.k, reading, evidence))
    if convention.rotates_v:
        remarks.append(remark("v-rotated", "rotates V as well as q and k", "V does not come back as it went in"))
    if found.response.uneven == "head":
        remarks.append(remark("per-head", "the angle depends on the head and not on the position alone", evidence))
    if found.response.uneven == "batch":
        remarks.append(remark("per-batch", "the angle depends on the batch row", evidence))
    if found.response.mixes and not found.response.uneven:
        remarks.append(remark("mixes", "its result is not what its response to each lane adds up to", evidence))
    if found.ignored:
        words = f"gives the same for another {found.ignored}: what it keeps from call to call forgets where positions began"
        remarks.append(remark("offset-ignored", words, f"{found.ignored}=0 and then {found.ignored}=2, as many rows"))
    return remarks + _of_broadcast_v(found)


def _of_broadcast_v(found: Found) -> list[Remark]:
    if found.convention.rotates_v or not any(other.convention.rotates_v for other in found.others):
        return []
    other = next(other.convention for other in found.others if other.convention.rotates_v)
    words = f"rotates V too when the tables have no slot for it, as {shape_words(other.table_axes)}"
    return [remark("v-follows-tables", words, f"tables {shape_words(other.table_axes)} tried as well", mistake=False)]


def _unlike(k: Reading, q: Reading, evidence: str) -> Remark:
    words = k.words or f"pairing {k.pairing}, direction {k.direction}"
    if q.problem and not k.problem:
        words = f"{q.words} (in q alone)"
    elif k.problem:
        words = f"{k.words} (in k alone)"
    elif k.direction != q.direction:
        words = "q and k rotate in different directions"
    return remark("unlike", words, evidence)


def _said(
    target: Target,
    found: Found,
    asked: traits.Function,
    own: Any,
    remarks: list[Remark],
    more: _More,
    error: float | None,
    device: torch.device,
) -> Identified:
    convention = asked.convention
    follows = found.exact and not any(one.mistake for one in remarks)
    described = described_by(convention)
    any_layout = engine.broadcasts(found) and not convention.packed
    described = msgspec.structs.replace(
        described,
        layout=None if any_layout else described.layout,
        dtype_rule=more.dtype_rule,
        takes=more.takes or {},
        schedule=own.schedule if own else None,
        theta=own.theta if own else None,
    )
    if not found.reading.pairing:
        described = None
    return Identified(
        _told(
            target,
            device,
            follows=follows,
            convention=described,
            call=call_words(convention),
            evidence=tuple(_evidence(found, convention, own, more, error)),
            findings=tuple(remarks),
            ambiguous=tuple(_ambiguities(found, own, any_layout)),
            also=() if any_layout else tuple(_also(found)),
            error=error,
            longest_context=own.longest if own else None,
        ),
        convention,
    )


def _evidence(found: Found, convention: Convention, own: Any, more: _More, error: float | None) -> list[Told]:
    probe, reading = found.trier.probe, found.reading
    basis = f"basis vectors in a head of {probe.width} lanes"
    lane, partner = (0, probe.rotary // 2) if reading.pairing == "half" else (0, 1)
    said = [Told(field="call", says=call_words(convention), because=f"{found.trier.calls} calls tried; this one rotates")]
    if reading.pairing:
        half = convention.rotary_dim or probe.rotary
        partner = half // 2 if reading.pairing == "half" else 1
        said.append(Told(field="pairing", says=reading.pairing, because=f"{basis}: lane {lane} leaks into lane {partner}"))
        sign = "-" if (reading.direction or 1) > 0 else "+"
        said.append(
            Told(field="direction", says=f"{reading.direction:+d}", because=f"lane {partner} arrives in lane {lane} as {sign}sin")
        )
        if reading.output_lanes != "same":
            said.append(Told(field="output_lanes", says=reading.output_lanes, because="lane 2 arrives in lane 1"))
    said.append(Told(field="layout", says=_layout_words(found), because="sizes all different: other layouts raise or change shape"))
    if convention.tables != "positions":
        said.append(Told(field="tables", says=table_words(convention), because="tables whose entries all differ: which of them each lane holds"))
    rotary = "as many lanes as the tables say" if more.follows_tables else str(convention.rotary_dim or "all lanes")
    said.append(Told(field="rotary_dim", says=rotary, because="lanes that come back as they went in"))
    if own:
        said += own.evidence
    if error is not None:
        said.append(Told(field="values", says=f"error {error:.2f}", because="random values, hard positions, in rounding steps of float32"))
    return said + more.evidence


def _layout_words(found: Found) -> str:
    convention = found.convention
    shape = shape_words(convention.axes)
    if engine.broadcasts(found) and not convention.packed:
        return f"any: tables just have to line up, as {shape_words(convention.table_axes)} with {shape}"
    return f"{convention.layout} {shape}"


def table_words(convention: Convention) -> str:
    """Return form and axes of the tables."""
    lanes = _full_lanes(convention)
    order = {"half": ", cat(f, f)", "interleaved": ", each value twice"}[lanes] if lanes else ""
    width = "D" if lanes else "D/2"
    return f"{convention.tables} {shape_words(convention.table_axes, width)}{order}"


def _ambiguities(found: Found, own: Any, any_layout: bool) -> list[Ambiguity]:
    ambiguous = list(own.ambiguous) if own else []
    if any_layout:
        every = [found.convention, *(other.convention for other in found.others)]
        possible = {f"{c.layout} with tables {shape_words(c.table_axes)}": None for c in every if c.tables == found.convention.tables}
        ambiguous.append(
            Ambiguity(field="layout", possible=tuple(possible), why="the tables just line up with the tensor: how they are shaped decides")
        )
    if engine.broadcasts(found) and found.convention.packed:
        shapes = f"tables {shape_words(found.convention.table_axes)} with {shape_words(found.convention.axes)}"
        possible = (f"{found.convention.layout}: {shapes}", "any other packing whose tables line up with it")
        ambiguous.append(Ambiguity(field="layout", possible=possible, why="nothing in it tells which axis is which"))
    if (found.convention.rotary_dim or found.trier.probe.rotary) == 2:
        ambiguous.append(Ambiguity(field="pairing", possible=("half", "interleaved"), why="of two lanes both are the same"))
    return ambiguous


def _also(found: Found) -> list[str]:
    said = {}
    for other in (each.convention for each in found.others):
        if other.tables == "positions":
            said[f"{other.layout} {shape_words(LAYOUTS[other.layout])}"] = None
        else:
            said[f"{other.layout} {shape_words(other.axes)} with tables {shape_words(other.table_axes)}"] = None
    return list(said)


Judge = Callable[..., Remark]
__all__ = ["SAME", "Identified", "call_words", "described_by", "identified", "remark"]
