"""A known failure, or a general message, as labelled texts."""

from rotcheck.diagnose import Failure, Message


def told(entry: Failure | Message, *, signatures: bool = True) -> list[tuple[str, str]]:
    """Return what is known of either, in the order to show it, with its signatures or without."""
    signature = " | ".join(entry.signatures) if signatures else ""
    rows = (
        _of_failure(entry, signature)
        if isinstance(entry, Failure)
        else _of_message(entry, signature)
    )
    return [(label, text) for label, text in rows if text]


def _of_failure(known: Failure, signature: str) -> list[tuple[str, str]]:
    return [
        ("cause", known.cause),
        ("fix", known.fix),
        ("devices", known.devices),
        ("versions", known.versions),
        ("signature", signature),
        ("sources", "\n".join(known.source)),
        ("seen here", known.reproduced),
    ]


def _of_message(known: Message, signature: str) -> list[tuple[str, str]]:
    return [
        ("meaning", known.meaning),
        ("causes", "\n".join(f"{at}. {cause}" for at, cause in enumerate(known.causes, 1))),
        ("to tell", known.question),
        ("signature", signature),
        ("sources", "\n".join(known.source)),
    ]


def row(entry: Failure | Message) -> tuple[str, str, str]:
    """Return its fields in a list of all: id, title, and where it is met."""
    return (
        entry.id,
        entry.title,
        entry.devices if isinstance(entry, Failure) else "any: a general message",
    )
