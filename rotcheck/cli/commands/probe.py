"""`rotcheck probe`: what this machine has, found by running it."""

from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.codes import INTERRUPTED, NOTHING_RAN

Full = Annotated[bool, typer.Option("--full", help="Also what takes long: a real torch.compile.")]


def probe(
    full: Full = False,
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Find out what really runs on this machine.

    Each device, fuser and library is run three times; nothing is taken on trust.

    \b
    Examples:
      rotcheck probe
      rotcheck probe --full --format markdown      for a bug report; names no user, host or path

    Exit code 0: a device runs. 5: none does, or torch cannot be imported.
    """
    from rotcheck.cli.outlet import Outlet
    from rotcheck.cli.progress import Progress

    outlet = Outlet("probe", format, output or (), quiet=quiet, no_color=no_color)
    outlet.prepare()

    from rotcheck.probe.run import probe as run

    with Progress("starting torch ...", no_color=no_color) as progress:
        found = run(full=full, on_line=progress.line)
    outlet.show(found)
    if found.interrupted:
        return INTERRUPTED
    runs = any(
        line.state == "runs" and not line.stand_in for line in found.machine.devices().values()
    )
    return 0 if runs else NOTHING_RAN
