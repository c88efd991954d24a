"""A known failure as labelled texts."""

from rotcheck.diagnose import Failure


def details(known: Failure) -> list[tuple[str, str]]:
    """Return what is known of a failure, in the order to show it."""
    told = [
        ("cause", known.cause),
        ("fix", known.fix),
        ("devices", known.devices),
        ("versions", known.versions),
        ("signature", " | ".join(known.signatures)),
        ("sources", "\n".join(known.source)),
        ("seen here", known.reproduced or ""),
    ]
    return [(label, text) for label, text in told if text]
