"""Conventions that are stated and not found out:
by `rotcheck.declare`, in pyproject.toml, to an assertion."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec

from rotcheck.convention import FORMS, LAYOUTS, Convention
from rotcheck.declaration import DECLARED
from rotcheck.errors import RequestError
from rotcheck.implementations.interface import Function

DEFAULTS = {"pairing": "half", "layout": "bshd", "tables": "repeated"}


def declared_convention(function: Function) -> Convention | None:
    """The convention that a function declares by `rotcheck.declare`, or None.

    Raises `RequestError` for a field that no convention has.
    """
    statement = getattr(function, DECLARED, None)
    return None if statement is None else convention_of(statement, "what it declares")


def convention_of(statement: Mapping[str, Any], source: str) -> Convention:
    """The convention of these fields; raises `RequestError`, which says in
    which source they stand."""
    names = {field.name for field in fields(Convention)}
    strange = [name for name in statement if name not in names]
    if strange:
        raise RequestError(
            f"{source}: unknown {strange[0]!r}; a convention has {', '.join(sorted(names))}"
        )
    try:
        convention = msgspec.convert({**DEFAULTS, **statement}, Convention)
    except msgspec.ValidationError as error:
        raise RequestError(f"{source}: {error}") from error
    for name, values in {"layout": LAYOUTS, "tables": (*FORMS, "positions")}.items():
        value = getattr(convention, name)
        if value not in values:
            raise RequestError(f"{source}: unknown {name} {value!r}; known are {', '.join(values)}")
    return convention
