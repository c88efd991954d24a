"""A complex table registered as a buffer: `.to(dtype)` of the model drops its imaginary part,
the sine."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import FREQUENCIES, ROTARY
from rotcheck.scan.syntax import Function, attribute
from rotcheck.scan.torch_modules import buffers, family, is_module, methods
from rotcheck.scan.value_origins import MAKERS, cast_of, origins

CODE = "complex-buffer"
TITLE = "A complex buffer, which `.to(dtype)` makes real"
WORDS = ("polar", "view_as_complex", "complex64", "complex128", "torch.complex")

COMPLEX = {"torch.polar", "torch.view_as_complex", "torch.complex"}
DTYPES = {"torch.complex64", "torch.complex128", "torch.cfloat", "torch.cdouble"}
SHAPES = {f"torch.{name}" for name in ("cat", "concat", "stack", "flatten", "reshape", "clone")}
REAL = {"real", "imag", "abs", "angle", "float", "half", "double", "bfloat16"}
KEEPERS = {"_apply", "to"}
DEEPEST = 8
CHANGE = (
    "Register `torch.view_as_real(table)` in float32, or its cos and sin, and make it complex where it is used: "
    "`torch.view_as_complex(self.table)`."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each complex buffer of a class that does not guard it."""
    for owner in module.nodes(ast.ClassDef):
        if not is_module(module, owner) or _is_guarded(module, owner):
            continue
        for name, value, node, _ in buffers(module, owner):
            if module.owner(node) is not owner or not _is_rotary(owner.name, name):
                continue
            if is_complex(module, value) or _is_complex_below(module, owner, value):
                yield module.hazard(CODE, node, _message(name), CHANGE, devices="all")


def _is_complex_below(module: Module, owner: ast.ClassDef, value: ast.expr) -> bool:
    """Whether `self.build()` is complex in a class of the same file that derives from the owner."""
    name = attribute(value.func) if isinstance(value, ast.Call) else ""
    builders = (
        methods(part).get(name)
        for part in module.nodes(ast.ClassDef)
        if part is not owner and owner in family(module, part) and not _is_guarded(module, part)
    )
    return any(builder and _returns_complex(module, builder, DEEPEST) for builder in builders)


def _message(name: str) -> str:
    return (
        f"`model.to(dtype)` with a real dtype, as in `model.to(torch.bfloat16)`, casts the complex buffer `{name}` and "
        "drops its imaginary part, with one warning, and with it the rotation (`.half()` and `.bfloat16()` keep it)"
    )


def _is_rotary(owner: str, buffer: str) -> bool:
    return bool(ROTARY.search(owner) or FREQUENCIES.search(buffer) or ROTARY.search(buffer))


def _is_guarded(module: Module, owner: ast.ClassDef) -> bool:
    return any(KEEPERS & set(methods(part)) for part in family(module, owner))


def is_complex(module: Module, node: ast.AST, depth: int = DEEPEST) -> bool:
    """Whether a value is surely complex, as far as its file tells."""
    if not depth:
        return False
    if isinstance(node, ast.Name):
        values = origins(module, node)
        return bool(values) and all(is_complex(module, value, depth - 1) for value in values)
    match node:
        case ast.Subscript(value=inner) | ast.Attribute(value=inner, attr="T" | "mT"):
            return is_complex(module, inner, depth - 1)
    return isinstance(node, ast.Call) and _call(module, node, depth)


def _call(module: Module, call: ast.Call, depth: int) -> bool:
    name = module.name(call.func)
    dtype = cast_of(module, call)
    if dtype is not None and (dtype.dtype in DTYPES or name in MAKERS):
        return dtype.dtype in DTYPES
    if name in COMPLEX:
        return True
    if name in SHAPES and call.args:
        parts = getattr(call.args[0], "elts", call.args[:1])
        return bool(parts) and all(is_complex(module, part, depth - 1) for part in parts)
    if (function := _function(module, call)) is not None:
        return _returns_complex(module, function, depth)
    if not isinstance(call.func, ast.Attribute) or dtype is not None or call.func.attr in REAL:
        return False
    return not name.startswith("torch.") and is_complex(module, call.func.value, depth - 1)


def _function(module: Module, call: ast.Call) -> Function | None:
    owner = module.owner(call)
    if attribute(call.func) and owner is not None:
        return methods(owner).get(attribute(call.func))
    name = module.name(call.func)
    functions = (part for part in module.tree.body if isinstance(part, Function))
    return next((function for function in functions if function.name == name), None)


def _returns_complex(module: Module, function: Function, depth: int) -> bool:
    returns = module.within(function, ast.Return)
    values = [part.value for part in returns if part.value and module.function(part) is function]
    return bool(values) and all(is_complex(module, value, depth - 1) for value in values)
