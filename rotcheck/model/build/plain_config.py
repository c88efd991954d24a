"""A configuration as its file would have it."""

import json
from collections.abc import Mapping
from typing import Any


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the values of a configuration, all keys of which are strings."""
    return dict(json.loads(json.dumps(values, default=str)))


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """All keys of a configuration and of those inside; of one name, the outermost value."""
    values: dict[str, Any] = {}
    for part in reversed([value for value in config.values() if isinstance(value, Mapping)]):
        values |= flat(part)
    return values | {key: value for key, value in config.items() if value is not None}
