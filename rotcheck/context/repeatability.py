"""Whether an object gives the same after other calls: caches keep what the first call made."""

from collections.abc import Sequence

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import AngleSource, Turns
from rotcheck.context.sweep import Truth

SAMPLE = (0, 1, 2, 3, 257, 1000, 2049, 4095)
FEW = tuple(range(8))


def difference(before: Turns, after: Turns) -> str | None:
    """By how much elements differ, in words; None: all bits are the same."""
    if before.equals(after):
        return None
    return f"cos and sin differ by up to {before.largest_difference(after):.2g}"


def worst(profile: AngleProfile, turns: Turns, positions: Sequence[int]) -> float:
    """The largest phase error, in radians."""
    return max(Truth(profile).errors(turns, positions))


def sample(source: AngleSource, profile: AngleProfile) -> tuple[tuple[int, ...], Turns]:
    """Positions that the object claims and accepts, and what one call gives for them."""
    positions = tuple(position for position in SAMPLE if position < profile.judged_to)
    while len(positions) > 4:
        try:
            return positions, source.run(positions)
        except Exception:  # it accepts no position as large as this
            positions = positions[:-1]
    return positions, source.run(positions)
