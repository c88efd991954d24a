"""Likely mistakes, and choices that others do not make, each with the evidence for it."""

from dataclasses import replace

from rotcheck import diagnose
from rotcheck.convention import Convention, shape
from rotcheck.identify.asking import gradients, judged_function
from rotcheck.identify.calling.match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.measure.case import Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT
from rotcheck.results import Remark


def remark(code: str, message: str, evidence: str, *, mistake: bool = True) -> Remark:
    """Return a finding with the cause and fix that are known for it."""
    return Remark(
        code=code,
        message=message,
        evidence=evidence,
        mistake=mistake,
        **diagnose.fields_of(diagnose.for_finding(code)),
    )


def of_response(found: Match) -> list[Remark]:
    """Return what the matrices of a function tell."""
    convention = found.convention
    seen = f"the matrix of each position, measured with basis vectors in {call_words(convention)}"
    remarks = _of_reading(found.reading, seen, found.defect_words)
    told = any(one.message == found.defect_words for one in remarks)
    if found.k is not None and found.k != found.reading and not told:
        remarks.append(_unlike(found.k, found.reading, seen, found.defect_words))
    if convention.rotates_v:
        remarks.append(
            remark(
                "v-rotated", "rotates V as well as q and k", "V does not come back as it went in"
            )
        )
    remarks += _of_unevenness(found, seen) if not (found.response.mixes and told) else []
    if found.idle_offset:
        name = found.idle_offset
        words = f"gives the same for another {name}: it is not used, or what an earlier call kept is given again"
        remarks.append(remark("offset-ignored", words, f"{name}=0 and then {name}=2, as many rows"))
    return remarks + _of_tables_without_v(found)


def _of_reading(reading: MatrixReading, seen: str, departs: str) -> list[Remark]:
    if reading.problem == "xpos":
        words = f"{reading.words}: a choice, which rotcheck does not judge"
        return [remark("xpos", words, seen, mistake=False)]
    if reading.problem:
        vague = (
            reading.problem in ("no-convention", "not-rotated")
            or "different angles" in reading.words
        )
        words = departs if vague and departs else reading.words
        more = f": {departs}" if departs and reading.problem == "one-sign" else ""
        return [remark(reading.problem, f"{words}{more}", seen)]
    if reading.direction == -1:
        words = "rotates by the negative angle: a choice, as nanochat's"
        return [remark("direction", words, seen, mistake=False)]
    return []


def _of_unevenness(found: Match, seen: str) -> list[Remark]:
    departs = found.defect_words
    if found.response.uneven == "head":
        return [
            remark(
                "per-head",
                departs or "the angle depends on the head and not on the position alone",
                seen,
            )
        ]
    if found.response.uneven == "batch":
        return [remark("per-batch", departs or "the angle depends on the batch row", seen)]
    if found.response.mixes:
        return [
            remark(
                "mixes",
                departs or "its result is not what its response to each lane adds up to",
                seen,
            )
        ]
    return []


def _of_tables_without_v(found: Match) -> list[Remark]:
    others = [other.convention for other in found.alternatives if other.convention.rotates_v]
    if found.convention.rotates_v or not others:
        return []
    slotted = [other for other in others if "3" in other.table_axes]
    if slotted:
        words = (
            f"rotates V although the tables have a slot for it, as {shape(slotted[0].table_axes)}"
        )
        return [remark("v-rotated", words, f"tables {shape(slotted[0].table_axes)} tried as well")]
    axes = shape(others[0].table_axes)
    words = f"rotates V too when the tables have no slot for it, as {axes}"
    return [remark("v-follows-tables", words, f"tables {axes} tried as well", mistake=False)]


def _unlike(k: MatrixReading, q: MatrixReading, seen: str, departs: str) -> Remark:
    words = k.words or f"pairing {k.pairing}, direction {k.direction}"
    if q.problem and not k.problem:
        words = f"{q.words} (in q alone)"
    elif k.problem:
        words = f"{k.words} (in k alone)"
    elif k.direction != q.direction:
        words = "q and k rotate in different directions"
    return remark("unlike", departs or words, seen)


def of_values(asked: judged_function.Function, sizes: Sizes) -> tuple[float | None, list[Remark]]:
    """Return the error for random values at hard positions, and what is wrong with them."""
    try:
        off, wrong = judged_function.judged(asked, sizes)
    except Exception as error:  # it takes the probe's call and not this one
        words = f"raises {type(error).__name__} for other sizes: {(str(error).splitlines() or [''])[0][:160]}"
        return None, [remark("raised", words, "a call with random values")]
    shown = f"random values, hard positions: error {off.error:.2f} rounding steps of float32"
    return off.error, [remark(*wrong, shown)] if wrong else []


def of_batch_rows(
    asked: judged_function.Function, others: list[Convention], sizes: Sizes
) -> list[Remark]:
    """Give each batch row positions of its own, in the first of the calls that has room for them."""
    own = asked.convention
    every = (own, *(as_far_as(other, own) for other in others))
    alike = [each for each in every if each.rotates_v == asked.convention.rotates_v]
    roomy = [each for each in alike if has_room(each)]
    if not roomy:
        return []
    few = tuple(at for at in sizes.positions if isinstance(at, int) and at < 100)
    rows = (few, tuple(reversed(few)))
    try:
        off = judged_function.measured(
            replace(asked, convention=roomy[0]), replace(sizes, batch=2, positions=rows)
        )
    except Exception:  # it takes one row of positions for all
        return []
    if off.error <= ROUNDING_LIMIT:
        return []
    words = "uses the positions of one batch row for all rows"
    return [
        remark(
            "per-batch", words, f"two rows of other positions: error {off.error:.0f} rounding steps"
        )
    ]


def as_far_as(other: Convention, own: Convention) -> Convention:
    """Return another call of the same function, with what is known of its angles."""
    return replace(
        other,
        in_place=own.in_place,
        theta=own.theta,
        frequencies=own.frequencies,
        last_position=own.last_position,
        head_dim=own.head_dim,
    )


def has_room(convention: Convention) -> bool:
    """Return whether a call has room for positions of its own in each batch row."""
    given = convention.tables == "positions" and convention.positions == "any"
    own = "b" in convention.table_axes or (given and "b" in convention.position_axes)
    return "b" in convention.axes and own


def of_training(asked: judged_function.Function, sizes: Sizes, *, in_place: bool) -> list[Remark]:
    """Return that autograd does not see what it does: a choice of a kernel, and else a mistake."""
    words, seen = gradients.unseen(asked, sizes, in_place=in_place), "the gradient of a sum"
    if words == gradients.FOR_INFERENCE:
        return [remark("inference", words, seen, mistake=False)]
    return [remark("writes-input", words, seen)] if words else []
