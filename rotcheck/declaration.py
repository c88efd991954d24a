"""The decorator by which a rotary function says what it does by design;
it costs nothing and imports nothing."""

from collections.abc import Callable
from typing import Any, TypeVar

DECLARED = "__rotcheck__"

Function = TypeVar("Function", bound=Callable[..., Any])


def declare(**convention: Any) -> Callable[[Function], Function]:
    """Declare a function's convention: rotcheck then judges it by that, and identifies nothing.

    It costs nothing at run time, and a word that is unknown is refused where the function is
    judged.

    Args:
        **convention: fields of `rotcheck.rotary.Convention`; `pairing`, `layout` and `tables`
            say most.

    Returns:
        A decorator that returns the function itself.

    Example:
        >>> @declare(pairing="interleaved", layout="bshd", tables="complex")
        ... def apply_rotary(x, freqs_cis): ...
    """

    def mark(function: Function) -> Function:
        setattr(function, DECLARED, convention)
        return function

    return mark
