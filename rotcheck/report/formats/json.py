"""JSON, for programs; stable within a schema version."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rotcheck.diagnose import Failure, Message
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report.page import Look, Page
from rotcheck.report.text import clean
from rotcheck.results import Bench, Check, Context, Identification, Probe, Scan, Training, Trial

SUFFIX = ".json"
MACHINE = True


def report(page: Page, look: Look) -> str:
    """Return the report, or the document that the page holds in its place."""
    return encode(page.document or page.found)


def probe(found: Probe, look: Look) -> str:
    """Return the probe."""
    return encode(found)


def failures(found: Sequence[Failure | Message], look: Look) -> str:
    """Return the entries as a list."""
    return encode(list(found))


def explanation(found: Explanation, look: Look) -> str:
    """Return the explanation."""
    return encode(found)


def trial(found: Trial, look: Look) -> str:
    """Return the trial."""
    return encode(found)


def bench(found: Bench, look: Look) -> str:
    """Return the benchmark."""
    return encode(found)


def train(found: Training, look: Look) -> str:
    """Return the training run."""
    return encode(found)


def context(found: Context, look: Look) -> str:
    """Return how far each object is right."""
    return encode(found)


def check(found: Check, look: Look) -> str:
    """Return what was found of each function."""
    return encode(found)


def scan(found: Scan, look: Look) -> str:
    """Return what will break or go wrong, and what was read."""
    return encode(found)


def convention(found: Sequence[Identification], look: Look) -> str:
    """Return what was identified: one as it is, several as a list."""
    if len(found) == 1:
        return encode(found[0])
    return encode({"schema": "rotcheck/conventions/1", "identifications": list(found)})


def encode(document: Any) -> str:
    """Return anything that msgspec knows as indented JSON; NaN and infinity become null."""
    try:
        text = msgspec.json.encode(document)
    except UnicodeEncodeError:  # half of a surrogate pair, from a stranger's exception
        text = msgspec.json.encode(_cleaned(msgspec.to_builtins(document)))
    return msgspec.json.format(text, indent=1).decode() + "\n"


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(inner) for key, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value
