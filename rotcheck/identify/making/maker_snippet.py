"""Snippets that show what is wrong with a maker of tables, and run without rotcheck."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rotcheck.identify.making.maker_call_candidates import BASE, BATCH, HEAD_DIM, HEADS, MakerCall
from rotcheck.identify.showing.loading_lines import loading
from rotcheck.implementations.spec import MODULE_PREFIX

_SIZES = {"b": BATCH, "h": HEADS, "d": HEAD_DIM}


def snippet(
    function: Callable[..., Any],
    construction: str | None,
    recipe: MakerCall,
    calls: Sequence[tuple[str, str]],
    rows: int,
) -> str | None:
    """Return code that makes these calls, each with its comment, and prints what comes back.

    `calls`: positions as Python, or an argument such as `offset=3`, and what the comment says of the result. None for
    a function that no import can name.
    """
    owner = getattr(function, "__self__", function if hasattr(function, "forward") else None)
    name = getattr(function, "__name__", "forward")
    kind = type(owner) if owner is not None else function
    module, import_name = getattr(kind, "__module__", ""), getattr(kind, "__name__", "")
    if not module or "<" in import_name:
        return None
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return None
    target = Path(os.path.relpath(file)).as_posix() if module.startswith(MODULE_PREFIX) else module
    method = f".{name}" if owner is not None and owner is not function else ""
    lines = loading(f"{target}:{import_name}{method}", construction, function)
    if any(argument.rpartition("=")[2] == "x" for argument in recipe.arguments):
        sizes = ", ".join(str(_SIZES.get(axis, rows)) for axis in recipe.x_axes)
        lines.append(f"x = torch.zeros({sizes})")
    lines += [
        f"print(f({call(recipe, argument_code, rows)}))  # {comment}"
        for argument_code, comment in calls
    ]
    return "\n".join(lines)


def call(recipe: MakerCall, argument_code: str, rows: int) -> str:
    """Return the arguments of a recipe as Python; `argument_code`: its positions, or an argument to add."""
    extra = (
        argument_code
        if argument_code.partition("=")[0].isidentifier() and "=" in argument_code
        else ""
    )
    roles = {
        "positions": argument_code,
        "float": f"{argument_code}.float()",
        "S": str(rows),
        "D": str(HEAD_DIM),
        "B": str(BATCH),
        "float32": "torch.float32",
        "device": repr(recipe.device),
        "inv_freq": f"1 / {BASE} ** (torch.arange(0, {HEAD_DIM}, 2) / {HEAD_DIM})",
    }
    parts = []
    for argument in recipe.arguments:
        name, equals, role = argument.rpartition("=")
        if not extra or name != extra.partition("=")[0]:
            parts.append(f"{name}{equals}{roles.get(role, role)}")
    return ", ".join([*parts, *([extra] if extra else [])])
