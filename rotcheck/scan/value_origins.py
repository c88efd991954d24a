"""Where a value comes from within its function, and the casts on its way."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from rotcheck.scan.module import Module
from rotcheck.scan.syntax import Assignment, method, stem, targets

TYPES = {
    "float": "torch.float32",
    "double": "torch.float64",
    "half": "torch.float16",
    "bfloat16": "torch.bfloat16",
}
MAKERS = {
    f"torch.{name}" for name in ("arange", "linspace", "tensor", "zeros", "ones", "full", "empty")
}
DTYPES = {
    "dtype",
    "float",
    "half",
    "double",
    *(dtype.removeprefix("torch.") for dtype in TYPES.values()),
}
DOUBLE = {"torch.float64", "torch.double"}
WIDE = DOUBLE | {"torch.float32", "torch.float"}
MOVES = {"to", "type_as", "cuda"}
METHODS = {
    *TYPES, "to", "type", "type_as", "clone", "contiguous", "detach", "cpu", "cuda", "view", "reshape", "unsqueeze",
    "squeeze", "expand", "expand_as", "repeat", "repeat_interleave", "flatten", "unflatten", "transpose", "permute",
    "t", "add", "sub", "mul", "div", "pow", "exp", "outer", "matmul", "cumsum", "clamp", "flip", "long", "int",
}  # fmt: skip


class Cast(NamedTuple):
    """A call that gives a value a dtype."""

    node: ast.Call
    dtype: str  # dotted name: `torch.float32`, `self.inv_freq.dtype`; empty where it is no name


def origins(module: Module, name: ast.Name | ast.Attribute) -> list[ast.expr]:
    """The values that a name, or `self.name`, was given before in the same function;
    the last one first."""
    function = module.function(name)
    scope: ast.AST = function or module.tree
    before = [
        node
        for node in module.within(scope, ast.Assign | ast.AnnAssign)  # type: ignore[arg-type]
        if _gives(node, ast.unparse(name))
        and module.function(node) is function
        and (node.end_lineno or node.lineno) < name.lineno
    ]
    values: list[ast.expr] = []
    around = {name, *module.ancestors(name)}
    for node in sorted(before, key=lambda part: part.lineno, reverse=True):
        if node.value is None or _is_in_other_branch(module, node, around):
            continue
        values.append(node.value)
        if module.parent(node) in around:
            break
    return values


def casts(module: Module, node: ast.AST) -> Iterator[Cast]:
    """Yield the casts on the way to a value, the last one first,
    and the dtype that it was made in."""
    for call in way(module, node):
        if isinstance(call, ast.Call) and (cast := cast_of(module, call)) is not None:
            yield cast


def is_on_cpu(module: Module, node: ast.AST) -> bool:
    """Whether a value is made without a device and not moved, in the same function."""
    calls = [call for call in way(module, node) if isinstance(call, ast.Call)]
    makers = [call for call in calls if module.name(call.func) in MAKERS]
    moves = any(method(call) in MOVES for call in calls)
    on_cpu = all(module.argument(call, "device") is None for call in makers)
    return bool(makers) and not moves and on_cpu


def way(module: Module, node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a value comes from in its function, the value first."""
    waiting, visits = [node], set[ast.AST]()
    while waiting:
        node = waiting.pop(0)
        if node in visits:
            continue
        visits.add(node)
        yield node
        waiting += _inner(module, node)


def _inner(module: Module, node: ast.AST) -> list[ast.expr]:
    """What a value is computed from."""
    match node:
        case ast.Call(func=function) if module.name(function) in MAKERS:
            return []
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if module.name(inner) != "torch":
            return [inner] if name in METHODS else []
        case ast.Call(args=operands) | ast.Tuple(elts=operands) | ast.List(elts=operands):
            return list(operands)
        case ast.Name() | ast.Attribute():
            return origins(module, node)
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Subscript(value=inner) | ast.UnaryOp(operand=inner):
            return [inner]
    return []


def cast_of(module: Module, call: ast.Call) -> Cast | None:
    """The cast that a call
    is, `x.float()`, `x.to(y.dtype)`, `torch.arange(n, dtype=...)`; or None."""
    name = method(call)
    if module.name(call.func) in MAKERS:
        dtype = module.argument(call, "dtype")
        return Cast(call, module.name(dtype)) if dtype is not None else None
    if name in TYPES and not call.args:
        return Cast(call, TYPES[name])
    if name == "type_as" and call.args:
        return Cast(call, _dtype_of(module, call.args[0]))
    return _to(module, call) if name in ("to", "type") else None


def _to(module: Module, call: ast.Call) -> Cast | None:
    keywords = (keyword.value for keyword in call.keywords if keyword.arg in ("dtype", "other"))
    for value in (*call.args, *keywords):
        name = module.name(value)
        if name.rpartition(".")[2] in DTYPES:
            return Cast(call, name)
    tensors = [value for value in call.args[:1] if isinstance(value, ast.Name | ast.Attribute)]
    if tensors and not module.name(tensors[0]).endswith("device"):
        return Cast(call, _dtype_of(module, tensors[0]))
    return None


def _dtype_of(module: Module, tensor: ast.expr) -> str:
    name = module.name(stem(tensor))
    return f"{name}.dtype" if name else ""


def _gives(node: Assignment, name: str) -> bool:
    return node.value is not None and any(
        isinstance(target, ast.Name | ast.Attribute) and ast.unparse(target) == name
        for target in targets(node)
    )


def _is_in_other_branch(module: Module, node: ast.AST, around: set[ast.AST]) -> bool:
    """Whether a statement stands in the other branch of an `if` that a value stands in."""
    inner = node
    for above in module.ancestors(node):
        if isinstance(above, ast.If) and above in around:
            branch = above.body if inner in above.body else above.orelse
            return around.isdisjoint(branch)
        inner = above
    return False
