"""Which known mistake explains a wrong result: each is computed in float64 and held against it."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.errors import SAME, against, measure, norms
from rotcheck.rotary import lanes, pairs, rotate
from rotcheck.rotary.conventions import Pairing

Prediction = tuple[str, str, Slots]
"""The finding's code, what happened in words, and the pairs that this mistake would give."""

Turn = Callable[[Case, Tensor, Tensor], Tensor]
"""What becomes of the pairs (B, S, H, P, 2) of q or k, at angles (S, P)."""


def explain(case: Case, results: Sequence[Tensor]) -> tuple[str, str]:
    """Return code and words of the mistake that explains the results, or of plain rounding trouble."""
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype  # float32 inside may be mistaken too
    found = case.read(results)
    largest = tuple(
        size.amax(-1, keepdim=True).expand(size.shape) for size in norms(case.pairs)
    )  # the pairs of a mistake are not always ours
    right, whose = _right_slots(case, found, unit)
    for code, words, predicted in _predictions(case):
        expected = [exact if ok else wrong for ok, exact, wrong in zip(right, case.truth, predicted)]
        off = measure(found, expected, largest, unit, case.slack)
        if off.error <= SAME and not off.not_finite:
            return "unlike" if whose else code, f"{words}{whose}"
    for dtype in (torch.float16, torch.bfloat16):
        if _is_as_good_as(dtype, case, results):
            return (
                "low-precision",
                f"is as good as {str(dtype)[6:]} arithmetic only: something is rounded to it",
            )
    return "rounding", "differs by more than rounding can explain, and no known mistake gives this result"


def _right_slots(case: Case, found: Slots, unit: torch.dtype) -> tuple[list[bool], str]:
    """Return which of q and k are right although the whole is not, and in whose the mistake must be."""
    wrong = [False] * len(found)
    if len(found) < 2:
        return wrong, ""
    each = zip(found[:2], case.truth, norms(case.pairs))
    q, k = (measure([own], [exact], [sizes], unit, case.slack).error <= SAME for own, exact, sizes in each)
    if q == k:
        return wrong, ""
    return [q, k, False][: len(found)], " (in q alone)" if k else " (in k alone)"


def _is_as_good_as(dtype: torch.dtype, case: Case, results: Sequence[Tensor]) -> bool:
    """Return whether most elements, and not a few, are off by roundings to a narrower dtype."""
    if torch.finfo(dtype).eps <= torch.finfo(case.dtype).eps:
        return False
    narrow = against(case, results, case.truth, dtype).error
    return 0.1 < narrow <= SAME and against(case, results, case.truth).rounded_once < 0.5


def _predictions(case: Case) -> Iterator[Prediction]:
    for code, words, turn in _MISTAKES:
        yield code, words, _with(case, turn)
    if len(case.pairs) == 3:
        everything = tuple(rotate(slot, case.angles) for slot in case.pairs)
        yield "v-rotated", "rotates V as well as q and k", everything
        swapped = (case.angles, case.angles, 0 * case.angles)  # in the slot of v too, whose angle is 0
        words = "is handed cos for sin and sin for cos"
        yield "tables-swapped", words, tuple(map(_tables_swapped, case.pairs, swapped))


def _with(case: Case, wrong: Turn) -> Slots:
    """Apply a mistaken rotation to the lanes of q and k that rotate, and leave the others and v alone."""
    turning = case.rotary_dim // 2
    named = zip(case.pairs, case.convention.slots)

    def turned(slot: Tensor) -> Tensor:
        wrongly = wrong(case, slot[..., :turning, :], case.angles[..., :turning])
        return torch.cat((wrongly, slot[..., turning:, :]), -2)

    return tuple(slot if name == "v" else turned(slot) for slot, name in named)


def _parts(x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return a, b, angles.cos().unsqueeze(-2), angles.sin().unsqueeze(-2)


def _tables_swapped(x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * sin - b * cos, b * sin + a * cos), -1)


def _imaginary_dropped(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, _ = _parts(x, angles)
    return torch.stack((a * cos, b * cos), -1)


def _aliasing(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    first = a * cos - b * sin
    return torch.stack((first, b * cos + first * sin), -1)


def _one_sign(_: Case, x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * cos + b * sin, b * cos + a * sin), -1)


def _other(case: Case) -> Pairing:
    return "interleaved" if case.convention.pairing == "half" else "half"


def _other_pairing(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right rotation of the lanes that the other pairing would pair."""
    ours, other = case.convention.pairing, _other(case)
    rotated = rotate(pairs(lanes(x, ours), other), angles)
    return pairs(lanes(rotated, other), ours)


def _other_tables(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The other pairing's lanes turned with this pairing's tables: rotate_every_two with cat(f, f)."""
    ours, other = case.convention.pairing, _other(case)
    table = lanes(torch.stack((angles, angles), -1), ours)  # (S, D)
    cos, sin = (pairs(t, other).unsqueeze(-3) for t in (table.cos(), table.sin()))
    a, b = pairs(lanes(x, ours), other).unbind(-1)
    turned = torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)
    return pairs(lanes(turned, other), ours)


def _other_lanes(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """The right values, written in the other pairing's order of lanes."""
    return pairs(lanes(rotate(x, angles), _other(case)), case.convention.pairing)


def _over_head_dim(case: Case, x: Tensor, angles: Tensor) -> Tensor:
    """Frequencies theta ** (-2i / head_dim) where only rotary_dim lanes rotate."""
    if case.rotary_dim == case.width or case.convention.tables != "positions":
        return x
    exponents = torch.arange(0, case.rotary_dim, 2, dtype=torch.float64) / case.width
    positions = torch.tensor(case.positions, dtype=torch.float64)[..., None]
    return rotate(x, positions * case.convention.theta**-exponents * case.convention.direction)


_MISTAKES: tuple[tuple[str, str, Turn], ...] = (
    ("not-rotated", "returns its input unrotated", lambda c, x, a: x),
    ("direction", "rotates by the negative angle", lambda c, x, a: rotate(x, -a)),
    ("rotated-twice", "rotates twice", lambda c, x, a: rotate(x, 2 * a)),
    ("pairing", "rotates the other pairing's lanes (half against interleaved)", _other_pairing),
    ("pairing-of-tables", "rotates one pairing's lanes with tables laid out for the other", _other_tables),
    ("lanes", "writes its result in the other pairing's order of lanes", _other_lanes),
    ("tables-swapped", "uses cos for sin and sin for cos", lambda c, x, a: _tables_swapped(x, a)),
    ("imaginary-dropped", "multiplies with cos and drops sin", _imaginary_dropped),
    ("aliasing", "uses the first half's new values to make the second", _aliasing),
    ("one-sign", "adds sin times the other lane to both lanes of a pair: no rotation", _one_sign),
    ("over-head-dim", "takes its frequencies over head_dim and not over rotary_dim", _over_head_dim),
    ("shifted", "rotates each row with the next row's angle", lambda c, x, a: rotate(x, a.roll(-1, -2))),
    ("shifted", "rotates each row with the row's before it", lambda c, x, a: rotate(x, a.roll(1, -2))),
)
