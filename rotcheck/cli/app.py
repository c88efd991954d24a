"""The Typer app: finds its commands by listing `commands/`, and keeps to plain text."""

import importlib
import pkgutil
from typing import Annotated

import typer

from rotcheck import __version__
from rotcheck.cli import commands

EVERYWHERE = {"help_option_names": ["-h", "--help"]}


def app() -> typer.Typer:
    """Return the app with all its commands."""
    built = typer.Typer(
        rich_markup_mode=None,  # Typer forces ANSI under GITHUB_ACTIONS when rich draws its help
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings=EVERYWHERE,
    )
    built.callback()(rotcheck)
    for module in pkgutil.iter_modules(commands.__path__):
        command = getattr(
            importlib.import_module(f"{commands.__name__}.{module.name}"), module.name
        )
        built.command(module.name, context_settings=EVERYWHERE)(command)
    return built


def _version(asked: bool) -> None:
    if asked:
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
      rotcheck compare                           every implementation on every device here
      rotcheck compare mine.py:rotary            your own function, in its own convention
      rotcheck explain "LLVM Backend not found"  cause and fix of an error message
    """
