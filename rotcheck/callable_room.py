"""Lets `rotcheck.compare` be two things at once:
the room of that name, and the function that works in it."""

import importlib
import sys
from types import ModuleType
from typing import Any


def callable_as(package: str, function: str) -> None:
    """Make a package callable: `package(...)` calls `function` of its module `run`.

    Importing anything below a package sets it as an attribute of its parent, so a function of the
    same name could never be relied on to be there.
    """

    class Room(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            return getattr(importlib.import_module(f"{package}.run"), function)(*args, **options)

    sys.modules[package].__class__ = Room
