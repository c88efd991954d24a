"""Are the values of one tensor those of another, whatever was split, joined or repeated between?

Single values of a narrow dtype come again by chance. So runs of neighbouring lanes are compared,
each as one number: a sum with fixed weights, which two runs share only if they are the same.
"""

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from rotcheck.model.turn_angles import NARROW
from rotcheck.witness.call_record import TensorTurn
from rotcheck.witness.turning import real_lanes

MOST_RUNS = 256  # that are looked for
SEED = 12
RUN = 4  # lanes
SAME = 1e-12  # relative: two numbers of the same run
FACTOR = 2e-6  # the same, after all values were multiplied by one factor
POWERS = (-0.5, -0.25)  # of the width of a head: factors of the scores, and of q and k alone
OF_NORMS = 2e-5  # the same, after each head was normed in float32
OF_NARROW_NORMS = 1e-4  # below 1, the cosine of a head and itself, normed in a narrow dtype
MOST = 0.95  # of the runs looked for must be there
PART = 0.2  # of a tensor's runs that must be those which a rotation of more has made, or half of
# those that it changed: in a narrow dtype it leaves many slow lanes as they were


class TurnValues:
    """The runs of lanes that a rotation changed, as they were before it and after it."""

    def __init__(self, turn: TensorTurn) -> None:
        self.turn, self._rest = turn, turn.rest
        self._changes = real_lanes(self._rest.before) != real_lanes(self._rest.after)
        self.run = _run_of(self._changes)

    @cached_property
    def before(self) -> Tensor:
        """A number for each run, in order."""
        return self._runs(real_lanes(self._rest.before))

    @cached_property
    def after(self) -> Tensor:
        """A number for each run, in order."""
        return self._runs(real_lanes(self._rest.after))

    @cached_property
    def _changed_part(self) -> float:
        """Which part of the runs changed."""
        return float(_all_of_run(self._changes, self.run).double().mean())

    def _runs(self, x: Tensor) -> Tensor:
        return self._numbers(x).sort().values

    def _numbers(self, x: Tensor) -> Tensor:
        return numbers(x, self.run)[_all_of_run(self._changes, self.run)]

    def is_after_in(self, slot: Tensor) -> bool:
        """Whether a tensor holds what came out, or is a part of it."""
        return self._holds(slot, self._rest.after, self.after)

    def is_before_in(self, slot: Tensor) -> bool:
        """Whether a tensor holds what went in, or is a part of it."""
        return self._holds(slot, self._rest.before, self.before)

    def _holds(self, slot: Tensor, x: Tensor, runs: Tensor) -> bool:
        return self._are_in(slot, x, runs) or self._is_along(slot, x)

    def _are_in(self, slot: Tensor, x: Tensor, runs: Tensor) -> bool:
        """All values may have been multiplied by one factor, that of the scores."""
        if slot.shape[-1] < self.run:
            return False
        all_runs = numbers(real_lanes(slot), self.run).flatten()
        in_order = all_runs.sort().values
        if share(in_order, _sample(runs), SAME) >= MOST:
            return True
        samples = (_sample(self._numbers(multiple)) for multiple in _multiples(x))
        if any(share(in_order, sample, FACTOR) >= MOST for sample in samples):
            return True
        return share(runs, _sample(all_runs), SAME) >= min(PART, self._changed_part / 2)

    def _is_along(self, slot: Tensor, x: Tensor) -> bool:
        """Whether each head of a tensor points where one of the other does: it was normed."""
        heads, turn_heads = real_lanes(slot), real_lanes(x)
        if heads.shape[-1] != turn_heads.shape[-1]:
            return False
        if slot.dtype in NARROW:
            return self._is_near(_direction(heads), _direction(turn_heads))
        runs = numbers(_direction(heads), self.run).flatten().sort().values
        return share(runs, _sample(self._runs(_direction(turn_heads))), OF_NORMS) >= MOST

    def _is_near(self, heads: Tensor, turn_heads: Tensor) -> bool:
        """Whether most heads that turned, (..., D), are among others, as near as a narrow dtype
        leaves them."""
        rows = turn_heads[self._changes.any(-1)]  # (N, D)
        cosines = _sample_rows(rows) @ heads.flatten(0, -2).T
        return float((cosines.amax(1) > 1 - OF_NARROW_NORMS).double().mean()) >= MOST


def enters(slot: Tensor, turn: TensorTurn) -> bool:
    """Whether what an attention got holds a tensor that was turned."""
    return TurnValues(turn).is_after_in(slot)


def feeds(earlier: TensorTurn, later: TensorTurn) -> bool:
    """Whether what came out of one rotation went into another one, which turned the same lanes."""
    earlier = earlier.rest
    after, before = real_lanes(earlier.after), real_lanes(later.before)
    changes = real_lanes(earlier.before) != after
    if after.shape[-1] == before.shape[-1]:
        changes = changes & (before != real_lanes(later.after)).flatten(0, -2).any(0)
    run = _run_of(changes)
    runs = numbers(after, run)[_all_of_run(changes, run)]
    if before.shape[-1] < run or not len(runs):
        return False
    return share(numbers(before, run).flatten().sort().values, _sample(runs), SAME) >= MOST


def region_start(slot: Tensor, turn: TensorTurn) -> int | None:
    """The lane of a head at which the lanes that turned begin; None: it does not show."""
    turn, heads = turn.rest, real_lanes(slot)
    before, after = real_lanes(turn.before), real_lanes(turn.after)
    changes = before != after
    run = _run_of(changes)
    if after.shape[-1] > heads.shape[-1]:
        return None  # heads lie side by side
    rows = _all_of_run(changes, run)  # (..., D - run + 1)
    lane = int(rows.flatten(0, -2).sum(0).argmax())
    samples = [
        _sample(numbers(x, run)[..., lane][rows[..., lane]])
        for x in (after, *_multiples(turn.after))
    ]
    columns = numbers(heads, run).flatten(0, -2).T.contiguous().sort(-1).values
    places = [
        at
        for at, column in enumerate(columns)
        if share(column, samples[0], SAME) >= MOST
        or any(share(column, sample, FACTOR) >= MOST for sample in samples[1:])
    ]
    return places[0] - lane + turn.turn.start if len(places) == 1 else None


def numbers(x: Tensor, run: int) -> Tensor:
    """A number for each run of so many neighbouring lanes of (..., D): (..., D - run + 1)."""
    weights = torch.sqrt(torch.tensor([2.0, 3.0, 5.0, 7.0], dtype=torch.float64))[:run]
    return x.unfold(-1, run, 1) @ weights


def _multiples(x: Tensor) -> Iterator[Tensor]:
    """Yield the lanes of a tensor times each factor of the scores, as its dtype rounds them."""
    for power in POWERS:
        yield real_lanes(x * x.shape[-1] ** power)


def _run_of(changes: Tensor) -> int:
    """How many lanes a run has, so that there are runs of lanes which all changed."""
    lengths = (length for length in (RUN, 2) if changes.shape[-1] >= length)
    return next((n for n in lengths if bool(_all_of_run(changes, n).any())), 1)


def _all_of_run(changes: Tensor, run: int) -> Tensor:
    return changes.unfold(-1, run, 1).all(-1)


def _direction(heads: Tensor) -> Tensor:
    """Heads (..., D) of length 1."""
    lengths: Tensor = heads.norm(dim=-1, keepdim=True).clamp_min(1e-30)  # (..., 1)
    return heads / lengths


def _sample(values: Tensor) -> Tensor:
    """Some of many values; at random, since an even step would meet the same lanes again."""
    return _sample_rows(values.flatten())


def _sample_rows(rows: Tensor) -> Tensor:
    if len(rows) <= MOST_RUNS:
        return rows.contiguous()
    places = torch.randint(len(rows), (MOST_RUNS,), generator=torch.Generator().manual_seed(SEED))
    return rows[places]


def share(in_order: Tensor, sample: Tensor, tolerance: float) -> float:
    """Which share of a sample is among numbers in order; 0 where chance alone would find it."""
    if len(in_order) < 2 or not len(sample) or len(in_order) * tolerance > 1:
        return 0.0
    at = torch.searchsorted(in_order, sample).clamp(1, len(in_order) - 1)
    off = torch.minimum((in_order[at] - sample).abs(), (in_order[at - 1] - sample).abs())
    return float((off <= tolerance * sample.abs()).double().mean())
