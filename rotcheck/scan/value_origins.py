"""Where a value comes from within its function, and the casts on its way."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from rotcheck.scan.module import Module

TYPES = {
    "float": "torch.float32",
    "double": "torch.float64",
    "half": "torch.float16",
    "bfloat16": "torch.bfloat16",
}
MAKERS = {
    "torch.arange",
    "torch.linspace",
    "torch.tensor",
    "torch.zeros",
    "torch.ones",
    "torch.full",
    "torch.empty",
}
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


def stem(node: ast.AST) -> ast.AST:
    """What a value is a view or a cast of: `self.inv_freq` of `self.inv_freq[None].float()`."""
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return node


def last_name(node: ast.AST) -> str:
    """The last part of the name that a value has: `inv_freq` of `self.inv_freq[None].float()`."""
    inner = stem(node)
    if isinstance(inner, ast.Attribute):
        return inner.attr
    return inner.id if isinstance(inner, ast.Name) else ""


def origins(module: Module, name: ast.Name | ast.Attribute) -> list[ast.expr]:
    """The values that a name, or `self.name`, was given before in the same function; the last one first."""
    function = module.function(name)
    scope: ast.AST = function or module.tree
    arguments = [
        node
        for node in module.within(scope, ast.Assign | ast.AnnAssign)  # type: ignore[arg-type]
        if _gives(node, ast.unparse(name))
        and module.function(node) is function
        and _before(node, name)
    ]
    values: list[ast.expr] = []
    around = {name, *module.ancestors(name)}
    for node in sorted(arguments, key=lambda part: part.lineno, reverse=True):
        if node.value is None or _apart(module, node, around):
            continue
        values.append(node.value)
        if module.parent(node) in around:
            break
    return values


def casts(module: Module, node: ast.AST) -> Iterator[Cast]:
    """Yield the casts on the way to a value, the last one first, and the dtype that it was made in."""
    for call in way(module, node):
        if isinstance(call, ast.Call) and (cast := cast_of(module, call)) is not None:
            yield cast


def is_on_cpu(module: Module, node: ast.AST) -> bool:
    """Whether a value is made without a device and not moved, in the same function."""
    calls = [call for call in way(module, node) if isinstance(call, ast.Call)]
    makers = [call for call in calls if module.name(call.func) in MAKERS]
    casts = [
        call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in MOVES
    ]
    return (
        bool(makers)
        and not casts
        and all(module.argument(call, "device") is None for call in makers)
    )


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
    if isinstance(node, ast.Call):
        if module.name(node.func) in MAKERS:
            return []
        if not isinstance(node.func, ast.Attribute) or module.name(node.func.value) == "torch":
            return list(node.args)
        return [node.func.value] if node.func.attr in METHODS else []
    if isinstance(node, ast.Name | ast.Attribute):
        return origins(module, node)
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List) else []


def cast_of(module: Module, call: ast.Call) -> Cast | None:
    """The cast that a call is, `x.float()`, `x.to(y.dtype)`, `torch.arange(n, dtype=...)`; or None."""
    function = call.func
    method = function.attr if isinstance(function, ast.Attribute) else ""
    if module.name(function) in MAKERS:
        dtype = module.argument(call, "dtype")
        return Cast(call, module.name(dtype)) if dtype is not None else None
    if method in TYPES and not call.args:
        return Cast(call, TYPES[method])
    if method == "type_as" and call.args:
        return Cast(call, _dtype_of(module, call.args[0]))
    if method in ("to", "type"):
        return _to(module, call)
    return None


def _to(module: Module, call: ast.Call) -> Cast | None:
    arguments = [
        *call.args,
        *(keyword.value for keyword in call.keywords if keyword.arg in ("dtype", "other")),
    ]
    for value in arguments:
        name = module.name(value)
        if name.rsplit(".", 1)[-1] in (
            "dtype",
            *(t[6:] for t in TYPES.values()),
            "float",
            "half",
            "double",
        ):
            return Cast(call, name)
    tensors = [value for value in call.args[:1] if isinstance(value, ast.Name | ast.Attribute)]
    if tensors and not module.name(tensors[0]).endswith("device"):
        return Cast(call, _dtype_of(module, tensors[0]))
    return None


def _dtype_of(module: Module, tensor: ast.expr) -> str:
    name = module.name(stem(tensor))
    return f"{name}.dtype" if name else ""


def _gives(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return node.value is not None and any(
        isinstance(target, ast.Name | ast.Attribute) and ast.unparse(target) == name
        for target in targets
    )


def _before(node: ast.stmt, name: ast.expr) -> bool:
    return (node.end_lineno or node.lineno) < name.lineno


def _apart(module: Module, node: ast.AST, around: set[ast.AST]) -> bool:
    """Whether a statement stands in the other branch of an `if` that a value stands in."""
    inner = node
    for above in module.ancestors(node):
        if isinstance(above, ast.If) and above in around:
            branch = above.body if inner in above.body else above.orelse
            return not any(part in around for part in branch)
        inner = above
    return False
