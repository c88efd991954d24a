"""`rotcheck identify`: what does this rotary function do by design, and does it do it right?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options
from rotcheck.cli.codes import INTERRUPTED

if TYPE_CHECKING:
    from rotcheck.results import Identification

Specifications = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC",
        help="path/to/file.py:function, package.module:function, a class, a registered name, or a file.py: all in it.",
    ),
]
Like = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC", help="Can it take the place of this one? A registered name or another SPEC."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE", help="Where it is called: cpu (default), cuda, mps, interpreter."
    ),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="For one function.")]


def identify(
    specification: Specifications,
    like: Like = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Find out by experiment what a rotary function does.

    How to call it, its convention, its mistakes, and what it can be swapped for.

    \b
    Examples:
      rotcheck identify path/to/file.py:function
      rotcheck identify path/to/file.py
      rotcheck identify native --like interleaved

    Three answers: right, wrong (with Python that shows it), or not understood (with what to do next). Everything is
    measured. What cannot be known is listed as what remains possible.

    Exit code 0: all are right. 1: a mistake, or one that is not understood. 2: cannot be done as asked.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("identification", format, output or (), quiet=quiet, no_color=no_color)
    options.positive("--timeout", timeout)
    outlet.prepare()
    request = {"like": like, "device": device, "timeout": timeout}
    found, interrupted = _run(specification, request, no_color=no_color)
    outlet.show(found)
    from rotcheck.results import identified_code

    return INTERRUPTED if interrupted else identified_code(found)


def _run(
    specifications: list[str], request: dict[str, Any], *, no_color: bool
) -> "tuple[tuple[Identification, ...], bool]":
    """Return what was found, and whether it was interrupted before it was done."""
    from rotcheck.cli.progress import Progress
    from rotcheck.identify.run import identify_all as run

    finished: list[Identification] = []

    def on_found(one: "Identification") -> None:
        finished.append(one)
        progress.step(one.specification)

    with Progress("starting torch ...", no_color=no_color) as progress:
        try:
            found = run(
                specifications,
                **request,
                on_plan=lambda count: progress.plan(count, "functions") if count > 1 else None,
                on_found=on_found,
            )
        except KeyboardInterrupt:
            if not finished:
                raise
            return tuple(finished), True
    return found, False
