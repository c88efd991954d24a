"""Where the functions of a report stand, by the names that it has for them."""

from collections.abc import Sequence

from rotcheck.implementations.source_lines import place
from rotcheck.implementations.spec import expand
from rotcheck.study.request import display_names


def places(implementations: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    """Return file and line of each implementation that is a function of the working directory."""
    names = [name for each in implementations for name in expand(each)]
    found = {shown: place(name) for name, shown in display_names(names).items()}
    return {shown: where for shown, where in found.items() if where is not None}
