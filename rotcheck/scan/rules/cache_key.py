"""Tables that are kept by their length alone,
and come back on another device than the one that asks."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import is_rotary
from rotcheck.scan.syntax import Function, attribute, method
from rotcheck.scan.torch_modules import (
    assignments,
    buffers,
    is_module,
    module_at_work,
    runs_later,
    uses,
)
from rotcheck.scan.value_origins import origins

CODE = "cache-key"
TITLE = "A kept table is not asked for its device"
WORDS = ("cos(", ".cos", "freqs", "lru_cache")
ROTARY_ONLY = True

KEYS = re.compile(r"device|dtype|training|key")  # what a test may ask for besides a length
MOVES = {"to", "type_as", "cuda", "to_device", "device", "cpu"}
TABLE_CALLS = {"cos", "sin", "polar", "outer", "einsum", "cat", "stack"}
CACHES = ("functools.lru_cache", "functools.cache")
DEVICES = "cuda, mps, xpu and others"
CHANGE = (
    "Compare the device too (`or self.cos_cached.device != x.device`), or register the table as a buffer, which moves "
    "with the model."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each `if` of a module that renews a table for another length, and for nothing else."""
    yield from _dictionaries(module)
    yield from _methods(module)
    for test in module.nodes(ast.If):
        owner, function = module_at_work(module, test), module.function(test)
        names = _tables(module, owner, function, test) if owner and function else []
        if names and is_rotary(module, test):
            yield module.hazard(CODE, test, _message(module, test, names), CHANGE, devices=DEVICES)


def _message(module: Module, test: ast.If, names: list[str]) -> str:
    listing = ", ".join(f"`self.{name}`" for name in dict.fromkeys(names))
    return (
        f"only `{module.text(test.test)}` decides whether a table is computed again ({listing}): once "
        "the model has moved, a call of the same length gets the table on the old device, and raises"
    )


def _tables(module: Module, owner: ast.ClassDef, function: Function, test: ast.If) -> list[str]:
    """The tables that an `if` renews, or gives back,
    where it asks for a length and nothing else."""
    targets = _targets(module, function)
    text = ast.unparse(test.test)
    attributes = {attribute(node) for node in module.within(test.test, ast.Attribute)} - {""}
    asks_length = any(
        "len" in name or f"self.{name}.shape" in text or _is_filled_once(module, owner, test, name)
        for name in attributes & targets
    )
    if not asks_length or KEYS.search(text) or not _knows_device(module, function):
        return []
    targets -= {buffer.name for buffer in buffers(module, owner)}
    tables = [name for name in _values_kept(module, test) if "len" not in name and name in targets]
    return [name for name in tables if not _moves(module, owner, name)]


def _is_filled_once(module: Module, owner: ast.ClassDef, test: ast.If, name: str) -> bool:
    """Whether an `if` asks only whether a table is None,
    and nothing else gives it another value after `__init__`."""
    if ast.unparse(test.test) not in (f"self.{name} is None", f"not self.{name}"):
        return False
    return all(
        test in module.ancestors(node) or not runs_later(module, node)
        for attribute_, _, node in assignments(module, owner)
        if attribute_ == name
    )


def _dictionaries(module: Module) -> Iterator[Hazard]:
    """Yield each dictionary of tables whose keys name no device."""
    for test in module.nodes(ast.Compare):
        branch, function = module.parent(test), module.function(test)
        if not isinstance(branch, ast.If) or branch.test is not test or function is None:
            continue
        if not isinstance(test.ops[0], ast.In | ast.NotIn) or not is_rotary(module, test):
            continue
        table, key = module.text(test.comparators[0]), _key(module, test.left)
        if not _fills(module, function, table) or KEYS.search(key):
            continue
        if _knows_device(module, function) and not _is_moved_on(module, function, branch):
            message = (
                f"`{table}` keeps tables by `{key}` alone: a call for another device gets the table "
                "of the first, and raises"
            )
            change = "Put the device into the key, or move the table to it on the way out."
            yield module.hazard(CODE, branch, message, change, devices=DEVICES)


def _fills(module: Module, function: Function, table: str) -> bool:
    """Whether a function puts values into a dictionary."""
    targets = (target for node in module.within(function, ast.Assign) for target in node.targets)
    return any(
        isinstance(target, ast.Subscript) and ast.unparse(target.value) == table
        for target in targets
    )


def _key(module: Module, key: ast.expr) -> str:
    """What a key is made of: the value that its name was given, where the function gives it one."""
    values = origins(module, key) if isinstance(key, ast.Name) else []
    return module.text(values[0] if values else key)


def _is_moved_on(module: Module, function: Function, branch: ast.If) -> bool:
    """Whether a function moves something outside of the branch that makes the table."""
    return any(
        method(call) in MOVES and branch not in module.ancestors(call)
        for call in module.within(function, ast.Call)
    )


def _methods(module: Module) -> Iterator[Hazard]:
    """Yield each method under `lru_cache` that computes with the tensors of its object."""
    for function in module.nodes(ast.FunctionDef):
        owner = module.owner(function)
        wraps = (getattr(wrap, "func", wrap) for wrap in function.decorator_list)
        if owner is None or not any(module.name(wrap) in CACHES for wrap in wraps):
            continue
        tensors = {buffer.name for buffer in buffers(module, owner)} | {"device"}
        reads = (a for a in module.within(function, ast.Attribute) if attribute(a) in tensors)
        read = next(reads, None)
        if read is not None and is_module(module, owner) and is_rotary(module, function):
            message = (
                f"`{function.name}` computes with `{module.text(read)}`, and `lru_cache` keeps the result by the other "
                "arguments: once the model has moved, a call gets the table on the old device, and raises"
            )
            yield module.hazard(CODE, function, message, CHANGE, devices=DEVICES)


def _targets(module: Module, function: Function) -> set[str]:
    assignments_ = module.within(function, ast.Assign)
    return {attribute(target) for node in assignments_ for target in node.targets} - {""}


def _values_kept(module: Module, test: ast.If) -> list[str]:
    """The attributes that an `if` fills with cosines and the like, or the one that it returns."""
    if len(test.body) == 1 and isinstance(test.body[0], ast.Return):
        # without a value: the table whose shape was asked for
        value = test.body[0].value or test.test
        return [attribute(node) for node in module.within(value, ast.Attribute) if attribute(node)]
    return [
        attribute(target)
        for statement in test.body
        for node in module.within(statement, ast.Assign)
        if _is_table(module, node.value)
        for target in node.targets
        if attribute(target)
    ]


def _is_table(module: Module, value: ast.expr) -> bool:
    return any(
        (module.name(call.func).rpartition(".")[2] or method(call)) in TABLE_CALLS
        for call in module.within(value, ast.Call)
    )


def _knows_device(module: Module, function: Function) -> bool:
    """Whether the function makes the table on the device of an argument or of a buffer."""
    return any(
        method(call) == "type_as" or module.name(module.argument(call, "device")).endswith("device")
        for call in module.within(function, ast.Call)
    )


def _moves(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Whether the class moves the table wherever it uses it."""
    return any(
        isinstance(above, ast.Attribute) and above.attr in MOVES
        for use in uses(module, owner, name)
        for above in _chain(module, use)
    )


def _chain(module: Module, node: ast.AST) -> Iterator[ast.AST]:
    for above in module.ancestors(node):
        if not isinstance(above, ast.Attribute | ast.Subscript | ast.Call):
            return
        yield above
