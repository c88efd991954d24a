"""What a piece of Python says by itself, whatever file it stands in."""

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef
Assignment = ast.Assign | ast.AnnAssign
Import = ast.Import | ast.ImportFrom


def parameters(function: Function) -> list[ast.arg]:
    """The parameters of a function in their order, without `*args` and `**kwargs`."""
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def targets(node: Assignment) -> list[ast.expr]:
    """What a statement assigns to."""
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def attribute(node: ast.AST) -> str:
    """Return `inv_freq` for `self.inv_freq`, nothing for other expressions."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return ""


def method(call: ast.Call) -> str:
    """Return `to` for `x.to(device)`, nothing for the call of a plain name."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def is_constant(node: ast.AST | None, value: object) -> bool:
    """Whether an expression is this constant: a text, None, True or False."""
    return (
        isinstance(node, ast.Constant) and type(node.value) is type(value) and node.value == value
    )


def packages(node: ast.AST) -> list[str]:
    """The dotted names of what a statement imports from; none of a relative import."""
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(name), level=0):
            return [name]
    return []


def stem(node: ast.AST) -> ast.AST:
    """What a value is a view or a cast of: `self.inv_freq` of `self.inv_freq[None].float()`."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Subscript(value=inner):
                node = inner
            case _:
                return node


def last_name(node: ast.AST) -> str:
    """The last part of the name that a value has: `inv_freq` of `self.inv_freq[None].float()`."""
    match stem(node):
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
