"""`rotcheck compare`: the matrix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options
from rotcheck.cli.codes import INTERRUPTED
from rotcheck.compare import checks as check_files
from rotcheck.compare.checks import CONVENTION

if TYPE_CHECKING:
    from rotcheck.cli.outlet import Outlet
    from rotcheck.results import Report

Device = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DEVICE",
        help="cpu, cuda, cuda:1, mps, ..., meta, interpreter. Repeatable, comma separated.",
    ),
]
Dtype = Annotated[
    list[str] | None, typer.Option(metavar="DTYPE", help="float32, bfloat16, float16, float64.")
]
_QUICK = ", ".join([CONVENTION, *check_files.names("quick")])
_FULL = ", ".join(check_files.names("full"))
Check = Annotated[
    list[str] | None,
    typer.Option(metavar="CHECK", help=f"{_QUICK}; by --full or by name: {_FULL}."),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="All checks: more shapes, transforms and compilers too. Takes minutes."
    ),
]
All = Annotated[
    bool,
    typer.Option(
        "--all", help="Those of libraries and of other installed packages too. Takes minutes."
    ),
]
Pairwise = Annotated[
    bool, typer.Option("--pairwise", help="Also measure each two against each other.")
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="For one cell.")]
Memory = Annotated[
    float | None, typer.Option("--memory-limit", metavar="GIB", help="For one worker process.")
]


def compare(
    implementations: options.Implementations = None,
    device: Device = None,
    dtype: Dtype = None,
    check: Check = None,
    full: Full = False,
    all_: All = False,
    pairwise: Pairwise = False,
    timeout: Timeout = 20.0,
    memory_limit: Memory = None,
    format: options.Format = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Hold rotary implementations against a float64 truth.

    \b
    Examples:
      rotcheck compare
      rotcheck compare native mine.py:rotary --device cpu,meta --dtype bfloat16
      rotcheck compare mine.py
      rotcheck compare mine.py:rotary --full
      rotcheck compare transformers-llama timm liger --device cpu,interpreter
      rotcheck compare --pairwise -o report.json -o report.md

    \b
    Your own function, path/to/file.py:function or package.module:function:
      by itself             it is identified first, and judged in its own convention
      @rotcheck.declare     above it: it is held to what it declares
      pyproject.toml        [tool.rotcheck.implementations] gives it a name
    docs/compare.md says more; rotcheck identify tells all about one.

    Exit code 0: all that ran agrees. 1: a finding, or a function that was not identified. 2: cannot be done as
    asked. 5: nothing ran.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("report", format, output or (), quiet=quiet, no_color=no_color)
    request = {
        "devices": options.listed("--device", device),
        "dtypes": options.dtypes(dtype),
        "checks": options.listed("--check", check),
        "full": full,
        "everything": all_,
        "pairwise": pairwise,
        "timeout": options.positive("--timeout", timeout),
        "memory_limit": options.positive("--memory-limit", memory_limit),
    }
    outlet.prepare()
    report = _run(implementations or (), request, no_color=no_color)
    return _shown(report, outlet, implementations or ())


def _run(implementations: Sequence[str], request: dict[str, Any], *, no_color: bool) -> "Report":
    from rotcheck.cli.progress import Progress
    from rotcheck.compare.run import compare as run

    with Progress("starting torch ...", no_color=no_color) as progress:
        return run(implementations, **request, on_plan=progress.plan, on_cell=progress.cell)


def _shown(report: "Report", outlet: "Outlet", implementations: Sequence[str]) -> int:
    from rotcheck.compare.implementation_lines import places
    from rotcheck.report.pages.report import Comparison
    from rotcheck.results import exit_code

    outlet.show(Comparison(report, places=places(implementations)))
    return INTERRUPTED if report.interrupted else exit_code(report.cells)
