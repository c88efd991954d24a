"""What the lanes of a result are made of, as formulas in the entries of the tables that went in.

For what is no known departure: `lane 0 of q is x[8]*cos[0] - x[8]*sin[0], where x[0]*cos[0] - x[8]*sin[0] belongs`.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.convention import Convention, role_of
from rotcheck.identify.reading.departure import Parts
from rotcheck.identify.reading.locations import where
from rotcheck.identify.reading.response import TOLERANCE, Caller, Sample

WIDEST = 32  # lanes of a head that are asked one by one
MOST_TERMS = 4  # of a lane
SHOWN = 3  # kinds of lanes
HALVES = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)

Terms = dict[tuple[int, int], Tensor]
"""What a lane takes of each slot's lanes, (S,); under (-1, -1) what it takes of none."""


def of_lanes(trier: Caller, look: Sample, parts: Parts, cos: Tensor, sin: Tensor) -> str:
    """Return which lanes depart from a convention and what they are made of, by tables (S, W); empty: no formula."""
    if trier.probe.width > WIDEST:
        return ""
    departs = (
        torch.stack(look.outputs) - parts.expected
    ).abs() > 50 * TOLERANCE  # (slots, B, S, H, D)
    try:
        every = _terms(trier, look.convention)
    except Exception:  # it takes random values and no basis vectors
        return ""
    if not _explains(every, look):
        return ""
    roles = list(map(role_of, look.convention.called_with))
    names = ("x",) if len(look.outputs) == 1 and "x" in roles else look.convention.slots
    lanes = departs.flatten(1, 3).double().mean(1).gt(0.02)  # (slots, D)
    atoms = _atoms(cos, sin)
    groups: dict[str, list[tuple[int, int, str]]] = {}  # lanes of one kind of formula
    for slot, lane in lanes.nonzero().tolist():
        made = _formula(every[slot][lane], atoms, names)
        if not made:
            return ""
        kind = _NUMBER.sub("", made.replace(f"{names[slot]}[", "its["))
        groups.setdefault(kind, []).append((slot, lane, made))
    if len(groups) > SHOWN:
        return ""
    return ", and ".join(_words(group, parts, names, departs) for group in groups.values())


_NUMBER = re.compile(r"\[\d+\]")


def _words(
    group: list[tuple[int, int, str]], parts: Parts, names: Sequence[str], departs: Tensor
) -> str:
    """Return in words which lanes are made alike, and how the first of them is."""
    slot, first, made = group[0]
    only = torch.zeros_like(departs)
    for other, lane, _ in group:
        only[other, ..., lane] = True
    alike = [(lane, formula) for other, lane, formula in group if other == slot]
    kind = f"like lane {first}, " if len(alike) > 1 else ""
    until = (
        f", to lane {alike[-1][0]}, {alike[-1][1]}" if len(alike) > 1 and not parts.agrees else ""
    )
    made_so = f"are made {kind or 'as '}{made}{_belongs(parts, first, names[slot])}{until}"
    return f"{where(departs & only, names)} {made_so}"


def _belongs(parts: Parts, lane: int, name: str) -> str:
    if parts.source is None or parts.partner is None or parts.column is None or not parts.agrees:
        return ""
    own, other = int(parts.source[lane]), int(parts.source[parts.partner[lane]])
    if not float(parts.sign[lane]):
        return f", where {name}[{lane}] belongs"
    column, sign = int(parts.column[lane]), "-" if float(parts.sign[lane]) < 0 else "+"
    return f", where {name}[{own}]*cos[{column}] {sign} {name}[{other}]*sin[{column}] belongs"


def _terms(trier: Caller, convention: Convention) -> list[list[Terms]]:
    """Return for each slot and lane what it takes, of the first batch row and head."""
    nothing = torch.zeros(trier.shape(convention), dtype=torch.float64)
    slots = len(convention.slots)
    rest = [got[0, :, 0] for got in trier.call(convention, [nothing] * slots)]  # (S, D) each
    every: list[list[Terms]] = [
        [
            {(-1, -1): one[:, lane]} if bool(one[:, lane].abs().max() > TOLERANCE) else {}
            for lane in range(one.shape[-1])
        ]
        for one in rest
    ]
    for source in range(slots):
        for lane in range(trier.probe.width):
            given = [nothing.clone() for _ in range(slots)]
            given[source][..., lane] = 1.0
            for to, got in enumerate(trier.call(convention, given)):
                column = got[0, :, 0] - rest[to]  # (S, D)
                for at in column.abs().amax(0).gt(TOLERANCE).nonzero().flatten().tolist():
                    every[to][at][source, lane] = column[:, at]
    return every


def _explains(every: list[list[Terms]], look: Sample) -> bool:
    """Return whether these terms make up what came back of random values, in each batch row and head."""
    for slot, got in zip(every, look.outputs):
        for lane, terms in enumerate(slot):
            made = torch.zeros_like(got[..., lane])
            for (source, at), value in terms.items():
                made += value[None, :, None] * (
                    look.inputs[source][..., at] if source >= 0 else 1.0
                )
            if not bool((got[..., lane] - made).abs().max() <= 50 * TOLERANCE):
                return False
    return True


def _atoms(cos: Tensor, sin: Tensor) -> tuple[list[str], Tensor]:
    """Return names and values (A, S) of what a factor may be: 1, an entry of a table, or a product of two."""
    names, values = ["1"], [torch.ones_like(cos[:, 0])]
    for at in range(cos.shape[-1]):
        c, s = cos[:, at], sin[:, at]
        names += [
            f"cos[{at}]",
            f"sin[{at}]",
            f"cos[{at}]**2",
            f"sin[{at}]**2",
            f"cos[{at}]*sin[{at}]",
        ]
        names += [f"1/cos[{at}]", f"1/sin[{at}]"]
        values += [c, s, c * c, s * s, c * s, 1 / c, 1 / s]
    return names, torch.stack(values)


def _formula(terms: Terms, atoms: tuple[list[str], Tensor], names: Sequence[str]) -> str:
    """Return a lane's formula; empty: it is too long, or a factor is nothing that is known."""
    if not terms:
        return "0"
    if len(terms) > MOST_TERMS:
        return ""
    text = ""
    for (source, at), value in sorted(terms.items(), key=lambda term: term[0][0] < 0):
        factor = _factor(value, *atoms)
        if not factor:
            return ""
        negative, factor = factor.startswith("-"), factor.removeprefix("-")
        lane = f"{names[source]}[{at}]" if source >= 0 else ""
        term = (
            lane if factor == "1" and lane else f"{lane}*{factor}" if lane else factor.strip("()")
        )
        sign = ("-" if negative else "") if not text else (" - " if negative else " + ")
        text += f"{sign}{term}"
    return text


def _factor(value: Tensor, names: list[str], atoms: Tensor) -> str:
    """Return what a factor (S,) is, as `-cos[0]` or `(cos[0] - sin[0])`."""
    for number in HALVES:
        near = (atoms * number - value).abs().amax(-1) < TOLERANCE  # (A,)
        if bool(near.any()):
            return f"{_number(number)}{names[int(near.double().argmax())]}"
    for first, second in ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)):
        both = first * atoms[:, None] + second * atoms[None]  # (A, A, S)
        near = (both - value).abs().amax(-1) < TOLERANCE
        if bool(near.any()):
            one, other = near.nonzero()[0].tolist()
            return f"({_number(first)}{names[one]} {'+' if second > 0 else '-'} {names[other]})"
    steady = value[0]
    return f"{float(steady):.4g}" if bool((value - steady).abs().max() < TOLERANCE) else ""


def _number(number: float) -> str:
    return {1.0: "", -1.0: "-"}.get(number, f"{number:g}*")
