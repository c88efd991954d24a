"""Where a property ends: the last position that has it,
between one that has it and one that does not."""

from bisect import bisect_left
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def last_accepted(good: int, bad: int, accepts: Callable[[int], bool]) -> int:
    """The last position for which `accepts` is true, asking as few positions as possible.

    Args:
        good: a position for which it is true.
        bad: a larger one for which it is false.
        accepts: true up to some position and false from the next one on.
    """
    between = range(good + 1, bad)
    return good + bisect_left(between, True, key=lambda position: not accepts(position))


def last_answered(
    good: int, bad: int, ask: Callable[[int], Answer]
) -> tuple[int, Answer | None, Exception | None]:
    """The last position for which `ask` raises nothing, its answer, and what the next one raised.

    Arguments as of `last_accepted`. No answer: it is `good`; no error: the next one is `bad`.
    """
    answers: list[Answer] = []
    errors: dict[int, Exception] = {}

    def accepts(position: int) -> bool:
        try:
            answers.append(ask(position))
        except Exception as error:  # whatever it raises: the end lies before this
            errors[position] = error
            return False
        return True

    last = last_accepted(good, bad, accepts)
    return last, answers[-1] if answers else None, errors.get(last + 1)
