"""Two functions whose frequencies follow the length of the sequence,
compared at several lengths."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from rotcheck.identify.swapping.angle_differences import FOLLOWS, NEVER, of_length, verdict_of
from rotcheck.results import Difference, Likeness

LENGTHS = (9, 300, 1025, 2049, 4097, 8193, 16385, 32769, 65537, 131073)
"""Rows: around every length that models are trained with,
on either side of which dynamic NTK and LongRoPE differ."""

AGAIN = 300  # rows that are asked for once more behind the longest sequence


def asks_lengths(answer: Likeness) -> bool:
    """Whether only a run at several lengths can tell if two turn by the same rule."""
    return any(map(of_length, answer.differences))


def lengths_alone(answer: Likeness) -> bool:
    """Whether nothing else has to be known or changed."""
    return not any(change.hard and not of_length(change) for change in answer.differences)


def of_lengths(answer: Likeness, errors: Mapping[str, float], near: float) -> Likeness:
    """A likeness with what a run at several lengths says;
    `errors`: rounding steps, by the number of rows."""
    alike = [length for length, error in errors.items() if error <= near]
    unlike = [length for length, error in errors.items() if not error <= near]
    differences = tuple(
        difference for difference in answer.differences if not of_length(difference)
    )
    if unlike:
        fix = f"{NEVER}: build it with the other's rule"
        words = f"others for {_rows(unlike)}" + (f", alike for {_rows(alike)}" if alike else "")
        rule = Difference(field="frequencies", own=words, other=FOLLOWS, fix=fix)
        return replace(answer, swappable="no", adapter=None, differences=(*differences, rule))
    fix = f"run side by side, they are alike for {_rows(alike)}"
    rule = Difference(field="frequencies", own=FOLLOWS, other=FOLLOWS, fix=fix, hard=False)
    return replace(answer, swappable=verdict_of(differences), differences=(*differences, rule))


def _rows(lengths: Sequence[str]) -> str:
    return f"{', '.join(lengths)} rows"
