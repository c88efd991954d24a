"""Reads the matrices of a function that computes its angles itself:
pairs, direction, angles and amplitude."""

from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.identify.reading.lane_pairs import output_pairs, pair_lanes
from rotcheck.identify.reading.matrix_reading import (
    TOO_MANY_SOURCES,
    MatrixReading,
    no_convention,
)
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.measure import mistake_names

SMALL = 1e-6
POWER = 5e-6  # what float32 leaves of the log of a length
# cos and sin in bfloat16 are off by half of that of themselves at most; xPos scales by more
NARROW = 2**-8

XPOS_WORDS = "scales each pair by a power of the position as well as turning it, as xPos does"

Partners = dict[int, int | None]
"""Lane of the result: the other lane that it takes from; None of one that takes from no other."""


def read_computed_angles(matrix: Tensor) -> MatrixReading:
    """Read a matrix (S, D, D) whose row 0 is the first position.

    `angles` of the result (S, P) are those of the pairs in each row, modulo 2 pi.
    """
    if not bool(torch.isfinite(matrix).all()):
        return MatrixReading().with_problem("not-finite", "returns NaN or infinite elements")
    cos_lanes = _cos_lanes(matrix)
    sources = _other_sources(matrix, cos_lanes)
    turning = [lane for lane in cos_lanes if not _stands_still(matrix, lane, cos_lanes, sources)]
    if not turning:
        return MatrixReading().with_problem(*mistake_names.NOT_ROTATED)
    if any(len(sources[lane]) > 1 for lane in turning):
        return TOO_MANY_SOURCES
    if not any(sources[lane] for lane in turning):
        if bool((matrix[0].diagonal()[turning] - 1).abs().max() < 1e-3):  # cos of position 0
            return MatrixReading().with_problem(*mistake_names.SIN_DROPPED)
        return no_convention("scales its lanes and turns none")
    partners = {lane: next(iter(lanes), None) for lane, lanes in sources.items()}
    return _of_turns(matrix, cos_lanes, partners, turning)


def _cos_lanes(matrix: Tensor) -> dict[int, int]:
    """For each lane of the result the lane that it takes times cos, which position 0 shows."""
    size = matrix[0].abs()
    largest = {lane: int(row.argmax()) for lane, row in enumerate(size)}
    is_permutation = sorted(largest.values()) == list(range(len(size)))
    if is_permutation and bool((size.amax(1) - 1).abs().max() < 1e-3):
        return largest
    # the first row turns already: nothing tells where lanes are written
    return {lane: lane for lane in largest}


def _other_sources(matrix: Tensor, cos_lanes: dict[int, int]) -> dict[int, list[int]]:
    support = matrix.abs().amax(0) > SMALL  # (D, D)
    return {
        lane: [at for at in support[lane].nonzero().flatten().tolist() if at != cos_lanes[lane]]
        for lane in cos_lanes
    }


def _stands_still(
    matrix: Tensor, lane: int, cos_lanes: dict[int, int], sources: dict[int, list[int]]
) -> bool:
    if sources[lane] or cos_lanes[lane] != lane:
        return False
    return bool((matrix[:, lane, lane] - 1).abs().amax() < SMALL)


def _of_turns(
    matrix: Tensor, cos_lanes: dict[int, int], partners: Partners, turning: list[int]
) -> MatrixReading:
    pairs = [(cos_lanes[lane], partners[lane]) for lane in turning]
    gaps = {abs(partner - lane) for lane, partner in pairs if partner is not None}
    if len(gaps) == 1:
        turning = list(range(_rotary_dim(gaps.pop(), max(turning))))
    complete = _complete_partners({lane: partners[lane] for lane in turning}, cos_lanes)
    signs = _signs(matrix, complete, turning)
    reading = pair_lanes(
        {lane: cos_lanes[lane] for lane in turning},
        {lane: (complete[lane], signs[lane]) for lane in turning},
        matrix.shape[-1],
    )
    return reading if reading.pairing is None else _with_angles(matrix, reading, cos_lanes)


def _rotary_dim(gap: int, last: int) -> int:
    """How many lanes rotate; pairs that stand still count where others behind them turn."""
    return 2 * gap if gap > 1 and last < 2 * gap else last + 1 + (last + 1) % 2


def _complete_partners(partners: Partners, cos_lanes: dict[int, int]) -> dict[int, int]:
    """Add the partners of lanes that do not turn in these rows, after those of lanes that do."""
    gaps = (abs(at - cos_lanes[lane]) for lane, at in partners.items() if at is not None)
    half = max(gaps, default=0)

    def usual(lane: int) -> int:
        at = cos_lanes[lane]
        if half <= 1:
            return at ^ 1
        return at + half if at < half else at - half

    return {lane: usual(lane) if at is None else at for lane, at in partners.items()}


def _signs(matrix: Tensor, partners: dict[int, int], turning: list[int]) -> dict[int, int]:
    """With which sign each partner comes, as the slowest lanes that turn have it.

    A fast pair may pass pi between two rows; slow ones do not. All pairs turn alike,
    which `_with_angles` checks.
    """
    columns = {lane: matrix[1:, lane, partners[lane]] for lane in turning}
    sizes = sorted((float(column.abs().max()), lane) for lane, column in columns.items())
    slowest = next((lane for size, lane in sizes if size > SMALL), None)
    if slowest is None:
        return dict.fromkeys(turning, 1)
    partner, sign = partners[slowest], _sign_of_largest(columns[slowest])
    across = _sign_of_largest(columns[partner]) if partner in columns else -sign
    if across == sign:  # no rotation: both lanes of the pair have the same sign
        return dict.fromkeys(turning, sign)
    front = sign if slowest < partner else -sign
    return {lane: front if lane < partners[lane] else -front for lane in turning}


def _sign_of_largest(column: Tensor) -> int:
    return int(torch.sign(column[column.abs().argmax()]))


def _with_angles(
    matrix: Tensor, reading: MatrixReading, cos_lanes: dict[int, int]
) -> MatrixReading:
    """Add the angles of all rows and the amplitude;
    the problem, when the pairs are no rotations."""
    first, second = (list(lanes) for lanes in zip(*output_pairs(reading)))
    a, b = [cos_lanes[lane] for lane in first], [cos_lanes[lane] for lane in second]
    ca, sa = matrix[:, first, a], -matrix[:, first, b]  # (S, P) each
    cb, sb = matrix[:, second, b], matrix[:, second, a]
    reading = replace(reading, angles=torch.atan2(sa + sb, ca + cb))
    if bool(((ca - cb).abs() + (sa - sb).abs()).max() > TOLERANCE):
        return _no_rotation(reading, ca, cb, sa, sb)
    length = torch.hypot((ca + cb) / 2, (sa + sb) / 2)
    amplitude = float(length.mean())
    spread = float((length - amplitude).abs().max())
    if spread > TOLERANCE:
        return _uneven_lengths(reading, length, spread)
    return replace(reading, amplitude=amplitude if abs(amplitude - 1) > TOLERANCE else 1.0)


def _uneven_lengths(reading: MatrixReading, length: Tensor, spread: float) -> MatrixReading:
    if spread < NARROW:
        words = "has cos and sin rounded to less than float32: the lengths of its pairs are off"
        return reading.with_problem("low-precision", words)
    if grows_as_xpos(length):
        return reading.with_problem("xpos", XPOS_WORDS)
    words = "scales the pairs by the position as well as turning them"
    return reading.with_problem("scaled", words)


def grows_as_xpos(length: Tensor) -> bool:
    """Whether lengths (S, P) grow by a factor a row, another one for each pair.

    Source: arXiv 2212.10554.
    """
    steps = length.log().diff(dim=0)  # (S - 1, P)
    even = bool((steps - steps.mean(0)).abs().max() < POWER)
    return even and bool((steps[0] - steps[0, 0]).abs().max() > POWER)


def _no_rotation(
    reading: MatrixReading, ca: Tensor, cb: Tensor, sa: Tensor, sb: Tensor
) -> MatrixReading:
    if _near(ca, cb) and _near(sa, -sb):
        return reading.with_problem(*mistake_names.ONE_SIGN)
    new_second = _near(sa, sb, 10) and _near(cb, ca - sa * sa, 10)
    if new_second or _near(sb, sa * ca, 10):
        return reading.with_problem(*mistake_names.ALIASING)
    code, _ = mistake_names.OTHER_TABLES
    return reading.with_problem(code, "the two lanes of a pair turn by different angles")


def _near(values: Tensor, reference: Tensor, times: int = 1) -> bool:
    return bool((values - reference).abs().max() < TOLERANCE * times)
