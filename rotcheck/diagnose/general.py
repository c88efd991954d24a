"""Messages that many things can cause, read from `messages/`, one TOML file for each,
at their first use."""

from collections.abc import Mapping
from functools import cache

from rotcheck.diagnose import entries
from rotcheck.diagnose.entries import KnowledgeEntry, KnowledgeError


class Message(KnowledgeEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message means in general, where nothing says which of its causes it is;
    its id is G and a number."""

    signatures: tuple[str, ...]  # regular expressions, found in the message
    samples: tuple[str, ...]  # messages the signatures are found in
    meaning: str
    causes: tuple[str, ...]  # the usual ones, the most frequent first, each with what to change
    question: str  # the one question, or command, that tells the causes apart
    # ids of failures that are its cause where the same log holds their message
    explained_by: tuple[str, ...] = ()
    source: tuple[str, ...]


def all_messages() -> tuple[Message, ...]:
    """Every general message, in the order of their numbers.

    Raises `KnowledgeError` when a file cannot be understood.
    """
    return tuple(_by_id().values())


def get_message(id: str) -> Message | None:
    """The general message of that id, in upper or lower case, or None.

    Raises `KnowledgeError` when a file cannot be understood.
    """
    return _by_id().get(id.upper())


@cache
def _by_id() -> Mapping[str, Message]:
    return entries.by_id(_message(name, text) for name, text in entries.texts("messages"))


def _message(name: str, text: str) -> Message:
    message = entries.entry(name, entries.keys(name, text), Message)
    if not message.id.startswith("G") or not message.id[1:].isdigit():
        raise KnowledgeError(f"{name}: the id {message.id!r} must be G and a number")
    return message
