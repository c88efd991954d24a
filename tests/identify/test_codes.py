"""The list of codes in docs/identify.md is that of the source:
none is missing, and none is left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from rotcheck import diagnose

ROOT = Path(__file__).parents[2]
MEASURE = ROOT / "rotcheck" / "measure"
EXPLAINED = [
    *sorted(MEASURE.glob("*mistakes.py")),
    *(MEASURE / f"{name}.py" for name in ("hypotheses", "fitted_numbers", "mistake_names")),
]
SOURCES = [*sorted((ROOT / "rotcheck" / "identify").rglob("*.py")), *EXPLAINED]


def codes(node: ast.AST) -> set[str]:
    """Return the codes of an expression: all, where a condition chooses between them."""
    if isinstance(node, ast.IfExp):
        return codes(node.body) | codes(node.orelse)
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return {text} if re.fullmatch(r"[a-z]{2,}|[a-z]+(-[a-z]+)+", text) else set()


def is_words(node: ast.AST) -> bool:
    plain = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    return (
        plain
        or isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.Name) and node.id == "words")
    )


def told(file: Path) -> Iterator[str]:
    """Yield the codes that a file gives: to `remark`, as the problem of a reading,
    or in front of words in a tuple."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and {"remark", "with_problem"} & {
            getattr(node.func, "id", ""),
            getattr(node.func, "attr", ""),
        }:
            yield from codes(node.args[0])
        elif isinstance(node, ast.keyword) and node.arg == "problem":
            yield from codes(node.value)
        elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and is_words(node.elts[1]):
            yield from codes(node.elts[0])


def listed() -> set[str]:
    """Return the codes of the docs: in the table's first column, and of the choices below it."""
    page = (ROOT / "docs" / "identify.md").read_text()
    part = page.partition("\n## Mistakes and choices\n")[2].partition("\n## ")[0]
    table, _, choices = part.partition("\nChoices:")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {code for text in (*rows, choices) for code in re.findall(r"`([a-z-]+)`", text)}


def test_the_docs_list_every_code_that_identify_can_tell_and_no_other() -> None:
    emitted = {code for file in SOURCES for code in told(file)}
    assert {"row-past-table", "theta", "low-precision", "v-follows-tables", "aliasing"} <= emitted
    assert sorted(emitted - listed()) == []
    # what `explain` says where it knows nothing
    assert sorted(listed() - emitted - {"rounding"}) == []


def test_every_mistake_that_is_listed_has_its_cause() -> None:
    known = {code for failure in diagnose.all_failures() for code in failure.findings}
    assert sorted(listed() - known - {"v-follows-tables"}) == []
