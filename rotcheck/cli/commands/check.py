"""`rotcheck check`: is this file right, and how far?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options

if TYPE_CHECKING:
    from rotcheck.results import Check

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="path/to/file.py: all rotary functions and classes in it; or one, as path/to/file.py:function.",
    ),
]
Dtype = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DTYPE",
        help="Which the model runs in: bfloat16 (default), float16, float32. Repeatable.",
    ),
]
To = Annotated[
    int | None,
    typer.Option(
        "--to", metavar="POSITIONS", help="How many must be right. Default: as many as each claims."
    ),
]
Device = Annotated[
    str, typer.Option(metavar="DEVICE", help="Where it runs: cpu (default), cuda, mps.")
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="For identifying one function.")]
Memory = Annotated[
    float | None, typer.Option("--memory-limit", metavar="GIB", help="For one worker process.")
]


def check(
    file: Files,
    dtype: Dtype = None,
    to: To = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
    memory_limit: Memory = None,
    format: options.Format = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Say in one line whether a file is right, and how far.

    Everything in it is identified, judged, and measured as far as its positions must reach. A class is built as the
    file itself builds it.

    \b
    Examples:
      rotcheck check path/to/file.py
      rotcheck check path/to/file.py --dtype bfloat16 --to 32768
      rotcheck check path/to/file.py --format github

    Exit code 0: right. 1: wrong, or not understood. 2: cannot be done as asked. 5: nothing there to check.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("check", format, output or (), quiet=quiet, no_color=no_color)
    request = {
        "dtypes": options.dtypes(dtype) or ("bfloat16",),
        "to": to,
        "device": device,
        "timeout": options.positive("--timeout", timeout),
        "memory_limit": options.positive("--memory-limit", memory_limit),
    }
    outlet.prepare()
    found = _run(file, request, no_color=no_color)
    if found.interrupted and not found.parts:
        raise KeyboardInterrupt
    outlet.show(found)
    return found.exit_code()


def _run(files: list[str], request: dict[str, Any], *, no_color: bool) -> "Check":
    from rotcheck.check.run import check as run
    from rotcheck.cli.progress import Progress

    with Progress("starting torch ...", no_color=no_color) as progress:
        return run(
            *files,
            **request,
            on_plan=lambda steps: progress.plan(steps, "steps"),
            on_step=progress.step,
        )
