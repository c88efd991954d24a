"""Draws a document for the terminal, and as plain text when piped."""

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Columns
from rich.text import Text

from rotcheck.report import document as doc
from rotcheck.report import screen_layout
from rotcheck.report.screen_layout import GAP, STYLES
from rotcheck.report.text import clean, plural, shorten

MOST_ASIDE = 12  # lines of what may be cut
BESIDE = 120  # columns, from which on the reason may stand in a column of its own
LAST_INDENT = 4  # of a field that stands below the others
ROOM_BEFORE = 0.6  # the share of the width that what is before it may take
LEAST_ROOM = 0.3  # the share of the width below which the last field goes below the others
WIDEST_FIELD = 2  # a field that takes more than half of the width is broken over lines


def draw(document: doc.Document, display: doc.Display) -> str:
    """The parts below each other, an empty line between each two."""
    page = _Canvas(display)
    for part in document.parts:
        page.add(part)
    return page.text()


class _Canvas:
    """A page that is drawn part by part."""

    def __init__(self, display: doc.Display) -> None:
        self._display, self._file = display, StringIO()
        self._past_texts: set[tuple[str, str]] = set()  # causes and fixes of known failures
        self._empty = True
        self._console = Console(
            file=self._file,
            width=display.width,
            force_terminal=display.colour,
            color_system="standard" if display.colour else None,
            no_color=not display.colour,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def text(self) -> str:
        """All that was drawn."""
        text = "\n".join(line.rstrip() for line in self._file.getvalue().splitlines()) + "\n"
        return text.encode("ascii", "replace").decode() if self._display.ascii else text

    def add(self, part: doc.Part) -> None:
        """Draw a part below the others; what may be folded elsewhere has
        its own parts apart here."""
        if isinstance(part, doc.Section) and part.aside:
            self._print(self._title(part.title))
            for inner in part.parts:
                self.add(inner)
        else:
            for drawing in self._renderables(part):
                # a headline stays on one line
                self._print(drawing, whole=isinstance(part, doc.Heading | doc.Quote))

    def _print(self, drawing: RenderableType, *, whole: bool = False) -> None:
        if not self._empty:
            self._console.print()
        self._console.print(drawing, soft_wrap=whole, crop=False)
        self._empty = False

    def _renderables(self, part: doc.Part) -> Iterator[RenderableType]:
        match part:
            case doc.Heading():
                yield self._title(part.text, STYLES[part.tone])
            case doc.Quote() | doc.Summary():
                yield self._title(part.text)
            case doc.Lines():
                style = "dim" if part.tone == "dim" else f"bold {STYLES[part.tone]}"
                yield Group(*(self._text_of(text, style) for text in part.texts))
            case doc.Legend():
                yield self._text_of(part.text, "dim")
            case doc.Details():
                yield self._details(part.details)
            case doc.Finding():
                yield self._finding(part)
            case doc.Table():
                yield from self._table(part)
            case doc.Rows():
                yield self._rows(part, 0 if self._empty else 2)
            case doc.Listing():
                yield self._listing(part)
            case doc.Section():
                yield self._section(part)
            case doc.Code():
                yield Group(self._title(part.title), screen_layout.verbatim(part.text, 2, ""))

    def _text_of(self, text: str, style: str = "") -> Text:
        return Text(text.translate(doc.SPELLINGS) if self._display.ascii else text, style)

    def _title(self, text: str, style: str = "") -> Text:
        return self._text_of(clean(text), f"bold {style}".strip())

    def _finding(self, finding: doc.Finding) -> RenderableType:
        details = [doc.Detail("where", finding.where), *finding.details]
        table = self._details([detail for detail in details if detail.text])
        if not finding.title:
            return table
        sign = "" if finding.tone == "dim" else f"{doc.SIGNS[finding.tone]} "
        return Group(self._title(f"{sign}{finding.title}", STYLES[finding.tone]), table)

    def _details(self, details: Sequence[doc.Detail], indent: int = 2) -> RenderableType:
        """Labels and texts in two columns, and code below them,
        whose lines can be copied as they are."""
        table = Columns.grid(padding=(0, GAP, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        code: list[RenderableType] = []
        for detail in details:
            if detail.form == "code":
                label = Text(f"{' ' * indent}{detail.label}", "dim")
                code += [label, screen_layout.verbatim(detail.text, indent + 2, "dim")]
            else:
                table.add_row(Text(detail.label, "dim"), self._text_of(self._once(detail)))
        return Group(Padding(table, (0, 0, 0, indent)), *code)

    def _once(self, detail: doc.Detail) -> str:
        """The text of a detail; what a known failure says was perhaps told above."""
        if detail.failure is not None:
            if (detail.label, detail.text) in self._past_texts:
                return f"as above, for {detail.failure}"
            self._past_texts.add((detail.label, detail.text))
        text = clean(detail.text)
        return (text if detail.form == "whole" else shorten(text)).strip()

    def _table(self, table: doc.Table) -> Iterator[RenderableType]:
        """The grid as it fits, with its legend and warnings."""
        spell = doc.SPELLINGS if self._display.ascii else {}
        grid = screen_layout.fit(table.grid, table.short or table.grid, self._display.width, spell)
        yield from screen_layout.draw(grid, ascii=self._display.ascii)
        if table.warnings:
            yield Group(*(self._text_of(warning, STYLES["note"]) for warning in table.warnings))
        if grid.grid.legend:
            yield self._text_of(grid.grid.legend, "dim")

    def _rows(self, part: doc.Rows, indent: int) -> RenderableType:
        rows = [[self._field(field) for field in fields] for fields in part.rows]
        if part.why and not self._beside(rows):
            rows = [[*row[:-2], _with_reason(*row[-2:])] for row in rows]
        if self._room_beside(rows, indent) < LEAST_ROOM * self._display.width:
            return Group(*self._below(rows, indent))
        table = Columns.grid(padding=(0, GAP, 0, 0))
        for width in _widths(rows):
            whole = width <= self._display.width // WIDEST_FIELD
            table.add_column(
                no_wrap=whole and len(table.columns) < len(rows[0]) - 1, overflow="fold"
            )
        for row in rows:
            table.add_row(*row)
        return Padding(table, (0, 0, 0, indent))

    def _room_beside(self, rows: Sequence[Sequence[Text]], indent: int) -> int:
        """The width that is left for the last fields; all of it where they need no more."""
        *widths, last = _widths(rows)
        room = self._display.width - indent - sum(widths) - GAP * len(widths)
        return self._display.width if room >= last else room

    def _below(self, rows: Sequence[Sequence[Text]], indent: int) -> Iterator[RenderableType]:
        """Yield the last field of each row below the others."""
        widths = _widths(rows)[:-1]
        for *fields, last in rows:
            table = Columns.grid(padding=(0, GAP, 0, 0))
            for width in widths:
                table.add_column(width=width, overflow="fold")
            table.add_row(*fields)
            yield Padding(table, (0, 0, 0, indent))
            yield Padding(last, (0, 0, 0, indent + LAST_INDENT))

    def _field(self, field: doc.Field) -> Text:
        text = shorten(clean(field.text)).strip()
        return self._text_of(text, "bold" if field.name else STYLES[field.tone])

    def _beside(self, rows: Sequence[Sequence[Text]]) -> bool:
        """Whether there is room for a column of reasons."""
        width = self._display.width
        return width >= BESIDE and sum(_widths(rows)[:-1]) <= width * ROOM_BEFORE

    def _listing(self, part: doc.Listing) -> RenderableType:
        most = MOST_ASIDE if part.aside else len(part.texts)
        texts = [shorten(text) if part.aside else text for text in part.texts[:most]]
        lines: list[RenderableType] = [self._hanging(text) for text in texts]
        if len(part.texts) > most:
            more = plural(len(part.texts) - most, "more line")
            lines.append(Text(f"  and {more}; `--format json` has all", style="dim"))
        title = [self._title(part.title, STYLES[part.tone])] if part.title else []
        return Group(*title, *lines)

    def _hanging(self, text: str) -> RenderableType:
        """A paragraph whose first line starts further left than the others."""
        table = Columns.grid(padding=(0, 1, 0, 0))
        table.add_row(" -", self._text_of(text))
        table.columns[1].overflow = "fold"
        return table

    def _section(self, section: doc.Section) -> RenderableType:
        parts: list[RenderableType] = [
            self._title("  ".join(filter(None, [section.id, section.title])), STYLES[section.tone])
        ]
        for part in section.parts:
            if isinstance(part, doc.Finding):  # of a file: further in, and below the name alone
                parts.append(Text(f"  {part.title}", STYLES[part.tone]))
                parts.append(self._details(part.details, 4))
            elif isinstance(part, doc.Rows):
                parts.append(self._rows(part, 2))
            else:
                drawings = list(self._renderables(part))
                parts += drawings[:1]
                parts += [line for drawing in drawings[1:] for line in (Text(), drawing)]
        return Group(*parts)


def _with_reason(text: Text, reason: Text) -> Text:
    return Text.assemble(text, "  (", reason, ")") if reason else text


def _widths(rows: Sequence[Sequence[Text]]) -> list[int]:
    return [max(field.cell_len for field in column) for column in zip(*rows)]
