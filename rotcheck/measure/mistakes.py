"""The known mistakes of the field: what each of them would make of the pairs that went in, in float64."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from rotcheck.convention import Pairing, coordinate
from rotcheck.measure import section_mistakes
from rotcheck.measure.case import Case, Slots
from rotcheck.rotary import inverse_frequencies, lanes, pairs, rotate

Prediction = tuple[str, str, Slots]
"""The finding's code, what happened in words, and the pairs that this mistake would give."""

Turn = Callable[[Case, Tensor, Tensor], Tensor]
"""What becomes of the pairs (B, S, H, P, 2) of q or k, at angles (S, P) or (B, S, P)."""


def predictions(case: Case) -> Iterator[Prediction]:
    """Yield what each known mistake would give, the commonest first."""
    for code, words, turn in _OF_PAIRS:
        yield code, words, with_turn(case, turn)
    for code, words, whole in _OF_LANES:
        yield code, words, _of_each(case, partial(whole, case))
    if len(case.pairs) == 3:
        yield from _of_v(case)
    if case.convention.tables == "positions":
        yield from _of_positions(case)
    if "g" in case.convention.table_axes:
        yield from _of_sections(case)


def with_turn(case: Case, wrong: Turn) -> Slots:
    """Apply a mistaken rotation to the lanes of q and k that rotate, and leave the others and v alone."""
    turning = case.rotary_dim // 2

    def turned(slot: Tensor) -> Tensor:
        wrongly = wrong(case, slot[..., :turning, :], case.angles[..., :turning])
        return torch.cat((wrongly, slot[..., turning:, :]), -2)

    return _of_each(case, turned)


def _of_each(case: Case, turned: Callable[[Tensor], Tensor]) -> Slots:
    named = zip(case.pairs, case.convention.slots)
    return tuple(slot if name == "v" else turned(slot) for slot, name in named)


# of a pair


def _parts(x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return a, b, angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)


def _tables_swapped(x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * sin - b * cos, b * sin + a * cos), -1)


def _imaginary_dropped(_: Case, x: Tensor, angles: Tensor) -> Tensor:
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


def _exchanged(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    return rotate(x, angles).flip(-1)


# of the order of lanes


def _other(case: Case) -> Pairing:
    return "interleaved" if case.convention.pairing == "half" else "half"


def _other_pairing(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right rotation of the lanes that the other pairing would pair."""
    ours, other = case.convention.pairing, _other(case)
    rotated = rotate(pairs(lanes(x, ours), other), angles)
    return pairs(lanes(rotated, other), ours)


def _other_tables(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The other pairing's lanes turned with this pairing's tables: rotate_every_two with cat(f, f)."""
    return _mixed(case, x, angles, _other(case), case.convention.lane_order)


def _tables_of_other(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """These lanes turned with the other pairing's tables, of one that makes or converts them itself."""
    own = case.convention.lane_order
    return _mixed(
        case, x, angles, case.convention.pairing, "interleaved" if own == "half" else "half"
    )


def _mixed(case: Case, x: Tensor, angles: Tensor, pairing: Pairing, table_lanes: Pairing) -> Tensor:
    table = lanes(torch.stack((angles, angles), -1), table_lanes)  # (S, D)
    cos, sin = (pairs(t, pairing).unsqueeze(-3) for t in (table.cos(), table.sin()))
    a, b = pairs(lanes(x, case.convention.pairing), pairing).unbind(-1)
    turned = torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)
    return pairs(lanes(turned, pairing), case.convention.pairing)


def _other_lanes(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right values, written in the other pairing's order of lanes."""
    written = case.convention.written
    return pairs(lanes(rotate(x, angles), "interleaved" if written == "half" else "half"), written)


# of which angle a row gets


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


# of how many lanes turn


def _flat(case: Case, slot: Tensor) -> Tensor:
    """Return a slot's lanes (..., D) in the order in which they lie in memory."""
    turning = case.rotary_dim // 2
    return torch.cat(
        (
            lanes(slot[..., :turning, :], case.convention.pairing),
            slot[..., turning:, :].flatten(-2),
        ),
        -1,
    )


def _read(case: Case, flat: Tensor) -> Tensor:
    turned, still = flat[..., : case.rotary_dim], flat[..., case.rotary_dim :]
    return torch.cat((pairs(turned, case.convention.pairing), pairs(still, "interleaved")), -2)


def _turned_lanes(case: Case, slot: Tensor, angles: Tensor, start: int = 0) -> Tensor:
    """Turn the lanes from `start` on, as many as the angles are for."""
    flat, own, stop = _flat(case, slot), case.convention.pairing, start + 2 * angles.shape[-1]
    rotated = lanes(rotate(pairs(flat[..., start:stop], own), angles), own)
    return _read(case, torch.cat((flat[..., :start], rotated, flat[..., stop:]), -1))


def _own_angles(case: Case) -> Tensor:
    return case.angles[..., : case.rotary_dim // 2]


def _twice_the_lanes(case: Case, slot: Tensor) -> Tensor:
    """Full-width tables taken for half-width ones."""
    own = _own_angles(case)
    if 2 * case.rotary_dim > case.width:
        return slot
    order = case.convention.lane_order
    return _turned_lanes(case, slot, lanes(torch.stack((own, own), -1), order))


def _half_the_lanes(case: Case, slot: Tensor) -> Tensor:
    """Half-width tables taken for full-width ones, of which the left half is read."""
    own = _own_angles(case)
    return _turned_lanes(case, slot, own[..., : own.shape[-1] // 2])


def _last_lanes(case: Case, slot: Tensor) -> Tensor:
    if case.rotary_dim == case.width:
        return slot
    return _turned_lanes(case, slot, _own_angles(case), case.width - case.rotary_dim)


def _partner_over_head(case: Case, slot: Tensor) -> Tensor:
    """Lane i with i + head_dim / 2, where only rotary_dim lanes should turn."""
    own, flat, half = _own_angles(case), _flat(case, slot), case.width // 2
    if case.rotary_dim == case.width:
        return slot
    still = own.new_zeros(*own.shape[:-1], half - own.shape[-1])
    return _read(case, lanes(rotate(pairs(flat, "half"), torch.cat((own, still), -1)), "half"))


def _all_lanes(case: Case, slot: Tensor) -> Tensor:
    """All lanes of the head, with frequencies over them, where only rotary_dim should turn."""
    if case.rotary_dim == case.width or case.convention.tables != "positions":
        return slot
    return _turned_lanes(
        case,
        slot,
        _exact(case)
        * inverse_frequencies(case.width, case.convention.theta)
        * case.convention.direction,
    )


# of v


def _of_v(case: Case) -> Iterator[Prediction]:
    q, k, v = case.truth
    for words, angles in (
        ("rotates V as well as q and k", case.angles),
        ("rotates V twice", 2 * case.angles),
    ):
        yield "v-rotated", words, (q, k, rotate(v, angles))
    swapped = (case.angles, case.angles, 0 * case.angles)  # in the slot of v too, whose angle is 0
    yield (
        "tables-swapped",
        "is handed cos for sin and sin for cos",
        tuple(map(_tables_swapped, case.pairs, swapped)),
    )


# of M-RoPE's three tables


def _of_sections(case: Case) -> Iterator[Prediction]:
    for words, taken in section_mistakes.wrong_axes(case):
        yield "sections", words, with_turn(case, partial(_by_sections, taken))


def _by_sections(taken: Tensor, case: Case, x: Tensor, angles: Tensor) -> Tensor:
    return section_mistakes.turned(case, x, angles, taken)


# of one that computes its angles itself


def _exact(case: Case) -> Tensor:
    return case.places(torch.tensor(case.positions, device="cpu"))  # ([B,] S, 1)


def _at(case: Case, positions: Tensor) -> Slots:
    """The rotation of all lanes that turn, at other positions ([B,] S) than those asked for."""
    angles = case.turned(positions) * case.convention.direction
    return with_turn(case, lambda _, x, __: rotate(x, angles))


def _at_coordinate(case: Case, axis: int) -> Slots:
    """The rotation where all blocks of lanes take the same coordinate of the points."""
    # ([B,] S, 1)
    taken = coordinate(torch.tensor(case.positions, device="cpu"), axis).double()[..., None]
    return with_turn(
        case, lambda _, x, __: rotate(x, taken * case.frequencies * case.convention.direction)
    )


def _of_positions(case: Case) -> Iterator[Prediction]:
    own = torch.tensor(case.positions, device="cpu")
    rows = torch.arange(case.length, device="cpu")
    if case.convention.positions != "from 0":
        yield (
            "positions-ignored",
            "counts its rows from 0 and ignores the positions that it is given",
            _at(case, rows),
        )
    for axis in range(case.convention.blocks) if case.convention.points else ():
        words = f"turns every pair with coordinate {axis} of {case.convention.blocks}"
        yield "coordinates", words, _at_coordinate(case, axis)
    for by in (1, -1):
        yield (
            "offset",
            f"turns each position as position {by:+d} from it should be",
            _at(case, own + by),
        )
    if case.batch > 1:
        counted = own + case.length * torch.arange(case.batch, device="cpu")[:, None]
        yield (
            "per-batch",
            "goes on counting positions from one batch row to the next",
            _at(case, counted),
        )
    yield (
        "over-head-dim",
        "takes its frequencies over head_dim and not over rotary_dim",
        with_turn(case, _over_head_dim),
    )
    yield (
        "theta",
        "divides positions by the frequencies and does not multiply them",
        with_turn(case, _divided),
    )
    yield from _rounded(case)


def _divided(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    return rotate(x, _exact(case) / case.frequencies * case.convention.direction)


def _over_head_dim(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """Frequencies theta ** (-2i / head_dim) where only rotary_dim lanes rotate."""
    if case.rotary_dim == case.width:
        return x
    over = inverse_frequencies(case.width, case.convention.theta)[: case.rotary_dim // 2]
    return rotate(x, _exact(case) * over * case.convention.direction)


def _rounded(case: Case) -> Iterator[Prediction]:
    """Positions, frequencies or angles in a narrower dtype; the first is what a matrix product in it does too."""
    frequencies = case.frequencies
    for name, to in _NARROW:
        positions = to(_exact(case))
        made = {
            f"rounds its positions to {name}": positions * frequencies,
            f"rounds its frequencies to {name}": _exact(case) * to(frequencies),
            f"multiplies positions and frequencies that are rounded to {name}": positions
            * to(frequencies),
            f"rounds its angles to {name}": to(_exact(case) * frequencies),
            f"computes its angles in {name}": to(positions * to(frequencies)),
        }
        for words, angles in made.items():
            turned = angles * case.convention.direction
            yield "phase", words, with_turn(case, lambda _, x, __, turned=turned: rotate(x, turned))  # type: ignore[misc]


def _masked(values: Tensor, half: int) -> Tensor:
    """Keep 10 bits of a float32's mantissa, as TF32 does; `half`: what is added first, to round."""
    bits = values.float().view(torch.int32)
    return ((bits + half) & -(1 << 13)).view(torch.float32).double()


_NARROW: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("bfloat16", lambda values: values.bfloat16().double()),
    ("float16", lambda values: values.half().double()),
    ("TF32", partial(_masked, half=1 << 12)),
    ("TF32, cut off", partial(_masked, half=0)),
)

_OF_PAIRS: tuple[tuple[str, str, Turn], ...] = (
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
    ("lanes", "writes the two lanes of each pair in each other's place", _exchanged),
    ("tables-swapped", "uses cos for sin and sin for cos", lambda c, x, a: _tables_swapped(x, a)),
    ("imaginary-dropped", "multiplies with cos and drops sin", _imaginary_dropped),
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

_OF_LANES: tuple[tuple[str, str, Callable[[Case, Tensor], Tensor]], ...] = (
    ("rotary-dim", "rotates twice as many lanes as it should", _twice_the_lanes),
    ("rotary-dim", "rotates half of the lanes that it should", _half_the_lanes),
    ("rotary-dim", "rotates the last lanes of a head and not the first", _last_lanes),
    (
        "rotary-dim",
        "pairs lane i with i + head_dim/2 and not with i + rotary_dim/2",
        _partner_over_head,
    ),
    ("rotary-dim", "rotates all lanes of a head and not the first rotary_dim", _all_lanes),
)
