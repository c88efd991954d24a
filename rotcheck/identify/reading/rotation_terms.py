"""The conventions that a call may have meant,
each as the terms that make up every lane of its result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import pad

from rotcheck.convention import Pairing, role_of
from rotcheck.identify.reading.mistake_matrices import PAIRINGS
from rotcheck.identify.reading.response import Response
from rotcheck.rotary.frequencies import inverse_frequencies

SAME_VALUE = 2e-3  # values between -1 and 1 closer than this are one
COARSE = 0.03  # shares of elements closer than this are one
BEYOND_CHANCE = 0.3  # of all elements: fewer agree by chance
MOST_CONVENTIONS = 8  # that are compared, where some elements follow one
THETAS = (10000.0, 500000.0, 1000000.0)
COLUMN_ORDERS: tuple[str, ...] = (
    "of the lane",
    "half-width",
    "first half",
)  # which column of a table a lane reads


@dataclass(frozen=True, slots=True)
class RotationTerms:
    """What each lane is made of in a convention:
    `lane` cos + `partner_lane` sin, all (slots, B, S, H, D)."""

    lane: Tensor
    partner_lane: Tensor  # with its sign
    cos: Tensor
    sin: Tensor
    sign: Tensor  # (D,): with which sin comes; 0 of lanes that stay
    partner: Tensor  # (D,)
    source: Tensor  # (D,): which lane of x stands in `lane`
    column: Tensor  # (D,): of the tables; of lanes that stay any
    peculiarity: str = ""  # what is unusual in the convention
    agrees: bool = False  # some elements are as they should be

    @property
    def result(self) -> Tensor:
        """What the convention gives."""
        return self.lane * self.cos + self.partner_lane * self.sin

    def agreement(self, outputs: Tensor) -> Tensor:
        """Which elements are what the convention gives."""
        return is_near(outputs, self.result)

    def with_tables(self, cos: Tensor, sin: Tensor) -> Tensor:
        """What the convention gives with other tables; lanes that stay stay."""
        rotation = self.lane * cos + self.partner_lane * sin
        return torch.where(self.sign != 0, rotation, self.lane)


def is_near(values: Tensor, reference: Tensor) -> Tensor:
    """Which elements are as expected."""
    return (values - reference).abs() < SAME_VALUE


def share(mask: Tensor) -> float:
    """The share of elements that are true."""
    return float(mask.double().mean())


def nearest_conventions(response: Response, positions: Sequence[int]) -> list[RotationTerms]:
    """The conventions that some elements follow, the one of most first;
    all, where no element follows any."""
    outputs = torch.stack(response.sample.outputs)  # (slots, B, S, H, D)
    candidates = _conventions(response, positions)
    conventions = [terms for terms in candidates if terms.lane.shape == outputs.shape]
    shares = [share(terms.agreement(outputs)) for terms in conventions]
    order = sorted(range(len(shares)), key=lambda at: -round(shares[at] / COARSE))
    if not order or shares[order[0]] < BEYOND_CHANCE:
        return conventions
    return [conventions[at] for at in order[:MOST_CONVENTIONS]]


def nearest_convention(response: Response, positions: Sequence[int]) -> RotationTerms | None:
    """The convention that most elements follow, or the commonest where none does."""
    conventions = nearest_conventions(response, positions)
    if not conventions:
        return None
    agreement = conventions[0].agreement(torch.stack(response.sample.outputs))
    return replace(conventions[0], agrees=share(agreement) > BEYOND_CHANCE)


def _conventions(response: Response, positions: Sequence[int]) -> Iterator[RotationTerms]:
    """Yield the conventions that may be meant, the commonest first."""
    convention, cos, sin = response.sample.convention, response.cos, response.sin
    x = torch.stack(response.sample.inputs)  # (slots, B, S, H, D)
    still = torch.tensor([name == "v" for name in convention.slots])
    if cos is None or sin is None:
        tables, orders = list(_computed_tables(response, positions)), COLUMN_ORDERS[1:2]
    else:
        tables, orders = [(cos, sin)], COLUMN_ORDERS
        roles = map(role_of, convention.arguments)
        if any("cos" in role and "sin" in role for role in roles):  # the response tells the order
            tables.append((sin, cos))
    for (c, s), pairing, columns in product(tables, PAIRINGS, orders):
        for terms in _both_directions(x, c, s, pairing, columns):
            yield _without_v(terms, still)


def _computed_tables(
    response: Response, positions: Sequence[int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield tables (S, P) of a function that makes its angles:
    the usual ones, and those that its lanes show."""
    matrix = response.matrices[0]
    width = matrix.shape[-1]
    rows = torch.tensor(positions, dtype=torch.float64)[:, None]
    for theta, part in product(THETAS, (1, 2, 4)):
        if width // part >= 2:
            angles = rows * inverse_frequencies(width // part, theta)  # (S, P)
            yield angles.cos(), angles.sin()
    if not bool(torch.isfinite(matrix).all()):
        return
    lane = torch.arange(width // 2)
    for first, second in ((lane, lane + width // 2), (2 * lane, 2 * lane + 1)):
        for row, column, sign in ((first, second, -1), (second, first, 1)):
            cos, sin = matrix[:, row, row], sign * matrix[:, row, column]  # (S, P)
            turns = bool(sin.abs().max() > 1e-3)
            if turns and bool((cos.square() + sin.square() - 1).abs().max() < 1e-3):
                yield cos, sin


def _both_directions(
    x: Tensor, cos: Tensor, sin: Tensor, pairing: Pairing, columns: str
) -> Iterator[RotationTerms]:
    """Yield the terms of a rotation by tables (S, W), by the angle and by the negative one.

    `columns`: each lane reads a column of its own, or each pair one of the first half,
    or one of half-width tables.
    """
    turning = 2 * cos.shape[-1] if columns == "half-width" else cos.shape[-1]
    if turning > x.shape[-1] or turning % 2:
        return
    stay, rest = torch.arange(turning, x.shape[-1]), (0, x.shape[-1] - turning)
    lane, half = torch.arange(turning), turning // 2
    for order in dict.fromkeys((pairing, "half")):  # of the lanes that are written
        first, partner, of_pair = (
            (lane < half, (lane + half) % turning, lane % half)
            if order == "half"
            else (lane % 2 == 0, lane ^ 1, lane // 2)
        )
        column = lane if columns == "of the lane" else of_pair
        source = torch.cat((lane if order == pairing else 2 * (lane % half) + lane // half, stay))
        partner = torch.cat((partner, stay))
        lanes = x[..., source]
        c = pad(cos[:, column], rest, value=1.0)[:, None].expand_as(x)
        s = pad(sin[:, column], rest)[:, None].expand_as(x)
        sign = pad(torch.where(first, -1.0, 1.0).double(), rest)
        for signs, words in ((sign, ""), (-sign, "in a rotation by the negative angle")):
            places = (partner, source, pad(column, rest))
            yield RotationTerms(lanes, lanes[..., partner] * signs, c, s, signs, *places, words)


def _without_v(terms: RotationTerms, still: Tensor) -> RotationTerms:
    """Let the slots (slots,) that stand still stay as they are."""
    if not bool(still.any()):
        return terms
    turns = ~still.view(-1, 1, 1, 1, 1)
    cos = torch.where(turns, terms.cos, torch.ones_like(terms.cos))
    return replace(terms, cos=cos, sin=terms.sin * turns)
