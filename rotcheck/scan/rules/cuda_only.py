"""Rotary code that names CUDA where any device may be meant."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.rotary_names import NAME
from rotcheck.scan import kernel_packages
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.syntax import Function, is_constant, method
from rotcheck.scan.value_origins import MAKERS

CODE = "cuda-only"
TITLE = "Rotary code names CUDA where any device may be meant"
WORDS = ("cuda",)
ROTARY = re.compile(rf"{NAME}|freqs_cis|inv_freq|sinusoid", re.IGNORECASE)
FACTORIES = MAKERS | {"torch.polar"}
AUTOCAST = {"torch.cuda.amp.autocast", "torch.autocast", "torch.amp.autocast"}
PRODUCTS = {"einsum", "matmul", "bmm", "mm", "tensordot", "baddbmm"}
GUARD = re.compile(r"cuda|device|hip|triton|is_available|flash|gpu", re.IGNORECASE)
WITHOUT = "every machine without CUDA"


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each default, tensor and autocast that is for CUDA alone;
    not where a file needs kernels of CUDA anyway."""
    if not ROTARY.search(module.source) or any(kernel_packages.kernel_imports(module)):
        return
    for function in module.nodes(ast.FunctionDef | ast.AsyncFunctionDef):  # type: ignore[arg-type]
        yield from _defaults(module, function)
    groups: dict[str, list[ast.Call]] = {}
    for call in module.calls():
        is_autocast = _is_autocast(module, call)
        if not is_autocast and not _makes(module, call):
            continue
        if any(GUARD.search(module.text(test)) for test in module.guards(call)):
            continue
        if is_autocast:
            yield _autocast(module, call)
        else:
            groups.setdefault(module.where(call), []).append(call)
    yield from (_tensors(module, group) for group in groups.values())


def _defaults(module: Module, function: Function) -> Iterator[Hazard]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]
    name = module.where(function)
    for argument, default in pairs if ROTARY.search(name) else ():
        if default is not None and _is_cuda(module, default):
            message = (
                f"`{name}` makes its tensors on CUDA unless told otherwise: without CUDA it raises"
            )
            change = f"Let `{argument.arg}` be None by default, and take the device of the tensor or of the module."
            yield module.hazard(CODE, default, message, change, devices=WITHOUT)


def _is_autocast(module: Module, call: ast.Call) -> bool:
    """Whether a call switches autocast off, for CUDA alone,
    where rotary code has a product that it casts."""
    name = module.name(call.func)
    if name not in AUTOCAST or not _is_off(module, call, name) or not _has_product(module, call):
        return False
    function = module.around(call, ast.FunctionDef, ast.AsyncFunctionDef) or call
    return bool(ROTARY.search(module.where(call) + ast.unparse(function)))


def _has_product(module: Module, call: ast.Call) -> bool:
    """Whether the block, or the function that is decorated, has what autocast would round:
    a matrix product."""
    block = module.around(call, ast.With, ast.FunctionDef, ast.AsyncFunctionDef) or call
    names = {module.name(inner.func).rpartition(".")[2] for inner in module.within(block, ast.Call)}
    return any(
        isinstance(inner.op, ast.MatMult) for inner in module.within(block, ast.BinOp)
    ) or not PRODUCTS.isdisjoint(names)


def _autocast(module: Module, call: ast.Call) -> Hazard:
    message = (
        f"`{module.text(call)}` switches autocast off only for CUDA: on another device the matrix product under "
        "it is still rounded to bfloat16 or float16"
    )
    change = (
        "Write `torch.autocast(device_type=x.device.type, enabled=False)`, of the tensor at hand."
    )
    devices = "cpu, mps, xpu and others, under autocast"
    return module.hazard(CODE, call, message, change, devices=devices, failure="N2")


def _tensors(module: Module, calls: list[ast.Call]) -> Hazard:
    """One hazard for all tensors that a function makes on CUDA."""
    more = f", and so do {len(calls) - 1} more calls in this function" if len(calls) > 1 else ""
    message = (
        f"`{module.text(calls[0])}` makes a tensor on CUDA whatever the device of the model is{more}: without CUDA it "
        "raises"
    )
    change = "Take the device of the tensor that comes in, or of the module's parameters."
    return module.hazard(CODE, calls[0], message, change, devices=WITHOUT)


def _is_off(module: Module, call: ast.Call, name: str) -> bool:
    switch = module.argument(call, "enabled", 0 if name.startswith("torch.cuda") else 2)
    device = module.argument(call, "device_type", 0)
    fits = name.startswith("torch.cuda") or (device is not None and _is_cuda(module, device))
    return fits and is_constant(switch, False)


def _makes(module: Module, call: ast.Call) -> bool:
    """Whether a call in a rotary function makes a tensor on CUDA, or moves one there."""
    if not module.function(call) or not ROTARY.search(module.where(call)):
        return False
    if module.name(call.func) in FACTORIES:
        device = module.argument(call, "device")
        return device is not None and _is_cuda(module, device)
    return method(call) == "cuda" and not call.args and not call.keywords


def _is_cuda(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and module.name(node.func) == "torch.device" and node.args:
        return _is_cuda(module, node.args[0])
    match node:
        case ast.Constant(value=str(device)):
            return device.partition(":")[0] == "cuda"
    return False
