"""What a worker sends back about one cell: plain figures and text, no tensor, no verdict."""

from typing import Literal

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one check of one implementation on one device in one dtype."""

    state: Literal["ran", "unavailable", "skipped", "unidentified"] = "ran"
    applies: bool = True  # False for a skipped check that makes no sense for this function
    error: float | None = None  # worst, in units of eps(dtype) * norm of the pair
    error_float32: float | None = None  # for float64: the same in float32's units
    where: dict[str, int] | None = None
    correctly_rounded: float | None = None
    not_finite: int = 0
    finding: str | None = None  # code of what is wrong, as diagnose/ lists them
    message: str | None = None  # what is wrong, or why it did not run
    note: str | None = None
    advice: str | None = None  # what to do so that a function that was not identified can be judged
    path: str | None = None
    output: str | None = None  # the rotated pairs for the pairwise table, base64 of float64
    seconds: float | None = None


def inapplicable(why: str) -> Evidence:
    """The evidence of a check that makes no sense for a function."""
    return Evidence(state="skipped", message=why, applies=False)
