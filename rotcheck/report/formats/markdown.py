"""Markdown for a GitHub issue or a step summary."""

from collections.abc import Iterable, Sequence

from rotcheck.diagnose import Failure, Message
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report import bench as timed
from rotcheck.report import check as checked
from rotcheck.report import context as reached
from rotcheck.report import conventions as identified
from rotcheck.report import explanation as explained
from rotcheck.report import failure, findings, lines, matrix, pairwise, summary, unidentified
from rotcheck.report import identification as conventions
from rotcheck.report import scan as scanned
from rotcheck.report import training as trained
from rotcheck.report import trial as on_trial
from rotcheck.report.findings import Finding, Remark
from rotcheck.report.grid import ASCII, UNICODE, Block, Grid, Marks
from rotcheck.report.markup import block, escape, fold, heading, table
from rotcheck.report.page import Look, Page
from rotcheck.report.text import one_line, plural
from rotcheck.results import (
    Bench,
    Check,
    Context,
    Identification,
    Line,
    Probe,
    Report,
    Scan,
    Training,
    Trial,
)

SUFFIX = ".md"
MACHINE = False

LONGEST = 60_000  # characters; GitHub takes 65,536 in an issue and 1 MiB in a step summary
WIDEST = 8  # columns of a table before each device gets its own
OPEN = 3  # so many findings are shown unfolded
# others wrote it: it is no markdown
VERBATIM = {"what": "text", "message": "text", "shown by": "python"}


def report(page: Page, look: Look) -> str:
    """Return the matrix, each distinct finding, the notes and reasons, and the summary."""
    found, marks = page.found, ASCII if look.ascii else UNICODE
    bad = findings.findings(found, page.broken)
    top = [
        heading(page.headline or f"rotcheck compare: {summary.summary_line(found)}"),
        _list(
            [
                *summary.machine_lines(found.machine, found.rotcheck),
                *identified.lines(found),
                *findings.paths(found),
            ]
        ),
    ]
    if found.cells:
        grid = matrix.grid(found, marks, detail=True)
        texts = {entry.text for part in grid.blocks for row in part.rows for entry in row}
        top += [*_tables(grid), escape(matrix.legend(texts, marks))]
    end = [
        *_unknown(found, marks),
        *_pairs(found),
        *_remarks("Worth knowing", [*findings.notes(found), *identified.remarks(found)]),
        *_remarks("Not on this machine", findings.reasons(found, "unavailable")),
        *_remarks("Skipped", findings.reasons(found, "skipped")),
        *([escape(summary.summary_line(found))] if page.headline else []),
    ]
    for each in page.checks:
        end += [heading(checked.headline(each, marks), 4), *_checked(each, marks)]
    end += [heading("Next", 4), _list(page.advice)] if page.advice else []
    told = [_finding(each, marks.bad, unfolded=len(bad) <= OPEN) for each in bad]
    return _joined([*top, *_fitting(told, LONGEST - len(_joined(top + end)), "finding"), *end])


def check(found: Check, look: Look) -> str:
    """Return the answer, a table of the functions, and what is wrong or was not understood."""
    marks = ASCII if look.ascii else UNICODE
    return _joined([heading(checked.headline(found, marks)), *_checked(found, marks)])


def scan(found: Scan, look: Look) -> str:
    """Return a section for each file that has hazards, and what could not be read."""
    sections = []
    for file, group in scanned.files(found):
        rows = [[lines, one.hazard.code, text] for one in group for lines, text in one.messages()]
        changes = list(dict.fromkeys(f"`{one.hazard.code}`: {one.hazard.change}" for one in group))
        sections.append(
            f"{heading(file, 4)}\n\n{table(['line', 'code', 'what happens'], rows)}\n\n{_list(changes)}"
        )
    told = _fitting(sections, LONGEST // 2, "file")
    ends = [("Not read", scanned.gaps(found)), ("Comments", list(found.notes))]
    folds = [fold(f"{title} ({len(texts)})", _list(texts)) for title, texts in ends if texts]
    return _joined([heading(scanned.headline(found)), *told, *folds])


def _checked(found: Check, marks: Marks) -> list[str]:
    rows = [
        [checked.mark(part.answer, marks), part.name, place, does]
        for part, place, does in checked.lines(found)
    ]
    bad = checked.findings(found)
    told = [
        fold(
            f"{checked.mark(each.fault.answer, marks)} {each.title}",
            _details(checked.details(each)),
            unfolded=at < OPEN,
        )
        for at, each in enumerate(bad)
    ]
    notes = checked.notes(found)
    end = [fold(f"Worth knowing ({len(notes)})", _list(notes))] if notes else []
    end += [heading("Next", 4), _list(found.advice)] if found.advice else []
    top = [
        _list([checked.machine(found)]),
        *([table(["", "function", "where", "is"], rows)] if rows else []),
    ]
    return [*top, *_fitting(told, LONGEST // 2, "finding"), *end]


def probe(found: Probe, look: Look) -> str:
    """Return what the machine has, a table for each group of lines, fit to be pasted into a bug report."""
    top = [heading("rotcheck probe"), _list(summary.machine_lines(found.machine, found.rotcheck))]
    groups = lines.groups(found.machine.lines)
    tables = [f"{heading(name, 4)}\n\n{_probe_table(group)}" for name, group in groups]
    known = lines.explained(found.machine.lines)
    causes = [fold(lines.title(line), _details(lines.details(line))) for line in known]
    end = ["Interrupted: what was found until then."] if found.interrupted else []
    return _joined([*top, *_fitting([*tables, *causes], LONGEST, "section"), *end])


def trial(found: Trial, look: Look) -> str:
    """Return each claim and what was seen."""
    claims = [
        f"{heading(on_trial.title(claim), 4)}\n\n{_list(claim.seen)}" for claim in found.claims
    ]
    return _joined([heading(on_trial.headline(found)), *claims])


def context(found: Context, look: Look) -> str:
    """Return a table for each object, what went wrong, and what did not run."""
    marks = ASCII if look.ascii else UNICODE
    top = [
        heading(f"rotcheck context: {reached.summary_line(found)}"),
        _list([reached.headline(found)]),
    ]
    tables = []
    for section in reached.sections(found):
        grid = reached.grid(section, marks, detail=True)
        drawn = [_table(grid, grid.blocks)] if grid.names else []
        tables.append("\n\n".join([heading(section.title, 4), *drawn]))
    bad = reached.findings(found)
    told = [
        fold(
            f"{marks.bad} {each.title}", _details(reached.details(each)), unfolded=len(bad) <= OPEN
        )
        for each in bad
    ]
    end = [
        escape(reached.legend(found, marks)),
        *_remarks("Worth knowing", reached.notes(found)),
        *_remarks("Not on this machine", reached.reasons(found, "unavailable")),
        *_remarks("Skipped", reached.reasons(found, "skipped")),
    ]
    return _joined([*top, *_fitting([*tables, *told], LONGEST, "section"), *end])


def convention(found: Sequence[Identification], look: Look) -> str:
    """Return for each function what it does, what told so, and what is wrong."""
    marks = ASCII if look.ascii else UNICODE
    return _joined([part for one in found for part in _identified(one, marks)])


def _identified(found: Identification, marks: Marks) -> list[str]:
    parts = [heading(f"{conventions.mark(found, marks)} {conventions.title(found)}")]
    for words, told, demonstration in conventions.mistakes(found):
        parts.append(fold(words, _details(told), unfolded=True))
        parts += [block(demonstration, "python")] if demonstration else []
    ends = (
        [_list(f"{label or 'or'}: {text}" for label, text in conventions.ends(found))]
        if conventions.ends(found)
        else []
    )
    if found.convention is None and found.purpose is None:
        why = _list(conventions.why_not(found)[1])
        return [*parts, why, *_swap(found), *ends, escape(conventions.summary_line(found))]
    parts.append(table(["field", "is", "told by"], conventions.lines(found)))
    choices, unknown = conventions.choices(found), conventions.ambiguities(found)
    parts += [heading("Worth knowing", 4), _list(choices)] if choices else []
    parts += (
        [heading("Cannot be known", 4), _list(": ".join(each) for each in unknown)]
        if unknown
        else []
    )
    return [*parts, *_swap(found), *ends, escape(conventions.summary_line(found))]


def _swap(found: Identification) -> list[str]:
    """Return whether it can take another's place, what to change, and the code that does all of it."""
    swapped, code = conventions.swap(found), conventions.adapter(found)
    if swapped is None:
        return []
    parts = [heading(swapped[0], 4)]
    parts += [table(["field", "to do", "why"], swapped[1])] if swapped[1] else []
    return [*parts, *([escape(code[0]), block(code[1], "python")] if code else [])]


def bench(found: Bench, look: Look) -> str:
    """Return a table for each device, dtype, shape and pass, what went wrong, and the reasons."""
    report = timed.as_report(found)
    top = [
        heading(f"rotcheck bench: {timed.summary_line(found)}"),
        _list(summary.machine_lines(found.machine, found.rotcheck) + findings.paths(report)),
    ]
    top += _mistaken(found.conventions, UNICODE)
    tables = []
    for section in timed.sections(found):
        drawn = timed.grid(section, found.against, ascii=look.ascii)
        parts = [heading(section.title, 4), _table(drawn, [_beside(drawn)])]
        tables.append("\n\n".join([*parts, *map(escape, timed.warnings(section, found.against))]))
    bad = timed.bad(report)
    told = [_finding(each, UNICODE.bad, unfolded=len(bad) <= OPEN) for each in bad]
    end = [
        *([escape(timed.legend(found))] if tables else []),
        *_unknown(report, UNICODE),
        *_remarks("Not on this machine", findings.reasons(report, "unavailable")),
        *_remarks("Skipped", findings.reasons(report, "skipped")),
    ]
    return _joined([*top, *_fitting([*tables, *told], LONGEST, "section"), *end])


def _beside(grid: Grid) -> Block:
    """Return all blocks of a table as one without a title."""
    columns = tuple(column for part in grid.blocks for column in part.columns)
    rows = tuple(
        tuple(entry for row in rows for entry in row)
        for rows in zip(*(b.rows for b in grid.blocks))
    )
    return Block("", columns, rows)


def train(found: Training, look: Look) -> str:
    """Return the losses and gradients of each run, what went wrong, and what explains it."""
    report, marks = trained.as_report(found), ASCII if look.ascii else UNICODE
    machine = summary.machine_lines(found.machine, found.rotcheck)
    top = [
        heading(f"rotcheck train: {trained.summary_line(found)}"),
        _list(
            [
                *machine,
                trained.headline(found),
                *findings.paths(report),
                *trained.broken_references(found),
            ]
        ),
    ]
    top += _mistaken(found.conventions, marks)
    if found.courses:
        grid = trained.grid(found, marks, detail=True)
        top += [
            *(_table(grid, [part]) for part in grid.blocks),
            escape(trained.legend(found, marks)),
        ]
    bad = trained.findings(found)
    told = [
        fold(
            f"{marks.bad} {each.title}", _details(trained.details(each)), unfolded=len(bad) <= OPEN
        )
        for each in bad
    ]
    end = [
        *_unknown(report, marks),
        *_remarks("Worth knowing", findings.notes(report)),
        *_remarks("Not on this machine", trained.reasons(found, "unavailable")),
        *_remarks("Skipped", trained.reasons(found, "skipped")),
    ]
    return _joined([*top, *_fitting(told, LONGEST - len(_joined(top + end)), "finding"), *end])


def failures(found: Sequence[Failure | Message], look: Look) -> str:
    """Return one failure or general message in full, several as a table."""
    if len(found) == 1:
        return _joined(
            [heading(f"{found[0].id}: {found[0].title}"), _details(failure.told(found[0]))]
        )
    return _joined([table(["id", "failure", "devices"], map(failure.row, found))])


def explanation(found: Explanation, look: Look) -> str:
    """Return the line that is explained, how sure, cause and fix, and what else is known of."""
    parts = [heading(explained.title(found, ": ") or explained.headline(found))]
    parts += [block(explained.headline(found))] if found.answer else []
    parts.append(_details(explained.details(found)))
    also = explained.also(found)
    parts += [heading("Also seen", 4), _list(_fitting(also, LONGEST // 8, "line"))] if also else []
    return _joined([*parts, *([heading("Next", 4), _list(found.next)] if found.next else [])])


def _tables(grid: Grid) -> list[str]:
    """Return one table where its columns are few, else one for each device."""
    if sum(len(part.columns) for part in grid.blocks) <= WIDEST:
        return [_table(grid, grid.blocks)]
    return [_table(grid, [part]) for part in grid.blocks]


def _table(grid: Grid, blocks: Sequence[Block]) -> str:
    head = [grid.head, *(f"{part.title} {column}" for part in blocks for column in part.columns)]
    rows = [
        [name, *(entry.text for part in blocks for entry in part.rows[at])]
        for at, name in enumerate(grid.names)
    ]
    return table(head, rows)


def _pairs(found: Report) -> list[str]:
    if not found.pairs:
        return []
    tables = [table for grid in pairwise.grids(found) for table in _tables(grid)]
    texts = [*tables, escape(pairwise.LEGEND), _list(pairwise.reasons(found))]
    return [fold("Pairwise differences", "\n\n".join(filter(None, texts)))]


def _finding(found: Finding, sign: str, *, unfolded: bool) -> str:
    details = [(label, text) for label, text in findings.details(found) if label != "where"]
    return fold(f"{sign} {found.title} on {found.where}", _details(details), unfolded=unfolded)


def _unknown(found: Report, marks: Marks) -> list[str]:
    return [
        fold(f"{marks.unknown} {each.title}", _details(unidentified.details(each)), unfolded=True)
        for each in unidentified.unknown(found)
    ]


def _mistaken(conventions: Sequence[Identification], marks: Marks) -> list[str]:
    return [f"**{escape(f'{marks.bad} {line}')}**" for line in identified.wrong(conventions)]


def _details(details: Iterable[tuple[str, str]]) -> str:
    return "\n\n".join(
        f"**{label}**:\n\n{block(text, VERBATIM[label])}"
        if label in VERBATIM
        else f"**{label}**: {escape(text)}"
        for label, text in details
    )


def _remarks(title: str, remarks: Sequence[Remark]) -> list[str]:
    if not remarks:
        return []
    return [
        fold(
            f"{title} ({len(remarks)})",
            _list(_fitting(list(map(str, remarks)), LONGEST // 8, "line")),
        )
    ]


def _fitting(texts: Sequence[str], room: int, word: str) -> list[str]:
    """Return as many texts as there is room for, and a word on how many were left out."""
    kept: list[str] = []
    for at, text in enumerate(texts):
        room -= len(text) + 2
        if room < 0:
            left = plural(len(texts) - at, f"more {word}")
            return [*kept, f"{left} left out: the JSON report has all."]
        kept.append(text)
    return kept


def _probe_table(group: Sequence[Line]) -> str:
    return table(
        ["what", "state", "detail"],
        [[lines.name(line), line.state, lines.told(line)] for line in group],
    )


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escape(one_line(text))}" for text in texts)


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
