"""Snippets that show what is wrong with a maker of tables, and run without rotcheck."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
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
    """Code that makes these calls, each with its comment, and prints what comes back.

    `calls`: positions as Python, or an argument such as `offset=3`, and what the comment says of
    the result. None for a function that no import can name.
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
    lines += x_lines(recipe, rows)
    lines += [
        f"print(f({_call(recipe, argument_code, rows)}))  # {comment}"
        for argument_code, comment in calls
    ]
    return "\n".join(lines)


def x_lines(recipe: MakerCall, rows: int) -> list[str]:
    """The line that makes the tensor that a maker is shown, where it is shown one."""
    sizes = _SIZES | {"s": rows}
    shape = ", ".join(str(sizes[axis]) for axis in recipe.x_axes) if "x" in recipe.roles else ""
    return [f"x = torch.zeros({shape})"] if shape else []


def arguments(recipe: MakerCall, rows: int, codes: Mapping[str, str] | None = None) -> list[str]:
    """The arguments of a maker's call as Python; `codes`: of roles that are others than usual."""
    codes = {
        "float": "positions.float()",
        "S": str(rows),
        "D": str(HEAD_DIM),
        "B": str(BATCH),
        "float32": "torch.float32",
        "device": '"cpu"',
        **(codes or {}),
    }
    parts = (argument.rpartition("=") for argument in recipe.arguments)
    return [f"{name}{equals}{codes.get(role, role)}" for name, equals, role in parts]


def _call(recipe: MakerCall, argument_code: str, rows: int) -> str:
    """The arguments of a call; `argument_code`: its positions, or an argument to add."""
    codes = {
        "positions": argument_code,
        "float": f"{argument_code}.float()",
        "device": repr(recipe.device),
        "inv_freq": f"1 / {BASE} ** (torch.arange(0, {HEAD_DIM}, 2) / {HEAD_DIM})",
    }
    parts = arguments(recipe, rows, codes)
    name, equals, _ = argument_code.partition("=")
    if equals and name.isidentifier():
        parts = [*(part for part in parts if not part.startswith(f"{name}=")), argument_code]
    return ", ".join(parts)
