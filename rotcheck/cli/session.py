"""What every command does around its work: its outputs and its progress,
from the four options that all share."""

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from rotcheck.exit_codes import RIGHT

if TYPE_CHECKING:
    from rotcheck.cli.progress import Progress
    from rotcheck.cli.result_output import Outlet
    from rotcheck.results import Result

Command = Callable[..., int]
BEGINNING = "starting torch ..."

Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="{formats}.")]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to this file too, in the format its suffix names ({suffixes}). Repeatable.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on standard output.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR=1 does the same.")]
"""Of the first two, the app fills in what there is for the command's kind of result."""

OPTIONS: dict[str, tuple[Any, Any]] = {
    "format": (Format, "table"),
    "output": (Output, None),
    "quiet": (Quiet, False),
    "no_color": (NoColor, False),
}
"""What each takes, and what it is where it is not given."""

KEYWORD = inspect.Parameter.KEYWORD_ONLY


class Session:
    """One command at work; as a context, its progress is shown until the results are."""

    def __init__(self, kind: str, outlet: "Outlet", progress: "Progress") -> None:
        self.kind, self.outlet, self.progress = kind, outlet, progress

    @property
    def quiet(self) -> bool:
        """Whether nothing is printed on standard output."""
        return self.outlet.quiet

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.end()

    def begin(self, text: str = BEGINNING) -> "Progress":
        """The progress of the work, which begins now;
        what draws the results is imported meanwhile."""
        self.outlet.prepare()
        self.progress.begin(text)
        return self.progress

    def show(self, result: "Result") -> int:
        """Hand out the result, and return its exit code."""
        self.show_data(result)
        return result.exit_code()

    def show_data(self, data: Any, kind: str | None = None) -> int:
        """Hand out what comes to nothing in itself, under another kind where one is named."""
        self.progress.end()
        self.outlet.show(data, kind or self.kind)
        return RIGHT


def command(
    kind: str, *, stream: str = "stdout", arguments_follow: bool = False
) -> Callable[[Command], Command]:
    """Make a function of a session and its own options a command,
    which has the options of all as well.

    Args:
        kind: The kind of result that it shows: the name of a file of `rotcheck/report/pages/`.
        stream: Where it shows it: `stdout`, or `stderr` where that is a program's.
        arguments_follow: Whether what follows its first argument belongs to that, options too.
    """

    def make(function: Command) -> Command:
        @functools.wraps(function)
        def run(**values: Any) -> int:
            from rotcheck.cli.progress import Progress
            from rotcheck.cli.result_output import Outlet

            common = {name: values.pop(name) for name in OPTIONS}
            progress = Progress(no_color=common["no_color"])
            with Session(kind, Outlet(kind, stream=stream, **common), progress) as session:
                return function(session, **values)

        own = list(inspect.signature(function).parameters.values())[1:]
        common_options = [
            inspect.Parameter(name, KEYWORD, default=default, annotation=annotation)
            for name, (annotation, default) in OPTIONS.items()
        ]
        keywords = [option.replace(kind=KEYWORD) for option in (*own, *common_options)]
        run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
        run.kind = kind  # type: ignore[attr-defined]
        run.arguments_follow = arguments_follow  # type: ignore[attr-defined]
        return run

    return make
