"""What requests are made of: SPECs, dtypes, other names, and what a report calls each SPEC."""

import difflib
from collections.abc import Collection, Sequence

from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.implementations.spec import expand

DTYPES = ("float32", "bfloat16", "float16", "float64")


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names in their order, each once."""
    return tuple(dict.fromkeys(names))


def check_known(kind: str, names: Sequence[str], existing: Sequence[str]) -> None:
    """Hold the names of a request against those that exist; `kind`: what they name, as "dtype".

    Raises:
        RequestError: one of them is not known; the message has the nearest and all that are.
    """
    for name in names:
        if name not in existing:
            near = difflib.get_close_matches(name, existing, 1, 0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise RequestError(f"unknown {kind} {name!r}; {hint}Known: {', '.join(existing)}")


def expand_specs(specs: Sequence[str]) -> list[str]:
    """The SPECs, each `file.py` replaced by all rotary functions in it.

    Raises:
        RequestError: one of them cannot name a function.
    """
    functions = [function for spec in specs for function in expand(spec)]
    for function in functions:
        registry.check(function)
    return functions


def display_names(specs: Collection[str]) -> dict[str, str]:
    """What a report calls each SPEC: of its path only as much as tells it from the others."""
    parts = {spec: spec.split("/") for spec in specs}

    def shortest(path: list[str], length: int = 1) -> str:
        alike = [
            other_path for other_path in parts.values() if other_path[-length:] == path[-length:]
        ]
        return "/".join(path[-length:]) if len(alike) == 1 else shortest(path, length + 1)

    return {spec: shortest(path) for spec, path in parts.items()}
