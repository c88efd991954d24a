"""The pieces of markdown, each safe against whatever a stranger's message holds."""

import html
import re
from collections.abc import Iterable, Sequence

from rotcheck.report.text import clean, one_line, shorten

# code, and what would call somebody of that name
_CODE = re.compile(r"`[^`]+`|(?<![\w`])@\w[\w.\-/]*")
_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
LONGEST_FIELD = 500  # characters in a field of a table
LONGEST_BLOCK = 2000


def escape(text: str) -> str:
    """One line of text in which nothing acts as markdown or HTML
    but `code`; `@name` becomes code."""
    line, at, parts = one_line(text), 0, []
    for code in _CODE.finditer(line):
        parts += [_escape_special(line[at : code.start()]), f"`{code[0].strip('`')}`"]
        at = code.end()
    return "".join([*parts, _escape_special(line[at:])])


def field(text: str) -> str:
    """The text for a field of a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", escape(shorten(text, LONGEST_FIELD)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its first column to the left."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(field, line))} |" for line in lines)


def block(text: str, language: str = "text") -> str:
    """The text as code of a language, in a fence longer than any row of backticks in it;
    Python is not cut."""
    text = clean(text).strip()
    text = text if language == "python" else shorten(text, LONGEST_BLOCK)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def fold(title: str, body: str, *, open_: bool = False) -> str:
    """A section that opens on a click."""
    head = "<details open>" if open_ else "<details>"
    words = html.escape(shorten(one_line(title), 300), quote=False)
    return f"{head}<summary>{words}</summary>\n\n{body}\n\n</details>"


def heading(text: str, level: int = 3) -> str:
    """A heading."""
    return f"{'#' * level} {escape(text)}"


def _escape_special(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", html.escape(text, quote=False))
