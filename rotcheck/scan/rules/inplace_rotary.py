"""Rotary functions that write into their input, where autograd forbids it or a later term reads what was written."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from rotcheck.results import Hazard
from rotcheck.scan.module import Function, Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import ACTIVATIONS, ROTARY, is_rotary
from rotcheck.scan.value_origins import stem

CODE = "inplace-rotary"
TITLE = "Rotary writes into its input under autograd"
WORDS = ("rotary", "rope", "rotate_half", "Rotary", "freqs_cis")
ROTARY_ONLY = True

SPLITS = {"chunk", "split", "unbind", "tensor_split"}
VIEWS = {
    "view",
    "transpose",
    "permute",
    "reshape",
    "unflatten",
    "unsqueeze",
    "squeeze",
    "flatten",
    "swapaxes",
    "movedim",
}
NO_GRAD = ("no_grad", "inference_mode", "set_grad_enabled")


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield the in-place writes of rotary functions that cannot be right."""
    if module.is_test:
        return
    for function in module.nodes(ast.FunctionDef):
        if is_rotary(module, function) and not _is_gradless(module, function):
            yield from _read_after(module, function)
            yield from _out(module, function)
            yield from _parts(module, function)


def _parameters(function: Function) -> set[str]:
    parameters = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return {argument.arg for argument in parameters} - {"self", "cls", "ctx", "out", "output"}


def _is_gradless(module: Module, node: ast.AST) -> bool:
    """Whether gradients are off there, or an autograd.Function or a kernel's binding does it."""
    for above in (node, *module.ancestors(node)):
        marks: list[ast.expr] = []
        if isinstance(above, Function):
            marks = above.decorator_list
        elif isinstance(above, ast.With):
            marks = [item.context_expr for item in above.items]
        elif isinstance(above, ast.ClassDef):
            marks = above.bases
        if any(
            word in ast.unparse(mark)
            for mark in marks
            for word in (*NO_GRAD, "autograd.Function", "jit", "kernel")
        ):
            return True
    return False


def _writes(module: Module, function: Function) -> Iterator[tuple[ast.Assign, ast.Subscript]]:
    """Yield each `x[...] = value` of a function itself."""
    for node in module.within(function, ast.Assign):
        for target in node.targets:
            if (
                isinstance(target, ast.Subscript)
                and _is_slice(target)
                and module.function(node) is function
            ):
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
        is_half = (
            isinstance(source.value, ast.Name)
            and place.partition("[")[0] == target_place.partition("[")[0] != place
        )
        if (
            module.parent(first) is not module.parent(second)
            or not is_half
            or place == target_place
        ):
            continue
        if any(
            _is_view(module, function, node, place)
            for node in module.within(second.value, ast.expr)
        ):
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
    parameters = [
        part for part in module.within(function, ast.Assign)
        if any(isinstance(n, ast.Name) and n.id == node.id for t in part.targets for n in module.within(t, ast.Name))
    ]  # fmt: skip
    return len(parameters) == 1 and ast.unparse(parameters[0].value) == place


def _out(module: Module, function: Function) -> Iterator[Hazard]:
    if not ROTARY.search(module.where(function)):
        return
    for call in module.within(function, ast.Call):
        target = module.argument(call, "out")
        if (
            target is None
            or not module.name(call.func).startswith("torch.")
            or module.function(call) is not function
        ):
            continue
        inner = stem(target)
        if (
            isinstance(inner, ast.Name)
            and ACTIVATIONS.match(inner.id)
            and inner.id in _parameters(function)
        ):
            message = (
                f"`{module.text(call)}` writes into the argument `{inner.id}` by `out=`: torch raises that it does not "
                "support automatic differentiation once an argument requires grad"
            )
            change = "Return a new tensor, or keep this path for `torch.no_grad()` and `torch.inference_mode()`."
            yield module.hazard(CODE, call, message, change, devices="all, in training")


def _parts(module: Module, function: Function) -> Iterator[Hazard]:
    """Yield a call that hands a part of `chunk`, `split` or `unbind` to a function which writes into it."""
    targets = {
        target.value.id
        for _, target in _writes(module, function)
        if isinstance(target.value, ast.Name)
    }
    arguments = [argument.arg for argument in function.args.args]
    rebound = {n.id for n in module.within(function, ast.Name) if isinstance(n.ctx, ast.Store)}
    for name in targets & _parameters(function) - rebound:
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
                    yield module.hazard(CODE, call, message, change, devices="all, in training")


def _calls(module: Module, call: ast.Call, function: Function) -> bool:
    owner = module.owner(function)
    function_name = ast.unparse(call.func)
    return (
        function_name == function.name
        if owner is None
        else function_name == f"self.{function.name}"
    )


def _split(module: Module, name: ast.Name) -> ast.Call | None:
    """The call of `chunk` and its like that a name is a part of, through views, in its function."""
    function = module.function(name)
    if function is None:
        return None
    stores = [
        n
        for n in module.within(function, ast.Name)
        if n.id == name.id and isinstance(n.ctx, ast.Store) and n.lineno < name.lineno
    ]
    for node in sorted(stores, key=lambda n: n.lineno, reverse=True):
        above = module.statement(node)
        if not isinstance(above, ast.Assign):
            return None
        value = above.value
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in SPLITS
        ):
            return value
        while (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in VIEWS
        ):
            value = value.func.value
        if not isinstance(value, ast.Name) or value.id != name.id:
            return None
    return None
