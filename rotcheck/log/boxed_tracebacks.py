"""Tracebacks in the boxes of rich and in IPython's form, written as Python writes them."""

import re

HEADER = "Traceback (most recent call last):"
_BAR = re.compile(r"^\s*[│┃|] ?(.*?) *[│┃|]?\s*$")
_TOP = re.compile(r"^\s*[╭┌+][─━-]+.*Traceback.*most recent call last.*$", re.IGNORECASE)
_EDGE = re.compile(r"^\s*[╭╰┌└├+][─━╌-]{3,}.*$")
_FRAME = re.compile(r"^(?P<file>[^\s:'\"](?:[^:'\"]|:[\\/])*):(?P<line>\d+)(?: in (?P<name>\S+))?$")
_CODE = re.compile(r"^(?P<mark>❱)? *(?P<line>\d+)(?: (?:[│|] ?)*(?P<code>.*))?$")
_PATH = re.compile(r"^[^\s:'\"]*[/\\][^\s:'\"]*$")
_PYTHON = re.compile(r"^(?P<name>[A-Za-z_][\w.]*) +Traceback \(most recent call last\):?$")
_NOTEBOOK = (
    re.compile(
        r"^(?:File )?(?P<file>[~/\w<](?:[^\s()]|(?<=\w) (?=\w))*?\.py|<[\w -]+>)(?::(?P<line>\d+))?"
        r"(?:,? in (?P<name>[\w.<>]+)(?:\(.*)?)?$"
    ),
    re.compile(
        r"^(?:Input |Cell )?In ?\[\d+\],? (?:in )?(?:line (?P<line>\d+)|<cell line: (?P<cell>\d+)>)?.*$"
    ),
)
_LINK = re.compile(r"\[([^\]]+)\]\(https?:[^)]*\)")  # what Colab makes of a path
_ARROW = re.compile(r"^-{2,}> ?(?P<line>\d+) ?(?P<code>.*)$")
_LINE_NUMBER = re.compile(r"^ +\d+ ?(?:\s.*)?$")


_GROUP = re.compile(r"^\s*\+ Exception Group Traceback", re.IGNORECASE)
_ROW = re.compile(r"^\s*(?:\|(?: (?P<text>.*))?|\+[-+]{3,}.*)$")


def without_boxes(lines: list[str]) -> list[str]:
    """The lines with each traceback of rich or IPython in Python's form;
    what a box only shows around is blank."""
    if any(_GROUP.match(line) for line in lines):
        lines = [HEADER if _GROUP.match(line) else _without_group_bars(line) for line in lines]
    if not any(
        "│" in line or "─" in line or "-->" in line or line.startswith("---") for line in lines
    ):
        return lines
    result, path, notebook = [], "", False
    for line in lines:
        if _TOP.match(line):
            result.append(HEADER)
        elif hit := _PYTHON.match(line.strip()):
            result.append(HEADER)
            notebook = True
        elif line[:1] in "╭╰┌└├" and _EDGE.match(line):
            result.append("")
        elif ("│" in line or "┃" in line) and (hit := _BAR.match(line)):
            text, path = _inner(hit[1], path)
            result.append(text)
        else:
            result.append(_cell(line) if notebook else line)
            notebook = notebook and not re.match(r"[A-Za-z_][\w.]*: ", line)
    return result


def _without_group_bars(line: str) -> str:
    hit = _ROW.match(line)
    return (hit["text"] or "") if hit else line


def _inner(text: str, path: str) -> tuple[str, str]:
    """A line of a box in Python's form, and the beginning of a path that goes
    on in the next line."""
    text = text.rstrip()
    if hit := _CODE.match(text.strip()):
        return (f"    {hit['code']}" if hit["mark"] else ""), ""
    if hit := _FRAME.match((path + text.strip()).strip()):
        return f'  File "{hit["file"]}", line {hit["line"]}, in {hit["name"] or "?"}', ""
    if _PATH.match(text.strip()):
        return "", path + text.strip()
    return (f"  {text}" if text else ""), ""


def _cell(line: str) -> str:
    """A line of a notebook's traceback in Python's form."""
    if hit := _ARROW.match(line):
        return f"    {hit['code'].strip()}"
    for form in _NOTEBOOK:
        if hit := form.match(_LINK.sub(r"\1", line.strip())):
            groups = hit.groupdict()
            number = groups.get("line") or groups.get("cell")
            where = groups.get("file") or "<cell>"
            return f'  File "{where}", line {number or 0}, in {groups.get("name") or "<module>"}'
    return "" if _LINE_NUMBER.match(line) or set(line.strip()) == {"-"} else line
