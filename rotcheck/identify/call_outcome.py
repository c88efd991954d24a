"""What comes of calling somebody's function in a way that it may refuse: it may raise anything."""

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def result_or_none(call: Callable[[], Result]) -> Result | None:
    """What a call gives back; None: it raised, and does not take what it was given."""
    try:
        return call()
    except Exception:  # a refusal, whatever the function raises
        return None
