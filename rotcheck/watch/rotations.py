"""The functions that turned tensors, in all processes: a row for each way in which one did."""

from collections.abc import Iterator, Sequence

from rotcheck import diagnose
from rotcheck.diagnose import fields_of
from rotcheck.grouping import group_by
from rotcheck.results import WatchRow
from rotcheck.watch.records import CountSighting, Line, PartSighting, Record, RotationSighting
from rotcheck.watch.sightings import code_lines, pids, ranks

MOST_OWNERS = 8  # modules of the model that are named

Sighting = tuple[Record, RotationSighting]


def rotations(records: Sequence[Record]) -> Iterator[WatchRow]:
    """A row for each function and way, in the order in which they were first seen."""
    sightings = [pair for record in records for pair in _outermost(record)]
    for group in group_by(sightings, _likeness).values():
        yield _row(group)


def _outermost(record: Record) -> Iterator[Sighting]:
    """The sightings of functions that are no part of another one that turns the same."""
    inner = {entry.inner for entry in record.entries if isinstance(entry, PartSighting)}
    for entry in record.entries:
        if isinstance(entry, RotationSighting) and entry.place not in inner:
            yield record, entry


def _likeness(sighting: Sighting) -> tuple[object, ...]:
    _, entry = sighting
    facts = entry.does, entry.angles, entry.verdict, entry.message if not entry.finding else ""
    return entry.place, *facts, entry.finding, entry.dtypes, entry.devices


def _row(group: Sequence[Sighting]) -> WatchRow:
    record, first = group[0]
    owners = dict.fromkeys(entry.owner for _, entry in group if entry.owner)
    arguments = dict.fromkeys(entry.argument for _, entry in group if entry.argument)
    failure = diagnose.for_finding(first.finding) if first.finding else None
    return WatchRow(
        function=first.function,
        module=first.module,
        place=code_lines([first.place])[0],
        owners=tuple(owners)[:MOST_OWNERS],
        arguments=tuple(arguments),
        calls=_calls(record, first.place),
        does=first.does,
        angles=first.angles,
        positions=first.positions if len({entry.positions for _, entry in group}) == 1 else (),
        dtypes=first.dtypes,
        devices=first.devices,
        verdict=first.verdict,
        finding=first.finding or None,
        message=first.message or None,
        pids=pids(record for record, _ in group),
        ranks=ranks(record for record, _ in group),
        **fields_of(failure),
    )


def _calls(record: Record, place: Line) -> int:
    counts = [e.count for e in record.entries if isinstance(e, CountSighting) and e.place == place]
    return counts[-1] if counts else 1
