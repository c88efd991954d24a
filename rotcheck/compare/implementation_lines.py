"""Where the functions of a report stand, by the names that it has for them."""

from collections.abc import Sequence

from rotcheck.implementations.function_place import place
from rotcheck.implementations.spec import expand
from rotcheck.study.request import display_names


def places(implementations: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    """File and line of each implementation in the working directory, by its display name."""
    names = [name for spec in implementations for name in expand(spec)]
    lines = {label: place(name) for name, label in display_names(names).items()}
    return {label: where for label, where in lines.items() if where is not None}
