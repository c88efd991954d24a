"""The options that commands share, said once each;
what was given is read and checked before the work begins."""

import math
from typing import Annotated, Any

import typer

from rotcheck.errors import RequestError

Names = list[str] | None
"""What options take that may be repeated and may hold several, comma separated; None: not given."""

SHORT = {
    **{"bf16": "bfloat16", "fp16": "float16", "f16": "float16", "half": "float16"},
    **{"fp32": "float32", "f32": "float32", "float": "float32"},
    **{"fp64": "float64", "f64": "float64", "double": "float64"},
}


def _split(parameter: typer.CallbackParam, values: Names) -> Names:
    """The values apart; raises `RequestError` for an empty one:
    `--device "$EMPTY"` must not mean every device."""
    parts = [part.strip() for value in values or () for part in value.split(",")]
    if "" in parts:
        raise RequestError(f"{parameter.opts[0]} is given without a value")
    return parts


def dtype(name: str) -> str:
    """The dtype of a name that people type: bf16, torch.float16, half."""
    name = name.removeprefix("torch.")
    return SHORT.get(name, name)


def _dtypes(parameter: typer.CallbackParam, values: Names) -> Names:
    return list(map(dtype, _split(parameter, values) or ()))


def _positive(parameter: typer.CallbackParam, value: float | None) -> float | None:
    """The value; raises `RequestError` unless it is a finite number above 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise RequestError(f"{parameter.opts[0]} must be a finite number above 0, not {value:g}")
    return value


def _picture(value: str | None) -> str | None:
    """The file of a picture; raises `RequestError` when none could be drawn or written there."""
    if value is not None:
        from rotcheck.report import plot

        plot.check(value)
    return value


def names(metavar: str, help: str, *declarations: str) -> Any:
    """An option that takes `Names`."""
    return typer.Option(*declarations, metavar=metavar, help=help, callback=_split)


def dtypes(help: str) -> Any:
    """The option `--dtype`."""
    return typer.Option("--dtype", metavar="DTYPE", help=help, callback=_dtypes)


def device(help: str) -> Any:
    """The option `--device` of a command that runs on one."""
    return typer.Option("--device", metavar="DEVICE", help=help)


def seconds(help: str) -> Any:
    """An option that takes a time."""
    return typer.Option(metavar="SECONDS", help=help, callback=_positive)


def flag(name: str, help: str) -> Any:
    """An option that is given or not."""
    return typer.Option(name, help=help)


def specs(metavar: str, help: str) -> Any:
    """What the command is about: functions, classes, files."""
    return typer.Argument(metavar=metavar, help=help)


IMPLEMENTATION = (
    "A registered name, path/to/file.py:function, package.module:function, or a file.py: all in it. "
    "None: "
)
Implementations = Annotated[
    Names, specs("IMPLEMENTATION", f"{IMPLEMENTATION}rotcheck's own and this project's.")
]
MemoryLimit = Annotated[
    float | None,
    typer.Option(
        "--memory-limit", metavar="GIB", help="For one worker process.", callback=_positive
    ),
]
Plot = Annotated[
    str | None,
    typer.Option("--plot", metavar="FILE", help="A picture too: .svg or .png.", callback=_picture),
]
