"""What is known of one failure or general message, or a list of all."""

from collections.abc import Iterator, Sequence

from rotcheck.diagnose import Failure, Message
from rotcheck.report import document as doc
from rotcheck.report.document import Detail, Details, Document, Field, Legend, Part, Rows, Section
from rotcheck.report.text import one_line

WORD = "a list of failures"

Entry = Failure | Message


def data(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as a list, whatever sequence they are."""
    return list(entries)


def document(entries: Sequence[Entry]) -> Document:
    """One in full, several as a list."""
    return Document(tuple(_whole(entries[0]) if len(entries) == 1 else _list(entries)))


def _whole(entry: Entry) -> Iterator[Part]:
    yield Section(one_line(entry.title), [Details(details(entry))], id=entry.id)


def _list(entries: Sequence[Entry]) -> Iterator[Part]:
    yield Rows(("id", "failure", "devices"), list(map(_row, entries)), why=True)
    yield Legend("rotcheck explain ID shows one in full.")


def title(entry: Entry) -> str:
    """Id and title."""
    return f"{entry.id}  {one_line(entry.title)}"


def details(entry: Entry, *, signatures: bool = True) -> list[Detail]:
    """What is known of either, in the order to show it, with its signatures or without."""
    signature = Detail("signature", " | ".join(entry.signatures) if signatures else "")
    sources = Detail("sources", "\n".join(entry.source), "whole")
    if isinstance(entry, Message):
        causes = "\n".join(f"{at}. {cause}" for at, cause in enumerate(entry.causes, 1))
        return doc.details(
            Detail("meaning", entry.meaning),
            Detail("causes", causes, "whole"),
            Detail("to tell", entry.question),
            signature,
            sources,
        )
    return doc.details(
        Detail("cause", entry.cause),
        Detail("fix", entry.fix),
        Detail("devices", entry.devices),
        Detail("versions", entry.versions),
        signature,
        sources,
        Detail("seen here", entry.reproduced),
    )


def _row(entry: Entry) -> tuple[Field, ...]:
    devices = entry.devices if isinstance(entry, Failure) else "any: a general message"
    return (
        Field(entry.id, name=True),
        Field(one_line(entry.title)),
        Field(one_line(devices), "dim"),
    )
