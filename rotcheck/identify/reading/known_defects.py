"""What known defects of a rotation give: one wrong sign, term, lane, row or column.

`measure/` looks for mistakes in the results of a function whose convention is known. Here it is
not: each defect is tried beside each convention that comes near, and the words are of the lanes
that depart, whichever these are.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rotcheck.convention import lanes, pairs
from rotcheck.identify.reading.rotation_terms import RotationTerms

SIGN = "sign of sin"  # which sign, the lanes that depart tell
MOST_ROWS = 12  # of which each may be the only one that is read

Result = tuple[Tensor, str]
"""What a defect gives (slots, B, S, H, D), and what to say of the elements that hold it."""


def known_defects(terms: RotationTerms, outputs: Tensor, slots: Sequence[str]) -> Iterator[Result]:
    """Yield the result of each known defect of a rotation, the plainest first."""
    turning = terms.sign != 0
    parts = (terms.lane, terms.partner_lane, terms.cos, terms.sin, terms.sign)
    for of_kind in (_of_terms, _of_lanes, _of_operations):
        for result, words in of_kind(*parts):
            yield torch.where(turning, result, terms.lane), words
    yield from _of_steps(terms)
    yield from _of_slots(terms, slots)
    yield from _of_rows(terms, outputs)
    yield from _of_places(terms)
    yield from _of_columns(terms)
    yield from _of_factors(terms, outputs)


def _of_terms(a: Tensor, b: Tensor, c: Tensor, s: Tensor, _: Tensor) -> Iterator[Result]:
    """Yield what comes of another sign, of cos and sin in each other's place,
    and of what is missing."""
    yield a, "come back unrotated"
    yield a * 0, "come back as zeros"
    yield a * c - b * s, SIGN
    yield -a * c + b * s, "hold - cos where + cos belongs"
    yield -a * c - b * s, "come back with the other sign"
    yield a * s + b * c, "take sin for cos and cos for sin"
    yield a * s - b * c, "take sin for cos and cos for sin, with the other sign"
    yield a * c + b * c, "take cos where sin belongs"
    yield a * s + b * s, "take sin where cos belongs"
    yield a * c - b * c, "take cos where sin belongs, with the other sign"
    yield a * c, "lack the term with sin"
    yield b * s, "lack the term with cos"
    yield a + b * s, "lack the factor cos"
    yield a * c + b, "lack the factor sin"
    yield a + b, "lack the factors cos and sin"


def _of_lanes(a: Tensor, b: Tensor, c: Tensor, s: Tensor, sign: Tensor) -> Iterator[Result]:
    """Yield what comes of a lane and its partner in each other's place."""
    for cosine in (b * c, -b * c):
        yield cosine + b * s, "take their partner's lane for their own"
    for sine in (a * s, -(a * s), a * s * sign, -(a * s * sign)):
        yield a * c + sine, "take their own lane for their partner's"
    for result in (b * c + a * s, -b * c + a * s, b * c - a * s, -b * c - a * s):
        yield result, "take their own and their partner's lane for each other"
    for result in (b, -b):
        yield result, "hold their partner's lane, unrotated"


def _of_operations(a: Tensor, b: Tensor, c: Tensor, s: Tensor, sign: Tensor) -> Iterator[Result]:
    """Yield what comes of another operation than belongs, or of one too many."""
    yield a / c + b * s, "divide by cos, which they should multiply with"
    yield a * c + b / s, "divide by sin, which they should multiply with"
    yield (a + c) + b * s, "add cos, which they should multiply with"
    for summand in (s * sign, s, -s):
        yield a * c + (b + summand), "add sin, which they should multiply with"
    yield (a - c) + b * s, "subtract cos, which they should multiply with"
    for product in (a * c * (b * s), a * c * (b * s) * sign):
        yield product, "multiply the terms with cos and sin, which they should add"
    yield a * c / (b * s), "divide the terms with cos and sin, which they should add"
    summand = torch.where(sign < 0, c, s)
    yield a + summand, "have cos and sin added, which they should multiply with"
    yield (a * c + b) * s, "add before they multiply with sin"
    yield a * c * c + b * s, "multiply with cos twice"
    yield a * c + b * s * s, "multiply with sin twice"
    yield a * c + b * c * s, "multiply the term with sin with cos too"
    yield a * c * s + b * s, "multiply the term with cos with sin too"


def _of_steps(terms: RotationTerms) -> Iterator[Result]:
    """Yield what comes of steps that follow one another: what was written is read again."""
    at, s, c = terms.partner, terms.sin, terms.cos
    a, b, whole = terms.lane, terms.partner_lane, terms.result
    partner_result = whole[..., at] * terms.sign
    yield whole * c + partner_result * s, "turn twice"
    yield a * c + partner_result * s, "are made with their partner's new value"
    yield whole[..., at], "stand in their partner's place"
    yield a * c[..., at] + b * s, "take cos of their partner's lane in the table"
    yield a * c + b * s[..., at], "take sin of their partner's lane in the table"


def _of_slots(terms: RotationTerms, slots: Sequence[str]) -> Iterator[Result]:
    """Yield what comes of q, k and v in each other's place."""
    whole, a, b = terms.result, terms.lane, terms.partner_lane
    if len(slots) < 2:
        return
    for at, name in enumerate(slots):
        yield whole[at].expand_as(whole), f"hold {name}'s lanes"
        yield a[at].expand_as(whole), f"hold {name}'s lanes, unrotated"
        yield a[at] * terms.cos + b * terms.sin, f"hold {name}'s lanes in the term with cos"
        yield a * terms.cos + b[at] * terms.sin, f"hold {name}'s lanes in the term with sin"
    exchanged = torch.cat((whole[:2].flip(0), whole[2:]))
    yield exchanged, "stand in each other's place: q's result is k's"


def _of_rows(terms: RotationTerms, outputs: Tensor) -> Iterator[Result]:
    """Yield what comes of other rows of the tables."""
    cos, sin = terms.cos, terms.sin
    rows, heads = cos.shape[2:4]
    for by, row in ((-1, "next row's angle"), (1, "angle of the row before")):
        yield terms.with_tables(cos.roll(by, 2), sin.roll(by, 2)), f"turn with the {row}"
    for at in range(min(rows, MOST_ROWS)):
        c, s = (table[:, :, at : at + 1].expand_as(table) for table in (cos, sin))
        yield terms.with_tables(c, s), f"turn as row {at}"
        yield terms.with_tables(c, sin), f"take cos of row {at}"
        yield terms.with_tables(cos, s), f"take sin of row {at}"
    head = torch.arange(heads)
    c, s = (table[:, :, head % rows, 0].unsqueeze(2).expand_as(table) for table in (cos, sin))
    in_tables = (head < rows)[:, None]  # the tables have no row for the other heads
    by_head = torch.where(in_tables, terms.with_tables(c, s), outputs)
    yield by_head, "turn with the number of the head, and not with the row"
    yield terms.with_tables(cos.flip(2), sin.flip(2)), "turn as the rows counted from the end"


def _of_places(terms: RotationTerms) -> Iterator[Result]:
    """Yield results that stand in other lanes than they should, or are made of other lanes."""
    whole, width = terms.result, terms.lane.shape[-1]
    turning = int((terms.sign != 0).sum())
    if turning < width:
        words = "are written behind the lanes that stay, which belong behind them"
        yield whole.roll(-turning, -1), words
    for by in dict.fromkeys((1, -1, width // 2, width // 4, turning // 2)):
        side = "before" if by > 0 else "behind"
        yield whole.roll(by, -1), f"hold what belongs {abs(by)} lanes {side}"
        moved = terms.lane.roll(by, -1) * terms.cos + terms.partner_lane * terms.sin
        yield moved, f"take a lane {abs(by)} off where their own belongs"
    yield whole.flip(-1), "stand in the reverse order"
    if width % 2 == 0:
        neighbours = lanes(pairs(whole, "half"), "interleaved")
        yield neighbours, "are written as neighbours, which belong in halves"
        halves = lanes(pairs(whole, "interleaved"), "half")
        yield halves, "are written in halves, which belong as neighbours"


def _of_columns(terms: RotationTerms) -> Iterator[Result]:
    """Yield what other columns of the tables give."""
    width = int((terms.sign != 0).sum())
    columns = terms.cos.shape[-1]
    lane = torch.arange(columns)
    half = max(1, width // 2)
    orders = {
        "read the first half of the tables alone": lane % half,
        "read the second half of the tables alone": lane % half + half,
        "read every second lane of the tables": lane // 2 * 2,
        "read the lanes of the tables one further on": (lane + 1) % width,
        "read the lanes of the tables one before": (lane - 1) % width,
        "read the lanes of the tables as pairs of halves": lane % 2 * half + lane // 2,
        "read the lanes of the tables as neighbours": lane % half * 2 + lane // half,
        "read each lane of the first half of the tables twice": lane // 2,
        "read every second lane of the tables twice over": (2 * lane) % width,
        "read every second lane of the tables, from the second on": (2 * lane + 1) % width,
        "read the tables in the reverse order of lanes": width - 1 - lane % width,
    }
    for words, order in orders.items():
        at = order.clamp(0, columns - 1)
        cos, sin = terms.cos[..., at], terms.sin[..., at]
        yield terms.with_tables(cos, sin), words
        yield terms.with_tables(cos, terms.sin), f"{words}, of cos"
        yield terms.with_tables(terms.cos, sin), f"{words}, of sin"


def _of_factors(terms: RotationTerms, outputs: Tensor) -> Iterator[Result]:
    """Yield a constant factor or summand, of the terms or of the whole."""
    a, b = terms.lane * terms.cos, terms.partner_lane * terms.sin
    whole = a + b
    wrong = ~terms.agreement(outputs)
    if not bool(wrong.any()):
        return
    factor = finite_median(outputs[wrong] / whole[wrong])
    yield whole * factor, f"are {factor:.4g} times what they should be"
    of_cos = finite_median((outputs - b)[wrong] / a[wrong])
    yield a * of_cos + b, "multiply the term with cos with a number"
    of_sin = finite_median((outputs - a)[wrong] / b[wrong])
    yield a + b * of_sin, "multiply the term with sin with a number"
    summand = finite_median((outputs - whole)[wrong])
    yield whole + summand, f"are {summand:.4g} more than they should be"
    for sign, change in ((1, "added"), (-1, "taken away")):  # one more of a lane, or a lane more
        yield whole + sign * terms.lane, f"have their own lane {change}"
        yield whole + sign * terms.partner_lane, f"have their partner's lane {change}"
    yield whole * whole, "are squared"


def finite_median(values: Tensor) -> float:
    """The median of the finite values; 0 where there are none."""
    finite = values[torch.isfinite(values)]
    return float(finite.median()) if len(finite) else 0.0
