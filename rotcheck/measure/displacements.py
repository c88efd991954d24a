"""Right values in the wrong place: rows that turn as another row, heads,
batch rows and slots with another's values."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import permutations

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots
from rotcheck.measure.error_extent import Extent
from rotcheck.measure.prediction import Prediction
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, unit
from rotcheck.rotary import rotate

LOOKED_AT = 16  # indices of an axis whose source is looked up
MOST = 0.75  # share of these that must have the same offset to say so of all
# positions at which people clamp
ENDS = tuple(end for power in range(3, 17) for end in (2**power - 1, 2**power))
_AXES = {"heads": 2, "batch rows": 0, "rows": 1}

Candidates = Callable[[int, int], Tensor]
"""For a slot and an index of an axis: what each source would give in its place, that axis first."""


def displacements(case: Case, result: Slots, extent: Extent) -> Iterator[Prediction]:
    """What the result would be if all that is off came from the same place as the first of it.

    The words continue a sentence that names what is off: "turn as row 7".
    """
    yield "partly", "hold zeros", tuple(map(torch.zeros_like, case.truth))
    yield from _slots(case)
    yield from _as_other_rows(case, result, extent)
    for by, side in ((1, "before"), (-1, "behind")):
        shifted_pairs = case.rotated(case.pairs, case.angles.roll(by, -1))
        yield "displaced", f"turn each pair by the angle of the pair {side}", shifted_pairs
    for name, axis in _AXES.items():
        sources = _sources(case, result, extent, axis, partial(_results, case, axis))
        if sources:
            moved_slots = tuple(_gather(slot, axis, sources) for slot in case.truth)
            size = case.truth[0].shape[axis]
            yield "displaced", f"hold {_words('the result of', name, sources, size)}", moved_slots


def _slots(case: Case) -> Iterator[Prediction]:
    """The result of one slot in the place of another, or its input."""
    names = case.convention.slots
    for (to, slot), (source, source_name) in permutations(enumerate(names), 2):
        if case.truth[to].shape == case.truth[source].shape:
            moved = _replace_slots(case, {to: case.truth[source]})
            yield "displaced", f"hold {source_name}'s lanes", moved
            if slot == "v":
                moved = _replace_slots(case, {to: case.pairs[source]})
                yield "displaced", f"hold {source_name}'s lanes, unrotated", moved
    if names[:2] == ("q", "k") and case.truth[0].shape == case.truth[1].shape:
        exchanged = _replace_slots(case, {0: case.truth[1], 1: case.truth[0]})
        yield "displaced", "hold k's lanes in q, and q's in k", exchanged


def _replace_slots(case: Case, replacements: Mapping[int, Tensor]) -> Slots:
    return tuple(replacements.get(at, right) for at, right in enumerate(case.truth))


def _results(case: Case, axis: int, slot: int, _: int) -> Tensor:
    return case.truth[slot].movedim(axis, 0)


def _as_other_rows(case: Case, result: Slots, extent: Extent) -> Iterator[Prediction]:
    """Rows that turn by the angles of another row, or of a position at which tables end."""
    angles = case.angles.expand(case.batch, -1, -1)  # (B, S, P)
    if not case.convention.takes_tables and not case.convention.points:
        ends = case.angles_at(torch.tensor(ENDS, device="cpu")).expand(case.batch, -1, -1)
        angles = torch.cat((angles, ends), 1)  # (B, S + ends, P)

    def candidates(slot: int, row: int) -> Tensor:
        x = case.pairs[slot][:, row : row + 1].expand(-1, angles.shape[1], -1, -1, -1)
        return rotate(x, angles).movedim(1, 0)  # (S + ends, B, H, P, 2)

    sources = _sources(case, result, extent, 1, candidates)
    if not sources:
        return
    row_angles = angles[:, [sources.get(row, row) for row in range(case.length)]]  # (B, S, P)
    first = next(iter(sources.values()))
    if first >= case.length and len(set(sources.values())) == 1:
        words = f"position {ENDS[first - case.length]}"
    else:
        words = _words("", "rows", sources, case.length).lstrip()
    yield "partly", f"turn as {words}", case.rotated(case.pairs, row_angles)


def _sources(
    case: Case, result: Slots, extent: Extent, axis: int, candidates: Candidates
) -> dict[int, int]:
    """The index from which each index that is off takes its values; empty:
    none does, or each from its own.

    Only the first few are looked up; the others are taken to come from
    as far away as most of these.
    """
    slot = next(at for at, mask in enumerate(extent.masks) if mask.any())
    steps = unit(result[slot].norm(dim=-1), extent.dtype, case.slack).movedim(axis, 0)[..., None]
    targets, sources = extent.indices(axis), {}
    for to in targets[:LOOKED_AT]:
        here, off = (tensor.movedim(axis, 0)[to] for tensor in (result[slot], extent.masks[slot]))
        errors = (candidates(slot, to) - here).abs() / steps[to]
        errors = errors.where(off, 0.0).flatten(1).amax(1)
        if not float(errors.min()) <= 2 * ROUNDING_LIMIT:
            return {}
        sources[to] = int(errors.argmin())
    if all(to == source for to, source in sources.items()):
        return {}
    last, by, size = targets[-1], _usual(sources), result[slot].shape[axis]
    first = sources[targets[0]]
    is_single = len(set(sources.values())) == 1
    return sources | {
        to: first if is_single else min(max(to + by, 0), size - 1)
        for to in range(max(sources) + 1, last + 1)
    }


def _usual(sources: Mapping[int, int]) -> int:
    """The offset of most sources."""
    return Counter(source - to for to, source in sources.items()).most_common(1)[0][0]


def _gather(values: Tensor, axis: int, sources: Mapping[int, int]) -> Tensor:
    """Values with those of the sources in place of their targets."""
    along = values.movedim(axis, 0)
    indices = [min(sources.get(at, at), len(along) - 1) for at in range(len(along))]
    return along[indices].movedim(0, axis)


def _words(prefix: str, names: str, sources: Mapping[int, int], size: int) -> str:
    """The source of what is off
    in words: `the result of head 2`, `the row before`, `rows 0 to 3 again and again`."""
    name, values = names[:-1], set(sources.values())
    if len(values) == 1:
        return f"{prefix} {name} {values.pop()}"
    if all(source == size - 1 - to for to, source in sources.items()):
        return f"{prefix} {names} in reverse order"
    again = max(values) + 1
    if again > 1 and all(source == to % again for to, source in sources.items()):
        return f"{prefix} {names} 0 to {again - 1} again and again"
    by = _usual(sources)
    if sum(source - to == by for to, source in sources.items()) >= MOST * len(sources):
        far = "" if abs(by) == 1 else f"{abs(by)} {names} "
        return f"{prefix} the {name} {far}{'before' if by < 0 else 'behind'}"
    to, source = next(iter(sources.items()))
    return f"{prefix} other {names} ({name} {to} {prefix} {name} {source})"
