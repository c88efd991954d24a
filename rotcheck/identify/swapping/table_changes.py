"""May tables change, elsewhere in a Python file, between who makes and who takes them? Read from its source.

What stands there decides only whether rotcheck stays silent: a doubt is enough.
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.implementations import rotary_code
from rotcheck.implementations.rotary_code import Function

_CALLED = ("__init__", "forward", "__call__")
_ORDER = re.compile(  # in the name of what chooses an order of lanes
    r"interleav|neox|gpt_?j|traditional|half|layout|style|pair|adjacent|every_two|order|mode(?!l)|split|concat|repeat",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"in_?place|persist|cache|learn|train|grad|conj|inverse|scal|debug")  # flags
_TABLE = re.compile(r"(^|_)(cos(ine)?s?|sin(e|es)?|freqs?|angles?|cis|sin_?cos|cos_?sin)(_|\d|$)")
_LAYS = re.compile(r"repeat(_interleave)?|tile|cat|concat|concatenate|stack|rearrange|einsum")
_ROTARY = re.compile(
    r"apply_|[Rr]otary|rotate(?!_(half|every))|R[Oo]P[Ee]\b|Rope|RoPE|^rope|freqs?_?cis|pos(ition)?_?emb"
    r"|(get|make|compute|build|precompute|create)\w*(cos|sin|freq|rope|rot|emb)"
)


def may_differ(file: Path, names: Collection[str]) -> bool:
    """Whether other code of a file, or a flag, may give tables another order than these functions have.

    `names`: all that was identified, `function`, `Class` or `Class.method`. So it is where a rotary function is not
    among them or is imported, where one of them has a flag that may choose an order, and where other code makes cos
    and sin, computes with them or rearranges them.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # it was there when its functions were identified
        return True
    if set(rotary_code.rotary(tree)) - set(names) or any(map(_imports, ast.walk(tree))):
        return True
    own = _reached(tree, names)
    others = [node for node in _parts(tree) if node not in own]
    helpers = {node.name for node in others if isinstance(node, Function) and node in tree.body}
    return any(map(_chooses, own)) or any(
        _handles(node, helpers) for part in others for node in ast.walk(part)
    )


def _imports(node: ast.AST) -> bool:
    names = [one.name for one in node.names] if isinstance(node, ast.ImportFrom) else []
    return any(name == "*" or _ROTARY.search(name) for name in names)


def _parts(tree: ast.Module) -> Iterator[ast.stmt]:
    """Functions, methods, and what stands outside of both."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else [node]


def _reached(tree: ast.Module, names: Collection[str]) -> set[ast.stmt]:
    """These functions and methods, and those of the file that they use."""
    functions = {node.name: node for node in tree.body if isinstance(node, Function)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    waiting = [(owner, method) for owner, _, method in (name.partition(".") for name in names)]
    found = set[ast.stmt]()
    for owner, method in waiting:  # grows while it is read
        wanted = (method, "__init__") if method else _CALLED
        methods = list(_methods(owner, classes))
        meant = (
            [functions[owner]]
            if owner in functions
            else [each for each in methods if each.name in wanted]
        )
        found.update(meant)
        words = {word for node in meant for word in _words(node)}
        used = [(word, "") for word in words if word in functions or word in classes]
        used += [(owner, node.name) for node in methods if node.name in words]
        waiting += [each for each in used if each not in waiting]
    return found


def _methods(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[Function]:
    """The methods of a class, and of those of the file that it derives from."""
    waiting = [name]
    for each in waiting:
        if each in classes:
            yield from (node for node in classes[each].body if isinstance(node, Function))
            bases = [base.id for base in classes[each].bases if isinstance(base, ast.Name)]
            waiting += [base for base in bases if base not in waiting]


def _words(node: ast.AST) -> Iterator[str]:
    """All names of a piece of code, and what it compares with."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _chooses(node: ast.stmt) -> bool:
    """Whether a flag, or what it asks for, may choose an order."""
    asked = [each.test for each in ast.walk(node) if isinstance(each, ast.If | ast.IfExp)]
    asked += [each.subject for each in ast.walk(node) if isinstance(each, ast.Match)]
    flags = isinstance(node, Function) and any(_flag(*each) for each in _parameters(node))
    return flags or any(_ORDER.search(word) for test in asked for word in _words(test))


def _parameters(function: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Each parameter and its default."""
    own = function.args
    placed = [*own.posonlyargs, *own.args]
    yield from zip(
        placed, [*[None] * (len(placed) - len(own.defaults)), *own.defaults], strict=True
    )
    yield from zip(own.kwonlyargs, own.kw_defaults, strict=True)


def _flag(parameter: ast.arg, default: ast.expr | None) -> bool:
    """Whether a parameter speaks of an order, or is true or false and may speak of anything."""
    either = isinstance(default, ast.Constant) and isinstance(default.value, bool)
    either = either or (parameter.annotation is not None and "bool" in _words(parameter.annotation))
    return _ORDER.search(parameter.arg) is not None or (
        either and not _HARMLESS.search(parameter.arg)
    )


def _handles(node: ast.AST, helpers: Collection[str]) -> bool:
    """Whether code makes tables, computes with them, repeats or cuts their lanes, or lets a helper do so."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
        return _of_tables(node)
    if isinstance(node, ast.Call):
        word = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        lays = _LAYS.fullmatch(word) is not None or any(word in helpers for word in _words(node))
        return _makes(node.func, word) or (lays and _of_tables(node))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        first, last = node.slice.elts[0], node.slice.elts[-1]
        all_rows = isinstance(first, ast.Constant) and first.value is ...
        cut = isinstance(last, ast.Slice) and any((last.lower, last.upper, last.step))
        return all_rows and cut and _of_tables(node.value)
    return False


def _makes(function: ast.expr, word: str) -> bool:
    """Whether a call makes tables; `math` makes but numbers, for a learning rate for instance."""
    of_numbers = isinstance(function, ast.Attribute) and "math" in _own_word(function.value)
    return word in ("cos", "sin", "polar") and not of_numbers


def _of_tables(node: ast.AST) -> bool:
    """Whether cos, sin or angles stand in a piece of code, other than as what is called."""
    called = {id(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
    words = (word for each in ast.walk(node) if id(each) not in called for word in _own_word(each))
    return any(_TABLE.search(word) or is_named(word, vocabulary.EMBEDDINGS) for word in words)


def _own_word(node: ast.AST) -> list[str]:
    return (
        [node.id]
        if isinstance(node, ast.Name)
        else [node.attr]
        if isinstance(node, ast.Attribute)
        else []
    )
