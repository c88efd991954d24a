"""Mistakes of a function that computes its angles itself:
its positions, its frequencies, its precision."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from rotcheck.convention import coordinate
from rotcheck.measure.case import Case, Slots
from rotcheck.measure.prediction import Prediction, with_angles
from rotcheck.rotary import inverse_frequencies


def of_positions(case: Case) -> Iterator[Prediction]:
    """What each of these mistakes would give."""
    convention, positions = case.convention, case.position_rows
    exact = case.places(positions)  # ([B,] S, 1 or P)

    def turned_by(frequencies: Tensor, places: Tensor = exact) -> Slots:
        return with_angles(case, places * frequencies * convention.direction)

    def turned_at(others: Tensor) -> Slots:
        return with_angles(case, case.turned(others) * convention.direction)

    if convention.positions != "from 0":
        words = "counts its rows from 0 and ignores the positions that it is given"
        yield "positions-ignored", words, turned_at(torch.arange(case.length, device="cpu"))
    for axis in range(convention.blocks) if convention.points else ():
        places = coordinate(positions, axis).double()[..., None]  # ([B,] S, 1)
        words = f"turns every pair with coordinate {axis} of {convention.blocks}"
        yield "coordinates", words, turned_by(case.frequencies, places)
    for by in (1, -1):
        words = f"turns each position as position {by:+d} from it should be"
        yield "offset", words, turned_at(positions + by)
    if case.batch > 1:
        running = positions + case.length * torch.arange(case.batch, device="cpu")[:, None]
        words = "goes on counting positions from one batch row to the next"
        yield "per-batch", words, turned_at(running)
    if case.rotary_dim < case.width:
        over_head = inverse_frequencies(case.width, convention.theta)[: case.rotary_dim // 2]
        words = "takes its frequencies over head_dim and not over rotary_dim"
        yield "over-head-dim", words, turned_by(over_head)
    words = "divides positions by the frequencies and does not multiply them"
    yield "theta", words, with_angles(case, exact / case.frequencies * convention.direction)
    for words, angles in _of_narrow_dtypes(exact, case.frequencies):
        yield "phase", words, with_angles(case, angles * convention.direction)


def _of_narrow_dtypes(places: Tensor, frequencies: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Positions, frequencies or angles in a narrower dtype.

    A matrix product in it rounds the first two.
    """
    for name, to in _NARROW:
        yield f"rounds its positions to {name}", to(places) * frequencies
        yield f"rounds its frequencies to {name}", places * to(frequencies)
        words = f"multiplies positions and frequencies that are rounded to {name}"
        yield words, to(places) * to(frequencies)
        yield f"rounds its angles to {name}", to(places * frequencies)
        yield f"computes its angles in {name}", to(to(places) * to(frequencies))


def _mask_mantissa(values: Tensor, half: int) -> Tensor:
    """Keep 10 bits of a float32's mantissa, as TF32 does; `half`: added first, to round."""
    bits = values.float().view(torch.int32)
    return ((bits + half) & -(1 << 13)).view(torch.float32).double()


_NARROW: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("bfloat16", lambda values: values.bfloat16().double()),
    ("float16", lambda values: values.half().double()),
    ("TF32", partial(_mask_mantissa, half=1 << 12)),
    ("TF32, cut off", partial(_mask_mantissa, half=0)),
)
