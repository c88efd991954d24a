"""Mistakes in how a pair of lanes turns: its terms, the order of its lanes, the row of its angle."""

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.measure.case import Case
from rotcheck.measure.prediction import Turn, rotate_apart
from rotcheck.rotary import lanes, pairs, rotate


def _parts(x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return a, b, angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)


def swap_tables(x: Tensor, angles: Tensor) -> Tensor:
    """Turn pairs with cos for sin and sin for cos."""
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * sin - b * cos, b * sin + a * cos), -1)


def _drop_sin(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, _sin = _parts(x, angles)
    return torch.stack((a * cos, b * cos), -1)


def _aliasing(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    first = a * cos - b * sin
    return torch.stack((first, b * cos + first * sin), -1)


def _aliasing_back(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    second = b * cos + a * sin
    return torch.stack((a * cos - second * sin, second), -1)


def _one_sign(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * cos + b * sin, b * cos + a * sin), -1)


def _exchange_lanes(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    return rotate(x, angles).flip(-1)


def _other_order(case: Case) -> Pairing:
    return "interleaved" if case.convention.pairing == "half" else "half"


def _other_pairing(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right rotation of the lanes that the other pairing would pair."""
    ours, pairing = case.convention.pairing, _other_order(case)
    result = rotate(pairs(lanes(x, ours), pairing), angles)
    return pairs(lanes(result, pairing), ours)


def _other_tables(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The other pairing's lanes turned with this pairing's tables: rotate_every_two with cat(f, f)."""
    return _mix(case, x, angles, _other_order(case), case.convention.lane_order)


def _tables_of_other(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """These lanes turned with the other pairing's tables, of one that makes or converts them itself."""
    table_lanes = case.convention.lane_order
    return _mix(
        case, x, angles, case.convention.pairing, "interleaved" if table_lanes == "half" else "half"
    )


def _mix(case: Case, x: Tensor, angles: Tensor, pairing: Pairing, table_lanes: Pairing) -> Tensor:
    lane_angles = pairs(lanes(torch.stack((angles, angles), -1), table_lanes), pairing)
    result = rotate_apart(pairs(lanes(x, case.convention.pairing), pairing), lane_angles)
    return pairs(lanes(result, pairing), case.convention.pairing)


def _other_lanes(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right values, written in the other pairing's order of lanes."""
    order = case.convention.output_order
    return pairs(lanes(rotate(x, angles), "interleaved" if order == "half" else "half"), order)


def _one_row(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    return rotate(x, angles[..., :1, :].expand_as(angles))


def _by_head(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The table's row of the head's number, and not of the position's."""
    heads = x.shape[2]
    if not 1 < heads <= angles.shape[-2]:
        return x
    return rotate(x.transpose(1, 2), angles[..., :heads, :]).transpose(1, 2)


def _first_of_batch(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    return rotate(x, angles[0])


PAIR_MISTAKES: tuple[tuple[str, str, Turn], ...] = (
    ("not-rotated", "returns its input unrotated", lambda c, x, a: x),
    ("direction", "rotates by the negative angle", lambda c, x, a: rotate(x, -a)),
    ("rotated-twice", "rotates twice", lambda c, x, a: rotate(x, 2 * a)),
    ("rotated-twice", "rotates three times", lambda c, x, a: rotate(x, 3 * a)),
    ("pairing", "rotates the other pairing's lanes (half against interleaved)", _other_pairing),
    (
        "pairing-of-tables",
        "rotates one pairing's lanes with tables laid out for the other",
        _other_tables,
    ),
    (
        "pairing-of-tables",
        "rotates one pairing's lanes with tables laid out for the other",
        _tables_of_other,
    ),
    ("lanes", "writes its result in the other pairing's order of lanes", _other_lanes),
    ("lanes", "writes the two lanes of each pair in each other's place", _exchange_lanes),
    ("tables-swapped", "uses cos for sin and sin for cos", lambda c, x, a: swap_tables(x, a)),
    ("imaginary-dropped", "multiplies with cos and drops sin", _drop_sin),
    ("aliasing", "uses the first half's new values to make the second", _aliasing),
    ("aliasing", "uses the second half's new values to make the first", _aliasing_back),
    ("one-sign", "adds sin times the other lane to both lanes of a pair: no rotation", _one_sign),
    (
        "shifted",
        "rotates each row with the next row's angle",
        lambda c, x, a: rotate(x, a.roll(-1, -2)),
    ),
    (
        "shifted",
        "rotates each row with the row's before it",
        lambda c, x, a: rotate(x, a.roll(1, -2)),
    ),
    ("positions-ignored", "rotates every row with the first row's angle", _one_row),
    (
        "per-head",
        "rotates each head with the row of the head's number, and not of the position's",
        _by_head,
    ),
    ("first-of-batch", "rotates every batch row with the angles of the first", _first_of_batch),
)
