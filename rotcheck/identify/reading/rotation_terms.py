"""The conventions that a call may have meant, each as the terms that make up every lane of its result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from rotcheck.convention import Pairing, role_of
from rotcheck.identify.reading.caller import Sample
from rotcheck.identify.reading.mistake_matrices import PAIRINGS
from rotcheck.identify.reading.response import Response
from rotcheck.rotary.frequencies import inverse_frequencies

SAME_VALUE = 2e-3  # values between -1 and 1 closer than this are one
COARSE = 0.03  # shares of elements closer than this are one
BEYOND_CHANCE = 0.3  # of all elements: fewer agree by chance
MOST_CONVENTIONS = 8  # that are compared, where some elements follow one
THETAS = (10000.0, 500000.0, 1000000.0)
COLUMN_ORDERS = ("of the lane", "half-width", "first half")  # which column of a table a lane reads


@dataclass(frozen=True, slots=True)
class RotationTerms:
    """What each lane is made of in a convention: `lane` cos + `partner_lane` sin, all (slots, B, S, H, D)."""

    lane: Tensor
    partner_lane: Tensor  # with its sign
    cos: Tensor
    sin: Tensor
    sign: Tensor  # (D,): with which sin comes; 0 of lanes that stay
    peculiarity: str = ""  # what is unusual in the convention
    partner: Tensor | None = None  # (D,)
    source: Tensor | None = None  # (D,): which lane of x stands in `lane`
    column: Tensor | None = None  # (D,): of the tables; of lanes that stay any
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
    """The conventions that some elements follow, the one of most first; all, where no element follows any."""
    if response.sample is None:
        return []
    outputs = torch.stack(response.sample.outputs)  # (slots, B, S, H, D)
    conventions = [
        terms
        for terms in _conventions(response, response.sample, positions)
        if terms.lane.shape == outputs.shape
    ]
    shares = [share(terms.agreement(outputs)) for terms in conventions]
    order = sorted(range(len(shares)), key=lambda at: -round(shares[at] / COARSE))
    if not order or shares[order[0]] < BEYOND_CHANCE:
        return conventions
    return [conventions[at] for at in order[:MOST_CONVENTIONS]]


def nearest_convention(response: Response, positions: Sequence[int]) -> RotationTerms | None:
    """The convention that most elements follow, or the commonest where none does."""
    conventions = nearest_conventions(response, positions)
    if response.sample is None or not conventions:
        return None
    agreement = conventions[0].agreement(torch.stack(response.sample.outputs))
    return replace(conventions[0], agrees=share(agreement) > BEYOND_CHANCE)


def _conventions(
    response: Response, sample: Sample, positions: Sequence[int]
) -> Iterator[RotationTerms]:
    """Yield the conventions that may be meant, the commonest first."""
    x = torch.stack(sample.inputs)  # (slots, B, S, H, D)
    still = torch.tensor([name == "v" for name in sample.convention.slots])
    with_tables = response.cos is not None
    tables = (
        _handed_tables(response, sample) if with_tables else _computed_tables(response, positions)
    )
    for (cos, sin), pairing in product(tables, PAIRINGS):
        for columns in COLUMN_ORDERS if with_tables else ("half-width",):
            for terms in _both_directions(x, cos, sin, pairing, columns):
                yield _without_v(terms, still)


def _handed_tables(response: Response, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    cos, sin = response.cos, response.sin
    assert cos is not None, "tables were handed over"
    assert sin is not None, "tables were handed over"
    yield cos, sin
    roles = map(role_of, sample.convention.arguments)
    if any("cos" in role and "sin" in role for role in roles):  # in which order, the response tells
        yield sin, cos


def _computed_tables(
    response: Response, positions: Sequence[int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield tables (S, P) of a function that makes its angles: the usual ones, and those that its lanes show."""
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

    `columns`: each lane reads a column of its own, or each pair one of the first half, or one of half-width tables.
    """
    width = cos.shape[-1]
    turning = 2 * width if columns == "half-width" else width
    if turning > x.shape[-1] or turning % 2:
        return
    lane = torch.arange(turning)
    half = turning // 2
    for order in dict.fromkeys((pairing, "half")):  # of the lanes that are written
        first = lane < half if order == "half" else lane % 2 == 0
        partner = (lane + half) % turning if order == "half" else lane ^ 1
        of_pair = lane % half if order == "half" else lane // 2
        column = lane if columns == "of the lane" else of_pair
        source = lane if order == pairing else 2 * (lane % half) + lane // half
        yield from _of_lanes(x, cos, sin, source, partner, column, first)


def _of_lanes(
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    source: Tensor,
    partner: Tensor,
    column: Tensor,
    first: Tensor,
) -> Iterator[RotationTerms]:
    """Yield the terms of a rotation, in both directions, whose lanes take what these say."""
    width, turning = x.shape[-1], len(source)
    shape = (1, 1, cos.shape[0], 1, turning)
    rest = width - turning
    c = torch.cat((cos[:, column].view(shape), cos.new_ones(*shape[:-1], rest)), -1)
    s = torch.cat((sin[:, column].view(shape), sin.new_zeros(*shape[:-1], rest)), -1)
    columns = torch.cat((column, column.new_zeros(rest)))
    behind = torch.arange(turning, width)
    partners, sources = torch.cat((partner, behind)), torch.cat((source, behind))
    lane = x[..., sources]
    sign = torch.where(first, -1.0, 1.0).double()
    sign = torch.cat((sign, sign.new_zeros(rest)))
    for signs, words in ((sign, ""), (-sign, "in a rotation by the negative angle")):
        yield RotationTerms(
            lane,
            lane[..., partners] * signs,
            c.expand_as(x),
            s.expand_as(x),
            signs,
            words,
            partners,
            sources,
            columns,
        )


def _without_v(terms: RotationTerms, still: Tensor) -> RotationTerms:
    """Let the slots (slots,) that stand still stay as they are."""
    if not bool(still.any()):
        return terms
    turns = ~still.view(-1, 1, 1, 1, 1)
    cos = torch.where(turns, terms.cos, torch.ones_like(terms.cos))
    return replace(terms, cos=cos, sin=terms.sin * turns)
