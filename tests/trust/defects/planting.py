"""How a defect is planted: by which code it must be named,
and which failure of the field it stands for."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import rotcheck

Thing = TypeVar("Thing", bound=Callable[..., Any])


class Plant(NamedTuple):
    code: str  # of the finding by which it must be named
    stands_for: str  # a failure of the field, a row of the detector table, or a library's fault
    dtypes: tuple[str, ...]  # in which it shows
    check: str  # that names it; empty: the first that disagrees
    batched: bool  # it shows only where batch rows have positions of their own
    condition: str = ""  # of `rotcheck context` that spoils it


ALL = ("float32", "bfloat16", "float16", "float64")
WIDE = ("float32", "float64")  # where narrower arithmetic shows in both


def planted(
    code: str,
    stands_for: str,
    dtypes: tuple[str, ...] = ALL,
    check: str = "",
    batched: bool = False,
    **convention: Any,
) -> Callable[[Thing], Thing]:
    """Plant a defect; with a convention it declares that, and is held to it;
    without, it has to be identified."""

    def mark(thing: Thing) -> Thing:
        thing.plant = Plant(code, stands_for, dtypes, check, batched)  # type: ignore[attr-defined]
        return rotcheck.declare(**convention)(thing) if convention else thing

    return mark


def spoilt(condition: str, code: str, stands_for: str) -> Callable[[Thing], Thing]:
    """Plant a defect that shows under a condition of `rotcheck context`."""

    def mark(thing: Thing) -> Thing:
        thing.plant = Plant(code, stands_for, ("float32",), "", False, condition)  # type: ignore[attr-defined]
        return thing

    return mark
