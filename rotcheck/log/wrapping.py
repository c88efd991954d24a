"""Joins what a terminal or an editor broke over several lines."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rotcheck.log.characters import folded

_WIDTHS = frozenset((72, 76, 78, 79, 80, 90, 96, 98, 99, 100, 110, 118, 119, 120, 132, 140, 150, 160, 200))
_START = re.compile(
    r"\s*(?:Traceback \(|File \"|\[|\d{4}-\d\d|[\w.]*(?:Error|Exception|Warning)\b|During handling|The above|[│╭╰])"
)
MOST = 6000  # characters of a message


class Line(NamedTuple):
    """A cleaned line, and what stood before it."""

    number: int
    text: str  # with its indentation
    process: str = ""
    level: str = ""  # DEBUG to FATAL, where a logger wrote it
    time: str = ""


def rejoined(lines: Sequence[Line]) -> list[Line]:
    """The lines, those that fill the whole width of a terminal joined to what follows them."""
    width = _width([line.text for line in lines])
    result: list[Line] = []
    full = False
    for line in lines:
        if full and line.text and not _START.match(line.text):
            result[-1] = result[-1]._replace(text=result[-1].text + line.text)
        else:
            result.append(line)
        full = len(line.text) == width
    return result


def readings(pieces: Sequence[str]) -> tuple[str, ...]:
    """The lines of one message as one text: the likeliest way to join them, then the others."""
    pieces = [piece for piece in pieces if piece.strip()]
    full = max((len(piece.rstrip()) for piece in pieces), default=0)
    likely = alike = pieces[0] if pieces else ""
    for last, piece in pairwise(pieces):
        wrapped = len(last.rstrip()) >= max(full - 1, 60)
        likely += ("" if wrapped and len(last) in _WIDTHS and not last.endswith(" ") else " ") + piece
        alike += ("" if wrapped or last.rstrip()[-1:] in "-/_." else " ") + piece.lstrip()
    spaced, glued = " ".join(pieces), "".join(piece.strip() for piece in pieces)
    texts = (folded(text)[:MOST] for text in (likely, alike, spaced, glued))
    return tuple(dict.fromkeys(texts))


def _width(lines: Sequence[str]) -> int:
    """The width of the terminal that broke these lines, or 0."""
    counts = Counter(map(len, lines))
    widest = max(counts, default=0)
    if widest in _WIDTHS or (widest >= 60 and counts[widest] >= 3):
        return widest
    return 0
