"""Reads the JSON of a report, and says what the JSON of each kind of result holds."""

from typing import Any

import msgspec

from rotcheck.results.comparison import Report


def from_json(text: bytes | str) -> Report:
    """The report that `rotcheck compare --format json` wrote.

    Raises `msgspec.ValidationError` when the text is no report of this schema.
    """
    return msgspec.json.decode(text, type=Report)


def schema(kind: type[msgspec.Struct] = Report) -> dict[str, Any]:
    """The JSON Schema of a result: `Report`, `Probe`, `Training`, or another that has a `schema`.

    `rotcheck.report.pages.results()` has all of them by name.
    """
    return msgspec.json.schema(kind)
