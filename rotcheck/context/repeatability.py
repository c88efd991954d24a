"""Whether an object gives the same after something else was asked of it: caches keep what the first call made."""

from collections.abc import Sequence

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import AngleSource, Turns
from rotcheck.context.sweep import Truth

SAMPLE = (0, 1, 2, 3, 257, 1000, 2049, 4095)
FEW = tuple(range(8))


def sample(profile: AngleProfile) -> tuple[int, ...]:
    """Return positions within what the object claims."""
    return tuple(position for position in SAMPLE if position < profile.judged_to)


def difference(before: Turns, after: Turns) -> str | None:
    """Return by how much an element changed, in words; None: by nothing."""
    if before.equals(after):
        return None
    return f"cos and sin differ by up to {before.apart(after):.2g}"


def worst(profile: AngleProfile, turns: Turns, positions: Sequence[int]) -> float:
    """Return the largest phase error, in radians."""
    return max(Truth(profile).errors(turns, positions))


def sample_of(source: AngleSource, profile: AngleProfile) -> tuple[tuple[int, ...], Turns]:
    """Return those of the sample that the object takes, and what it gives for them in one call."""
    positions = sample(profile)
    while len(positions) > 4:
        try:
            return positions, source.run(positions)
        except Exception:  # it takes no position as large as this
            positions = positions[:-1]
    return positions, source.run(positions)
