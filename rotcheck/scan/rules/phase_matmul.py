"""Phases from a matrix product, which autocast computes in the lower precision."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import PhaseProduct, phases
from rotcheck.scan.syntax import Function, attribute, is_constant
from rotcheck.scan.torch_modules import family, methods
from rotcheck.scan.value_origins import DOUBLE, WIDE, casts, is_on_cpu

CODE = "phase-matmul"
TITLE = "Phases from a matrix product that autocast rounds"
WORDS = ("freq", "Freq", "theta", "omega")  # what one side of the product is called
ROTARY_ONLY = True

EVERYWHERE = {"@", "torch.matmul", "torch.bmm", "torch.mm"}  # autocast casts these on each device
NOT_ON_CPU = {"torch.einsum", "einops.einsum", "torch.tensordot"}  # these on all but the CPU
CHANGE = (
    "Multiply by broadcast, `positions[:, None] * inv_freq`, or use `torch.outer`: autocast leaves both alone. Or put "
    "it under `torch.autocast(device_type, enabled=False)`."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each phase that a forward pass computes by a matrix product
    which autocast may round."""
    for phase in phases(module):
        function = module.function(phase.node)
        if phase.operation not in EVERYWHERE | NOT_ON_CPU or function is None:
            continue
        if _is_called(module, function, set()) and not _is_safe(module, phase):
            everywhere = phase.operation in EVERYWHERE
            message = (
                f"under autocast `{module.text(phase.node)}` is computed in bfloat16 or float16, whatever the dtypes "
                f"of its operands{'' if everywhere else ' (not on the CPU)'}: positions above 256 are rounded"
            )
            devices = "cpu, cuda, mps and xpu" if everywhere else "cuda, mps and xpu"
            yield module.hazard(CODE, phase.node, message, CHANGE, devices=devices)


def _is_called(module: Module, function: Function, visits: set[Function]) -> bool:
    """Whether a forward pass of the same file reaches a function, and not only a constructor."""
    if function in visits:
        return False
    owner = module.owner(function)
    if owner is not None and (function.name.startswith("forward") or function.name == "__call__"):
        return True
    return any(
        _is_called(module, caller, visits | {function})
        for caller in _callers(module, function, owner)
    )


def _callers(module: Module, function: Function, owner: ast.ClassDef | None) -> Iterator[Function]:
    is_method = owner is not None and function.name in methods(owner)
    inside = family(module, owner) if owner is not None and is_method else [module.tree]
    for call in (call for part in inside for call in module.within(part, ast.Call)):
        name = attribute(call.func) if is_method else module.name(call.func)
        caller = module.function(call)
        if name == function.name and caller is not None and not _without_autocast(module, call):
            yield caller


def _is_safe(module: Module, phase: PhaseProduct) -> bool:
    """Whether autocast is off there, or leaves it alone because both operands are float64."""
    operands = (phase.positions, phase.frequencies)
    are_double = all(any(cast.dtype in DOUBLE for cast in casts(module, part)) for part in operands)
    if phase.operation in NOT_ON_CPU and is_on_cpu(module, phase.positions):
        return True
    return are_double or _without_autocast(module, phase.node)


def _without_autocast(module: Module, node: ast.AST) -> bool:
    marks: list[ast.expr] = []
    for above in module.ancestors(node):
        match above:
            case ast.With(items=items):
                marks += [item.context_expr for item in items]
            case ast.FunctionDef(decorator_list=wraps) | ast.AsyncFunctionDef(decorator_list=wraps):
                marks += wraps
    return any(_turns_off(module, mark) for mark in marks)


def _turns_off(module: Module, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return "autocast" in ast.unparse(node) and "disable" in ast.unparse(node)
    name = module.name(node.func) or ast.unparse(node.func)
    if "autocast" not in name:
        return "custom_fwd" in name
    operands = (*node.args, *(keyword.value for keyword in node.keywords))
    return "disable" in name or any(
        is_constant(value, False) or module.name(value) in WIDE for value in operands
    )
