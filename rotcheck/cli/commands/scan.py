"""`rotcheck scan`: what will break or go silently wrong on another device."""

from typing import Annotated

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Paths = Annotated[
    Names, options.specs("PATH", "Files and folders. Default: the working directory.")
]
Select = Annotated[
    Names, options.names("CODE", "Report only these codes. Repeatable, comma separated.")
]
Ignore = Annotated[
    Names, options.names("CODE", "Leave out these codes. Repeatable, comma separated.")
]


@command("scan")
def scan(session: Session, path: Paths = None, select: Select = None, ignore: Ignore = None) -> int:
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
    progress = session.begin("listing files ...")
    from rotcheck.scan.run import scan as run

    result = run(
        *(path or ()),
        select=select or (),
        ignore=ignore or (),
        on_plan=lambda files: progress.plan(files, "files"),
        on_step=progress.step,
    )
    return session.show(result)
