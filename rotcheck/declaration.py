"""The decorator by which a rotary function says what it does by design; it costs nothing and imports nothing."""

from collections.abc import Callable
from typing import Any, TypeVar

DECLARED = "__rotcheck__"

Function = TypeVar("Function", bound=Callable[..., Any])


def declare(**convention: Any) -> Callable[[Function], Function]:
    """Declare a function's convention: rotcheck then holds it to that, and identifies nothing.

        @rotcheck.declare(pairing="interleaved", layout="bshd", tables="complex")
        def apply_rotary(x, freqs_cis): ...

    The words are the fields of `rotcheck.rotary.Convention`, of which `pairing`, `layout` and `tables` say most.
    Returns the function itself. A word that is unknown is refused where the function is judged.
    """

    def mark(function: Function) -> Function:
        setattr(function, DECLARED, convention)
        return function

    return mark
