"""SARIF 2.1.0, for code scanning: a result for each alert, a rule for each kind of them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rotcheck import __version__, diagnose
from rotcheck.report import alerts
from rotcheck.report.alerts import Alert
from rotcheck.report.formats.json import encode
from rotcheck.report.page import Look, Page
from rotcheck.results import Check, Scan

SUFFIX = ".sarif"
MACHINE = True

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"  # what readers replace by the folder of the sources
NOWHERE = (
    # the file of what stands in none: GitHub refuses a log with one result that has none
    "pyproject.toml"
)


def report(page: Page, look: Look) -> str:
    """Return a result for each thing that is wrong."""
    return _log(alerts.of_page(page), finished=not page.found.interrupted)


def check(found: Check, look: Look) -> str:
    """Return a result for each thing that is wrong or was not understood."""
    return _log(alerts.of_check(found), finished=not found.interrupted)


def scan(found: Scan, look: Look) -> str:
    """Return a result for each hazard."""
    return _log(alerts.of_scan(found), finished=not found.interrupted)


def _log(found: Sequence[Alert], *, finished: bool) -> str:
    first: dict[str, Alert] = {}
    for alert in found:
        first.setdefault(alert.rule, alert)
    rules = list(first)
    driver = {
        "name": "rotcheck",
        "version": __version__,
        "rules": [_rule(alert) for alert in first.values()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": finished}],
        "results": [_result(alert, rules.index(alert.rule)) for alert in found],
    }
    return encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(alert: Alert) -> dict[str, Any]:
    told = " ".join(filter(None, [alert.cause, alert.fix])) or alert.message
    known = diagnose.get(alert.rule)
    title = alert.title or (known.title if known else alert.rule)
    return {"id": alert.rule, "shortDescription": {"text": title}, "help": {"text": told}}


def _result(alert: Alert, index: int) -> dict[str, Any]:
    fix = f" Fix: {alert.fix}" if alert.fix else ""
    return {
        "ruleId": alert.rule,
        "ruleIndex": index,
        "level": alert.level,
        "message": {"text": f"{alert.who}: {alert.message.removesuffix('.')}.{fix}"},
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
    return {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": alert.who}]}
