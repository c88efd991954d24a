"""How lanes are paired, and in which direction each pair turns,
when every lane takes one lane's cos and one's sin."""

from dataclasses import replace

import torch

from rotcheck.convention import OutputLanes, Pairing, pairs
from rotcheck.identify.reading.matrix_reading import (
    MatrixReading,
    no_convention,
)
from rotcheck.measure import mistake_names

SinTerms = dict[int, tuple[int, int]]
"""Lane of the result: the lane that it takes times sin, and the sign."""


def pair_lanes(cos_lanes: dict[int, int], sin_terms: SinTerms, lanes: int) -> MatrixReading:
    """Pairing, direction and output lanes of a function that turns some of so many lanes.

    `cos_lanes`: for each lane of the result the lane that it takes times cos;
    `sin_terms`: the one times sin.
    """
    turning = sorted(cos_lanes)
    rotary_dim = len(turning)
    if turning != list(range(rotary_dim)) or rotary_dim % 2:
        words = f"lanes {turning[0]} to {turning[-1]} of {lanes} rotate, {rotary_dim} in all: not the first ones"
        return no_convention(words, rotary_dim)
    outputs = _output_lanes(cos_lanes)
    if outputs is None:
        return no_convention("writes its lanes in an order of its own", rotary_dim)
    partners = {lane: partner for lane, (partner, _) in sin_terms.items()}
    pairing = _pairing(cos_lanes, partners)
    if pairing is None:
        words = _odd_pairs(cos_lanes, partners)
        return _in_blocks(cos_lanes, sin_terms) or no_convention(words, rotary_dim)
    firsts = range(rotary_dim // 2) if pairing == "half" else range(0, rotary_dim, 2)
    first = [lane for lane, at in cos_lanes.items() if at in firsts]
    return _with_direction(pairing, outputs, sin_terms, first)


def _output_lanes(cos_lanes: dict[int, int]) -> OutputLanes | None:
    """In which order lanes are written; None: in one of the function's own."""
    half = len(cos_lanes) // 2
    lanes = range(2 * half)
    orders: dict[OutputLanes, list[int]] = {
        "same": list(lanes),
        "de-interleaved": [*lanes[::2], *lanes[1::2]],
        "interleaved": [lane // 2 + half * (lane % 2) for lane in lanes],
    }
    sources = [cos_lanes[lane] for lane in lanes]
    return next((name for name, order in orders.items() if order == sources), None)


def _pairing(cos_lanes: dict[int, int], partners: dict[int, int]) -> Pairing | None:
    half = len(cos_lanes) // 2
    if all(partners[lane] == (at + half) % (2 * half) for lane, at in cos_lanes.items()):
        return "half"
    if all(partners[lane] == at ^ 1 for lane, at in cos_lanes.items()):
        return "interleaved"
    return None


def _in_blocks(cos_lanes: dict[int, int], sin_terms: SinTerms) -> MatrixReading | None:
    """Read halves within each of several blocks of lanes,
    as RoPE2D of an image's two coordinates has them."""
    if any(at != lane for lane, at in cos_lanes.items()):
        return None
    for blocks in (2, 3, 4):
        width = len(cos_lanes) // blocks
        if len(cos_lanes) % blocks or width % 2:
            continue
        if all(
            sin_terms[lane][0] == lane // width * width + (lane + width // 2) % width
            for lane in cos_lanes
        ):
            first = [lane for lane in cos_lanes if lane % width < width // 2]
            return replace(_with_direction("half", "same", sin_terms, first), blocks=blocks)
    return None


def _with_direction(
    pairing: Pairing, outputs: OutputLanes, sin_terms: SinTerms, first: list[int]
) -> MatrixReading:
    """Add the direction, which the signs of sin in the first and in
    the second lanes of the pairs tell."""
    behind = sin_terms.keys() - set(first)
    signs = tuple({sin_terms[lane][1] for lane in lanes} for lanes in (first, behind))
    reading = MatrixReading(pairing, 1, outputs, len(sin_terms))
    if signs == ({-1}, {1}):
        return reading
    if signs == ({1}, {-1}):
        return replace(reading, direction=-1)
    return reading.with_problem(*mistake_names.ONE_SIGN)


def _odd_pairs(cos_lanes: dict[int, int], partners: dict[int, int]) -> str:
    first = sorted(cos_lanes)[:4]
    examples = ", ".join(f"{cos_lanes[lane]} with {partners[lane]}" for lane in first)
    return f"pairs lanes in an order of its own: {examples}, ..."


def output_pairs(reading: MatrixReading) -> list[tuple[int, int]]:
    """The two lanes of the result in which each pair lies."""
    halves = reading.output_lanes == "de-interleaved" or (
        reading.pairing == "half" and reading.output_lanes == "same"
    )
    order: Pairing = "half" if halves else "interleaved"
    rows = pairs(torch.arange(reading.rotary_dim), order, reading.blocks)  # (P, 2)
    return [(int(first), int(second)) for first, second in rows.tolist()]
