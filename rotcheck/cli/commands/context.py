"""`rotcheck context`: how far in context is it right, and what must not be done to it?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options
from rotcheck.cli.codes import INTERRUPTED

if TYPE_CHECKING:
    from rotcheck.results import Context

Specifications = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC",
        help="path/to/file.py:Class, package.module:function, or a file.py: all rotary functions in it.",
    ),
]
Condition = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="half, bfloat16, autocast, meta, grown, ... All by default. Repeatable.",
    ),
]
Device = Annotated[
    str, typer.Option(metavar="DEVICE", help="Where it is asked: cpu (default), cuda, mps.")
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="For one condition.")]
Memory = Annotated[
    float | None, typer.Option("--memory-limit", metavar="GIB", help="For one worker process.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="A picture too: .svg or .png.")
]


def context(
    specification: Specifications,
    condition: Condition = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
    memory_limit: Memory = None,
    plot: Plot = None,
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Measure how far in context angles and tables are right.

    Its phases are held against float64, in radians: as constructed, cast, under autocast, with TF32, built on meta,
    after its table grew, and beyond that table.

    \b
    Examples:
      rotcheck context path/to/file.py:RotaryEmbedding
      rotcheck context transformers.models.llama.modeling_llama:LlamaRotaryEmbedding --plot llama.svg
      rotcheck context path/to/file.py --condition bfloat16,meta

    Exit code 0: right in what it claims. 1: a finding. 2: cannot be done as asked. 5: nothing ran.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("context", format, output or (), quiet=quiet, no_color=no_color)
    if plot is not None:
        from rotcheck.report.plot import check

        check(plot)
    request = {
        "conditions": options.listed("--condition", condition),
        "device": device,
        "timeout": options.positive("--timeout", timeout),
        "memory_limit": options.positive("--memory-limit", memory_limit),
    }
    outlet.prepare()
    found = _run(specification, request, no_color=no_color)
    outlet.show(found)
    if plot is not None:
        from rotcheck.report.curves import draw

        draw(found, plot)
    from rotcheck.results import exit_code

    return INTERRUPTED if found.interrupted else exit_code(found.rows)


def _run(specifications: list[str], request: dict[str, Any], *, no_color: bool) -> "Context":
    from rotcheck.cli.progress import Progress
    from rotcheck.context.run import context as run

    with Progress("starting torch ...", no_color=no_color) as progress:
        return run(
            *specifications,
            **request,
            on_plan=lambda rows: progress.plan(rows, "rows"),
            on_row=progress.step,
        )
