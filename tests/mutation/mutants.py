"""One slip at a time in the source of a function and of the helpers that it calls, by rule."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
}
_CASTS = ("float", "to", "type_as", "double", "half", "bfloat16", "contiguous", "clone")
_PAIRS = (
    ("cos", "sin"),
    ("q", "k"),
    ("x1", "x2"),
    ("a", "b"),
    ("k", "q"),
    ("sin", "cos"),
    ("x2", "x1"),
    ("b", "a"),
)
_SWAPPED = dict(_PAIRS)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A function with one slip in it, which rule made it, and the line as it stands then."""

    rule: str
    line: str
    function: Callable[..., Any]


def mutants(function: Callable[..., Any]) -> Iterator[Mutant]:
    """Yield every mutant of a Python function whose source can be compiled in its module's names."""
    own = _parsed(function)
    for name in own:
        for number in range(sum(1 for _ in _slips(copy.deepcopy(own[name])))):
            trees = {each: copy.deepcopy(tree) for each, tree in own.items()}
            rule, line = _apply(trees[name], number)
            made = _made(function, trees)
            if made is not None:
                yield Mutant(rule, line, made)


def _apply(tree: ast.FunctionDef, number: int) -> tuple[str, str]:
    """Make the slip of a number in a tree; return its rule and the line that it makes."""
    for at, (rule, node, change) in enumerate(_slips(tree)):
        if at == number:
            change()
            ast.fix_missing_locations(tree)
            lines = ast.unparse(tree).splitlines()
            return rule, next((one for one in lines[1:] if _unparsed(node) in one), lines[0]).strip()
    raise IndexError(number)


def _unparsed(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def _parsed(function: Callable[..., Any]) -> dict[str, ast.FunctionDef]:
    """Return the trees of a function and of the functions of its module that it calls, by their names."""
    found: dict[str, ast.FunctionDef] = {}
    waiting = [inspect.unwrap(function)]
    for one in waiting:
        tree = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        assert isinstance(tree, ast.FunctionDef), f"{one} is no plain function"
        tree.decorator_list = []
        tree.returns = None
        if ast.get_docstring(tree) is not None:
            tree.body = tree.body[1:]
        found[one.__name__] = tree
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name in sorted(names - set(found)):
            helper = one.__globals__.get(name)
            if isinstance(helper, FunctionType) and helper.__module__ == one.__module__:
                waiting.append(inspect.unwrap(helper))
    return found


def _made(function: Callable[..., Any], trees: dict[str, ast.FunctionDef]) -> Callable[..., Any] | None:
    names = {**inspect.unwrap(function).__globals__, "_same": lambda x: x}
    for tree in trees.values():
        try:
            exec(compile(ast.unparse(tree), "<mutant>", "exec"), names)
        except (SyntaxError, NameError):  # nothing is left of its body; a default that is no name
            return None
    made = names[inspect.unwrap(function).__name__]
    made.__doc__ = function.__doc__
    return made


def _slips(tree: ast.FunctionDef) -> Iterator[tuple[str, ast.AST, Callable[[], Any]]]:
    """Yield the rule, the node and the change of every slip that can be made in a function."""
    for node in _body(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not _of_types(node):
            other = _OPERATORS[type(node.op)]
            yield "operator", node, lambda node=node, other=other: setattr(node, "op", other())
        elif (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.USub)
            and not isinstance(node.operand, ast.Constant)
        ):
            yield "sign", node, lambda node=node: setattr(node, "op", ast.UAdd())
        elif isinstance(node, ast.Slice):
            yield from _of_slice(node)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield "constant", node, lambda node=node: setattr(node, "value", node.value + 1)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _SWAPPED:
            if _SWAPPED[node.id] in _names(tree):
                yield "name", node, lambda node=node: setattr(node, "id", _SWAPPED[node.id])
        elif isinstance(node, ast.Attribute) and node.attr in ("cos", "sin", "real", "imag"):
            other_name = {"cos": "sin", "sin": "cos", "real": "imag", "imag": "real"}[node.attr]
            yield "name", node, lambda node=node, other_name=other_name: setattr(node, "attr", other_name)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
            yield "order", node, lambda node=node: node.elts.reverse()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CASTS:
            yield "cast", node, lambda node=node: _become(node, node.func.value)
    for block, at in _statements(tree):
        yield "statement", block[at], lambda block=block, at=at: block.__setitem__(at, ast.Pass())


def _of_types(node: ast.BinOp) -> bool:
    return isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)


def _of_slice(node: ast.Slice) -> Iterator[tuple[str, ast.AST, Callable[[], Any]]]:
    if node.step is not None:
        start = None if node.lower is not None else ast.Constant(1)
        yield "slice", node, lambda: setattr(node, "lower", start)
    elif (node.lower is None) != (node.upper is None):
        lower, upper = node.lower, node.upper
        yield "slice", node, lambda: (setattr(node, "lower", upper), setattr(node, "upper", lower))
        yield "slice", node, lambda: (setattr(node, "lower", None), setattr(node, "upper", None))


def _become(node: ast.Call, value: ast.expr) -> None:
    """Have a call be the value it is called on: `(x)` instead of `x.float()`."""
    node.func, node.args, node.keywords = ast.Name("_same", ast.Load()), [value], []


def _names(tree: ast.FunctionDef) -> set[str]:
    own = {arg.arg for arg in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)}
    return own | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _body(tree: ast.FunctionDef) -> Iterator[ast.AST]:
    for statement in tree.body:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            yield from ast.walk(statement)


def _statements(tree: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], int]]:
    for node in ast.walk(tree):
        block = getattr(node, "body", None)
        if isinstance(block, list):
            yield from (
                (block, at)
                for at, one in enumerate(block)
                if isinstance(one, ast.Assign | ast.AugAssign)
                or (isinstance(one, ast.Expr) and not isinstance(one.value, ast.Constant))
            )
