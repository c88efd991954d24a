"""The slips that people make, as rules: what can go wrong at each node of a function's tree."""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

Slip = tuple[str, ast.AST, Callable[[], Any]]
"""The rule, the node, and the change that makes the slip in the tree."""

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_CASTS = ("float", "to", "type_as", "double", "half", "bfloat16", "contiguous", "clone")
_SWAPPED = {
    "cos": "sin",
    "sin": "cos",
    "q": "k",
    "k": "q",
    "x1": "x2",
    "x2": "x1",
    "a": "b",
    "b": "a",
}
_ATTRIBUTES = {"cos": "sin", "sin": "cos", "real": "imag", "imag": "real"}


def slips(tree: ast.FunctionDef) -> Iterator[Slip]:
    """Yield every slip that can be made in a function."""
    for node in _body(tree):
        for rule in _RULES.get(type(node), ()):
            yield from rule(node, tree)
    for block, at in _statements(tree):
        yield "statement", block[at], partial(block.__setitem__, at, ast.Pass())


def _of_operator(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        return
    if type(node.op) in _OPERATORS:
        yield "operator", node, lambda: setattr(node, "op", _OPERATORS[type(node.op)]())
    if isinstance(node.op, ast.FloorDiv):
        yield "whole", node, lambda: _become(node, node.left)  # `dim` for `dim // 2`
        yield "division", node, lambda: setattr(node, "op", ast.Div())


def _of_sign(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if not isinstance(node.op, ast.USub):
        return
    if not isinstance(node.operand, ast.Constant):
        yield "sign", node, lambda: setattr(node, "op", ast.UAdd())
    elif type(node.operand.value) is int and node.operand.value > 1:  # -1 for -2
        yield "axis", node, lambda: setattr(node.operand, "value", node.operand.value - 1)


def _of_slice(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if node.step is not None:
        start = None if node.lower is not None else ast.Constant(1)
        yield "slice", node, lambda: setattr(node, "lower", start)
    elif (node.lower is None) != (node.upper is None):
        lower, upper = node.lower, node.upper
        yield "slice", node, lambda: (setattr(node, "lower", upper), setattr(node, "upper", lower))
        yield "slice", node, lambda: (setattr(node, "lower", None), setattr(node, "upper", None))
        end = "upper" if lower is None else "lower"
        one = ast.BinOp(upper or lower, ast.Add(), ast.Constant(1))
        yield "off by one", node, lambda: setattr(node, end, one)


def _of_constant(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if type(node.value) in (int, float):
        yield "constant", node, lambda: setattr(node, "value", node.value + 1)
    elif isinstance(node.value, bool):
        yield "flag", node, lambda: setattr(node, "value", not node.value)


def _of_name(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    other = _SWAPPED.get(node.id)
    if isinstance(node.ctx, ast.Load) and other in _names(tree):
        yield "name", node, lambda: setattr(node, "id", other)


def _of_attribute(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if node.attr in _ATTRIBUTES:
        yield "name", node, lambda: setattr(node, "attr", _ATTRIBUTES[node.attr])


def _of_sequence(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if not isinstance(node.ctx, ast.Load):
        return
    if len(node.elts) == 2:
        yield "order", node, node.elts.reverse
    for at in range(len(node.elts) - 1) if len(node.elts) > 2 else ():
        if _new_axis(node.elts[at]) != _new_axis(node.elts[at + 1]):  # unsqueezed at another axis
            yield "axis", node, partial(_swap, node.elts, at)


def _of_call(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    named = isinstance(node.func, ast.Attribute)
    if named and node.func.attr in _CASTS:
        yield "cast", node, lambda: _become(node, node.func.value)
    if named and node.func.attr == "repeat_interleave":
        yield "repeated", node, lambda: _repeat(node)
    for at in range(len(node.args) - 1):
        if ast.dump(node.args[at]) != ast.dump(node.args[at + 1]):
            yield "arguments", node, partial(_swap, node.args, at)


def _of_comparison(node: Any, tree: ast.FunctionDef) -> Iterator[Slip]:
    if type(node.ops[0]) in _COMPARISONS:
        yield "comparison", node, lambda: node.ops.__setitem__(0, _COMPARISONS[type(node.ops[0])]())


_RULES: dict[type[ast.AST], tuple[Callable[[Any, ast.FunctionDef], Iterator[Slip]], ...]] = {
    ast.BinOp: (_of_operator,),
    ast.UnaryOp: (_of_sign,),
    ast.Slice: (_of_slice,),
    ast.Constant: (_of_constant,),
    ast.Name: (_of_name,),
    ast.Attribute: (_of_attribute,),
    ast.Tuple: (_of_sequence,),
    ast.List: (_of_sequence,),
    ast.Call: (_of_call,),
    ast.Compare: (_of_comparison,),
}


def _become(node: Any, value: ast.expr) -> None:
    """Have an expression be another: `_same(x)` instead of `x.float()`."""
    node.__class__ = ast.Call
    node.func, node.args, node.keywords = ast.Name("_same", ast.Load()), [value], []


def _swap(elements: list[ast.expr], at: int) -> None:
    elements[at : at + 2] = reversed(elements[at : at + 2])


def _repeat(node: ast.Call) -> None:
    """Have a call repeat the lanes one after another:
    `_tiled(x, 2, -1)` instead of `x.repeat_interleave(2, -1)`."""
    assert isinstance(node.func, ast.Attribute)
    of_torch = isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
    node.args = node.args if of_torch else [node.func.value, *node.args]
    node.func = ast.Name("_tiled", ast.Load())


def _new_axis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _names(tree: ast.FunctionDef) -> set[str]:
    own = {arg.arg for arg in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)}
    return own | {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
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
