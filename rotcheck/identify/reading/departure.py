"""What departs in a function that is nearly a rotation: which lanes, heads and rows, and how.

A call with random values is held against the conventions that come near it, with the tables that went in or with
the angles that its own lanes show.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import torch
from torch import Tensor

from rotcheck.convention import Pairing, role_of
from rotcheck.identify.reading.locations import where
from rotcheck.identify.reading.response import Response, Sample
from rotcheck.rotary.frequencies import inverse_frequencies

NEAR = 2e-3  # values between -1 and 1 closer than this are one
MOST = 0.985  # of all elements that words must explain
READ = ("own", "half-width", "first half")
VAGUE = "hold something else than the rotation"
SURE = 0.999
COARSE = 0.03
MOST_WAYS = 5
MOST_CONVENTIONS = 8  # that are looked at, where some elements follow one
THETAS = (10000.0, 500000.0, 1000000.0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a lane is made of in a convention: `own` cos + `other` sin, all (slots, B, S, H, D)."""

    lane: Tensor
    partner_lane: Tensor  # of the partner, with its sign
    cos: Tensor
    sin: Tensor
    sign: Tensor  # (D,): with which sin comes; 0 of lanes that stay
    peculiarity: str = ""  # what is unusual in the convention
    partner: Tensor | None = None  # (D,)
    source: Tensor | None = None  # (D,): which lane of x stands in `own`
    column: Tensor | None = None  # (D,): of the tables; of lanes that stay any
    agrees: bool = False  # some elements are as they should be

    @property
    def expected(self) -> Tensor:
        """What the convention gives."""
        return self.lane * self.cos + self.partner_lane * self.sin


@dataclass(frozen=True, slots=True)
class Defect:
    """What departs from the nearest convention, in words, and how that pairs lanes; no words: nothing comes near."""

    words: str = ""
    pairing: Pairing = "half"
    described_only: bool = False  # words say what came, and no known departure gives it

    @property
    def vague(self) -> bool:
        """Whether it says where something departs, and not by which known departure."""
        return self.described_only or VAGUE in self.words


NO_DEFECT = Defect()


def of_response(response: Response, positions: Sequence[int]) -> Defect:
    """Return what departs from the nearest convention."""
    look = response.sample
    every = list(_conventions(response, look, positions)) if look else []
    return of_look(look, every) if look and every else NO_DEFECT


def nearest(response: Response, positions: Sequence[int]) -> Parts | None:
    """Return the convention that most elements follow, or the commonest where none does."""
    if response.sample is None:
        return None
    got = torch.stack(response.sample.outputs)  # (slots, B, S, H, D)
    every = [
        one
        for one in _conventions(response, response.sample, positions)
        if one.lane.shape == got.shape
    ]
    if not every:
        return None
    first = _nearest(every, got)[0]
    return replace(first, agrees=float(_same(got, first.expected).double().mean()) > 0.3)


def of_look(look: Sample, every: Sequence[Parts]) -> Defect:
    """Return what departs in a call from the nearest of these conventions."""
    got = torch.stack(look.outputs)  # (slots, B, S, H, D)
    names = look.convention.slots
    every = _nearest([parts for parts in every if parts.lane.shape == got.shape], got)
    best: tuple[float, float, Defect] = (MOST, 0.0, NO_DEFECT)
    for parts in every:
        agree = _same(got, parts.expected)
        share = float(agree.double().mean())
        for made, how in _ways(parts, got, names):
            explained = float((agree | _same(got, made)).double().mean())
            if explained > best[0] + 1e-3 or (explained >= best[0] and share > best[1] + COARSE):
                best = explained, share, _departure(_words(~agree, how, names, parts), parts)
        if best[0] > SURE and best[1] > 0.3:
            break
    return best[2] if best[2].words else _two(got, every, names)


def _departure(words: str, parts: Parts) -> Defect:
    neighbours = parts.partner is not None and int(parts.partner[0]) == 1
    return Defect(words, "interleaved" if neighbours else "half")


def _nearest(every: Sequence[Parts], got: Tensor) -> list[Parts]:
    """Return the conventions that some elements follow, the most first; all, where no element follows any."""
    shares = [float(_same(got, parts.expected).double().mean()) for parts in every]
    ordered = sorted(range(len(every)), key=lambda at: -round(shares[at] / COARSE))
    if not ordered or shares[ordered[0]] < 0.3:
        return list(every)
    return [every[at] for at in ordered[:MOST_CONVENTIONS]]


def _two(got: Tensor, every: Sequence[Parts], names: Sequence[str]) -> Defect:
    """Return what departs in two ways at once, of the convention that most elements follow."""
    found: tuple[float, Defect] = (MOST, NO_DEFECT)
    for parts in sorted(
        every, key=lambda parts: -float(_same(got, parts.expected).double().mean())
    )[:MOST_CONVENTIONS]:
        agree = _same(got, parts.expected)
        ways = [(_same(got, made) & ~agree, how) for made, how in _ways(parts, got, names)]
        ways.sort(
            key=lambda way: -round(float(way[0].double().mean()) / COARSE)
        )  # of equal ones the plainest first
        for (first, one), (second, other) in combinations(ways[:MOST_WAYS], 2):
            rest = second & ~first
            if float((agree | first | rest).double().mean()) > found[0] + (
                COARSE / 3 if found[1].words else 0
            ):
                each = (_words(first, one, names, parts), _words(rest, other, names, parts))
                words = ", and ".join(filter(None, each))
                found = float((agree | first | rest).double().mean()), _departure(words, parts)
        if not found[1].words and float(agree.double().mean()) > 0.45:
            return _departure(_words(~agree, VAGUE, names, parts), parts)
    return found[1]


def _same(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs() < NEAR


def _words(departs: Tensor, how: str, names: Sequence[str], parts: Parts) -> str:
    if not bool(departs.any()):
        return ""
    text = f"{where(departs, names)} {_signed(how, departs, parts)}"
    return f"{text}{', ' if parts.peculiarity else ''}{parts.peculiarity}"


def _signed(how: str, departs: Tensor, parts: Parts) -> str:
    """Fill in the signs, which are those of the lanes that depart, if they are the same for all of these."""
    lanes = departs.any(0).any(0).any(0).any(0)
    signs = set(parts.sign[lanes].tolist()) - {0.0}
    if how == _SIGN:
        if len(signs) > 1:
            return "have the sign of sin exchanged within each pair: the angle is the negative one"
        here, there = ("-", "+") if signs == {1.0} else ("+", "-")
        return f"hold {here} sin where {there} sin belongs"
    return how


_SIGN = "sign of sin"


def _ways(parts: Parts, got: Tensor, names: Sequence[str]) -> Iterator[tuple[Tensor, str]]:
    """Yield what known departures give, and what to say of the elements that hold it, the plainest first."""
    a, b, c, s = parts.lane, parts.partner_lane, parts.cos, parts.sin
    turned = parts.sign != 0
    plain: tuple[tuple[Tensor, str], ...] = (
        (a, "come back unrotated"),
        (a * 0, "come back as zeros"),
        (a * c - b * s, _SIGN),
        (-a * c + b * s, "hold - cos where + cos belongs"),
        (-a * c - b * s, "come back with the other sign"),
        (a * s + b * c, "take sin for cos and cos for sin"),
        (a * s - b * c, "take sin for cos and cos for sin, with the other sign"),
        (a * c + b * c, "take cos where sin belongs"),
        (a * s + b * s, "take sin where cos belongs"),
        (a * c - b * c, "take cos where sin belongs, with the other sign"),
        (a * c, "lack the term with sin"),
        (b * s, "lack the term with cos"),
        (a + b * s, "lack the factor cos"),
        (a * c + b, "lack the factor sin"),
        (a + b, "lack the factors cos and sin"),
        (b * c + b * s, "take their partner's lane for their own"),
        (-b * c + b * s, "take their partner's lane for their own"),
        (a * c + a * s, "take their own lane for their partner's"),
        (a * c - a * s, "take their own lane for their partner's"),
        (a * c + a * s * parts.sign, "take their own lane for their partner's"),
        (a * c - a * s * parts.sign, "take their own lane for their partner's"),
        (b * c + a * s, "take their own and their partner's lane for each other"),
        (-b * c + a * s, "take their own and their partner's lane for each other"),
        (b * c - a * s, "take their own and their partner's lane for each other"),
        (-b * c - a * s, "take their own and their partner's lane for each other"),
        (b, "hold their partner's lane, unrotated"),
        (-b, "hold their partner's lane, unrotated"),
        (a / c + b * s, "divide by cos, which they should multiply with"),
        (a * c + b / s, "divide by sin, which they should multiply with"),
        ((a + c) + b * s, "add cos, which they should multiply with"),
        (a * c + (b + s * parts.sign), "add sin, which they should multiply with"),
        (a * c + (b + s), "add sin, which they should multiply with"),
        (a * c + (b - s), "add sin, which they should multiply with"),
        ((a - c) + b * s, "subtract cos, which they should multiply with"),
        (a * c * (b * s), "multiply the terms with cos and sin, which they should add"),
        (
            a * c * (b * s) * parts.sign,
            "multiply the terms with cos and sin, which they should add",
        ),
        (a * c / (b * s), "divide the terms with cos and sin, which they should add"),
        (
            a + torch.where(parts.sign < 0, c, s),
            "have cos and sin added, which they should multiply with",
        ),
        ((a * c + b) * s, "add before they multiply with sin"),
        (a * c * c + b * s, "multiply with cos twice"),
        (a * c + b * s * s, "multiply with sin twice"),
        (a * c + b * c * s, "multiply the term with sin with cos too"),
        (a * c * s + b * s, "multiply the term with cos with sin too"),
    )
    yield from ((torch.where(turned, made, a), how) for made, how in plain)
    yield from _of_pairs(parts)
    yield from _of_slots(parts, names)
    yield from _of_rows(parts, got)
    yield from _of_lanes(parts)
    yield from _of_columns(parts)
    yield from _of_factors(parts, got)


def _of_pairs(parts: Parts) -> Iterator[tuple[Tensor, str]]:
    """Yield what comes of steps that follow one another: what was written is read again."""
    if parts.partner is None:
        return
    at, s, c = parts.partner, parts.sin, parts.cos
    right, sign = parts.expected, parts.sign
    yield right * c + (right[..., at] * sign) * s, "turn twice"
    yield parts.lane * c + (right[..., at] * sign) * s, "are made with their partner's new value"
    yield right[..., at], "stand in their partner's place"
    for moved, words in ((c[..., at], "cos"), (s[..., at], "sin")):
        cos, sin = (moved, s) if words == "cos" else (c, moved)
        yield (
            parts.lane * cos + parts.partner_lane * sin,
            f"take {words} of their partner's lane in the table",
        )


def _of_slots(parts: Parts, names: Sequence[str]) -> Iterator[tuple[Tensor, str]]:
    right = parts.expected
    for at, name in enumerate(names) if len(names) > 1 else ():
        yield right[at].expand_as(right), f"hold {name}'s lanes"
        yield parts.lane[at].expand_as(right), f"hold {name}'s lanes, unrotated"
        mixed_own = parts.lane[at] * parts.cos + parts.partner_lane * parts.sin
        mixed_other = parts.lane * parts.cos + parts.partner_lane[at] * parts.sin
        yield mixed_own, f"hold {name}'s lanes in the term with cos"
        yield mixed_other, f"hold {name}'s lanes in the term with sin"
    if len(names) > 1:
        yield (
            torch.cat((right[:2].flip(0), right[2:])),
            "stand in each other's place: q's result is k's",
        )


def _of_rows(parts: Parts, got: Tensor) -> Iterator[tuple[Tensor, str]]:
    rows = parts.cos.shape[2]
    for by, words in ((1, "the next row's angle"), (-1, "the angle of the row before")):
        yield (
            _with_tables(parts, parts.cos.roll(-by, 2), parts.sin.roll(-by, 2)),
            f"turn with {words}",
        )
    for row in range(min(rows, 12)):
        cos, sin = (table[:, :, row : row + 1].expand_as(table) for table in (parts.cos, parts.sin))
        yield _with_tables(parts, cos, sin), f"turn as row {row}"
        yield _with_tables(parts, cos, parts.sin), f"take cos of row {row}"
        yield _with_tables(parts, parts.cos, sin), f"take sin of row {row}"
    heads = parts.cos.shape[3]
    at = torch.arange(heads)
    cos, sin = (
        table[:, :, at % rows, 0].unsqueeze(2).expand_as(table) for table in (parts.cos, parts.sin)
    )
    made = _with_tables(parts, cos, sin)
    known = (at < rows)[:, None]  # the tables have no row for the others
    yield torch.where(known, made, got), "turn with the number of the head, and not with the row"
    yield _reversed(parts)


def _reversed(parts: Parts) -> tuple[Tensor, str]:
    return _with_tables(
        parts, parts.cos.flip(2), parts.sin.flip(2)
    ), "turn as the rows counted from the end"


def _with_tables(parts: Parts, cos: Tensor, sin: Tensor) -> Tensor:
    made = parts.lane * cos + parts.partner_lane * sin
    return torch.where(parts.sign != 0, made, parts.lane)


def _of_lanes(parts: Parts) -> Iterator[tuple[Tensor, str]]:
    """Yield results that stand in other lanes than they should, or are made of other lanes."""
    right, width = parts.expected, parts.lane.shape[-1]
    turning = int((parts.sign != 0).sum())
    still = width - turning
    if still:
        yield (
            torch.cat((right[..., turning:], right[..., :turning]), -1),
            ("are written behind the lanes that stay, which belong behind them"),
        )
    for by in dict.fromkeys((1, -1, width // 2, width // 4, turning // 2)):
        yield (
            right.roll(by, -1),
            f"hold what belongs {abs(by)} lanes {'before' if by > 0 else 'behind'}",
        )
        moved = parts.lane.roll(by, -1) * parts.cos + parts.partner_lane * parts.sin
        yield moved, f"take a lane {abs(by)} off where their own belongs"
        moved = parts.lane * parts.cos + parts.partner_lane.roll(by, -1).abs() * 0
    yield right.flip(-1), "stand in the reverse order"
    if width % 2 == 0:
        halves = right.view(*right.shape[:-1], 2, width // 2)
        yield (
            halves.transpose(-1, -2).flatten(-2),
            "are written as neighbours, which belong in halves",
        )
        yield (
            right.view(*right.shape[:-1], width // 2, 2).transpose(-1, -2).flatten(-2),
            "are written in halves, which belong as neighbours",
        )


def _of_columns(parts: Parts) -> Iterator[tuple[Tensor, str]]:
    """Yield what other lanes of the tables give."""
    width = int((parts.sign != 0).sum())
    lane = torch.arange(parts.cos.shape[-1])
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
        at = order.clamp(0, parts.cos.shape[-1] - 1)
        cos, sin = parts.cos[..., at], parts.sin[..., at]
        yield _with_tables(parts, cos, sin), words
        yield _with_tables(parts, cos, parts.sin), f"{words}, of cos"
        yield _with_tables(parts, parts.cos, sin), f"{words}, of sin"


def _of_factors(parts: Parts, got: Tensor) -> Iterator[tuple[Tensor, str]]:
    """Yield a constant factor or summand, of the terms or of the whole."""
    a, b = parts.lane * parts.cos, parts.partner_lane * parts.sin
    right = a + b
    wrong = ~_same(got, right)
    if not bool(wrong.any()):
        return
    factor = _usual(got[wrong] / right[wrong])
    yield right * factor, f"are {factor:.4g} times what they should be"
    yield a * _usual((got - b)[wrong] / a[wrong]) + b, "multiply the term with cos with a number"
    yield a + b * _usual((got - a)[wrong] / b[wrong]), "multiply the term with sin with a number"
    more = _usual((got - right)[wrong])
    yield right + more, f"are {more:.4g} more than they should be"
    for sign in (1, -1):  # one more of a lane, or a lane more
        yield (
            right + sign * parts.lane,
            f"have their own lane {'added' if sign > 0 else 'taken away'}",
        )
        yield (
            right + sign * parts.partner_lane,
            f"have their partner's lane {'added' if sign > 0 else 'taken away'}",
        )
    yield right * right, "are squared"


def _usual(values: Tensor) -> float:
    finite = values[torch.isfinite(values)]
    return float(finite.median()) if len(finite) else 0.0


def _conventions(response: Response, look: Sample, positions: Sequence[int]) -> Iterator[Parts]:
    """Yield the conventions that may be meant, the commonest first."""
    x = torch.stack(look.inputs)  # (slots, B, S, H, D)
    still = [name == "v" for name in look.convention.slots]
    if response.cos is not None and response.sin is not None:
        tables = [(response.cos, response.sin, "")]
        joined = any(
            "cos" in role and "sin" in role for role in map(role_of, look.convention.arguments)
        )  # in which order, the response tells
        tables += [(response.sin, response.cos, "")] if joined else []
    else:
        tables = list(_own_tables(response, x.shape[-1], positions))
    for (cos, sin, said), pairing in product(tables, _PAIRINGS):
        for read in READ if response.cos is not None else ("half-width",):
            for parts in _parts(x, cos, sin, pairing, read):
                yield _v_left(replace(parts, peculiarity=parts.peculiarity or said), still)


_PAIRINGS: tuple[Pairing, ...] = ("half", "interleaved")


def _own_tables(
    response: Response, width: int, positions: Sequence[int]
) -> Iterator[tuple[Tensor, Tensor, str]]:
    """Yield tables (S, P) of one that makes its angles itself: the usual ones, and those that its lanes show."""
    rows = torch.tensor(positions, dtype=torch.float64)[:, None]
    for theta, share in product(THETAS, (1, 2, 4)):
        if width // share >= 2:
            angles = rows * inverse_frequencies(width // share, theta)  # (S, P)
            yield angles.cos(), angles.sin(), ""
    matrix = response.matrices[0]
    if not bool(torch.isfinite(matrix).all()):
        return
    lane = torch.arange(width // 2)
    for first, second in ((lane, lane + width // 2), (2 * lane, 2 * lane + 1)):
        for own, other, sign in ((first, second, -1), (second, first, 1)):
            cos, sin = matrix[:, own, own], sign * matrix[:, own, other]  # (S, P)
            if bool(((cos.square() + sin.square()) - 1).abs().max() < 1e-3) and bool(
                sin.abs().max() > 1e-3
            ):
                yield cos, sin, ""


def _parts(x: Tensor, cos: Tensor, sin: Tensor, pairing: Pairing, read: str) -> Iterator[Parts]:
    """Yield the parts of a rotation by tables (S, W), in both directions.

    `read`: each lane takes a column of its own, or each pair one of the first half, or one of tables of half the width.
    """
    width, columns = x.shape[-1], cos.shape[-1]
    turning = 2 * columns if read == "half-width" else columns
    if turning > width or turning % 2:
        return
    lane = torch.arange(turning)
    half = turning // 2
    for written in dict.fromkeys((pairing, "half")):
        first = lane < half if written == "half" else lane % 2 == 0
        partner = (lane + half) % turning if written == "half" else lane ^ 1
        column = lane if read == "own" else (lane % half if written == "half" else lane // 2)
        source = lane if written == pairing else 2 * (lane % half) + lane // half
        yield from _of_lanes_and_columns(x, cos, sin, source, partner, column, first)


def _of_lanes_and_columns(
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    source: Tensor,
    partner: Tensor,
    column: Tensor,
    first: Tensor,
) -> Iterator[Parts]:
    """Yield the parts of a rotation, in both directions, whose lanes take what these say."""
    width, turning = x.shape[-1], len(source)
    sign = torch.where(first, -1.0, 1.0).double()
    shape = (1, 1, cos.shape[0], 1, turning)
    rest = width - turning
    columns = torch.cat((column, column.new_zeros(rest)))
    c = torch.cat((cos[:, column].view(shape), cos.new_ones(*shape[:-1], rest)), -1)
    s = torch.cat((sin[:, column].view(shape), sin.new_zeros(*shape[:-1], rest)), -1)
    others = torch.arange(turning, width)
    at = torch.cat((partner, others))
    sources = torch.cat((source, others))
    own = x[..., sources]
    signs = torch.cat((sign, sign.new_zeros(rest)))
    for direction in (1, -1):
        named = "" if direction == 1 else "in a rotation by the negative angle"
        signed = signs * direction
        other = own[..., at] * signed
        yield Parts(own, other, c.expand_as(x), s.expand_as(x), signed, named, at, sources, columns)


def _v_left(parts: Parts, still: Sequence[bool]) -> Parts:
    """Leave v alone."""
    if not any(still):
        return parts
    turns = torch.tensor([not each for each in still]).view(-1, 1, 1, 1, 1)
    cos = torch.where(turns, parts.cos, torch.ones_like(parts.cos))
    return replace(parts, cos=cos, sin=parts.sin * turns)
