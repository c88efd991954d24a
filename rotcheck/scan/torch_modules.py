"""What a class keeps in itself: its attributes, which of them are buffers,
and which methods only build it."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from rotcheck.scan.module import Module
from rotcheck.scan.syntax import Function, attribute, is_constant, targets

FOREIGN = ("flax", "haiku", "equinox", "mlx", "tvm", "ast")  # whose modules are none of torch
REGISTERING_CLASSES = ("nn.Buffer", "nn.Parameter")
CONSTRUCTORS = {"__init__", "__post_init__"}


class Buffer(NamedTuple):
    """A tensor that moves with
    its module: `register_buffer(name, value)`, `nn.Buffer(value)` or a parameter."""

    name: str
    value: ast.expr
    node: ast.Call
    persists: bool


def methods(owner: ast.ClassDef) -> dict[str, Function]:
    """The methods of a class by name."""
    return {part.name: part for part in owner.body if isinstance(part, Function)}


def family(module: Module, owner: ast.ClassDef) -> list[ast.ClassDef]:
    """A class and those of its bases, and theirs, that stand in the same file."""
    classes_by_name = {
        part.name: part for part in module.tree.body if isinstance(part, ast.ClassDef)
    }
    classes = [owner]
    for part in classes:
        bases = (classes_by_name.get(module.name(base)) for base in part.bases)
        classes += [base for base in bases if base is not None and base not in classes]
    return classes


def is_module(module: Module, owner: ast.ClassDef) -> bool:
    """Whether a class is an nn.Module, by the names of its bases and theirs in the same file."""
    names = (module.name(base) for part in family(module, owner) for base in part.bases)
    return any(
        name.endswith(("Module", "PreTrainedModel")) and not name.startswith(FOREIGN)
        for name in names
    )


def assignments(module: Module, owner: ast.ClassDef) -> Iterator[tuple[str, ast.expr, ast.stmt]]:
    """Yield each `self.NAME = value` of a class: its name, value and statement."""
    for node in module.within(owner, ast.Assign | ast.AnnAssign):  # type: ignore[arg-type]
        for target in targets(node):
            if attribute(target) and node.value is not None:
                yield attribute(target), node.value, node


def buffers(module: Module, owner: ast.ClassDef) -> list[Buffer]:
    """The buffers that a class and its bases in the same file register, by either way to do so."""
    return [buffer for part in family(module, owner) for buffer in _buffers(module, part)]


def _buffers(module: Module, owner: ast.ClassDef) -> Iterator[Buffer]:
    for call in module.within(owner, ast.Call):
        name, value = module.argument(call, "name", 0), module.argument(call, "tensor", 1)
        if (
            attribute(call.func) == "register_buffer"
            and isinstance(name, ast.Constant)
            and value is not None
        ):
            persists = not is_constant(module.argument(call, "persistent", 2), False)
            yield Buffer(str(name.value), value, call, persists)
    for name_, value, _ in assignments(module, owner):
        if (
            isinstance(value, ast.Call)
            and module.name(value.func).endswith(REGISTERING_CLASSES)
            and value.args
        ):
            persists = not is_constant(module.argument(value, "persistent"), False)
            yield Buffer(name_, value.args[0], value, persists)


def runs_later(module: Module, node: ast.AST) -> bool:
    """Whether a node runs in a function that may be called after its object is built."""
    function = module.function(node)
    return function is not None and not builds(module, function)


def module_at_work(module: Module, node: ast.AST) -> ast.ClassDef | None:
    """The nn.Module in whose method a node runs,
    where that may be called after the object is built."""
    owner = module.owner(node)
    works = owner is not None and is_module(module, owner) and runs_later(module, node)
    return owner if works else None


def builds(module: Module, function: Function) -> bool:
    """Whether a function only runs while its object is built:
    a constructor, or a method that only those call."""
    owner = module.owner(function)
    return owner is not None and _builds(module, owner, function.name, set())


def _builds(module: Module, owner: ast.ClassDef, name: str, above: set[str]) -> bool:
    if name in CONSTRUCTORS or name in above:
        return True
    callers = {
        caller.name
        for part in family(module, owner)
        for call in module.within(part, ast.Call)
        if attribute(call.func) == name and (caller := module.function(call)) is not None
    }
    return bool(callers) and all(
        _builds(module, owner, caller, above | {name}) for caller in callers
    )


def uses(module: Module, owner: ast.ClassDef, name: str) -> Iterator[ast.Attribute]:
    """Yield each place of a class where `self.NAME` is read."""
    for node in module.within(owner, ast.Attribute):
        if attribute(node) == name and isinstance(node.ctx, ast.Load):
            yield node
