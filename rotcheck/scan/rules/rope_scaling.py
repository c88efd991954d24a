"""`rope_scaling` that is accepted or read and then dropped,
or read by a key that transformers renamed."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import config_classes
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.syntax import is_constant

CODE = "rope-scaling"
TITLE = "rope_scaling is dropped, or read by a key that is gone"
WORDS = ("rope_scaling",)
DEVICES = "all"
TESTS_TOO = True
EFFECT = "never uses it: a model whose config asks for scaling runs without, and is wrong beyond its original context"
CHANGE = "Pass it on to what makes the frequencies, or raise where it is not None."


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each `rope_scaling` that reaches no rotation, and each read of its `type`."""
    for function in module.nodes(ast.FunctionDef):
        yield from _idle_parameter(module, function)
        yield from _idle_variable(module, function)
    for node in module.nodes(ast.Subscript):
        if is_constant(node.slice, "type") and isinstance(node.ctx, ast.Load):
            yield from _old_key(module, node, project)


def _idle_parameter(module: Module, function: ast.FunctionDef) -> Iterator[Hazard]:
    """Yield the parameter of a function that never uses it;
    not of one that is only declared, or is a stand-in."""
    argument = _parameter(module, function)
    if argument is not None and not _is_declared(function) and not _uses(module, function):
        message = f"`{module.where(function)}` accepts `rope_scaling` and {EFFECT}"
        yield module.hazard(CODE, argument, message, CHANGE, devices=DEVICES)


def _parameter(module: Module, function: ast.FunctionDef) -> ast.arg | None:
    arguments = module.within(function.args, ast.arg)
    return next((argument for argument in arguments if argument.arg == "rope_scaling"), None)


def _is_declared(function: ast.FunctionDef) -> bool:
    """Whether a body is empty, raises at once, or belongs to an interface."""
    is_empty = all(
        isinstance(part, ast.Pass | ast.Raise)
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in function.body
    )
    return bool(function.decorator_list) or is_empty


def _uses(module: Module, function: ast.FunctionDef) -> bool:
    names = ("rope_scaling", "locals", "vars", "__class__")
    return any(node.id in names for node in module.within(function, ast.Name))


def _idle_variable(module: Module, function: ast.FunctionDef) -> Iterator[Hazard]:
    """Yield a local variable that is read off a config and never used."""
    names = [node for node in module.within(function, ast.Name) if node.id == "rope_scaling"]
    if not names or not all(isinstance(node.ctx, ast.Store) for node in names):
        return
    is_outer = any(module.within(function, ast.Nonlocal, ast.Global))
    if not is_outer and _parameter(module, function) is None:
        message = f"`{module.where(function)}` reads `rope_scaling` and {EFFECT}"
        yield module.hazard(CODE, names[0], message, CHANGE, devices=DEVICES)


def _old_key(module: Module, node: ast.Subscript, project: Project) -> Iterator[Hazard]:
    owner = node.value
    if not isinstance(owner, ast.Attribute) or owner.attr != "rope_scaling":
        return
    if config_classes.config(module, owner.value, project) is None or _is_safe(module, node):
        return
    text = module.text(owner)
    message = (
        f"transformers 5 sets `{text}` for every checkpoint, to {{'rope_type': 'default', ...}} where its config has "
        "none: `is None` is never true, and `type` raises KeyError unless the checkpoint itself wrote that key"
    )
    change = f'Read `{text}["rope_type"]`, and treat "default" as no scaling.'
    devices = "all, with transformers 5"
    yield module.hazard(CODE, node, message, change, devices=devices, failure="H9")


def _is_safe(module: Module, node: ast.Subscript) -> bool:
    """Whether the code around asks for the new key, or whether the old one is there."""
    function = module.function(node)
    text = ast.unparse(function) if function else module.text(node)
    in_try = any(isinstance(above, ast.Try) and above.handlers for above in module.ancestors(node))
    return in_try or "rope_type" in text or "'type' in" in text or "'type' not in" in text
