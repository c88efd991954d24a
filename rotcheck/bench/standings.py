"""Who is faster, beyond the noise: the rows that raced against each other, and the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rotcheck.bench.timing_statistics import NO_CHANGE, is_significant
from rotcheck.grouping import group_by
from rotcheck.results import Bench, Spread, Timing


@dataclass(frozen=True, slots=True)
class Race:
    """What is compared with each other: one device, dtype, shape and pass, the fastest first."""

    title: str
    rows: tuple[Timing, ...]
    baseline: Timing | None

    @property
    def ran(self) -> list[Timing]:
        """The rows that have figures."""
        return [row for row in self.rows if row.seconds]

    @property
    def floor(self) -> Spread:
        """The baseline against itself, which would be 1 without noise."""
        return self.baseline.speedup if self.baseline and self.baseline.speedup else NO_CHANGE

    @property
    def winners(self) -> list[Timing]:
        """The rows that none is faster than, beyond the noise."""
        return [row for row in self.ran if rank(row, self.ran) == 1]

    @property
    def gain(self) -> Spread | None:
        """By how much the fastest row beats the baseline; None: not beyond the noise."""
        speedup = self.winners[0].speedup if self.winners else None
        if self.winners[:1] == [self.baseline] or speedup is None or speedup.median <= 1:
            return None
        return speedup if is_significant(speedup, self.floor) else None


def races(bench: Bench) -> list[Race]:
    """The races that have anything to show, in the order in which they were run."""
    idle = ("unavailable", "skipped", "unidentified")
    tried = [row for row in bench.timings if row.state not in idle]
    groups = group_by(tried, lambda row: f"{row.shape} {row.dtype} {row.pass_} on {row.device}")
    return [
        Race(title, tuple(sorted(rows, key=_slowness)), _baseline(rows, bench.against))
        for title, rows in groups.items()
    ]


def rank(row: Timing, among: Sequence[Timing]) -> int:
    """1 + how many of the others are faster by more than the noise of both."""
    return 1 + sum(_clearly_faster(rival, row) for rival in among)


def verdict(bench: Bench) -> str | None:
    """Which implementation is fastest and by how much, in a line; None: nothing was raced."""
    contests = [race for race in races(bench) if len(race.ran) > 1]
    against = bench.against
    if len(contests) == 1:
        return _of_one(contests[0], against)
    names = {race.title: _names(race) for race in contests}
    parts = []
    for winners in dict.fromkeys(names.values()):
        victories = [race for race in contests if names[race.title] == winners]
        parts.append(f"{winners} in {len(victories)}{_gains(victories, against)}")
    return f"fastest of {len(contests)} tables: {'; '.join(parts)}" if parts else None


def _of_one(race: Race, against: str) -> str:
    if race.gain:
        return f"fastest: {_names(race)}{_gains([race], against)}"
    if race.baseline in race.ran:
        return f"nothing is faster than {against} beyond the noise"
    return f"fastest: {_names(race)}"


def _names(race: Race) -> str:
    """The fastest rows; those that cannot be told apart together."""
    return " and ".join(row.implementation for row in race.winners)


def _gains(victories: Iterable[Race], against: str) -> str:
    gains = sorted(race.gain.median for race in victories if race.gain)
    if not gains:
        return ""
    low, high = f"{gains[0]:.2f}", f"{gains[-1]:.2f}"
    times = f"{low}×" if low == high else f"{low}× to {high}×"
    return f" ({times} faster than {against})"


def _baseline(rows: Sequence[Timing], against: str) -> Timing | None:
    return next((row for row in rows if row.implementation == against and row.seconds), None)


def _slowness(row: Timing) -> tuple[bool, bool, float]:
    """What to sort by: the ratio to the baseline, since drift affects both alike."""
    if row.speedup:
        return False, False, 1 / row.speedup.median
    return row.seconds is None, True, row.seconds.median if row.seconds else 0.0


def _clearly_faster(row: Timing, rival: Timing) -> bool:
    if row.speedup and rival.speedup:
        return row.speedup.q25 > rival.speedup.q75
    return bool(row.seconds and rival.seconds and row.seconds.q75 < rival.seconds.q25)
