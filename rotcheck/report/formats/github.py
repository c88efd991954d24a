"""Annotations of GitHub Actions: a line for each alert,
which GitHub shows beside the line of the function."""

from rotcheck.report.alerts import Alert, Alerts
from rotcheck.report.document import Display
from rotcheck.report.text import clean

SUFFIX = ".github"
READS = "alerts"


def render(alerts: Alerts, display: Display) -> str:
    """What it all came to, and an annotation for each alert."""
    return "\n".join([alerts.headline, *map(_annotation, alerts.alerts)]) + "\n"


def _annotation(alert: Alert) -> str:
    place = [f"file={_property(alert.file)}"] if alert.file else []
    place += [f"line={alert.line}"] if alert.file and alert.line else []
    title = _property(f"rotcheck {alert.rule}: {alert.subject}")
    lines = [
        alert.message,
        *([f"cause: {alert.cause}"] if alert.cause else []),
        *([f"fix: {alert.fix}"] if alert.fix else []),
    ]
    return f"::{alert.level} {','.join([*place, f'title={title}'])}::{_data(chr(10).join(lines))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
