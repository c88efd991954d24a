"""JSON, for programs; stable within a schema version."""

from typing import Any

import msgspec

from rotcheck.report.document import Display
from rotcheck.report.text import clean

SUFFIX = ".json"
READS = "data"


def render(data: Any, display: Display) -> str:
    """The data as they are."""
    return encode(data)


def encode(data: Any) -> str:
    """Anything that msgspec knows as indented JSON; NaN and infinity become null."""
    try:
        text = msgspec.json.encode(data)
    except UnicodeEncodeError:  # half of a surrogate pair, from a stranger's exception
        text = msgspec.json.encode(_valid(msgspec.to_builtins(data)))
    return msgspec.json.format(text, indent=1).decode() + "\n"


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_valid(key): _valid(inner) for key, inner in value.items()}
    return [_valid(inner) for inner in value] if isinstance(value, list | tuple) else value
