"""Mistakes of a function that computes its angles itself: its positions, its frequencies, its precision."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from rotcheck.convention import coordinate
from rotcheck.measure.case import Case
from rotcheck.measure.prediction import Prediction, with_angles, with_turn
from rotcheck.rotary import inverse_frequencies, rotate


def of_positions(case: Case) -> Iterator[Prediction]:
    """What each of these mistakes would give."""
    positions = torch.tensor(case.positions, device="cpu")
    rows = torch.arange(case.length, device="cpu")
    if case.convention.positions != "from 0":
        yield (
            "positions-ignored",
            "counts its rows from 0 and ignores the positions that it is given",
            with_angles(case, _angles_at(case, rows)),
        )
    for axis in range(case.convention.blocks) if case.convention.points else ():
        words = f"turns every pair with coordinate {axis} of {case.convention.blocks}"
        yield "coordinates", words, with_angles(case, _angles_of_coordinate(case, axis))
    for by in (1, -1):
        yield (
            "offset",
            f"turns each position as position {by:+d} from it should be",
            with_angles(case, _angles_at(case, positions + by)),
        )
    if case.batch > 1:
        running = positions + case.length * torch.arange(case.batch, device="cpu")[:, None]
        yield (
            "per-batch",
            "goes on counting positions from one batch row to the next",
            with_angles(case, _angles_at(case, running)),
        )
    yield (
        "over-head-dim",
        "takes its frequencies over head_dim and not over rotary_dim",
        with_turn(case, _over_head_dim),
    )
    yield (
        "theta",
        "divides positions by the frequencies and does not multiply them",
        with_angles(case, _exact(case) / case.frequencies * case.convention.direction),
    )
    yield from _of_narrow_dtypes(case)


def _exact(case: Case) -> Tensor:
    return case.places(torch.tensor(case.positions, device="cpu"))  # ([B,] S, 1)


def _angles_at(case: Case, positions: Tensor) -> Tensor:
    """The angles at other positions ([B,] S) than those of the case."""
    return case.turned(positions) * case.convention.direction


def _angles_of_coordinate(case: Case, axis: int) -> Tensor:
    """The angles if all blocks of lanes take the same coordinate of the points."""
    # ([B,] S, 1)
    coordinates = coordinate(torch.tensor(case.positions, device="cpu"), axis).double()[..., None]
    return coordinates * case.frequencies * case.convention.direction


def _over_head_dim(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """Frequencies theta ** (-2i / head_dim), although only rotary_dim lanes rotate."""
    if case.rotary_dim == case.width:
        return x
    over = inverse_frequencies(case.width, case.convention.theta)[: case.rotary_dim // 2]
    return rotate(x, _exact(case) * over * case.convention.direction)


def _of_narrow_dtypes(case: Case) -> Iterator[Prediction]:
    """Positions, frequencies or angles in a narrower dtype. A matrix product in it rounds the first two."""
    frequencies = case.frequencies
    for name, to in _NARROW:
        positions = to(_exact(case))
        angles_by_words = {
            f"rounds its positions to {name}": positions * frequencies,
            f"rounds its frequencies to {name}": _exact(case) * to(frequencies),
            f"multiplies positions and frequencies that are rounded to {name}": positions
            * to(frequencies),
            f"rounds its angles to {name}": to(_exact(case) * frequencies),
            f"computes its angles in {name}": to(positions * to(frequencies)),
        }
        for words, angles in angles_by_words.items():
            yield "phase", words, with_angles(case, angles * case.convention.direction)


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
