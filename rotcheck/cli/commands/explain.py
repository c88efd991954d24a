"""`rotcheck explain`: from an error message to its cause and fix."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.diagnose import Failure
from rotcheck.errors import RequestError

Text = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT_OR_ID",
        help="The id of a failure, an error message or a log; - reads standard input. None: list all.",
    ),
]
LONGEST = 1 << 24  # characters read from standard input


def explain(
    text: Text = None,
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Name the cause and the fix of an error message.

    Without one, all failures that are known are listed.

    \b
    Examples:
      rotcheck explain "NotImplementedError: Unknown device for graph fuser"
      rotcheck explain J1
      python train.py 2>&1 | rotcheck explain -

    Exit code 0: known. 2: not known, or the request cannot be carried out.
    """
    from rotcheck.cli.outlet import Outlet

    outlet = Outlet("failures", format, output or (), quiet=quiet, no_color=no_color)
    outlet.show(found(_asked(text)) if text else _all())
    return 0


def found(text: str) -> Sequence[Failure]:
    """Return the failure that an id or a message means; raises `RequestError` when it is not known."""
    from rotcheck.diagnose import get, match

    known = get(text.strip()) or match(text)
    if known:
        return [known]
    raise RequestError(
        "no known failure has this id or this message. Give the message as it was printed, its last lines or "
        "the whole log (`rotcheck explain - < log`); `rotcheck explain` lists what is known; "
        "`rotcheck compare` and `rotcheck probe` find out what happens here"
    )


def _all() -> Sequence[Failure]:
    from rotcheck.diagnose import all_failures

    return all_failures()


def _asked(words: Sequence[str]) -> str:
    if list(words) != ["-"]:
        return " ".join(words)
    if sys.stdin is None:
        raise RequestError("there is no standard input to read")
    return sys.stdin.buffer.read(LONGEST).decode("utf-8", "replace")
