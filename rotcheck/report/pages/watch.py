"""What was seen in a program, and what it died of; the line to change comes last."""

import shlex
from collections.abc import Iterator, Sequence

from rotcheck.report import document as doc
from rotcheck.report.text import one_line, plural, shorten
from rotcheck.results import CodeLine, Death, Fallback, Flip, RankPositions, Watch, WatchRow
from rotcheck.watch.rank_positions import span

WORD = "a watch"
RESULT = Watch

MOST_RUNS = 4  # of positions that are named
MOST_CALLERS = 3  # lines that are named of those that led to a call
LONGEST_COMMAND = 80  # characters
ROTARY = "Rotary code that ran in the first steps"
HEAD = ("", "function", "at", "what it did")
TONES: dict[str, doc.Tone] = {"agrees": "good", "disagrees": "bad"}
NO_TORCH = "None of its Python processes imported torch."
NOTHING_SEEN = "No process-wide switch was set, and no import of a kernel failed."


def document(watch: Watch) -> doc.Document:
    """How the program ended, what was seen in it, and last the explanation of its death."""
    return doc.Document(tuple(_parts(watch)))


def _parts(watch: Watch) -> Iterator[doc.Part]:
    yield doc.Heading(headline(watch), "bad" if watch.status else "good")
    yield doc.Lines(list(_facts(watch)))
    if watch.rows:
        yield doc.Section(ROTARY, [doc.Rows(HEAD, [_row(row) for row in watch.rows])])
    yield from map(_finding, (row for row in watch.rows if row.verdict != "agrees"))
    for ranks in watch.rank_positions:
        yield _rank_finding(ranks)
    left = [flip for flip in watch.flips if flip.left]
    passing = [_flip_line(flip) for flip in watch.flips if not flip.left]
    if left:
        rows = [_flip_row(flip) for flip in left]
        yield doc.Section("Switches of the whole process", [doc.Rows(("line", "change"), rows)])
    if watch.fallbacks:
        yield doc.Section("Swallowed exceptions", list(map(_fallback, watch.fallbacks)))
    yield from doc.listing("Set for a while, and put back", passing, aside=True)
    yield from doc.listing("Worth knowing", [one_line(note) for note in watch.notes])
    if watch.death:
        yield from _death(watch.death)


def headline(watch: Watch) -> str:
    """How the program ended, in one line."""
    command = shorten(shlex.join(watch.command), LONGEST_COMMAND)
    end = f"exit code {watch.status}" if watch.status >= 0 else f"signal {-watch.status}"
    return one_line(f"{command}: {end} after {watch.seconds:.1f} s")


def _facts(watch: Watch) -> Iterator[str]:
    with_torch = [process for process in watch.processes if process.torch]
    versions = dict.fromkeys(
        f"torch {process.torch}, Python {process.python}" for process in with_torch
    )
    counts = [plural(len(watch.processes), "Python process").replace("processs", "processes")]
    ranks = {process.rank for process in watch.processes if process.rank is not None}
    counts += [f"{len(ranks)} of {_world_size(watch)} ranks"] if ranks else []
    yield "; ".join([f"rotcheck {watch.rotcheck}", *versions, ", ".join(counts)])
    if watch.processes and not with_torch:
        yield NO_TORCH
    elif with_torch and not watch.flips and not watch.fallbacks:
        yield NOTHING_SEEN


def _world_size(watch: Watch) -> int:
    return max(process.world_size or 1 for process in watch.processes)


def _row(row: WatchRow) -> tuple[doc.Field, ...]:
    """What a function did, and whether that is right."""
    name = f"{row.function}({', '.join(row.arguments)})" if row.arguments else row.function
    words = [
        row.does,
        row.angles,
        _positions(row.positions),
        _change("dtype", row.dtypes),
        _change("device", row.devices),
    ]
    times = f"{plural(row.calls, 'call')}{_ranks(row.ranks)}"
    tone = TONES.get(row.verdict, "note")
    return (
        doc.Field(doc.SIGNS[tone], tone),
        doc.Field(name, name=True),
        doc.Field(_place(row.place)),
        doc.Field(one_line("; ".join([*filter(None, words), times]))),
    )


def _change(name: str, values: Sequence[str]) -> str:
    """`float32`, or `dtype changes from bfloat16 to float32`."""
    before, after = values[0], values[-1]
    return before if before == after else f"{name} changes from {before} to {after}"


def _finding(row: WatchRow) -> doc.Finding:
    """Why a function is wrong, or was not understood."""
    details = doc.details(
        doc.Detail("what", one_line(row.message or "")),
        doc.Detail("called by", ", ".join(row.owners)),
        *doc.knowledge(row),
    )
    return doc.Finding(f"{row.function} {row.verdict}", details, TONES.get(row.verdict, "note"))


def _positions(runs: Sequence[tuple[int, int]]) -> str:
    """`positions 0 to 31, 96 to 127`; nothing where they count up from 0."""
    if len(runs) < 2 and all(start == 0 for start, _ in runs):
        return ""
    spans = [
        f"{start} to {start + count - 1}" if count > 1 else str(start) for start, count in runs
    ]
    more = f" and {len(spans) - MOST_RUNS} more runs" if len(spans) > MOST_RUNS else ""
    return f"positions {', '.join(spans[:MOST_RUNS])}{more}"


def _rank_finding(ranks: RankPositions) -> doc.Finding:
    """Whether the positions of several ranks fit together."""
    details = [
        doc.Detail(f"rank {rank}", _positions(runs) or f"positions 0 to {runs[0][1] - 1}")
        for rank, runs in ranks.positions.items()
    ]
    what = doc.Detail("together", ranks.message)
    title = f"{ranks.function}: the positions of the ranks"
    return doc.Finding(title, [what, *details], TONES.get(ranks.verdict, "note"))


def _flip_row(flip: Flip) -> tuple[doc.Field, ...]:
    return doc.Field(_place(flip.where[0]), name=True), doc.Field(_flip_text(flip))


def _flip_line(flip: Flip) -> str:
    return f"{_place(flip.where[0])}: {_flip_text(flip)}"


def _flip_text(flip: Flip) -> str:
    return one_line(f"{flip.call}{_ranks(flip.ranks)}: {flip.change}{_callers(flip.where)}")


def _fallback(fallback: Fallback) -> doc.Finding:
    times = f" ({fallback.count} times)" if fallback.count > 1 else ""
    details = [
        doc.Detail("where", _place(fallback.where[0]) + _callers(fallback.where)),
        doc.Detail("error", shorten(one_line(fallback.error)) + times),
    ]
    return doc.Finding(one_line(fallback.subject) + _ranks(fallback.ranks), details, "note")


def _death(death: Death) -> Iterator[doc.Part]:
    """What ended the program, and what is known of that; last the line that set a switch for it."""
    rank = "" if death.rank is None else f"[rank {death.rank}] "
    yield doc.Quote(rank + shorten(one_line(death.text)))
    details = doc.details(
        doc.Detail("at", _frames(death.where)),
        doc.Detail("how sure", f"{death.certainty}: {death.why}" if death.why else ""),
        doc.Detail("cause", death.cause or ""),
        doc.Detail("fix", death.fix or ""),
        doc.Detail("more", f"rotcheck explain {death.failure}" if death.failure else ""),
        doc.Detail("set by", _culprit(death.flag) if death.flag else "", "whole"),
    )
    if details:
        title = one_line(death.title) or "Not known"
        yield doc.Section(title, [doc.Details(details)], id=death.failure or "")


def _frames(lines: Sequence[CodeLine]) -> str:
    return ", ".join(f"{_place(line)} in {line.function}" for line in lines[:MOST_CALLERS])


def _culprit(flag: Flip) -> str:
    """The line that set the switch which the death comes of."""
    return f"{_place(flag.where[0])}: {flag.call}{_callers(flag.where)}"


def _place(line: CodeLine) -> str:
    return f"{line.file}:{line.line}"


def _callers(lines: Sequence[CodeLine]) -> str:
    callers = ", ".join(map(_place, lines[1 : 1 + MOST_CALLERS]))
    return f"; called from {callers}" if callers else ""


def _ranks(ranks: Sequence[int]) -> str:
    """` [rank 1]`, ` [ranks 0 to 7]`."""
    word = "ranks" if len(ranks) > 1 else "rank"
    return f" [{word} {span(ranks)}]" if ranks else ""
