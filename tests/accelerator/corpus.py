"""Run in a process of its own with the pretend accelerator:
what departs there from what `tests/identify` expects.

`corpus.py FILE...` prints for each function of these files what departs, what it is told,
and its findings, as JSON.
"""

import functools
import importlib
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rotcheck.implementations.target import resolve

sys.path.append(str(Path(__file__).parents[1] / "identify"))
from identifying import departures

from rotcheck.identify.function_identification import identify

DEVICE = "pretend:0"
SLOW = ("real_part_only", "reversed_second_half")  # for which thousands of calls are tried


def there(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function make its tables where its tensors are, as `torch.set_default_device` does."""
    if not isinstance(function, type(there)):
        return function

    @functools.wraps(function)
    def called(*args: Any, **keyword: Any) -> Any:
        held = [value for value in (*args, *keyword.values()) if isinstance(value, torch.Tensor)]
        with torch.device(held[0].device if held else "cpu"):
            return function(*args, **keyword)

    return called


def found(specification: str, expected: dict[str, Any]) -> dict[str, Any]:
    target = resolve(specification, DEVICE)
    target = replace(
        target, function=there(target.function), anew=lambda: there(named(specification))
    )
    told = identify(target, torch.device(DEVICE)).identification
    codes = [one.code for one in told.findings if one.mistake]
    return {"departures": departures(told, expected), "message": told.message, "findings": codes}


def named(specification: str) -> Callable[..., Any]:
    function: Callable[..., Any] = resolve(specification, "cpu").function
    return function


torch.set_num_threads(1)
warnings.simplefilter("ignore")
print(
    json.dumps(
        {
            name: found(f"{file}:{name}", expected)
            for file in sys.argv[1:]
            for name, expected in importlib.import_module(file).expect.expected.items()
            if name not in SLOW
        }
    )
)
