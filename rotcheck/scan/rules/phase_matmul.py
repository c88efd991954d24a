"""Phases from a matrix product, which autocast computes in the lower precision."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Function, Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import PhaseProduct, phases
from rotcheck.scan.torch_modules import attribute, family, methods
from rotcheck.scan.value_origins import casts, is_on_cpu

CODE = "phase-matmul"
TITLE = "Phases from a matrix product that autocast rounds"
WORDS = ("freq", "Freq", "theta", "omega")  # what one side of the product is called
ROTARY_ONLY = True

EVERYWHERE = {"@", "torch.matmul", "torch.bmm", "torch.mm"}  # autocast casts these on each device
NOT_ON_CPU = {"torch.einsum", "einops.einsum", "torch.tensordot"}  # these on all but the CPU
DOUBLE = {"torch.float64", "torch.double"}
WIDE = DOUBLE | {"torch.float32", "torch.float"}
CHANGE = (
    "Multiply by broadcast, `positions[:, None] * inv_freq`, or use `torch.outer`: autocast leaves both alone. Or put "
    "it under `torch.autocast(device_type, enabled=False)`."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each phase that a forward pass computes by a matrix product which autocast may round."""
    if module.is_test:
        return
    for phase in phases(module):
        if (
            phase.operation in EVERYWHERE | NOT_ON_CPU
            and _is_called(module, phase)
            and not _is_safe(module, phase)
        ):
            yield module.hazard(
                CODE, phase.node, _message(module, phase), CHANGE, devices=_devices(phase)
            )


def _message(module: Module, phase: PhaseProduct) -> str:
    return (
        f"under autocast `{module.text(phase.node)}` is computed in bfloat16 or float16, whatever the dtypes of its "
        f"operands{'' if phase.operation in EVERYWHERE else ' (not on the CPU)'}: positions above 256 are rounded"
    )


def _devices(phase: PhaseProduct) -> str:
    return "cpu, cuda, mps and xpu" if phase.operation in EVERYWHERE else "cuda, mps and xpu"


def _is_called(module: Module, phase: PhaseProduct) -> bool:
    """Whether a forward pass of the same file reaches the product, and not only a constructor."""
    function = module.function(phase.node)
    return function is not None and _reaches_phases(module, function, set())


def _reaches_phases(module: Module, function: Function, visits: set[Function]) -> bool:
    if function in visits:
        return False
    owner = module.owner(function)
    if owner is not None and (function.name.startswith("forward") or function.name == "__call__"):
        return True
    return any(
        _reaches_phases(module, caller, visits | {function})
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
    for above in module.ancestors(node):
        if isinstance(above, ast.With) and any(
            _turns_off(module, item.context_expr) for item in above.items
        ):
            return True
        if isinstance(above, Function) and any(
            _turns_off(module, wrap) for wrap in above.decorator_list
        ):
            return True
    return False


def _turns_off(module: Module, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return "autocast" in ast.unparse(node) and "disable" in ast.unparse(node)
    name = module.name(node.func) or ast.unparse(node.func)
    if "autocast" not in name:
        return "custom_fwd" in name
    operands = (*node.args, *(keyword.value for keyword in node.keywords))
    return "disable" in name or any(
        (isinstance(value, ast.Constant) and value.value is False) or module.name(value) in WIDE
        for value in operands
    )
