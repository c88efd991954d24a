"""The `rotcheck` command; answers `--version` before it imports anything."""

import sys
from typing import NoReturn

from rotcheck import __version__


def main() -> NoReturn:
    """Run the command line with the arguments of this process, and end with the contract's exit code."""
    if sys.argv[1:] == ["--version"]:
        print(f"rotcheck {__version__}")
        sys.exit(0)
    from rotcheck.cli.guard import guarded

    sys.exit(guarded(_run))


def _run() -> int:
    from rotcheck.cli.app import app

    # Not in standalone mode, so that the command's exit code is returned and errors are ours to show.
    code = app()(prog_name="rotcheck", standalone_mode=False)
    return code if isinstance(code, int) else 0
