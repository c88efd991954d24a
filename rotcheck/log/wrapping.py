"""Joins what a terminal or an editor broke over several lines."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rotcheck.log.plain_text import single_spaced
from rotcheck.log.prefixes import split_prefix

_WIDTHS = frozenset((80, 100, 120, 132))
_START = re.compile(
    r"\s*(?:Traceback \(|File \"|\[|\d{4}-\d\d|[\w.]*(?:Error|Exception|Warning)\b|During handling"
    r"|The above|[│╭╰])"
)
_EDGES = ("│", "┃", "╮", "╯", "┐", "┘", "|", "─", "━")  # of a box, which fills the width by itself
_OPEN_FILE_NAME = re.compile(r"""[^"]*\bFile "[^"]*$""")
JOINT = "\ue000"  # where two lines were joined: within a word, or at a blank
_WORD_BREAK = re.compile(r"\w[-/]$")  # within a word, where an editor may break it
_AFTER_HYPHEN = re.compile(rf"(?<=\w[-/]){JOINT}")
MOST = 6000  # characters of a message


class LogLine(NamedTuple):
    """A cleaned line, and what stood before it."""

    number: int
    text: str  # with its indentation
    marked: str = ""  # `text` with a mark at each place where two lines were joined
    process: str = ""
    level: str = ""  # DEBUG to FATAL, where a logger wrote it
    time: str = ""
    width: int = 0  # with what stood before it


def join_wrapped(lines: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The numbered lines, those that fill the whole width of a terminal joined to
    what follows them, with a mark."""
    width = _width([text for _, text in lines])
    result: list[tuple[int, str]] = []
    full = False
    for number, text in lines:
        if full and text and not (text.startswith("  ") or _START.match(text)) and _is_bare(text):
            result[-1] = result[-1][0], f"{result[-1][1]}{JOINT}{text}"
        else:
            result.append((number, text))
        full = len(text) == width > 0 and _is_text(text)
    return result


def readings(pieces: Sequence[str], level: str = "", before: str = "") -> tuple[str, ...]:
    """The lines of one message as one text: the likeliest way to join them, then the others.

    The last of them begin with `level`, which a logger or the program itself wrote,
    and with the line `before`.
    """
    pieces = [piece for piece in pieces if piece.strip()]
    full = max((len(piece.rstrip()) for piece in pieces), default=0)
    likely = alike = pieces[0] if pieces else ""
    for last, piece in pairwise(pieces):
        fills_width = len(last.rstrip()) >= max(full - 1, 60)
        likely += ("" if _WORD_BREAK.search(last) else " ") + piece
        alike += ("" if fills_width else " ") + piece.lstrip()
    texts = [likely, alike, " ".join(pieces), "".join(piece.strip() for piece in pieces)]
    texts = [
        _AFTER_HYPHEN.sub("", text).replace(JOINT, blank) for text in texts for blank in ("", " ")
    ]
    texts += [f"{level}: {texts[0]}"] if level and texts else []
    texts += [before + blank + text for text in texts[:1] for blank in (" ", "") if before]
    return tuple(dict.fromkeys(single_spaced(text)[:MOST] for text in texts))


def _width(lines: Sequence[str]) -> int:
    """The width of the terminal that broke these lines, or 0."""
    widest = max((len(line) for line in lines if _is_text(line)), default=0)
    has_open_file_name = any(len(line) == widest and _OPEN_FILE_NAME.match(line) for line in lines)
    return widest if widest in _WIDTHS or has_open_file_name else 0


def _is_text(line: str) -> bool:
    """Whether the line is more than a rule or an edge of a box,
    which fill the width by themselves."""
    return not line.endswith(_EDGES) and len(set(line[:40])) > 3


def _is_bare(line: str) -> bool:
    """Whether no launcher or logger wrote a prefix before the line,
    as before one that it begins."""
    return split_prefix(line).text == line
