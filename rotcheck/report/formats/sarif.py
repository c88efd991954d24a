"""SARIF 2.1.0, for code scanning: a result for each alert, a rule for each kind of them."""

from typing import Any
from urllib.parse import quote

from rotcheck import __version__, diagnose
from rotcheck.report.alerts import Alert, Alerts
from rotcheck.report.document import Display
from rotcheck.report.formats.json import encode

SUFFIX = ".sarif"
READS = "alerts"

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"  # what readers replace by the folder of the sources
NOWHERE = "pyproject.toml"
"""The file of what stands in none: GitHub refuses a log with one result that has none."""


def render(alerts: Alerts, display: Display) -> str:
    """A result for each alert."""
    first: dict[str, Alert] = {}
    for alert in alerts.alerts:
        first.setdefault(alert.rule, alert)
    rules = list(first)
    driver = {
        "name": "rotcheck",
        "version": __version__,
        "rules": [_rule(alert) for alert in first.values()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": alerts.complete}],
        "results": [_result(alert, rules.index(alert.rule)) for alert in alerts.alerts],
    }
    return encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(alert: Alert) -> dict[str, Any]:
    text = " ".join(filter(None, [alert.cause, alert.fix])) or alert.message
    failure = diagnose.get(alert.rule)
    title = alert.title or (failure.title if failure else alert.rule)
    return {"id": alert.rule, "shortDescription": {"text": title}, "help": {"text": text}}


def _result(alert: Alert, index: int) -> dict[str, Any]:
    fix = f" Fix: {alert.fix}" if alert.fix else ""
    return {
        "ruleId": alert.rule,
        "ruleIndex": index,
        "level": alert.level,
        "message": {"text": f"{alert.subject}: {alert.message.removesuffix('.')}.{fix}"},
        "locations": [_location(alert)],
        "properties": {"fix": alert.fix, "cause": alert.cause},
    }


def _location(alert: Alert) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(alert.file or NOWHERE), "uriBaseId": ROOT}
    }
    if alert.file and alert.line:
        region = {"startLine": alert.line, "startColumn": alert.column, "endLine": alert.end_line}
        place["region"] = {key: value for key, value in region.items() if value}
    return {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": alert.subject}]}
