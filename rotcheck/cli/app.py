"""The Typer app: finds its commands by listing `commands/`, and keeps to plain text."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from rotcheck import __version__
from rotcheck.cli import commands

EVERYWHERE = {"help_option_names": ["-h", "--help"]}


def app() -> typer.Typer:
    """The app with all its commands."""
    typer_app = typer.Typer(
        rich_markup_mode=None,  # Typer forces ANSI under GITHUB_ACTIONS when rich draws its help
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings=EVERYWHERE,
    )
    typer_app.callback()(rotcheck)
    for module in pkgutil.iter_modules(commands.__path__):
        name = module.name
        function = getattr(importlib.import_module(f"{commands.__name__}.{name}"), name)
        settings = {
            **EVERYWHERE,
            "obj": function.kind,
            "allow_interspersed_args": not function.arguments_follow,
        }
        typer_app.command(name, cls=_Command, context_settings=settings)(function)
    return typer_app


class _Command(TyperCommand):
    """A command whose help says in which formats its kind of result can be shown."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from rotcheck.report import formats

        words = {
            "formats": alternatives(formats.names(ctx.obj)),
            "suffixes": " ".join(map(formats.suffix, formats.names(ctx.obj))),
        }
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text and "{" in text:
                parameter.help = text.format_map(words)  # type: ignore[attr-defined]
        super().format_options(ctx, formatter)


def alternatives(names: Sequence[str]) -> str:
    """`json, markdown or table`."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _version(value: bool) -> None:
    if value:
        print(f"rotcheck {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit."),
]


def rotcheck(version: Version = False) -> None:
    """Find out which rotary position embeddings (RoPE) work on this machine, and which are right.

    \b
    Examples:
      rotcheck compare                           every implementation and device
      rotcheck compare mine.py:rotary            your function, in its convention
      rotcheck explain "LLVM Backend not found"  cause and fix of an error message
    """
