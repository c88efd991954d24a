"""Arguments with a default that no call was tried with."""

from collections.abc import Callable, Sequence
from typing import Any

from rotcheck.identify.calling.parameters import parameters


def untried_arguments(
    function: Callable[..., Any], arguments: Sequence[str], flags: Sequence[str]
) -> tuple[str, ...]:
    """The parameters that a call left at their defaults,
    and that no flag of `flags` ("name=True") turned."""
    places = parameters(function) or []
    by_keyword = {argument.rpartition("=")[0] for argument in arguments if "=" in argument}
    by_position = sum("=" not in argument for argument in arguments)
    passed_names = (
        {place.name for place in places[:by_position]}
        | by_keyword
        | {flag.partition("=")[0] for flag in flags}
    )
    return tuple(
        place.name for place in places if not place.mandatory and place.name not in passed_names
    )
