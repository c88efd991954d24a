"""What the lanes of a result are made of, as formulas in the entries of the tables that went in.

For what no known defect gives: `lane 0 of q is x[8]*cos[0] - x[8]*sin[0],
where x[0]*cos[0] - x[8]*sin[0] belongs`.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.convention import Convention, role_of
from rotcheck.identify.reading.caller import Caller, Sample
from rotcheck.identify.reading.locations import where
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.reading.rotation_terms import RotationTerms

WIDEST = 32  # lanes of a head that are asked one by one
MOST_TERMS = 4  # of a lane
MOST_KINDS = 3  # of formulas that are shown
MULTIPLES = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
_NUMBER = re.compile(r"\[\d+\]")

LaneTerms = dict[tuple[int, int], Tensor]
"""The factors (S,) of each slot's lanes in one lane;
under (-1, -1) what does not depend on any lane."""


def lane_formulas(
    caller: Caller, sample: Sample, nearest: RotationTerms, cos: Tensor, sin: Tensor
) -> str:
    """Which lanes depart from a convention and what they are made of, by tables (S, W); empty:
    no formula."""
    if caller.probe.width > WIDEST:
        return ""
    departs = (torch.stack(sample.outputs) - nearest.result).abs() > 50 * TOLERANCE
    try:
        terms = _terms(caller, sample.convention)
    except Exception:  # whatever a function raises that takes random values and no basis vectors
        return ""
    if not _explains(terms, sample):
        return ""
    roles = list(map(role_of, sample.convention.called_with))
    names = ("x",) if len(sample.outputs) == 1 and "x" in roles else sample.convention.slots
    atoms = _atoms(cos, sin)
    kinds: dict[str, list[tuple[int, int, str]]] = {}  # lanes by the kind of their formula
    lanes = departs.flatten(1, 3).double().mean(1).gt(0.02)  # (slots, D)
    for slot, lane in lanes.nonzero().tolist():
        formula = _formula(terms[slot][lane], atoms, names)
        if not formula:
            return ""
        kind = _NUMBER.sub("", formula.replace(f"{names[slot]}[", "its["))
        kinds.setdefault(kind, []).append((slot, lane, formula))
    if len(kinds) > MOST_KINDS:
        return ""
    return ", and ".join(_words(lanes, nearest, names, departs) for lanes in kinds.values())


def _words(
    lanes: list[tuple[int, int, str]], nearest: RotationTerms, names: Sequence[str], departs: Tensor
) -> str:
    """Say which lanes have formulas of one kind, and how the first of them is made."""
    slot, first, formula = lanes[0]
    mask = torch.zeros_like(departs)
    for of_slot, lane, _ in lanes:
        mask[of_slot, ..., lane] = True
    of_first_slot = [(lane, formula) for of_slot, lane, formula in lanes if of_slot == slot]
    several = len(of_first_slot) > 1
    last, last_formula = of_first_slot[-1]
    until = f", to lane {last}, {last_formula}" if several and not nearest.agrees else ""
    like = f"like lane {first}, " if several else "as "
    belongs = _belongs(nearest, first, names[slot])
    return f"{where(departs & mask, names)} are made {like}{formula}{belongs}{until}"


def _belongs(nearest: RotationTerms, lane: int, name: str) -> str:
    source, partner = nearest.source, nearest.partner
    if not nearest.agrees:
        return ""
    sign = float(nearest.sign[lane])
    if not sign:
        return f", where {name}[{lane}] belongs"
    column = int(nearest.column[lane])
    of_cos = f"{name}[{int(source[lane])}]*cos[{column}]"
    of_sin = f"{name}[{int(source[partner[lane]])}]*sin[{column}]"
    return f", where {of_cos} {'-' if sign < 0 else '+'} {of_sin} belongs"


def _terms(caller: Caller, convention: Convention) -> list[list[LaneTerms]]:
    """What each lane of each slot is made of, in the first batch row and head."""
    zeros = torch.zeros(caller.shape(convention), dtype=torch.float64)
    slots = len(convention.slots)
    constants = [out[0, :, 0] for out in caller.call(convention, [zeros] * slots)]  # (S, D) each
    terms = [[_constant(column) for column in slot.unbind(-1)] for slot in constants]
    for source in range(slots):
        for lane in range(caller.probe.width):
            inputs = [zeros.clone() for _ in range(slots)]
            inputs[source][..., lane] = 1.0
            for to, out in enumerate(caller.call(convention, inputs)):
                column = out[0, :, 0] - constants[to]  # (S, D)
                for at in column.abs().amax(0).gt(TOLERANCE).nonzero().flatten().tolist():
                    terms[to][at][source, lane] = column[:, at]
    return terms


def _constant(column: Tensor) -> LaneTerms:
    return {(-1, -1): column} if bool(column.abs().max() > TOLERANCE) else {}


def _explains(terms: list[list[LaneTerms]], sample: Sample) -> bool:
    """Whether these terms make up what came back of random values, in each batch row and head."""
    for slot, outputs in zip(terms, sample.outputs):
        for lane, factors in enumerate(slot):
            total = torch.zeros_like(outputs[..., lane])
            for (source, at), value in factors.items():
                x = sample.inputs[source][..., at] if source >= 0 else 1.0
                total += value[None, :, None] * x
            if not bool((outputs[..., lane] - total).abs().max() <= 50 * TOLERANCE):
                return False
    return True


def _atoms(cos: Tensor, sin: Tensor) -> tuple[list[str], Tensor]:
    """Names and values (A, S) of what a factor may be:
    1, an entry of a table, or a product of two."""
    names, values = ["1"], [torch.ones_like(cos[:, 0])]
    for at in range(cos.shape[-1]):
        c, s = cos[:, at], sin[:, at]
        names += [f"cos[{at}]", f"sin[{at}]", f"cos[{at}]**2", f"sin[{at}]**2"]
        names += [f"cos[{at}]*sin[{at}]", f"1/cos[{at}]", f"1/sin[{at}]"]
        values += [c, s, c * c, s * s, c * s, 1 / c, 1 / s]
    return names, torch.stack(values)


def _formula(factors: LaneTerms, atoms: tuple[list[str], Tensor], names: Sequence[str]) -> str:
    """A lane's formula; empty: it is too long, or a factor is nothing that is known."""
    if not factors:
        return "0"
    if len(factors) > MOST_TERMS:
        return ""
    text = ""
    for (source, at), value in sorted(factors.items(), key=lambda term: term[0][0] < 0):
        factor = _factor(value, *atoms)
        if not factor:
            return ""
        negative, factor = factor.startswith("-"), factor.removeprefix("-")
        if source < 0:
            term = factor.strip("()")
        else:
            lane = f"{names[source]}[{at}]"
            term = lane if factor == "1" else f"{lane}*{factor}"
        sign = ("-" if negative else "") if not text else (" - " if negative else " + ")
        text += f"{sign}{term}"
    return text


def _factor(value: Tensor, names: list[str], atoms: Tensor) -> str:
    """What a factor (S,) is, as `-cos[0]` or `(cos[0] - sin[0])`; empty: nothing that is known."""
    for number in MULTIPLES:
        near = (atoms * number - value).abs().amax(-1) < TOLERANCE  # (A,)
        if bool(near.any()):
            return f"{_number(number)}{names[int(near.double().argmax())]}"
    for first, second in ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)):
        sums = first * atoms[:, None] + second * atoms[None]  # (A, A, S)
        near = (sums - value).abs().amax(-1) < TOLERANCE
        if bool(near.any()):
            a, b = near.nonzero()[0].tolist()
            return f"({_number(first)}{names[a]} {'+' if second > 0 else '-'} {names[b]})"
    steady = value[0]
    return f"{float(steady):.4g}" if bool((value - steady).abs().max() < TOLERANCE) else ""


def _number(number: float) -> str:
    return {1.0: "", -1.0: "-"}.get(number, f"{number:g}*")
