"""Tables that are kept by their length alone, and come back on another device than the one that asks."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.classes import attribute, buffers, builds, is_module, uses
from rotcheck.scan.module import Function, Module
from rotcheck.scan.phases import is_rotary
from rotcheck.scan.project import Project

CODE = "cache-key"
TITLE = "A kept table is not asked for its device"
WORDS = ("cos(", ".cos", "freqs")

KEYS = re.compile(r"device|dtype|training|key")  # what a test may ask for besides a length
MOVES = {"to", "type_as", "cuda", "to_device", "device", "cpu"}
CHANGE = (
    "Compare the device too (`or self.cos_cached.device != x.device`), or register the table as a buffer, which moves "
    "with the model."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each `if` of a module that renews a table for another length, and for nothing else."""
    if module.is_test:
        return
    for test in module.nodes(ast.If):
        owner, function = module.owner(test), module.function(test)
        if owner is None or function is None or not is_module(module, owner) or builds(module, function):
            continue
        names = _tables(module, owner, function, test)
        if names and is_rotary(module, test):
            yield module.hazard(
                CODE, test, _message(module, test, names), CHANGE, devices="cuda, mps, xpu and others"
            )


def _message(module: Module, test: ast.If, names: list[str]) -> str:
    return (
        f"only `{module.text(test.test)}` decides whether a table is computed again ({_listing(names)}): once "
        "the model has moved, a call of the same length gets the table on the old device, and raises"
    )


def _listing(names: list[str]) -> str:
    return ", ".join(f"`self.{name}`" for name in dict.fromkeys(names))


def _tables(module: Module, owner: ast.ClassDef, function: Function, test: ast.If) -> list[str]:
    """Return the tables that an `if` renews, or gives back, where it asks for a length and nothing else."""
    stored = _stored(module, function)
    asked = {attribute(node) for node in module.within(test.test, ast.Attribute)} - {""}
    lengths = {
        name for name in asked & stored if "len" in name or f"self.{name}.shape" in ast.unparse(test.test)
    }
    if not lengths or KEYS.search(ast.unparse(test.test)) or not _knows_device(module, function):
        return []
    registered = {buffer.name for buffer in buffers(module, owner)}
    tables = [name for name in _kept(module, test) if "len" not in name and name in stored - registered]
    return [name for name in tables if not _moves(module, owner, name)]


def _stored(module: Module, function: Function) -> set[str]:
    assigned = module.within(function, ast.Assign)
    return {attribute(target) for node in assigned for target in node.targets} - {""}


def _kept(module: Module, test: ast.If) -> list[str]:
    """Return the attributes that an `if` fills with cosines and the like, or the one that it returns."""
    if len(test.body) == 1 and isinstance(test.body[0], ast.Return):
        returned = test.body[0].value or test.test  # without a value: the table whose shape was asked for
        return [attribute(node) for node in module.within(returned, ast.Attribute) if attribute(node)]
    body = [node for statement in test.body for node in module.within(statement, ast.Assign)]
    return [
        attribute(target)
        for node in body
        if _is_table(module, node.value)
        for target in node.targets
        if attribute(target)
    ]


def _is_table(module: Module, value: ast.expr) -> bool:
    called = {
        module.name(call.func).rsplit(".", 1)[-1] or getattr(call.func, "attr", "")
        for call in module.within(value, ast.Call)
    }
    return bool(called & {"cos", "sin", "polar", "outer", "einsum", "cat", "stack"})


def _knows_device(module: Module, function: Function) -> bool:
    """Whether the function makes the table on the device of an argument or of a buffer."""
    names = {
        module.name(keyword.value)
        for call in module.within(function, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "device"
    }
    casts = {
        call.func.attr for call in module.within(function, ast.Call) if isinstance(call.func, ast.Attribute)
    }
    return any(name.endswith("device") for name in names) or "type_as" in casts


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
