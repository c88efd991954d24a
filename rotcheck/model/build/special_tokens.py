"""The ids of special tokens, brought inside a small vocabulary; and ids that are none of them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.build.small_sizes import VOCABULARY, Changes, parts

_TOKEN = re.compile(
    r"(token_id|token_index|token_ids|token_idx|(pad|bos|eos|patch|nothink|cls|sep)_id)$"
)


def small_tokens(config: Mapping[str, Any]) -> Changes:
    """The ids to change, nested as the configuration is.

    An id that a small vocabulary has stays; others get the last ones of it, the same id
    everywhere for the same token.
    """
    ids = sorted({identity for _, part in parts(config) for identity in _ids_of(part)})
    free = (identity for identity in range(VOCABULARY - 1, 0, -1) if identity not in ids)
    places = {identity: next(free) for identity in ids if identity >= VOCABULARY}
    sizes = Changes()
    for path, part in parts(config):
        inner: dict[str, Any] = sizes
        for key in path:
            inner = inner.setdefault(key, Changes())
        inner |= {
            key: _replace(value, places)
            for key, value in part.items()
            if _TOKEN.search(key) and _replace(value, places) != value
        }
    return _without_empty(sizes)


def token_ids(config: Mapping[str, Any]) -> set[int]:
    """The ids of all special tokens of a configuration."""
    return {identity for _, part in parts(config) for identity in _ids_of(part)}


def _ids_of(part: Mapping[str, Any]) -> Iterator[int]:
    for key, value in part.items():
        if _TOKEN.search(key):
            entries = value if isinstance(value, list) else [value]
            yield from (
                entry
                for entry in entries
                if isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0
            )


def _replace(value: Any, places: Mapping[int, int]) -> Any:
    if isinstance(value, list):
        return [_replace(entry, places) for entry in value]
    return places.get(value, value) if isinstance(value, int) else value


def _without_empty(sizes: Changes) -> Changes:
    parts_left = {
        key: _without_empty(value) if isinstance(value, Changes) else value
        for key, value in sizes.items()
    }
    return Changes({key: value for key, value in parts_left.items() if value != {}})
