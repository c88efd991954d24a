"""`rotcheck watch`: what a program does, seen while it runs as it is."""

from typing import Annotated

import typer

from rotcheck.cli import exit_guard
from rotcheck.cli.session import Session, command
from rotcheck.errors import RequestError

Program = Annotated[
    list[str], typer.Argument(metavar="PROGRAM [ARGUMENT]...", help="What to run, and how.")
]


@command("watch", stream="stderr", arguments_follow=True)
def watch(session: Session, program: Program) -> int:
    """Run your program unchanged, and report what it did.

    Who set a process-wide switch, in which line; which import or kernel failed, so that something
    else ran in silence; and what the program died of. The report goes to standard error when the
    program has ended. Options stand before the program.

    \b
    Examples:
      rotcheck watch -- python train.py --lr 1e-4
      rotcheck watch --output watch.json -- torchrun --nproc-per-node 8 train.py
      rotcheck watch -q -o report.md -- bash run.sh

    Exit code: the program's own; a signal that ended it ends rotcheck too. 2: it could not be
    started.
    """
    from rotcheck.watch.launcher import end_as
    from rotcheck.watch.run import watch as run

    result = run(program)
    try:
        session.show(result)
    except RequestError as error:  # the program has run, and its exit code is what counts
        exit_guard.say(f"rotcheck: {error}")
    end_as(result.status)
    return result.exit_code()
