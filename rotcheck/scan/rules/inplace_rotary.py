"""Rotary functions that write into their input,
where autograd forbids it or a later term reads what was written."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import ACTIVATIONS, ROTARY, is_rotary
from rotcheck.scan.syntax import Function, method, parameters, stem

CODE = "inplace-rotary"
TITLE = "Rotary writes into its input under autograd"
WORDS = ("rotary", "rope", "rotate_half", "Rotary", "freqs_cis")
ROTARY_ONLY = True

SPLITS = {"chunk", "split", "unbind", "tensor_split"}
VIEWS = {
    "view", "transpose", "permute", "reshape", "unflatten", "unsqueeze", "squeeze", "flatten", "swapaxes", "movedim",
}  # fmt: skip
GRADLESS = re.compile(r"no_grad|inference_mode|set_grad_enabled|autograd\.Function|jit|kernel")
TRAINING = "all, in training"


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield the in-place writes of rotary functions that cannot be right."""
    for function in module.nodes(ast.FunctionDef):
        if is_rotary(module, function) and not _is_gradless(module, function):
            yield from _read_after(module, function)
            yield from _out(module, function)
            yield from _parts(module, function)


def _parameters(function: Function) -> set[str]:
    names = {argument.arg for argument in parameters(function)}
    return names - {"self", "cls", "ctx", "out", "output"}


def _is_gradless(module: Module, node: ast.AST) -> bool:
    """Whether gradients are off there, or an autograd.Function or a kernel's binding does it."""
    marks: list[ast.expr] = []
    for above in (node, *module.ancestors(node)):
        match above:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                marks += above.decorator_list
            case ast.With(items=items):
                marks += [item.context_expr for item in items]
            case ast.ClassDef(bases=bases):
                marks += bases
    return any(GRADLESS.search(ast.unparse(mark)) for mark in marks)


def _writes(module: Module, function: Function) -> Iterator[tuple[ast.Assign, ast.Subscript]]:
    """Yield each `x[...] = value` of a function itself."""
    for node in module.within(function, ast.Assign):
        for target in node.targets if module.function(node) is function else ():
            if isinstance(target, ast.Subscript) and _is_slice(target):
                yield node, target


def _is_slice(target: ast.Subscript) -> bool:
    """Whether an index takes lanes of a tensor, and no key of a dictionary."""
    return any(
        isinstance(part, ast.Slice) or (isinstance(part, ast.Constant) and part.value is ...)
        for part in ast.walk(target.slice)
    )


def _read_after(module: Module, function: Function) -> Iterator[Hazard]:
    """Yield a write whose value reads a view of what the write before it has changed."""
    writes = list(_writes(module, function))
    for (first, source), (second, target) in pairwise(writes):
        place, target_place = ast.unparse(source), ast.unparse(target)
        name = source.value.id if isinstance(source.value, ast.Name) else None
        is_other_part = name == target_place.partition("[")[0] and place != target_place
        if not is_other_part or module.parent(first) is not module.parent(second):
            continue
        parts = module.within(second.value, ast.expr)
        if any(_is_view(module, function, node, place) for node in parts):
            message = (
                f"`{module.text(second)}` reads `{place}`, which the line before has overwritten: the second half is "
                "computed from the rotated first"
            )
            change = "Compute both halves before you write one, or return a new tensor: `torch.cat((a, b), dim=-1)`."
            yield module.hazard(CODE, second, message, change, devices="all", failure="N20")


def _is_view(module: Module, function: Function, node: ast.AST, place: str) -> bool:
    """Whether a value is the place itself, or a name that was bound to a view of it, and once."""
    if isinstance(node, ast.Subscript):
        return ast.unparse(node) == place
    if not isinstance(node, ast.Name):
        return False
    bindings = [
        part
        for part in module.within(function, ast.Assign)
        if any(
            name.id == node.id
            for target in part.targets
            for name in module.within(target, ast.Name)
        )
    ]
    return len(bindings) == 1 and ast.unparse(bindings[0].value) == place


def _out(module: Module, function: Function) -> Iterator[Hazard]:
    if not ROTARY.search(module.where(function)):
        return
    for call in module.within(function, ast.Call):
        target = module.argument(call, "out")
        inner = stem(target) if target is not None else None
        name = inner.id if isinstance(inner, ast.Name) else ""
        if not ACTIVATIONS.match(name) or name not in _parameters(function):
            continue
        if module.name(call.func).startswith("torch.") and module.function(call) is function:
            message = (
                f"`{module.text(call)}` writes into the argument `{name}` by `out=`: torch raises that it does not "
                "support automatic differentiation once an argument requires grad"
            )
            change = "Return a new tensor, or keep this path for `torch.no_grad()` and `torch.inference_mode()`."
            yield module.hazard(CODE, call, message, change, devices=TRAINING)


def _parts(module: Module, function: Function) -> Iterator[Hazard]:
    """Yield a call that hands a part of `chunk`, `split` or `unbind` to a function
    which writes into it."""
    owners = (target.value for _, target in _writes(module, function))
    targets = {owner.id for owner in owners if isinstance(owner, ast.Name)}
    arguments = [argument.arg for argument in function.args.args]
    bindings = {name.id for name in module.stores(function)}
    for name in targets & _parameters(function) - bindings:
        position = (
            arguments.index(name) - (arguments[0] in ("self", "cls")) if name in arguments else None
        )
        for call in module.calls():
            if _calls(module, call, function) and not _is_gradless(module, call):
                value = module.argument(call, name, position)
                if isinstance(value, ast.Name) and (split := _split(module, value)):
                    message = (
                        f"`{function.name}` writes into `{name}`, and `{value.id}` is part of `{module.text(split)}`: "
                        "in training autograd raises that such a view is modified in place"
                    )
                    change = f"Let `{function.name}` return a new tensor, or hand it a copy: `{value.id}.clone()`."
                    yield module.hazard(CODE, call, message, change, devices=TRAINING)


def _calls(module: Module, call: ast.Call, function: Function) -> bool:
    front = "" if module.owner(function) is None else "self."
    return ast.unparse(call.func) == f"{front}{function.name}"


def _split(module: Module, name: ast.Name) -> ast.Call | None:
    """The call of `chunk` and its like that a name is a part of, through views, in its function."""
    function = module.function(name)
    if function is None:
        return None
    stores = [part for part in module.stores(function, name.id) if part.lineno < name.lineno]
    for node in sorted(stores, key=lambda part: part.lineno, reverse=True):
        above = module.statement(node)
        if not isinstance(above, ast.Assign):
            return None
        value = above.value
        if isinstance(value, ast.Call) and method(value) in SPLITS:
            return value
        while isinstance(value, ast.Call) and method(value) in VIEWS:
            value = value.func.value  # type: ignore[attr-defined]
        if not isinstance(value, ast.Name) or value.id != name.id:
            return None
    return None
