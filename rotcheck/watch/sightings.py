"""What was seen in all processes: each thing once, with the processes that it was seen in."""

import os
from collections.abc import Iterable, Iterator, Sequence

from rotcheck.grouping import group_by
from rotcheck.results import CodeLine, Death, Fallback, Flip, Process
from rotcheck.scrub import shorten_path
from rotcheck.watch.records import (
    CaughtException,
    CompiledCode,
    End,
    Exec,
    ImportFailure,
    Line,
    Problem,
    Record,
    RecordLine,
    RotationSighting,
    SwitchChange,
    TorchImport,
    UncaughtException,
    WatchFailure,
    Window,
)

NOTHING_WATCHED = (
    "no Python process of the program was watched: it is no Python program, or Python was started with "
    "-I, -E or -S, or without the variables PYTHONPATH and ROTCHECK_WATCH"
)


def processes(records: Iterable[Record]) -> Iterator[Process]:
    """The Python processes, in the order in which they began."""
    for record in records:
        first = record.introduction
        if first is None:
            continue
        versions = [entry.version for entry in record.entries if isinstance(entry, TorchImport)]
        size = first.world_size
        yield Process(
            pid=first.pid,
            parent=first.parent,
            command=first.command,
            python=first.python,
            torch=versions[0] if versions else None,
            rank=record.rank,
            world_size=int(size) if size and size.isdecimal() else None,
            ended=_has(record, End),
            raised=_has(record, UncaughtException),
        )


def flips(records: Sequence[Record]) -> tuple[Flip, ...]:
    """Each change of a switch, once for the line that made it; not those that put a value back."""
    sightings = [(record, change, left) for record in records for change, left in _changes(record)]
    groups = group_by(
        sightings, lambda sighting: (sighting[1].change, sighting[1].call, sighting[1].where[0])
    )
    return tuple(
        Flip(
            switch=change.switch,
            change=change.change,
            call=change.call,
            setter=change.setter,
            where=code_lines(change.where),
            left=any(left for *_, left in group),
            pids=pids(record for record, *_ in group),
            ranks=ranks(record for record, *_ in group),
        )
        for group in groups.values()
        for _, change, _ in group[:1]
    )


def fallbacks(records: Sequence[Record], death: Death | None) -> Iterator[Fallback]:
    """Each exception that was swallowed, once for the line that caught it;
    not the one that the program died of."""
    sightings = [
        (record, entry, _subject(entry))
        for record in records
        for entry in _failures(record)
        if not _is_of(death, entry.error)
    ]
    for group in group_by(sightings, lambda sight: (sight[2], sight[1].where[0])).values():
        _, entry, subject = group[0]
        yield Fallback(
            subject=subject,
            error=entry.error,
            where=code_lines(entry.where),
            count=len(group),
            pids=pids(record for record, *_ in group),
            ranks=ranks(record for record, *_ in group),
        )


def _failures(record: Record) -> list[ImportFailure | CaughtException]:
    """What failed, without the imports whose exception went on into another import."""
    failures: list[ImportFailure | CaughtException] = []
    for entry in record.entries:
        if not isinstance(entry, ImportFailure | CaughtException):
            continue
        last = failures[-1] if failures else None
        if last is not None and isinstance(entry, ImportFailure) and _went_on(last, entry):
            failures.pop()
        failures.append(entry)
    return failures


def _went_on(last: ImportFailure | CaughtException, entry: ImportFailure) -> bool:
    return isinstance(last, ImportFailure) and entry.below == last.module


def _subject(entry: ImportFailure | CaughtException) -> str:
    """What failed."""
    if isinstance(entry, ImportFailure):
        return f"import {entry.module}"
    return f"caught in {entry.function}"


def _is_of(death: Death | None, error: str) -> bool:
    return death is not None and (error.splitlines() or [""])[0] in death.text


def notes(records: Sequence[Record]) -> Iterator[str]:
    """What keeps from seeing all, each thing once."""
    yield from dict.fromkeys(
        note for record in records for entry in record.entries if (note := _note(entry, record))
    )
    if not records:
        yield NOTHING_WATCHED
    elif any(_has(record, TorchImport) for record in records):
        yield from _nothing_seen(records)


def _note(entry: RecordLine, record: Record) -> str:
    if isinstance(entry, WatchFailure):
        return f"process {entry.pid}, Python {entry.python}, was not watched: {entry.why}"
    if isinstance(entry, Problem):
        return f"process {pids([record])[0]}: its calls were watched no longer: {entry.why}"
    if isinstance(entry, CompiledCode):
        (place,) = code_lines([entry.place])
        return (
            f"{place.function} ({place.file}:{place.line}) runs compiled: what it turns is not seen"
        )
    if isinstance(entry, Exec) and entry.where:
        place = code_lines(entry.where)[0]
        program = shorten_path(entry.program)
        return f"{place.file}:{place.line} replaced the process by {program}"
    return ""


def _nothing_seen(records: Sequence[Record]) -> Iterator[str]:
    """Words, if no rotary code was seen, on where it was looked for."""
    if any(_has(record, RotationSighting) for record in records):
        return
    windows = [e.count for record in records for e in record.entries if isinstance(e, Window)]
    if windows:
        yield f"no function was seen to turn a tensor in the {max(windows)} first calls of a module"
    else:
        yield "no torch.nn.Module was called: rotary code is seen only where one runs"


def code_lines(lines: Iterable[Line]) -> tuple[CodeLine, ...]:
    """Lines as a user knows them: from the working directory, else from their package on."""
    return tuple(
        CodeLine(file=_file(file), line=line, function=function) for file, line, function in lines
    )


def _file(path: str) -> str:
    below = os.path.relpath(path) if os.path.isabs(path) else path
    return shorten_path(path) if below.startswith(os.pardir) or "site-packages" in path else below


def _changes(record: Record) -> Iterator[tuple[SwitchChange, bool]]:
    """The changes of switches from what they were at first, and whether each was there to stay."""
    changes = [entry for entry in record.entries if isinstance(entry, SwitchChange)]
    first: dict[tuple[str, str], str] = {}
    last: dict[tuple[str, str], tuple[SwitchChange, str]] = {}
    for change in changes:
        for part, (before, after) in change.parts.items():
            first.setdefault((change.switch, part), before)
            last[change.switch, part] = change, after
    for change in changes:
        keys = [(change.switch, part) for part in change.parts]
        if any(change.parts[key[1]][1] != first[key] for key in keys):
            yield change, any(last[key][0] is change for key in keys)


def _has(record: Record, kind: type) -> bool:
    return any(isinstance(entry, kind) for entry in record.entries)


def pids(records: Iterable[Record]) -> tuple[int, ...]:
    """The processes of records, each once."""
    introductions = (record.introduction for record in records)
    return tuple(dict.fromkeys(first.pid for first in introductions if first))


def ranks(records: Iterable[Record]) -> tuple[int, ...]:
    """The ranks of records, each once."""
    return tuple(sorted({record.rank for record in records if record.rank is not None}))
