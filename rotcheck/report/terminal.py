"""Tables for the terminal, and plain text when piped."""

import textwrap
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rotcheck.diagnose import Failure, Message
from rotcheck.report import bench as timed
from rotcheck.report import check as checked
from rotcheck.report import context as reached
from rotcheck.report import conventions as identified
from rotcheck.report import failure, findings, lines, matrix, pairwise, summary, unidentified
from rotcheck.report import identification as conventions
from rotcheck.report import training as trained
from rotcheck.report import trial as on_trial
from rotcheck.report.findings import Finding, Remark
from rotcheck.report.grid import ASCII, UNICODE, Marks
from rotcheck.report.layout import draw, fit, verbatim
from rotcheck.report.page import Look, Page
from rotcheck.report.text import clean, one_line, plural, shorten
from rotcheck.results import (
    Bench,
    Check,
    Context,
    Identification,
    Line,
    Probe,
    Report,
    Training,
    Trial,
)

MOST_REMARKS = 12
LISTS = ("causes", "sources")  # of rotcheck's own knowledge: shown whole
CODE = ("shown by",)  # labels of code
BESIDE = 120  # columns, from which on what told so stands in a column of its own
STYLES = {"good": "green", "bad": "red", "note": "yellow", "none": "dim"}


def report(page: Page, look: Look) -> str:
    """Return the matrix, each distinct finding, the notes and reasons, and the summary."""
    found, marks = page.found, _marks(look)
    bad = findings.findings(found, page.broken)
    return printed(
        look,
        [
            *_headline(page),
            _plain(
                [
                    *summary.machine_lines(found.machine, found.rotcheck),
                    *identified.lines(found),
                    *findings.paths(found),
                ]
            ),
            *_matrix(found, marks, look),
            *(
                _finding(each, marks, told)
                for each, told in zip(bad, findings.told_before(bad), strict=True)
            ),
            *_unknown(found, marks),
            *_pairs(found, look),
            *_remarks("Worth knowing", [*findings.notes(found), *identified.remarks(found)]),
            *_remarks("Not on this machine", findings.reasons(found, "unavailable")),
            *_remarks("Skipped", findings.reasons(found, "skipped")),
            *(
                [Text(summary.summary_line(found), style="bold")]
                if found.cells or not page.checks
                else []
            ),
            *(
                part
                for each in page.checks
                for part in [_answer(each, marks), *_checked(each, look)]
            ),
            *listed("Next", page.advice),
        ],
    )


def check(found: Check, look: Look) -> str:
    """Return the answer in one line, a line for each function, what is wrong, and what to do next."""
    return printed(look, [_answer(found, _marks(look)), *_checked(found, look)])


def _answer(found: Check, marks: Marks) -> Text:
    tone = {"good": "bold green", "bad": "bold red"}.get(checked.TONES[found.answer], "bold yellow")
    return Text(checked.headline(found, marks), style=tone)


def _checked(found: Check, look: Look) -> list[RenderableType]:
    marks = _marks(look)
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in range(3):
        table.add_column(no_wrap=column < 1, overflow="fold")
    for part, place, does in checked.lines(found):
        sign = Text(checked.mark(part.answer, marks), STYLES[checked.TONES[part.answer]])
        table.add_row(
            sign,
            Text(place or one_line(part.name)),
            Text.assemble((_name(part.name), "bold"), f"  {does}"),
        )
    bad = [
        Group(
            Text(
                f"{checked.mark(each.fault.answer, marks)} {each.title}",
                "bold red" if each.fault.answer == "wrong" else "bold yellow",
            ),
            labelled(known),
        )
        for each, known in checked.told(found)
    ]
    return [
        _plain([checked.machine(found)]),
        *([Padding(table, (0, 0, 0, 2))] if found.parts else []),
        *bad,
        *listed("Worth knowing", checked.notes(found)),
        *listed("Next", found.advice),
    ]


def _name(specification: str) -> str:
    return one_line(specification.rpartition(":")[2])


def probe(found: Probe, look: Look) -> str:
    """Return what the machine has, a section for each group of lines."""
    marks = _marks(look)
    sections = [_section(name, group, marks) for name, group in lines.groups(found.machine.lines)]
    causes = [_cause(line, marks) for line in lines.explained(found.machine.lines)]
    end = (
        [Text("interrupted: what was found until then", style="bold")] if found.interrupted else []
    )
    return printed(
        look,
        [_plain(summary.machine_lines(found.machine, found.rotcheck)), *sections, *causes, *end],
    )


def trial(found: Trial, look: Look) -> str:
    """Return each claim and what was seen."""
    tones = {True: "bold green", False: "bold red", None: "bold"}
    claims = [
        Group(Text(on_trial.title(claim), style=tones[claim.holds]), *map(_hanging, claim.seen))
        for claim in found.claims
    ]
    return printed(look, [Text(on_trial.headline(found), style="bold"), *claims])


def bench(found: Bench, look: Look) -> str:
    """Return a table for each device, dtype, shape and pass, what went wrong, and the reasons."""
    report, marks = timed.as_report(found), _marks(look)
    bad = timed.bad(report)
    tables = [_timings(section, found, look) for section in timed.sections(found)]
    return printed(
        look,
        [
            _plain(summary.machine_lines(found.machine, found.rotcheck) + findings.paths(report)),
            *_mistaken(found.conventions, marks),
            *tables,
            *([Text(timed.legend(found), style="dim")] if tables else []),
            *(
                _finding(each, marks, told)
                for each, told in zip(bad, findings.told_before(bad), strict=True)
            ),
            *_unknown(report, marks),
            *_remarks("Not on this machine", findings.reasons(report, "unavailable")),
            *_remarks("Skipped", findings.reasons(report, "skipped")),
            Text(timed.summary_line(found), style="bold"),
        ],
    )


def _timings(section: timed.Section, found: Bench, look: Look) -> RenderableType:
    marks = _marks(look)
    grid = timed.grid(section, found.against, ascii=look.ascii)
    drawn = draw(fit(grid, grid, look.width, marks), marks)
    told = [
        Text(warning, style=STYLES["note"]) for warning in timed.warnings(section, found.against)
    ]
    return Group(Text(section.title, style="bold"), *drawn, *told)


def train(found: Training, look: Look) -> str:
    """Return the losses and gradients of each run, what went wrong, and what explains it."""
    marks, report = _marks(look), trained.as_report(found)
    top = [*summary.machine_lines(found.machine, found.rotcheck), trained.headline(found)]
    wrong = [
        Group(Text(f"{marks.bad} {each.title}", style="bold red"), labelled(trained.details(each)))
        for each in trained.findings(found)
    ]
    return printed(
        look,
        [
            _plain([*top, *findings.paths(report), *trained.broken_references(found)]),
            *_mistaken(found.conventions, marks),
            *_courses(found, marks, look),
            *wrong,
            *_unknown(report, marks),
            *_remarks("Worth knowing", findings.notes(report)),
            *_remarks("Not on this machine", trained.reasons(found, "unavailable")),
            *_remarks("Skipped", trained.reasons(found, "skipped")),
            Text(trained.summary_line(found), style="bold"),
        ],
    )


def context(found: Context, look: Look) -> str:
    """Return a table for each object, what went wrong, and what did not run."""
    marks = _marks(look)
    wrong = [
        Group(Text(f"{marks.bad} {each.title}", style="bold red"), labelled(reached.details(each)))
        for each in reached.findings(found)
    ]
    tables = [_reach(section, look) for section in reached.sections(found)]
    legend = [Text(reached.legend(found, marks), style="dim")] if reached.ran(found.rows) else []
    return printed(
        look,
        [
            _plain([reached.headline(found)]),
            *tables,
            *legend,
            *wrong,
            *_remarks("Worth knowing", reached.notes(found)),
            *_remarks("Not on this machine", reached.reasons(found, "unavailable")),
            *_remarks("Skipped", reached.reasons(found, "skipped")),
            Text(reached.summary_line(found), style="bold"),
        ],
    )


def _reach(section: reached.Section, look: Look) -> RenderableType:
    marks = _marks(look)
    long, short = (reached.grid(section, marks, detail=detail) for detail in (True, False))
    drawn = draw(fit(long, short, look.width, marks), marks) if long.names else []
    return Group(Text(section.title, style="bold"), *drawn)


def convention(found: Sequence[Identification], look: Look) -> str:
    """Return for each function what is wrong, what it does and what told so, and what it can be swapped for."""
    return printed(look, [part for one in found for part in _identified(one, look)])


def _identified(found: Identification, look: Look) -> list[RenderableType]:
    marks = _marks(look)
    style = {"good": "bold green", "bad": "bold red"}.get(conventions.tone(found), "bold yellow")
    parts: list[RenderableType] = [
        Text(f"{conventions.mark(found, marks)} {conventions.title(found)}", style=style)
    ]
    wrong = list(conventions.mistakes(found))
    for at, (words, told, demonstration) in enumerate(wrong):
        heading = [Text(f"{marks.bad} {words}", style="bold red")] if at else []
        code = [_code(demonstration)] if demonstration else []
        parts.append(Group(*heading, labelled(told), *code))
    if found.convention is None and found.purpose is None:
        choices = listed("Worth knowing", conventions.choices(found))
        return [
            *parts,
            *listed(*conventions.why_not(found)),
            *choices,
            *_swap(found, look),
            *_ends(found),
        ]
    nearest = [Text(conventions.heading(found), style="bold")] if wrong else []
    parts.append(Group(*nearest, _said(conventions.lines(found), look)))
    parts += listed("Worth knowing", conventions.choices(found))
    unknown = conventions.ambiguities(found)
    parts += [Group(Text("Cannot be known", style="bold"), labelled(unknown))] if unknown else []
    return [*parts, *_swap(found, look), *_ends(found)]


def _swap(found: Identification, look: Look) -> list[RenderableType]:
    """Return whether it can take another's place, what to change, and the code that does all of it."""
    swapped, code = conventions.swap(found), conventions.adapter(found)
    if swapped is None:
        return []
    answer, changes = swapped
    parts: list[RenderableType] = [
        Group(Text(answer, style="bold"), *([_said(changes, look)] if changes else []))
    ]
    if code:
        lines = textwrap.indent(code[1], "  ", lambda line: True)
        parts.append(Text.assemble((f"{code[0]}\n", "bold"), lines, no_wrap=True))
    return parts


def _code(text: str) -> RenderableType:
    """Return Python as it is, which shows what is said above it."""
    return Group(Text(), verbatim(text, 4))


def _ends(found: Identification) -> list[RenderableType]:
    """Return what was not tried, what to do next, and the last line."""
    more = conventions.ends(found)
    last = Text(conventions.summary_line(found), style="bold")
    return [*([labelled(more)] if more else []), last]


def _said(told: Sequence[conventions.Said], look: Look) -> RenderableType:
    """Return what is said of each field with what told so: beside it where there is room, else behind it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=3)
    if look.width >= BESIDE:
        table.add_column(overflow="fold", ratio=4)
    for field, says, because in told:
        text, behind = Text(shorten(clean(says)).strip()), Text(one_line(because), style="dim")
        if look.width >= BESIDE:
            table.add_row(Text(field, style="dim"), text, behind)
        else:
            table.add_row(
                Text(field, style="dim"),
                Text.assemble(text, "  (", behind, ")") if because else text,
            )
    return Padding(table, (0, 0, 0, 2))


def listed(heading: str, texts: Sequence[str]) -> list[RenderableType]:
    """Return the texts below a heading, nothing where there is none."""
    return [Group(Text(heading, style="bold"), *map(_hanging, texts))] if texts else []


def _courses(found: Training, marks: Marks, look: Look) -> list[RenderableType]:
    if not found.courses:
        return []
    long, short = (trained.grid(found, marks, detail=detail) for detail in (True, False))
    return [
        *draw(fit(long, short, look.width, marks), marks),
        Text(trained.legend(found, marks), style="dim"),
    ]


def failures(found: Sequence[Failure | Message], look: Look) -> str:
    """Return one failure or general message in full, several as a list."""
    if len(found) == 1:
        title = Text(f"{found[0].id}  {one_line(found[0].title)}", style="bold")
        return printed(look, [Group(title, labelled(failure.told(found[0])))])
    longest = max(len(each.id) for each in found)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=longest)
    table.add_column(overflow="fold", width=look.width - longest - look.width // 4 - 4)
    table.add_column(no_wrap=True, overflow="ellipsis", width=look.width // 4)
    for each in found:
        id, words, devices = map(one_line, failure.row(each))
        table.add_row(Text(id, style="bold"), Text(words), Text(devices, "dim"))
    return printed(look, [table, Text("rotcheck explain ID tells all about one.", style="dim")])


def printed(look: Look, parts: Iterable[RenderableType]) -> str:
    """Return the parts as text, an empty line between each two."""
    file = StringIO()
    console = Console(
        file=file,
        width=look.width,
        force_terminal=look.colour,
        color_system="standard" if look.colour else None,
        no_color=not look.colour,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for at, part in enumerate(parts):
        if at:
            console.print()
        whole = isinstance(part, Text) and (at == 0 or bool(part.no_wrap))
        console.print(
            part, soft_wrap=whole, crop=False
        )  # a headline stays on one line, and so does each line of code
    text = "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
    return text.encode("ascii", "replace").decode() if look.ascii else text


def _headline(page: Page) -> list[RenderableType]:
    tone = "bold" if page.holds is None else "bold green" if page.holds else "bold red"
    return [Text(one_line(page.headline), style=tone)] if page.headline else []


def _matrix(found: Report, marks: Marks, look: Look) -> list[RenderableType]:
    if not found.cells:
        return []
    long, short = (matrix.grid(found, marks, detail=detail) for detail in (True, False))
    fitted = fit(long, short, look.width, marks)
    return [*draw(fitted, marks), Text(matrix.legend(fitted.texts(), marks), style="dim")]


def _pairs(found: Report, look: Look) -> list[RenderableType]:
    if not found.pairs:
        return []
    marks = _marks(look)
    fitted = [fit(grid, grid, look.width, marks) for grid in pairwise.grids(found)]
    tables = [part for each in fitted for part in draw(each, marks)]
    reasons = [Group(*map(_hanging, pairwise.reasons(found)))] if pairwise.reasons(found) else []
    return [Text("Pairwise", style="bold"), *tables, Text(pairwise.LEGEND, style="dim"), *reasons]


def _finding(found: Finding, marks: Marks, told_before: bool) -> RenderableType:
    title = Text(f"{marks.bad} {found.title}", style="bold red")
    above = f"as above, for {found.worst.failure}"
    known = findings.details(found)
    return Group(
        title,
        labelled(
            (label, above if told_before and label in ("cause", "fix") else text)
            for label, text in known
        ),
    )


def _unknown(found: Report, marks: Marks) -> list[RenderableType]:
    """Return what was not identified, with why and what to do."""
    return [
        Group(
            Text(f"{marks.unknown} {each.title}", style="bold yellow"),
            labelled(unidentified.details(each)),
        )
        for each in unidentified.unknown(found)
    ]


def _mistaken(conventions: Sequence[Identification], marks: Marks) -> list[RenderableType]:
    """Return a line for each function that is timed or trained and makes a mistake."""
    told = [Text(f"{marks.bad} {line}", style="bold red") for line in identified.wrong(conventions)]
    return [Group(*told)] if told else []


def labelled(details: Iterable[tuple[str, str]]) -> RenderableType:
    """Return labelled texts in two columns, and code below them, whose lines can be copied as they are."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    code: list[RenderableType] = []
    for label, text in details:
        if label in CODE:
            code += [Text(f"  {label}", style="dim"), verbatim(text, 4)]
        else:
            told = clean(text) if label in LISTS else shorten(clean(text))
            table.add_row(Text(label, style="dim"), Text(told.strip()))
    return Group(Padding(table, (0, 0, 0, 2)), *code)


def _remarks(title: str, remarks: Sequence[Remark]) -> list[RenderableType]:
    if not remarks:
        return []
    shown: list[RenderableType] = [
        _hanging(shorten(str(remark))) for remark in remarks[:MOST_REMARKS]
    ]
    if len(remarks) > MOST_REMARKS:
        more = plural(len(remarks) - MOST_REMARKS, "more line")
        shown.append(Text(f"  and {more}; `--format json` has all", style="dim"))
    return [Group(Text(title, style="bold"), *shown)]


def _hanging(text: str) -> RenderableType:
    """Return a paragraph whose first line starts further left than the others."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(" -", Text(text, overflow="fold"))
    return table


def _section(name: str, group: Sequence[Line], marks: Marks) -> RenderableType:
    table = _columns(4)
    for line in group:
        tone = lines.tone(line)
        sign = marks.good if tone == "good" else marks.bad if tone == "bad" else "-"
        told = Text(shorten(one_line(lines.told(line))))
        table.add_row(
            Text(sign, STYLES[tone]), Text(lines.name(line)), Text(one_line(line.state)), told
        )
    return Group(Text(name, style="bold"), Padding(table, (0, 0, 0, 2)))


def _cause(line: Line, marks: Marks) -> RenderableType:
    title = Text(f"{marks.bad} {lines.title(line)}", style="bold red")
    return Group(title, labelled(lines.details(line)))


def _columns(count: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for at in range(count):
        table.add_column(no_wrap=at < count - 1, overflow="fold")
    return table


def _plain(texts: Iterable[str]) -> RenderableType:
    return Group(*(Text(text, style="dim") for text in texts))


def _marks(look: Look) -> Marks:
    return ASCII if look.ascii else UNICODE
