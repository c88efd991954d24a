"""The lines before an adapter that define `ours` as it was in the run,
for the user's own Python."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rotcheck.identify.showing.loading_lines import construction, loading
from rotcheck.identify.swapping.call_lines import OURS, registered_lines
from rotcheck.implementations import array_libraries, module_import
from rotcheck.implementations.spec import MODULE_PREFIX, as_typed
from rotcheck.implementations.target import Target

ASSIGNMENT = "f = "  # how the last of the lines begins that load a function


def lines(target: Target, device: str) -> str:
    """The lines that import or build it: as a user would write them, where that is possible."""
    name = target.specification
    if ":" not in name:
        return of_function(target.function) or registered_lines(name, device)
    return _plain(target) or _loading(target)


def of_function(function: Callable[..., Any]) -> str:
    """The line that imports a function from the module that defines it; empty:
    that has no such name."""
    module, name = getattr(function, "__module__", None) or "", getattr(function, "__name__", "")
    original = getattr(sys.modules.get(module), name, None) if name else None
    if original is not function or module.startswith(MODULE_PREFIX) or module == "__main__":
        return ""
    return f"from {module} import {name} as {OURS}"


def _plain(target: Target) -> str:
    """An import of its module or file, and a line that builds it; empty: that takes more."""
    place, _, name = target.specification.rpartition(":")
    module = Path(place).stem if place.endswith(".py") else place
    if not _importable(place, module) or array_libraries.library_of(target.function) is not None:
        return ""
    first, _, method = name.partition(".")
    if target.built is None:
        return (
            f"from {module} import {first} as {OURS}"
            if not method
            else f"{_of(module, first)} = {name}"
        )
    expression = construction(target.built)
    return (
        f"{_of(module, first)} = {expression}{name.removeprefix(first)}"
        if _of_literals(expression)
        else ""
    )


def _of(module: str, first: str) -> str:
    return f"from {module} import {first}\n\n{OURS}"


def _importable(place: str, module: str) -> bool:
    """Whether `import` finds it: a file by its name in its own folder,
    if it ran to its end by itself."""
    if not place.endswith(".py"):
        return place in sys.modules
    name = module_import.name_of(place)
    loaded_module = sys.modules.get(name)
    whole = not (
        getattr(loaded_module, module_import.PLACEHOLDERS, ())
        or getattr(loaded_module, module_import.EXCEPTION, None)
    )
    return name.startswith(MODULE_PREFIX) and module.isidentifier() and whole


def _of_literals(expression: str) -> bool:
    """Whether a construction is Python in which nothing else is named."""
    try:
        call = ast.parse(expression, mode="eval").body
        for value in (
            (*call.args, *(keyword.value for keyword in call.keywords))
            if isinstance(call, ast.Call)
            else ()
        ):
            ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return False
    return True


def _loading(target: Target) -> str:
    *before, last = loading(as_typed(target.specification), target.built, target.function)
    lines_before = [line for line in before if line != "import torch"]
    return "\n".join([*lines_before, f"{OURS} = {last.removeprefix(ASSIGNMENT)}"]).strip("\n")
