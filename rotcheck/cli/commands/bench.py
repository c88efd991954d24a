"""`rotcheck bench`: what each implementation takes, and what that is worth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options
from rotcheck.cli.codes import INTERRUPTED

if TYPE_CHECKING:
    from rotcheck.results import Bench

Implementations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMPLEMENTATION",
        help="A registered name, path/to/file.py:function, package.module:function, or a file.py: all in it. "
        "None: all registered, and native-compiled.",
    ),
]
Device = Annotated[
    list[str] | None,
    typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1, mps, ... No stand-ins."),
]
Dtype = Annotated[
    list[str] | None,
    typer.Option(metavar="DTYPE", help="float32 and bfloat16 by default; float16, float64."),
]
Shape = Annotated[
    list[str] | None,
    typer.Option(
        metavar="BxSx3xHxD",
        help="Batch, sequence, 3, heads, width of packed qkv. Repeatable, comma separated.",
    ),
]
Pass = Annotated[
    list[str] | None, typer.Option("--pass", metavar="PASS", help="forward, forward+backward.")
]
Against = Annotated[str, typer.Option(metavar="IMPLEMENTATION", help="The baseline.")]
Seconds = Annotated[
    float, typer.Option(metavar="SECONDS", help="To time each of the three things in a row.")
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="For one row, compiling included.")]
Memory = Annotated[
    float | None, typer.Option("--memory-limit", metavar="GIB", help="For one worker process.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="A picture too: .svg or .png.")
]
NOTHING_RAN = 5


def bench(
    implementations: Implementations = None,
    device: Device = None,
    dtype: Dtype = None,
    shape: Shape = None,
    passes: Pass = None,
    against: Against = "native",
    seconds: Seconds = 0.5,
    timeout: Timeout = 300.0,
    memory_limit: Memory = None,
    plot: Plot = None,
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Time rotary implementations beside a copy and a baseline.

    In each round an implementation, a copy of its input and the baseline take turns in one process, and their
    ratios are taken round by round. Run `rotcheck compare` first: what is wrong can be fast.

    \b
    Examples:
      rotcheck bench
      rotcheck bench native mine.py:rotary --shape 1x2048x3x16x64 --dtype bfloat16
      rotcheck bench --against torchscript -o bench.json --plot bench.svg

    Exit code 0: all rows ran. 1: one raised, crashed or hung, or its function is wrong or was not identified.
    2: cannot be done as asked. 5: nothing ran.
    """
    from rotcheck.cli.outlet import Outlet
    from rotcheck.report import plot as picture

    outlet = Outlet("bench", format, output or (), quiet=quiet, no_color=no_color)
    if plot is not None:
        picture.check(plot)
    request = {
        "devices": options.listed("--device", device),
        "dtypes": options.dtypes(dtype),
        "shapes": options.listed("--shape", shape),
        "passes": options.listed("--pass", passes),
        "against": against,
        "seconds": options.positive("--seconds", seconds),
        "timeout": options.positive("--timeout", timeout),
        "memory_limit": options.positive("--memory-limit", memory_limit),
    }
    outlet.prepare()
    found = _run(implementations or (), request, no_color=no_color)
    outlet.show(found)
    if plot is not None:
        picture.draw(found, plot)
    return INTERRUPTED if found.interrupted else exit_code(found)


def _run(implementations: Sequence[str], request: dict[str, Any], *, no_color: bool) -> "Bench":
    from rotcheck.bench.run import bench as run
    from rotcheck.cli.progress import Progress

    with Progress("starting torch ...", no_color=no_color) as progress:
        return run(
            implementations,
            **request,
            on_plan=lambda rows: progress.plan(rows, "rows"),
            on_row=progress.row,
        )


def exit_code(found: "Bench") -> int:
    """Return 1 when a row raised, crashed or hung, or its function is wrong or not identified; 5 when nothing ran."""
    from rotcheck.results import FINDINGS, UNIDENTIFIED, mistaken

    states = {row.state for row in found.timings}
    if states & {*FINDINGS, UNIDENTIFIED} or mistaken(found.conventions):
        return 1
    return 0 if "ran" in states else NOTHING_RAN
