"""Keeps the events of a log of any size: of very many the first and the last of each kind, repeated ones once."""

import re
from collections import deque
from collections.abc import Iterator

from rotcheck.log.draft import Draft

_EITHER = 40  # events kept of each kind at either end
_MOST = 4096  # texts that are remembered
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)


class Store:
    """The events that are kept."""

    def __init__(self) -> None:
        self._first: dict[str, list[Draft]] = {}
        self._last: dict[str, deque[Draft]] = {}
        self._known: set[int] = set()
        self._repeats: dict[tuple[str, str], Draft] = {}  # the latest of those that came again

    def add(self, draft: Draft) -> None:
        """Keep an event, or that it came again."""
        key = _key(draft)
        if hash(key) in self._known:
            self._repeats.pop(key, None)
            self._repeats[key] = draft
            if len(self._repeats) > 4 * _EITHER:
                del self._repeats[next(iter(self._repeats))]
            return
        first = self._first.setdefault(draft.kind, [])
        last = self._last.setdefault(draft.kind, deque(maxlen=_EITHER))
        (first if len(first) < _EITHER else last).append(draft)
        if len(self._known) < _MOST:
            self._known.add(hash(key))

    def drafts(self) -> list[Draft]:
        """All that are kept, in the order of their lines."""
        kept = [draft for part in (*self._first.values(), *self._last.values()) for draft in part]
        return sorted([*kept, *self._repeats.values()], key=lambda draft: draft.line)

    def once(self, drafts: list[Draft], ender: Draft | None) -> list[Draft]:
        """The events without their repetitions; of those that ended the run the one that did."""
        chain = set(_chain(ender))
        keys = {ender and _key(ender)}
        chosen = []
        for draft in drafts:
            key = _key(draft)
            if draft in chain or key not in keys:
                keys.add(key)
                chosen.append(draft)
        return chosen


def _chain(draft: Draft | None) -> Iterator[Draft]:
    """The event and what it came of."""
    seen = 0
    while draft and seen < _EITHER:
        yield draft
        draft, seen = draft.cause, seen + 1


def _key(draft: Draft) -> tuple[str, str]:
    return draft.kind, _NUMBERS.sub("#", draft.text[:300])
