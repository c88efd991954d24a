"""The codes of findings that rotcheck's own code can give, read off its source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import rotcheck
from rotcheck.results import VERDICTS

ROOT = Path(rotcheck.__file__).parent
RULES = ROOT / "scan" / "rules"  # of which each file gives the code that it declares
ROOMS = ("compare", "context", "identify", "measure", "model", "train")
# words of context/, from which it chooses what to blame: no findings
INNER = {"no-rotation", "zeros"}
NO_CODES = INNER | set(VERDICTS) - {"hangs"}
HELD = {"finding", "problem", "code", "blames", "_faults"}
# where the code stands in their calls
GIVERS = {
    "remark": 0,
    "note": 0,
    "evidence": 0,
    "Wrong": 0,
    "Switch": 1,
    "_CallSwitch": 1,
    "_bad": 2,
    "WayOutcome": 2,
}
WORDS = {"words", "message"}  # what happened, behind a code
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")


def codes() -> dict[str, str]:
    """Return each code that a file of these rooms can give, and the file that gives it."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for code in of_source(file.read_text("utf-8")) - NO_CODES:
                found.setdefault(code, str(file.relative_to(ROOT)))
    return found | {
        code: str(file.relative_to(ROOT)) for file in RULES.glob("*.py") for code in _declared(file)
    }


def _declared(file: Path) -> Iterator[str]:
    """Yield the code of a rule of the scanner: `CODE = "..."`."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and _name(node.targets[0]) == "CODE":
            yield from _texts(node.value)


def of_source(source: str) -> set[str]:
    """Return the codes that stand in a file where findings are made."""
    held = (
        text
        for node in ast.walk(ast.parse(source))
        for place in _places(node)
        for text in _texts(place)
    )
    return {text for text in held if CODE.fullmatch(text)}


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what stands where
    a code stands: `finding=...`, `code = ...`, `remark(...`, `("code", "in words")`."""
    named = [node.arg] if isinstance(node, ast.keyword) else []
    named += (
        [_name(target).lower() for target in node.targets] if isinstance(node, ast.Assign) else []
    )
    if isinstance(node, ast.keyword | ast.Assign) and HELD & set(named):
        yield node.value
    elif isinstance(node, ast.Call) and _name(node.func) in GIVERS:
        yield from node.args[GIVERS[_name(node.func)] :][:1]
    elif isinstance(node, ast.FunctionDef) and node.name.strip("_") in HELD:
        yield from (
            each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value
        )
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1:
        yield from _of_tuple(node)


def _of_tuple(node: ast.Tuple) -> Iterator[ast.expr]:
    """Yield the code of `("code", "what happened", ...)` and of `("crashes", "code")`."""
    first, second = node.elts[:2]
    if set(_texts(first)) & set(VERDICTS):
        yield second
    elif _name(second) in WORDS or any(
        " " in text and text[:1].isalnum() for text in _texts(second)
    ):
        yield first


def _name(node: ast.expr) -> str:
    return (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may come to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr | ast.Dict | ast.BoolOp):
        yield from (text for part in node.values for text in _texts(part))
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_texts(node.left), *_texts(node.right))
    elif isinstance(node, ast.Call) and _name(node.func) in ("get", "fromkeys"):
        yield from (text for part in node.args for text in _texts(part))
