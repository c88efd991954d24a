"""The angles of a function that computes them itself: at which position it turns which pair by how much."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.identify.calling.match import Match
from rotcheck.identify.reading.caller import Caller
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.boundary import last_accepted

PROBE_POSITIONS = (0, 1, 2, 3, 5, 17, 100, 257, 1000, 2049, 4097, 16385, 65537, 131071)
NEAR = 100  # the last position that is asked for where nothing tells the end of a table
ALIKE = 1e-5  # relative: more than rounding costs the same angle beside others
Angles = dict[int, Tensor]
"""Position: the angles (P,) of its pairs, in (-pi, pi]."""


def end_known(found: Match) -> bool:
    """Return whether the end of a function's table can be looked for: on the CPU, where it costs an exception."""
    raises = found.caller.device.type == "cpu" and not interprets()
    return raises or found.on_cpu is not None


def measure_angles(found: Match) -> tuple[Angles, int | None]:
    """Return the angles at those positions that the function takes, the larger ones one after another.

    And the first of these beside which position 1 turns by another angle, since its frequencies follow the length:
    None where none does. It and what lies beyond are left out.
    """
    convention = found.convention
    positions = [each for each in PROBE_POSITIONS if each <= NEAR or end_known(found)]
    if convention.positions == "from 0":
        return _counted(found, positions)
    seen: Angles = {}
    beside = (1,) if convention.positions == "any" else ()
    for group in ([p for p in positions if p < 6], *([*beside, p] for p in positions if p >= 6)):
        try:
            rows = _at(found, group)
        except Exception:  # it takes no position as large as this: that is what we ask
            return (seen | _last(found, max(seen, default=0), max(group)) if seen else seen), None
        if beside and seen and not same_row(rows[1], seen[1]):
            return seen, max(group)
        seen |= rows
    return seen, None


def same_row(longer: Tensor, shorter: Tensor, eps: float = ALIKE) -> bool:
    """Return whether a row (P,) of angles is the same beside others, as far as rounding tells."""
    return longer.shape == shorter.shape and bool(
        ((longer - shorter).abs() <= eps * (shorter.abs() + eps)).all()
    )


def _last(found: Match, good: int, bad: int) -> Angles:
    """The angles at the last position that it accepts, between one that it accepts and one that it refuses."""
    last: Angles = {}

    def accepts(position: int) -> bool:
        nonlocal last
        offset = position if found.convention.positions == "offset" else 0
        try:
            last = angles_at(found, (position,), offset)
        except Exception:  # the end lies before this
            return False
        return True

    last_accepted(good, bad, accepts)
    return last


def _at(found: Match, group: Sequence[int]) -> Angles:
    if found.convention.positions == "offset":
        rows: Angles = {}
        for position in group:
            rows |= angles_at(found, (position, position + 1, position + 2), offset=position)
        return rows
    return angles_at(found, tuple(group))


def _counted(found: Match, positions: Sequence[int]) -> tuple[Angles, int | None]:
    """Ask one that counts from 0: as many rows as it takes, and as turn as few of them do."""
    few, changed = None, None
    for length in (each for each in (4098, 2050, 1001, 258, 18, 6) if each <= max(positions) + 1):
        try:
            few = few or angles_at(found, tuple(range(6)))
            rows = angles_at(found, tuple(range(length)))
        except Exception:  # fewer rows, then
            continue
        if same_row(rows[1], few[1]):
            return {position: rows[position] for position in positions if position in rows}, changed
        changed = length - 1
    return few or {}, changed


def angles_at(found: Match, rows: tuple[int, ...], offset: int = 0) -> Angles:
    """Turn (1, 0) of every pair: what comes back is its cos and sin.

    On the CPU first: the end of a table raises there, and ends the process's use of a CUDA device.
    """
    old = found.caller
    narrow = replace(old.probe, batch=1, heads=1, length=len(rows), positions=rows)
    if found.on_cpu is not None:
        Caller(found.on_cpu, torch.device("cpu"), narrow, old.dtype).pair_cos_sin(
            found.convention, offset
        )
    cos, sin = Caller(old.function, old.device, narrow, old.dtype).pair_cos_sin(
        found.convention, offset
    )
    return dict(zip(rows, torch.atan2(sin, cos)))


def estimate_frequencies(seen: Angles, most: int | None = None) -> Tensor:
    """Return the frequencies (P,) that the angles imply, each position making those before it more exact.

    A larger position counts as long as the smaller ones tell how often it has gone around.
    """
    positions = sorted(
        position for position in seen if position > 0 and (most is None or position <= most)
    )
    if not positions:
        return next(iter(seen.values())) * 0
    zero = seen.get(0, torch.zeros_like(seen[positions[0]]))
    first = torch.remainder(
        seen[positions[0]] - zero, 2 * torch.pi
    )  # turned by more than pi at once, perhaps
    frequencies = (
        torch.where(first > 2 * torch.pi - 1e-2, first - 2 * torch.pi, first) / positions[0]
    )
    for position in positions[1:]:
        gone = position * frequencies
        off = wrap(seen[position] - zero - gone)
        if bool(off.abs().max() > 0.5):  # it does not go on as it began
            break
        frequencies = (gone + off) / position
    return frequencies


def wrap(angle: Tensor) -> Tensor:
    """Return an angle between -pi and pi."""
    return torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi
