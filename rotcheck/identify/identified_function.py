"""A function once it is identified: what is said of it, and how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass

from rotcheck.convention import Convention
from rotcheck.identify.asking.flags import Turning
from rotcheck.results import Identification


@dataclass(frozen=True, slots=True)
class IdentifiedFunction:
    """An identification, and the convention that values are judged by; None: there is none."""

    identification: Identification
    convention: Convention | None
    flags: tuple[Turning, ...] = ()  # to be tried, of a function that follows a convention
    with_flag: Callable[[Turning], Identification] | None = None  # identifies it again with one
