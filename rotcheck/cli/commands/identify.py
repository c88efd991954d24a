"""`rotcheck identify`: what does this rotary function do by design, and does it do it right?"""

from typing import TYPE_CHECKING, Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.session import Session, command
from rotcheck.exit_codes import INTERRUPT

if TYPE_CHECKING:
    from rotcheck.results import Identification

Specifications = Annotated[
    list[str],
    options.specs(
        "SPEC",
        "path/to/file.py:function, package.module:function, a class, a registered name, or a file.py: all in it.",
    ),
]
Like = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC", help="Can it take the place of this one? A registered name or another SPEC."
    ),
]
Device = Annotated[str, options.device("Where to call it: cpu (default), cuda, mps, interpreter.")]
Timeout = Annotated[float, options.seconds("For one function.")]


@command("identification")
def identify(
    session: Session,
    specification: Specifications,
    like: Like = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
) -> int:
    """Find out by experiment what a rotary function does.

    How to call it, its convention, its mistakes, and what it can be swapped for.

    \b
    Examples:
      rotcheck identify path/to/file.py:function
      rotcheck identify path/to/file.py
      rotcheck identify native --like interleaved

    Three answers: right, wrong (with Python that shows it), or not understood (with what to do
    next). Everything is measured. What cannot be known is listed as what remains possible.

    Exit code 0: all are right. 1: a mistake, or one that is not understood. 2:
    cannot be done as asked.
    """
    progress = session.begin()
    from rotcheck.identify.run import identify_all as run
    from rotcheck.results import identified_code

    so_far: list[Identification] = []

    def on_identified(identification: "Identification") -> None:
        so_far.append(identification)
        progress.step(identification.specification)

    try:
        identifications = run(
            specification,
            like=like,
            device=device,
            timeout=timeout,
            on_plan=lambda count: progress.plan(count, "functions") if count > 1 else None,
            on_found=on_identified,
        )
    except KeyboardInterrupt:
        if not so_far:
            raise
        session.show_data(so_far)
        return INTERRUPT
    session.show_data(identifications)
    return identified_code(identifications)
