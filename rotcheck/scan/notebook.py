"""The code cells of a Jupyter notebook, with what only IPython understands taken out."""

import json
import re
from collections.abc import Iterator
from typing import Any

_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?+\s*$|\w+\s*=\s*[%!].*)", re.MULTILINE)


def cells(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the number of each cell of Python, counted from 1, and its source.

    Raises `ValueError` when the file is not a notebook.
    """
    document = json.loads(content.decode("utf-8-sig"))
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise ValueError("not a notebook: it has no list of cells")
    for number, cell in enumerate(cells, 1):
        text = _source(cell)
        if text.strip() and not text.lstrip().startswith("%%"):
            yield number, _MAGIC.sub(r"\1pass", text)


def _source(cell: Any) -> str:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return ""
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
