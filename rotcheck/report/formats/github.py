"""Annotations of GitHub Actions: a line for each alert, which GitHub shows beside the line of the function."""

from collections.abc import Sequence

from rotcheck.report import alerts, summary
from rotcheck.report.alerts import Alert
from rotcheck.report.page import Look, Page
from rotcheck.report.text import clean
from rotcheck.results import Check, Scan

SUFFIX = ".github"
MACHINE = True


def report(page: Page, look: Look) -> str:
    """Return the summary and an annotation for each thing that is wrong."""
    return _text(alerts.headline(page) or summary.summary_line(page.found), alerts.of_page(page))


def check(found: Check, look: Look) -> str:
    """Return the answer and an annotation for each thing that is wrong or was not understood."""
    return _text(alerts.headline(found), alerts.of_check(found))


def scan(found: Scan, look: Look) -> str:
    """Return what was read and an annotation for each hazard."""
    return _text(alerts.headline(found), alerts.of_scan(found))


def _text(headline: str, found: Sequence[Alert]) -> str:
    return "\n".join([headline, *map(_annotation, found)]) + "\n"


def _annotation(alert: Alert) -> str:
    place = [f"file={_property(alert.file)}"] if alert.file else []
    place += [f"line={alert.line}"] if alert.file and alert.line else []
    title = _property(f"rotcheck {alert.rule}: {alert.who}")
    said = [
        alert.message,
        *([f"cause: {alert.cause}"] if alert.cause else []),
        *([f"fix: {alert.fix}"] if alert.fix else []),
    ]
    return f"::{alert.level} {','.join([*place, f'title={title}'])}::{_data(chr(10).join(said))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
