"""`rotcheck trial`: the fix that rotcheck started from, held against runs."""

from rotcheck.cli.session import Session, command


@command("trial")
def trial(session: Session) -> int:
    """Hold the claims of the fix that started rotcheck against runs.

    No GPU is needed; two of the four claims need flash-attn and Triton to be installed.

    \b
    Example:
      rotcheck trial

    Exit code 1: a claim does not hold. 0: all hold. 5: none could be told here.
    """
    session.begin("holding four claims against runs ...")
    from rotcheck.compare.sedd_fix_claims import trial as run

    return session.show(run())
