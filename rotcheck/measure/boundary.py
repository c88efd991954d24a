"""Where a property ends: the last position that has it, between one that has it and one that has not."""

from bisect import bisect_left
from collections.abc import Callable


def last_accepted(good: int, bad: int, accepts: Callable[[int], bool]) -> int:
    """The last position for which `accepts` is true, asking as few positions as possible.

    Args:
        good: a position for which it is true.
        bad: a larger one for which it is false.
        accepts: true up to some position and false from the next one on.
    """
    between = range(good + 1, bad)
    return good + bisect_left(between, True, key=lambda position: not accepts(position))
