"""An optional kernel whose every failure is swallowed."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import kernel_packages
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project

CODE = "broad-except"
TITLE = "Every failure of an optional kernel is swallowed"
WORDS = kernel_packages.WORDS
CHANGE = (
    "Choose the path once, at import, by `except ImportError`, say which one it is, and let what the kernel raises "
    "through: an error of its call is a mistake in the call, and not a missing package."
)
DEVICES = "where the kernel is installed and cannot run"
IMPORT_CHANGE = (
    "`except ImportError`: what else an import raises is a broken installation, and has to be seen. To go on "
    "without the package then too, log the error."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each handler that catches everything a kernel's call or import can raise,
    and goes on without it."""
    for block in module.nodes(ast.Try):
        call = next(kernel_packages.calls(module, block.body), None)
        if module.function(block) is None:
            if name := next(kernel_packages.imports(module, block.body), ""):
                yield from _of_import(module, block, name)
        elif call:
            for handler in block.handlers:
                if _is_silent(module, handler) and _computes(module, block, handler):
                    yield _hazard(module, call, handler)


def _is_silent(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything, and says nothing of it."""
    is_heard = kernel_packages.is_heard(module, handler)
    return kernel_packages.is_broad(module, handler) and not is_heard


def _of_import(module: Module, block: ast.Try, name: str) -> Iterator[Hazard]:
    """Yield the handler that takes whatever the import of a kernel raises for a missing package."""
    handler = next((part for part in block.handlers if _catches_missing(module, part)), None)
    if handler is None or not _is_silent(module, handler):
        return
    if not any(node.id == handler.name for node in module.within(handler, ast.Name)):
        message = (
            f"whatever the import of `{name}` raises is taken for a missing package: a build for another torch or "
            "Triton, a GPU that it does not know; nothing says why the kernel is not used"
        )
        yield module.hazard(CODE, handler, message, IMPORT_CHANGE, devices=DEVICES)


def _catches_missing(module: Module, handler: ast.ExceptHandler) -> bool:
    kinds = kernel_packages.IMPORT_ERRORS | kernel_packages.BROAD
    return not kinds.isdisjoint(kernel_packages.exceptions(module, handler))


def _computes(module: Module, block: ast.Try, handler: ast.ExceptHandler) -> bool:
    """Whether something takes the kernel's place;
    a handler that only answers "no" was a question."""
    if any(module.name(call.func) != "print" for call in module.within(handler, ast.Call)):
        return True
    siblings = next(b for b in module.blocks(module.parent(block)) if block in b)
    rest = siblings[siblings.index(block) + 1 :]
    passes = all(isinstance(s, ast.Pass) or module.is_print(s) for s in handler.body)
    return passes and any(True for statement in rest for _ in module.within(statement, ast.Call))


def _hazard(module: Module, call: ast.Call, handler: ast.ExceptHandler) -> Hazard:
    name = module.name(call.func)
    prints = any(module.name(inner.func) == "print" for inner in module.within(handler, ast.Call))
    how = "and printed on every call" if prints else "and nothing says which path ran"
    message = (
        f"whatever `{name}` raises (a wrong shape or dtype, a device it does not know, an illegal memory access) is "
        f"swallowed, {how}"
    )
    return module.hazard(CODE, handler, message, CHANGE, devices=DEVICES)
