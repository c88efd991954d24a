"""Right values in the wrong place: rows that turn as another row, heads, batch rows and slots that hold another's."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import permutations

import torch
from torch import Tensor

from rotcheck.measure.case import Case, Slots, unit
from rotcheck.measure.extent import Extent
from rotcheck.measure.mistakes import Prediction
from rotcheck.measure.rounding_steps import SAME
from rotcheck.rotary import rotate

LOOKED_AT = 16  # indices of an axis whose source is looked for
MOST = 0.75  # of these that must be as far from their source to say so of all
ENDS = tuple(
    end for power in range(3, 17) for end in (2**power - 1, 2**power)
)  # positions at which people clamp
_AXES = {"heads": 2, "batch rows": 0, "rows": 1}

Candidates = Callable[[int, int], Tensor]
"""What each source would give in place of an index of an axis, for a slot: that axis first."""


def displacements(case: Case, found: Slots, extent: Extent) -> Iterator[Prediction]:
    """Yield what the result would be if all that is off came from where the part that was looked at does.

    The words go on from what is off: "turn as row 7".
    """
    yield "partly", "hold zeros", tuple(map(torch.zeros_like, case.truth))
    yield from _slots(case)
    yield from _turned(case, found, extent)
    for by, side in ((1, "before"), (-1, "behind")):
        turned = case.rotated(case.pairs, case.angles.roll(by, -1))
        yield "displaced", f"turn each pair by the angle of the pair {side}", turned
    for name, axis in _AXES.items():
        sources = _sources(case, found, extent, axis, partial(_results, case, axis))
        if sources:
            moved = tuple(_moved(slot, axis, sources) for slot in case.truth)
            size = case.truth[0].shape[axis]
            yield "displaced", f"hold {_words('the result of', name, sources, size)}", moved


def _slots(case: Case) -> Iterator[Prediction]:
    """The result of one slot in the place of another, or what went into it."""
    named = case.convention.slots
    for (to, slot), (source, other) in permutations(enumerate(named), 2):
        if case.truth[to].shape == case.truth[source].shape:
            yield "displaced", f"hold {other}'s lanes", _put(case, {to: case.truth[source]})
            if slot == "v":
                yield (
                    "displaced",
                    f"hold {other}'s lanes, unrotated",
                    _put(case, {to: case.pairs[source]}),
                )
    if named[:2] == ("q", "k") and case.truth[0].shape == case.truth[1].shape:
        yield (
            "displaced",
            "hold k's lanes in q, and q's in k",
            _put(case, {0: case.truth[1], 1: case.truth[0]}),
        )


def _put(case: Case, taken: Mapping[int, Tensor]) -> Slots:
    return tuple(taken.get(at, right) for at, right in enumerate(case.truth))


def _results(case: Case, axis: int, slot: int, _: int) -> Tensor:
    return case.truth[slot].movedim(axis, 0)


def _turned(case: Case, found: Slots, extent: Extent) -> Iterator[Prediction]:
    """Rows that are turned by the angles of another, or of a position at which tables end."""
    angles = case.angles.expand(case.batch, -1, -1)  # (B, S, P)
    if case.convention.tables == "positions" and not case.convention.points:
        ends = (
            case.turned(torch.tensor(ENDS, device="cpu")) * case.convention.direction
        )  # (ends, rotary_dim / 2)
        still = angles.new_zeros(len(ENDS), angles.shape[-1] - ends.shape[-1])
        ends = torch.cat((ends, still), -1).expand(case.batch, -1, -1)
        angles = torch.cat((angles, ends), 1)  # (B, S + ends, P)

    def candidates(slot: int, row: int) -> Tensor:
        given = case.pairs[slot][:, row : row + 1].expand(-1, angles.shape[1], -1, -1, -1)
        return rotate(given, angles).movedim(1, 0)  # (S + ends, B, H, P, 2)

    sources = _sources(case, found, extent, 1, candidates)
    if not sources:
        return
    taken = angles[:, [sources.get(row, row) for row in range(case.length)]]  # (B, S, P)
    first = next(iter(sources.values()))
    if first >= case.length and len(set(sources.values())) == 1:
        words = f"position {ENDS[first - case.length]}"
    else:
        words = _words("", "rows", sources, case.length).lstrip()
    yield "partly", f"turn as {words}", case.rotated(case.pairs, taken)


def _sources(
    case: Case, found: Slots, extent: Extent, axis: int, candidates: Candidates
) -> dict[int, int]:
    """Return from which index each that is off comes; empty: from none, or each from its own.

    Beyond the first few each is taken to come from where most of these do.
    """
    slot = next(at for at, mask in enumerate(extent.masks) if mask.any())
    slack = case.slack.unsqueeze(-2) if isinstance(case.slack, Tensor) else 0.0  # (S, 1, P)
    steps = unit(found[slot].norm(dim=-1), extent.dtype, slack).movedim(axis, 0)[..., None]
    wanted, sources = extent.indices(axis), {}
    for to in wanted[:LOOKED_AT]:
        here, off = (each.movedim(axis, 0)[to] for each in (found[slot], extent.masks[slot]))
        errors = (
            ((candidates(slot, to) - here).abs() / steps[to]).where(off, 0.0).flatten(1).amax(1)
        )
        if not float(errors.min()) <= 2 * SAME:
            return {}
        sources[to] = int(errors.argmin())
    if all(to == source for to, source in sources.items()):
        return {}
    last, by, size = wanted[-1], _usual(sources), found[slot].shape[axis]
    first = sources[wanted[0]]
    one = len(set(sources.values())) == 1
    return sources | {
        to: first if one else min(max(to + by, 0), size - 1)
        for to in range(max(sources) + 1, last + 1)
    }


def _usual(sources: Mapping[int, int]) -> int:
    """Return how far most sources are from where they are found."""
    return Counter(source - to for to, source in sources.items()).most_common(1)[0][0]


def _moved(values: Tensor, axis: int, sources: Mapping[int, int]) -> Tensor:
    """Return values with what the sources hold in each place that has one."""
    along = values.movedim(axis, 0)
    return along[[min(sources.get(at, at), len(along) - 1) for at in range(len(along))]].movedim(
        0, axis
    )


def _words(what: str, names: str, sources: Mapping[int, int], size: int) -> str:
    """Return where what is off comes from: `the result of head 2`, `the row before`, `rows 0 to 3 again and again`."""
    name, values = names[:-1], set(sources.values())
    if len(values) == 1:
        return f"{what} {name} {values.pop()}"
    if all(source == size - 1 - to for to, source in sources.items()):
        return f"{what} {names} in reverse order"
    again = max(values) + 1
    if again > 1 and all(source == to % again for to, source in sources.items()):
        return f"{what} {names} 0 to {again - 1} again and again"
    by = _usual(sources)
    if sum(source - to == by for to, source in sources.items()) >= MOST * len(sources):
        far = "" if abs(by) == 1 else f"{abs(by)} {names} "
        return f"{what} the {name} {far}{'before' if by < 0 else 'behind'}"
    to, source = next(iter(sources.items()))
    return f"{what} other {names} ({name} {to} {what} {name} {source})"
