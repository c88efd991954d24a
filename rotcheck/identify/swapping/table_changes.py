"""May other code of a file change tables between their maker and their taker? Read from the source.

The answer only decides whether rotcheck stays silent: a doubt is enough.
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.implementations import rotary_code
from rotcheck.implementations.rotary_code import FunctionNode

_ENTRY_METHODS = ("__init__", "forward", "__call__")
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
    """Whether other code of a file, or a flag,
    may give tables another order than these functions have.

    `names`: all that was identified, `function`, `Class` or `Class.method`. So it is where a rotary
    function is not among them or is imported, where one of them has a flag that may choose an
    order, and where other code makes cos and sin, computes with them or rearranges them.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # it was there when its functions were identified
        return True
    if set(rotary_code.rotary(tree)) - set(names) or any(map(_imports, ast.walk(tree))):
        return True
    reachable = _reachable(tree, names)
    other_parts = [node for node in _parts(tree) if node not in reachable]
    helpers = {
        node.name for node in other_parts if isinstance(node, FunctionNode) and node in tree.body
    }
    return any(map(_chooses, reachable)) or any(
        _handles(node, helpers) for part in other_parts for node in ast.walk(part)
    )


def _imports(node: ast.AST) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
    return any(name == "*" or _ROTARY.search(name) for name in names)


def _parts(tree: ast.Module) -> Iterator[ast.stmt]:
    """Functions, methods, and what stands outside of both."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else [node]


def _reachable(tree: ast.Module, names: Collection[str]) -> set[ast.stmt]:
    """These functions and methods, and those of the file that they use."""
    functions = {node.name: node for node in tree.body if isinstance(node, FunctionNode)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    waiting = [(owner, method) for owner, _, method in (name.partition(".") for name in names)]
    statements = set[ast.stmt]()
    for owner, method in waiting:  # grows while it is read
        method_names = (method, "__init__") if method else _ENTRY_METHODS
        methods = list(_methods(owner, classes))
        nodes = (
            [functions[owner]]
            if owner in functions
            else [reference for reference in methods if reference.name in method_names]
        )
        statements.update(nodes)
        words = {word for node in nodes for word in _words(node)}
        references = [(word, "") for word in words if word in functions or word in classes]
        references += [(owner, node.name) for node in methods if node.name in words]
        waiting += [reference for reference in references if reference not in waiting]
    return statements


def _methods(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[FunctionNode]:
    """The methods of a class, and of those of the file that it derives from."""
    waiting = [name]
    for class_name in waiting:
        if class_name in classes:
            yield from (node for node in classes[class_name].body if isinstance(node, FunctionNode))
            bases = [base.id for base in classes[class_name].bases if isinstance(base, ast.Name)]
            waiting += [base for base in bases if base not in waiting]


def _words(node: ast.AST) -> Iterator[str]:
    """All names of a piece of code, and what it compares with."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _chooses(node: ast.stmt) -> bool:
    """Whether a flag, or what it asks for, may choose an order."""
    tests = [part.test for part in ast.walk(node) if isinstance(part, ast.If | ast.IfExp)]
    tests += [part.subject for part in ast.walk(node) if isinstance(part, ast.Match)]
    flags = isinstance(node, FunctionNode) and any(_flag(*part) for part in _parameters(node))
    return flags or any(_ORDER.search(word) for test in tests for word in _words(test))


def _parameters(function: FunctionNode) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Each parameter and its default."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(
        positional,
        [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults],
        strict=True,
    )
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _flag(parameter: ast.arg, default: ast.expr | None) -> bool:
    """Whether a parameter speaks of an order, or is true or false and may speak of anything."""
    is_flag = isinstance(default, ast.Constant) and isinstance(default.value, bool)
    is_flag = is_flag or (
        parameter.annotation is not None and "bool" in _words(parameter.annotation)
    )
    return _ORDER.search(parameter.arg) is not None or (
        is_flag and not _HARMLESS.search(parameter.arg)
    )


def _handles(node: ast.AST, helpers: Collection[str]) -> bool:
    """Whether code makes tables, computes with them, repeats or cuts their lanes,
    or lets a helper do so."""
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
        is_cut = isinstance(last, ast.Slice) and any((last.lower, last.upper, last.step))
        return all_rows and is_cut and _of_tables(node.value)
    return False


def _makes(function: ast.expr, word: str) -> bool:
    """Whether a call makes tables; `math` makes but numbers, for a learning rate for instance."""
    of_numbers = isinstance(function, ast.Attribute) and "math" in _own_word(function.value)
    return word in ("cos", "sin", "polar") and not of_numbers


def _of_tables(node: ast.AST) -> bool:
    """Whether cos, sin or angles stand in a piece of code, other than as what is called."""
    functions = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    words = (
        word for part in ast.walk(node) if id(part) not in functions for word in _own_word(part)
    )
    return any(_TABLE.search(word) or is_named(word, vocabulary.EMBEDDINGS) for word in words)


def _own_word(node: ast.AST) -> list[str]:
    return (
        [node.id]
        if isinstance(node, ast.Name)
        else [node.attr]
        if isinstance(node, ast.Attribute)
        else []
    )
