"""Source code that a log shows: what it says of errors is no error."""

import re
from collections.abc import Sequence

_CODE = re.compile(
    r"^\S+\.\w{1,4}[:-]\d+[:-]\s{2,}|^(?!\[)\S+\.(?:py|cpp|cu|md|rst|txt|toml|yaml|yml|json|c|h):\d+:(?!\d+: "
    r"|\s*\w*(?:Warning|Error)\b| (?:fatal )?error| \S+: block: \[)"
    r"|^\s*(?:raise|except|assert|return|if|elif|else|with|def|class|import|from|print|#|//|/\*|\*|-|@"
    r"|try|for|while|pytest\.|self\.)\b"
    r"|^\s*(?:#|//|/\*|\"\"\"|'''|@|[rbf]{1,2}[\"'])"
)
_CHANGE = re.compile(r"diff --git |@@ -\d+(?:,\d+)? \+\d+|(?:---|\+\+\+) [ab/]|index [0-9a-f]{7,}")


def is_code(text: str) -> bool:
    """Whether the line is source code, or a search's or a compiler's quotation of it."""
    return bool(_CODE.match(text))


def without_changes(lines: Sequence[str]) -> list[str]:
    """The lines, those blank that a change to files shows:
    of `git diff`, `git log -p` or a patch."""
    result, inside = [], False
    for line in lines:
        inside = bool(_CHANGE.match(line)) or (inside and line[:1] in ("+", "-", " ", "\\"))
        result.append("" if inside else line)
    return result
