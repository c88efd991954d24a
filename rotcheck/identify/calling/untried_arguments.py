"""Arguments with a default that no call was tried with."""

from collections.abc import Callable, Sequence
from typing import Any

from rotcheck.identify.calling.templates import parameters


def untried_arguments(
    function: Callable[..., Any], arguments: Sequence[str], flags: Sequence[str]
) -> tuple[str, ...]:
    """Return the parameters that a call left at their defaults, and that no flag of `flags` ("name=True") turned."""
    known = parameters(function) or []
    named = {argument.rpartition("=")[0] for argument in arguments if "=" in argument}
    placed = sum("=" not in argument for argument in arguments)
    given = (
        {one.name for one in known[:placed]} | named | {flag.partition("=")[0] for flag in flags}
    )
    return tuple(one.name for one in known if not one.required and one.name not in given)
