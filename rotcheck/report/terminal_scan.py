"""What `rotcheck scan` found, for the terminal."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rotcheck.report import scan as scanned
from rotcheck.report import terminal
from rotcheck.report.page import Look
from rotcheck.report.scan import Finding
from rotcheck.report.text import clean
from rotcheck.results import Scan


def scan(found: Scan, look: Look) -> str:
    """Return what will break or go wrong, file by file; a change that stands above is not written again."""
    tone = "bold red" if found.hazards else "bold green" if found.files else "bold yellow"
    parts: list[RenderableType] = [Text(scanned.headline(found), style=tone)]
    seen: set[str] = set()
    for file, findings in scanned.files(found):
        parts.append(
            Group(Text(clean(file), style="bold"), *(_finding(one, seen) for one in findings))
        )
    parts += terminal.listed("Not read", scanned.gaps(found))
    parts += terminal.listed("Worth knowing", found.notes)
    return terminal.printed(look, parts)


def _finding(finding: Finding, seen: set[str]) -> RenderableType:
    hazard = finding.hazard
    known = finding.details()
    if hazard.change in seen:
        known[0] = ("change", f"as above, for {hazard.code}")
    seen.add(hazard.change)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for lines, message in finding.messages():
        table.add_row(Text(f"line {lines}" if lines[0].isdigit() else lines), Text(message))
    for label, text in known:
        table.add_row(Text(label, style="dim"), Text(clean(text)))
    return Group(Text(f"  {hazard.code}", style="red"), Padding(table, (0, 0, 0, 4)))
