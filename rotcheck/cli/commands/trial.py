"""`rotcheck trial`: the fix that rotcheck started from, held against runs."""

from rotcheck.cli import options
from rotcheck.cli.codes import NOTHING_RAN


def trial(
    format: options.ShortFormat = "table",
    output: options.Output = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> int:
    """Hold the claims of the fix that started rotcheck against runs.

    No GPU is needed; two of the four claims need flash-attn and Triton to be installed.

    \b
    Example:
      rotcheck trial

    Exit code 1: a claim does not hold. 0: all hold. 5: none could be told here.
    """
    from rotcheck.cli.outlet import Outlet
    from rotcheck.cli.progress import Progress

    outlet = Outlet("trial", format, output or (), quiet=quiet, no_color=no_color)
    outlet.prepare()

    from rotcheck.compare.sedd_fix_claims import trial as run

    with Progress("holding four claims against runs ...", no_color=no_color):
        found = run()
    outlet.show(found)
    told = [claim.holds for claim in found.claims if claim.holds is not None]
    return (0 if all(told) else 1) if told else NOTHING_RAN
