"""A known failure, or a general message, as labelled texts."""

from rotcheck.diagnose import Failure, Message


def told(entry: Failure | Message) -> list[tuple[str, str]]:
    """Return what is known of either, in the order to show it."""
    return details(entry) if isinstance(entry, Failure) else general(entry)


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


def general(known: Message) -> list[tuple[str, str]]:
    """Return what is known of a general message, in the order to show it."""
    return [
        ("meaning", known.meaning),
        ("causes", "\n".join(f"{at}. {cause}" for at, cause in enumerate(known.causes, 1))),
        ("to tell", known.question),
        ("signature", " | ".join(known.signatures)),
        ("sources", "\n".join(known.source)),
    ]


def row(entry: Failure | Message) -> tuple[str, str, str]:
    """Return its fields in a list of all: id, title, and where it is met."""
    return entry.id, entry.title, entry.devices if isinstance(entry, Failure) else "any: a general message"
