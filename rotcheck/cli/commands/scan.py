"""`rotcheck scan`: what will break or go silently wrong on another device."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rotcheck.cli import options

if TYPE_CHECKING:
    from rotcheck.results import Scan

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH", help="Files and folders; the working directory where none is named."
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="FORMAT", help="table, json, markdown, github (annotations) or sarif."
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE", help="Display for nothing else. Repeatable, or with commas."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE", help="Do not look for this. Repeatable, or with commas."),
]


def scan(
    path: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    format: Format = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """List what will break or go wrong on another device.

    A project is read, Python files and notebooks, and nothing of it is run or imported. A comment
    `# rotcheck: ignore[CODE]` on a statement, or on the line above it, ignores what it names.

    \b
    Examples:
      rotcheck scan .
      rotcheck scan model/ train.py --ignore cuda-only
      rotcheck scan --select legacy-executor,scripted-under-flags --format sarif

    Exit code 0: nothing found. 1: a hazard. 2: cannot be done as asked. 5: no Python file there.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("scan", format, output or (), quiet=quiet, no_color=no_color)
    request = {
        "select": options.listed("--select", select),
        "ignore": options.listed("--ignore", ignore),
    }
    result = _run(path or [], request, no_color=no_color)
    outlet.show(result)
    return result.exit_code()


def _run(paths: list[str], request: dict[str, Any], *, no_color: bool) -> "Scan":
    from rotcheck.cli.progress import Progress
    from rotcheck.scan.run import scan as run

    with Progress("listing files ...", no_color=no_color) as progress:
        return run(
            *paths,
            **request,
            on_plan=lambda files: progress.plan(files, "files"),
            on_step=progress.step,
        )
