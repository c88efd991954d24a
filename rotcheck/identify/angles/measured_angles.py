"""The angles of a function that computes them itself:
at which position it turns which pair by how much."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.caller import Caller
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.boundary import last_answered
from rotcheck.rotary.frequencies import wrap

PROBE_POSITIONS = (0, 1, 2, 3, 5, 17, 100, 257, 1000, 2049, 4097, 16385, 65537, 131071)
TOGETHER = 6  # positions below this are asked for in one call
LENGTHS = (4098, 2050, 1001, 258, 18, 6)  # rows of a function that counts from 0
LAST_POSITION = 100  # the last position that is asked for where nothing tells the end of a table
ALIKE = 1e-5  # relative: more than rounding costs the same angle beside others
Angles = dict[int, Tensor]
"""Position: the angles (P,) of its pairs, in (-pi, pi]."""


def end_known(match: Match) -> bool:
    """Whether the end of a function's table can be looked for:
    on the CPU, where it costs an exception."""
    raises = match.caller.device.type == "cpu" and not interprets()
    return raises or match.on_cpu is not None


def measure_angles(match: Match) -> tuple[Angles, int | None]:
    """The angles at those positions that the function takes,
    the larger ones asked for one after another.

    And the first of these beside which position 1 turns by another angle, since frequencies follow
    the length; None where none does. It and what lies beyond are left out.
    """
    convention = match.convention
    positions = [
        position for position in PROBE_POSITIONS if position <= LAST_POSITION or end_known(match)
    ]
    if convention.positions == "from 0":
        return _counting_from_zero(match, positions)
    angles: Angles = {}
    beside = (1,) if convention.positions == "any" else ()
    first = [position for position in positions if position < TOGETHER]
    for group in (first, *([*beside, position] for position in positions if position >= TOGETHER)):
        rows = _try_angles(match, group)
        if rows is None:
            last = _at_last_position(match, max(angles), max(group)) if angles else {}
            return angles | last, None
        if beside and angles and not same_row(rows[1], angles[1]):
            return angles, max(group)
        angles |= rows
    return angles, None


def same_row(row: Tensor, expected_row: Tensor, eps: float = ALIKE) -> bool:
    """Whether a row (P,) of angles is the same beside others, as far as rounding tells."""
    if row.shape != expected_row.shape:
        return False
    return bool(((row - expected_row).abs() <= eps * (expected_row.abs() + eps)).all())


def _try_angles(match: Match, positions: Sequence[int]) -> Angles | None:
    """The angles at these positions; None: the function does not take them."""
    try:
        if match.convention.positions != "offset":
            return angles_at(match, tuple(positions))
        rows: Angles = {}
        for position in positions:
            rows |= angles_at(match, (position, position + 1, position + 2), offset=position)
    except Exception:  # whatever the function raises past the end of its table: that is what we ask
        return None
    return rows


def _at_last_position(match: Match, good: int, bad: int) -> Angles:
    """The angles at the last position that the function takes,
    between one that it takes and one that it does not."""
    counts = match.convention.positions == "offset"
    _, angles, _ = last_answered(
        good, bad, lambda position: angles_at(match, (position,), position if counts else 0)
    )
    return angles or {}


def _counting_from_zero(match: Match, positions: Sequence[int]) -> tuple[Angles, int | None]:
    """Ask a function that counts from 0: for as many rows as it takes,
    and as turn as few of them do."""
    few, change = None, None
    for length in LENGTHS:
        if length > max(positions) + 1:
            continue
        few = few or _try_angles(match, range(TOGETHER))
        rows = _try_angles(match, range(length)) if few else None
        if few is None or rows is None:
            continue
        if same_row(rows[1], few[1]):
            return {position: rows[position] for position in positions if position in rows}, change
        change = length - 1
    return few or {}, change


def angles_at(match: Match, rows: tuple[int, ...], offset: int = 0) -> Angles:
    """Turn (1, 0) of every pair: what comes back is its cos and sin.

    On the CPU first: the end of a table raises there, and ends the process's use of a CUDA device.
    """
    caller, convention = match.caller, match.convention
    probe = replace(caller.probe, batch=1, heads=1, length=len(rows), positions=rows)
    if match.on_cpu is not None:
        cpu = torch.device("cpu")
        Caller(match.on_cpu, cpu, probe, caller.dtype).pair_cos_sin(convention, offset)
    there = Caller(caller.function, caller.device, probe, caller.dtype)
    cos, sin = there.pair_cos_sin(convention, offset)
    return dict(zip(rows, torch.atan2(sin, cos)))


def estimate_frequencies(angles: Angles, most: int | None = None) -> Tensor:
    """The frequencies (P,) that angles up to a position imply,
    each position making those before it more exact.

    A larger position counts as long as the smaller ones tell how often it has gone around.
    """
    positions = sorted(at for at in angles if at > 0 and (most is None or at <= most))
    if not positions:
        return next(iter(angles.values())) * 0
    zero = angles.get(0, torch.zeros_like(angles[positions[0]]))
    # turned by more than pi at once, perhaps
    first = torch.remainder(angles[positions[0]] - zero, 2 * torch.pi)
    frequencies = (
        torch.where(first > 2 * torch.pi - 1e-2, first - 2 * torch.pi, first) / positions[0]
    )
    for position in positions[1:]:
        turn = position * frequencies
        off = wrap(angles[position] - zero - turn)
        if bool(off.abs().max() > 0.5):  # it does not go on as it began
            break
        frequencies = (turn + off) / position
    return frequencies


def repeats(line: Angles, group: Tensor) -> bool:
    """Whether the second half of a side's lanes turns as the first does."""
    half = len(group) // 2
    return half > 0 and all(
        bool((row[group[:half]] - row[group[-half:]]).abs().max() < 1e-5) for row in line.values()
    )
