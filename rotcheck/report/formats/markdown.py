"""Markdown for a GitHub issue or a step summary:
what has less weight is folded, and what is too long is left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rotcheck.report import document as doc
from rotcheck.report.markdown_text import block, escape, fold, heading, table
from rotcheck.report.text import one_line, plural

SUFFIX = ".md"
READS = "document"

LONGEST = 60_000  # characters; GitHub takes 65,536 in an issue and 1 MiB in a step summary
WIDEST = 8  # columns of a table before each device gets its own
OPEN = 3  # so many findings are shown unfolded


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A part as it is written."""

    text: str
    word: str = ""  # what it is called where it may be left out


def render(document: doc.Document, display: doc.Display) -> str:
    """The parts below a heading; what there is no room for is counted."""
    few = (
        sum(isinstance(part, doc.Finding) and part.tone == "bad" for part in document.parts) <= OPEN
    )
    parts = _quoted_below(document.parts)
    if document.command and not isinstance(parts[0], doc.Heading):
        parts = [*_top(document.command, parts)]
    chunks = [
        _chunk(part, open_findings=few, level=4 if at else 3) for at, part in enumerate(parts)
    ]
    text = "\n\n".join(filter(None, _fitting(chunks, LONGEST))) + "\n"
    return text.translate(doc.SPELLINGS) if display.ascii else text


def _quoted_below(parts: Sequence[doc.Part]) -> list[doc.Part]:
    """The parts, a quote at their beginning below the heading of what is said of it."""
    match parts:
        case [doc.Quote() as quote, doc.Section() as section, *rest]:
            return [replace(section, parts=[quote, *section.parts]), *rest]
    return list(parts)


def _top(command: str, parts: Sequence[doc.Part]) -> Iterable[doc.Part]:
    """The parts below a heading that says what all came to, in place of their conclusion."""
    end = next((part for part in parts if isinstance(part, doc.Summary)), None)
    yield doc.Heading(f"{command}: {end.text}" if end else command)
    yield from (part for part in parts if part is not end)


def _chunk(part: doc.Part, *, open_findings: bool, level: int) -> _Chunk:
    match part:
        case doc.Finding():
            return _Chunk(_finding(part, open_findings=open_findings), "finding")
        case doc.Section():
            return _Chunk(_section(part, level), "section")
    return _Chunk(_text(part, level))


def _text(part: doc.Part, level: int) -> str:
    match part:
        case doc.Heading():
            return heading(part.text, 3)
        case doc.Quote():
            return block(part.text)
        case doc.Lines():
            return _list(part.texts, strong=part.tone != "dim")
        case doc.Legend() | doc.Summary():
            return escape(part.text)
        case doc.Details():
            return _details(part.details)
        case doc.Finding():
            lines = (f"- {_detail(detail)}" for detail in part.details)
            return "\n".join([f"**{escape(part.title)}**\n", *lines])
        case doc.Table():
            return "\n\n".join([*_tables(part), *map(escape, part.warnings)])
        case doc.Rows():
            return table(part.head, [[field.text for field in fields] for fields in part.rows])
        case doc.Listing():
            return _listing(part, level)
        case doc.Section():
            return _section(part, level)
        case doc.Code():
            return f"{escape(part.title)}\n\n{block(part.text, 'python')}"


def _finding(part: doc.Finding, *, open_findings: bool) -> str:
    """What is wrong, folded where there is much of it, and what only explains something."""
    if not part.title:
        return _details(part.details)
    sign = "" if part.tone == "dim" else f"{doc.SIGNS[part.tone]} "
    where = f" on {part.where}" if part.where else ""
    show = part.tone == "note" or (part.tone == "bad" and open_findings)
    return fold(f"{sign}{part.title}{where}", _details(part.details), open_=show)


def _section(part: doc.Section, level: int) -> str:
    title = ": ".join(filter(None, [part.id, part.title]))
    body = "\n\n".join(_text(inner, level + 1) for inner in part.parts)
    if part.aside:
        return fold(title, body)
    return "\n\n".join(filter(None, [heading(title, level), body]))


def _listing(part: doc.Listing, level: int) -> str:
    if part.aside:
        lines = [_Chunk(text, "line") for text in part.texts]
        body = _list(_fitting(lines, LONGEST // 8))
        return fold(f"{part.title} ({len(part.texts)})", body)
    title = [heading(part.title, level)] if part.title else []
    return "\n\n".join([*title, _list(part.texts)])


def _details(details: Iterable[doc.Detail]) -> str:
    return "\n\n".join(map(_detail, details))


def _detail(detail: doc.Detail) -> str:
    label = f"**{escape(detail.label)}**: " if detail.label else ""
    if detail.form == "code":
        return f"{label.rstrip()}\n\n{block(detail.text, 'python')}"
    if detail.form == "quote":
        return f"{label.rstrip()}\n\n{block(detail.text)}"
    return f"{label}{escape(detail.text)}"


def _tables(part: doc.Table) -> list[str]:
    """One table where its columns are few or say it all by themselves, else one for each device."""
    grid = part.grid
    legend = [escape(grid.legend)] if grid.legend else []
    if part.aspects:
        return [_table(grid, [_together(grid.groups)]), *legend]
    if sum(len(group.names) for group in grid.groups) <= WIDEST:
        return [_table(grid, grid.groups), *legend]
    return [*(_table(grid, [group]) for group in grid.groups), *legend]


def _together(groups: Sequence[doc.Columns]) -> doc.Columns:
    """All groups of columns as one without a title."""
    names = tuple(name for group in groups for name in group.names)
    rows: list[tuple[doc.Field, ...]] = [
        tuple(field for row in rows for field in row)
        for rows in zip(*(group.rows for group in groups))
    ]
    return doc.Columns("", names, tuple(rows))


def _table(grid: doc.Grid, groups: Sequence[doc.Columns]) -> str:
    head = [grid.head, *(f"{group.title} {name}" for group in groups for name in group.names)]
    rows = [
        [name, *(field.text for group in groups for field in group.rows[at])]
        for at, name in enumerate(grid.names)
    ]
    return table(head, rows)


def _fitting(chunks: Sequence[_Chunk], longest: int) -> list[str]:
    """As many of the texts as there is room for, and a word on how many were left out."""
    room = longest - sum(len(chunk.text) + 2 for chunk in chunks if not chunk.word)
    texts: list[str] = []
    omissions: list[str] = []
    for chunk in chunks:
        if chunk.word:
            room -= len(chunk.text) + 2
        if chunk.word and room < 0:
            omissions.append(chunk.word)
            continue
        texts += [_left_out(omissions)] if omissions and not chunk.word else []
        omissions = [] if not chunk.word else omissions
        texts.append(chunk.text)
    return [*texts, *([_left_out(omissions)] if omissions else [])]


def _left_out(words: Sequence[str]) -> str:
    return f"{plural(len(words), f'more {words[0]}')} left out: the JSON report has all."


def _list(texts: Iterable[str], *, strong: bool = False) -> str:
    mark = "**" if strong else ""
    return "\n".join(f"- {mark}{escape(one_line(text))}{mark}" for text in texts)
