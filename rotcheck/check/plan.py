"""What is asked of a file: which functions, in which dtypes, on which device, how far."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rotcheck.errors import RequestError
from rotcheck.results import INTERPRETER
from rotcheck.study.request import DTYPES, check_known, display_names, expand_specs, unique

MOST_POSITIONS = 1 << 24  # positions that can be asked for
CONDITIONS = {
    "float32": ("constructed", "grown"),
    "bfloat16": ("constructed", "bfloat16", "to-bfloat16", "autocast", "grown", "dtypes"),
    "float16": ("constructed", "half", "grown"),
    "float64": ("constructed", "grown"),
}
"""What is done to an object that makes its own angles in a model of each dtype,
as `rotcheck context` names it."""

FALLBACK_DTYPES = ("float32",)  # where bfloat16 cannot be


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What was asked for, checked as far as it can be before anything runs."""

    titles: tuple[str, ...]  # as they are shown
    names: tuple[str, ...]  # of the functions and classes in them
    dtypes: tuple[str, ...]
    to: int | None
    device: str

    @property
    def labels(self) -> dict[str, str]:
        """What each function is called in a report."""
        return display_names(self.names)

    @property
    def conditions(self) -> list[str]:
        """What is done to what makes its own angles."""
        return list(unique([condition for dtype in self.dtypes for condition in CONDITIONS[dtype]]))


def judged_in(dtypes: Sequence[str], device: str) -> tuple[str, ...]:
    """The dtypes in which a device can judge: the Triton interpreter has no true bfloat16."""
    return (
        tuple(name for name in dtypes if name != "bfloat16" or device != INTERPRETER)
        or FALLBACK_DTYPES
    )


def make_request(
    specifications: Sequence[str], dtypes: Sequence[str], to: int | None, device: str
) -> CheckRequest:
    """Check a request before anything runs.

    Raises:
        RequestError: it names what does not exist, or a number that is none of positions.
        NothingRotary: a file of it has no rotary function.
    """
    check_known("dtype", dtypes, DTYPES)
    if not specifications or not dtypes:
        raise RequestError("name a file, as path/to/file.py, and a dtype")
    if to is not None and not 1 <= to <= MOST_POSITIONS:
        raise RequestError(
            f"--to must be a number of positions from 1 to {MOST_POSITIONS}, not {to}"
        )
    names = unique(expand_specs(specifications))
    return CheckRequest(
        tuple(map(short_path, unique(specifications))), names, unique(dtypes), to, device
    )


def short_path(specification: str) -> str:
    """A file or a function by its path from the working directory,
    without folders outside of it."""
    relative = os.path.relpath(specification) if "/" in specification else specification
    return relative.rpartition("/")[2] if relative.startswith("..") else relative
