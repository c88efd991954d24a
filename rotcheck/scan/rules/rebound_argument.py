"""An argument that is replaced before a kernel fails, and that the fallback then uses."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import kernel_packages
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project

CODE = "rebound-argument"
TITLE = "The fallback gets an argument that the failed attempt replaced"
WORDS = kernel_packages.WORDS
TESTS_TOO = True
DEVICES = "where the kernel is installed and cannot run"


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each argument that a `try` rebinds in front of a kernel's call,
    and its handler reads."""
    for block in module.nodes(ast.Try):
        for at, statement in enumerate(block.body):
            call = next(kernel_packages.calls(module, block.body[at + 1 :]), None)
            for name in _rebound(module, statement) if call else ():
                for handler in block.handlers:
                    use = _use(module, handler, name.id)
                    catches = kernel_packages.exceptions(module, handler)
                    if call and use and catches - kernel_packages.IMPORT_ERRORS:
                        yield _hazard(module, name, call, use)


def _rebound(module: Module, statement: ast.stmt) -> list[ast.Name]:
    """The arguments of the function that a statement gives another value, made of the old one."""
    function = module.function(statement)
    if function is None or not isinstance(statement, ast.Assign):
        return []
    arguments = {argument.arg for argument in module.within(function.args, ast.arg)}
    before = {node.id for node in module.within(statement.value, ast.Name)}
    stores = (node for target in statement.targets for node in module.stores(target))
    return [node for node in stores if node.id in arguments & before]


def _use(module: Module, handler: ast.ExceptHandler, name: str) -> ast.Name | None:
    """Where a handler computes with the name before it binds it anew;
    not where it raises or prints it."""
    names = (node for statement in handler.body for node in module.within(statement, ast.Name))
    for node in (node for node in names if node.id == name):
        if isinstance(node.ctx, ast.Store):
            return None
        if module.around(node, ast.Raise, ast.JoinedStr) is None:
            return node
    return None


def _hazard(module: Module, name: ast.Name, call: ast.Call, use: ast.Name) -> Hazard:
    message = (
        f"`{name.id}` is replaced here; when `{module.name(call.func)}` then fails, the fallback in line "
        f"{module.line(use)} computes with the new value, of another shape: it raises, or is wrong"
    )
    change = f"Give the kernel's `{name.id}` a name of its own, and leave the argument as it came."
    return module.hazard(CODE, name, message, change, devices=DEVICES)
