"""Which known mistake explains a wrong result: each is computed in float64 and held against it."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.measure.errors import SAME, against, measure, norms
from rotcheck.rotary import lanes, pairs, rotate
from rotcheck.rotary.conventions import Pairing

Prediction = tuple[str, str, Tensor]
"""The finding's code, what happened in words, and the pairs that this mistake would give."""


def explain(case: Case, result: Tensor) -> tuple[str, str]:
    """Return code and words of the mistake that explains the result, or of plain rounding trouble."""
    unit = torch.float32 if case.dtype == torch.float64 else case.dtype  # float32 inside may be mistaken too
    sizes = norms(case.pairs)
    largest = sizes.amax(-1, keepdim=True).expand(sizes.shape)  # the pairs of a mistake are not always ours
    right, whose = _right_slots(case, result, unit)
    for code, words, predicted in _predictions(case):
        found = measure(case.read(result), torch.where(right, case.truth, predicted), largest, unit)
        if found.error <= SAME and not found.not_finite:
            return "unlike" if whose else code, f"{words}{whose}"
    for dtype in (torch.float16, torch.bfloat16):
        if _is_as_good_as(dtype, case, result):
            return (
                "low-precision",
                f"is as good as {str(dtype)[6:]} arithmetic only: something is rounded to it",
            )
    return "rounding", "differs by more than rounding can explain, and no known mistake gives this result"


def _right_slots(case: Case, result: Tensor, unit: torch.dtype) -> tuple[Tensor, str]:
    """Return which slots of packed qkv are right although the whole is not, and in whose the mistake must be."""
    if not case.packed:
        return torch.zeros((), dtype=torch.bool), ""
    slots = zip(case.read(result).unbind(2), case.truth.unbind(2), norms(case.pairs).unbind(2))
    q, k, _ = (measure(found, exact, sizes, unit).error <= SAME for found, exact, sizes in slots)
    right = torch.tensor([q and not k, k and not q, False]).view(1, 1, 3, 1, 1, 1)
    return right, " (in q alone)" if k and not q else " (in k alone)" if q and not k else ""


def _is_as_good_as(dtype: torch.dtype, case: Case, result: Tensor) -> bool:
    """Return whether most elements, and not a few, are off by roundings to a narrower dtype."""
    if torch.finfo(dtype).eps <= torch.finfo(case.dtype).eps:
        return False
    narrow = against(case, result, case.truth, dtype).error
    return 0.1 < narrow <= SAME and against(case, result, case.truth).rounded_once < 0.5


def _predictions(case: Case) -> Iterator[Prediction]:
    x, angles = case.pairs, case.angles
    for code, words, mistaken in _MISTAKES:
        yield code, words, mistaken(case, x, angles)
    if case.packed:
        yield "v-rotated", "rotates V as well as q and k", rotate(x.flatten(2, 3), angles).view(x.shape)


def _with(case: Case, wrong: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Apply a mistaken rotation to q and k and leave v alone."""
    if not case.packed:
        return wrong(case.pairs, case.angles)
    q, k, v = case.pairs.unbind(2)
    return torch.stack((wrong(q, case.angles), wrong(k, case.angles), v), 2)


def _parts(x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return a, b, angles.cos()[None, :, None], angles.sin()[None, :, None]


def _tables_swapped(x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    return torch.stack((a * sin - b * cos, b * sin + a * cos), -1)


def _arguments_swapped(case: Case) -> Tensor:
    """The tables swapped in all slots, v's among them, whose angle is 0."""
    if not case.packed:
        return _tables_swapped(case.pairs, case.angles)
    turns = (case.angles, case.angles, 0 * case.angles)
    return torch.stack([_tables_swapped(x, a) for x, a in zip(case.pairs.unbind(2), turns)], 2)


def _imaginary_dropped(x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, _ = _parts(x, angles)
    return torch.stack((a * cos, b * cos), -1)


def _aliasing(x: Tensor, angles: Tensor) -> Tensor:
    a, b, cos, sin = _parts(x, angles)
    first = a * cos - b * sin
    return torch.stack((first, b * cos + first * sin), -1)


def _other(case: Case) -> Pairing:
    return "interleaved" if case.convention.pairing == "half" else "half"


def _other_pairing(case: Case) -> Tensor:
    """The right rotation of the lanes that the other pairing would pair."""
    ours, other = case.convention.pairing, _other(case)

    def wrong(x: Tensor, angles: Tensor) -> Tensor:
        rotated = rotate(pairs(lanes(x, ours), other), angles)
        return pairs(lanes(rotated, other), ours)

    return _with(case, wrong)


def _other_tables(case: Case) -> Tensor:
    """The other pairing's lanes turned with this pairing's tables: rotate_every_two with cat(f, f)."""
    ours, other = case.convention.pairing, _other(case)

    def wrong(x: Tensor, angles: Tensor) -> Tensor:
        table = lanes(torch.stack((angles, angles), -1), ours)  # (S, D)
        cos, sin = (pairs(t, other)[None, :, None] for t in (table.cos(), table.sin()))
        a, b = pairs(lanes(x, ours), other).unbind(-1)
        turned = torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)
        return pairs(lanes(turned, other), ours)

    return _with(case, wrong)


def _other_lanes(case: Case) -> Tensor:
    """The right values, written in the other pairing's order of lanes."""
    ours, other = case.convention.pairing, _other(case)
    return _with(case, lambda x, a: pairs(lanes(rotate(x, a), other), ours))


def _rolled(case: Case, by: int) -> Tensor:
    return _with(case, lambda x, angles: rotate(x, angles.roll(by, 0)))


_MISTAKES: tuple[tuple[str, str, Callable[[Case, Tensor, Tensor], Tensor]], ...] = (
    ("not-rotated", "returns its input unrotated", lambda c, x, a: x),
    ("direction", "rotates by the negative angle", lambda c, x, a: c.rotated(x, -a)),
    ("rotated-twice", "rotates twice", lambda c, x, a: c.rotated(x, 2 * a)),
    (
        "pairing",
        "rotates the other pairing's lanes (half against interleaved)",
        lambda c, x, a: _other_pairing(c),
    ),
    (
        "pairing-of-tables",
        "rotates one pairing's lanes with tables laid out for the other",
        lambda c, x, a: _other_tables(c),
    ),
    ("lanes", "writes its result in the other pairing's order of lanes", lambda c, x, a: _other_lanes(c)),
    ("tables-swapped", "uses cos for sin and sin for cos", lambda c, x, a: _with(c, _tables_swapped)),
    ("tables-swapped", "is handed cos for sin and sin for cos", lambda c, x, a: _arguments_swapped(c)),
    ("imaginary-dropped", "multiplies with cos and drops sin", lambda c, x, a: _with(c, _imaginary_dropped)),
    ("aliasing", "uses the first half's new values to make the second", lambda c, x, a: _with(c, _aliasing)),
    ("shifted", "rotates each row with the next row's angle", lambda c, x, a: _rolled(c, -1)),
    ("shifted", "rotates each row with the row's before it", lambda c, x, a: _rolled(c, 1)),
)
