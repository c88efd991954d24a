"""Keeps the events of a log of any size: of very many the first and the last of each kind,
repeated ones once."""

import re
from collections import deque
from collections.abc import Iterator

from rotcheck.log.event_draft import Draft

_MOST_AT_EITHER_END = 40  # events kept of each kind at either end
_MOST = 4096  # texts that are remembered
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)


class Store:
    """The events that are kept."""

    def __init__(self) -> None:
        self._first: dict[str, list[Draft]] = {}
        self._last: dict[str, deque[Draft]] = {}
        self._hashes: set[int] = set()
        self._repeats: dict[tuple[str, str], Draft] = {}  # the latest of those that came again

    def add(self, draft: Draft) -> None:
        """Keep an event, or that it came again."""
        key = _key(draft)
        if hash(key) in self._hashes:
            self._repeats.pop(key, None)
            self._repeats[key] = draft
            if len(self._repeats) > 4 * _MOST_AT_EITHER_END:
                del self._repeats[next(iter(self._repeats))]
            return
        first = self._first.setdefault(draft.kind, [])
        last = self._last.setdefault(draft.kind, deque(maxlen=_MOST_AT_EITHER_END))
        (first if len(first) < _MOST_AT_EITHER_END else last).append(draft)
        if len(self._hashes) < _MOST:
            self._hashes.add(hash(key))

    def drafts(self) -> list[Draft]:
        """All that are kept, in the order of their lines."""
        drafts = [draft for part in (*self._first.values(), *self._last.values()) for draft in part]
        return sorted([*drafts, *self._repeats.values()], key=lambda draft: draft.line)

    def once(self, drafts: list[Draft], ender: Draft | None) -> list[Draft]:
        """The events without their repetitions; of those that ended the run the one that did."""
        chain = set(_chain(ender))
        keys = {ender and _key(ender)}
        result = []
        for draft in drafts:
            key = _key(draft)
            if draft in chain or key not in keys:
                keys.add(key)
                result.append(draft)
        return result


def _chain(draft: Draft | None) -> Iterator[Draft]:
    """The event and what it came of."""
    depth = 0
    while draft and depth < _MOST_AT_EITHER_END:
        yield draft
        draft, depth = draft.cause, depth + 1


def _key(draft: Draft) -> tuple[str, str]:
    return draft.kind, _NUMBERS.sub("#", draft.text[:300])
