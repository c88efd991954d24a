"""The options that commands share, and the reading of their values."""

import math
from collections.abc import Sequence
from typing import Annotated

import typer

from rotcheck.errors import RequestError

Implementations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMPLEMENTATION",
        help="A registered name, path/to/file.py:function, package.module:function, or a file.py: all in it. "
        "None: rotcheck's own and this project's.",
    ),
]
SHORT = {
    **{"bf16": "bfloat16", "fp16": "float16", "f16": "float16", "half": "float16"},
    **{"fp32": "float32", "f32": "float32", "float": "float32"},
    **{"fp64": "float64", "f64": "float64", "double": "float64"},
}
MemoryLimit = Annotated[
    float | None, typer.Option("--memory-limit", metavar="GIB", help="For one worker process.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="A picture too: .svg or .png.")
]


def split(option: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """The values of an option that may be repeated and may hold several, comma separated.

    Raises `RequestError` for an empty one: `--device "$EMPTY"` must not mean every device.
    """
    parts = tuple(part.strip() for value in values or () for part in value.split(","))
    if "" in parts:
        raise RequestError(f"{option} is given without a value")
    return parts


def dtypes(values: Sequence[str] | None) -> tuple[str, ...]:
    """The dtypes of `--dtype`, also by the short names that people type: bf16, torch.float16, half."""
    names = (name.removeprefix("torch.") for name in split("--dtype", values))
    return tuple(SHORT.get(name, name) for name in names)


def positive(option: str, value: float | None) -> float | None:
    """The value; raises `RequestError` unless it is a finite number above 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise RequestError(f"{option} must be a finite number above 0, not {value:g}")
    return value
