"""`rotcheck probe`: what this machine has, found by running it."""

from typing import Annotated

from rotcheck.cli import options
from rotcheck.cli.session import Session, command

Full = Annotated[bool, options.flag("--full", "Also what takes long: a real torch.compile.")]


@command("probe")
def probe(session: Session, full: Full = False) -> int:
    """Find out what really runs on this machine.

    Each device, fuser and library is run three times; nothing is taken on trust. What is shown
    names no user, host or path.

    \b
    Examples:
      rotcheck probe
      rotcheck probe --full --format markdown  for a bug report

    Exit code 0: a device runs. 5: none does, or torch cannot be imported.
    """
    progress = session.begin()
    from rotcheck.probe.run import probe as run

    return session.show(
        run(full=full, on_line=lambda line: progress.say(f"probing: {line.name} {line.state}"))
    )
